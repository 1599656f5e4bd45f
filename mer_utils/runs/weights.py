"""Pre-trained weights: there before any fold starts, and those that the run names."""

from __future__ import annotations

from collections.abc import Sequence

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.runs.spec import RunSpec


def require_weights(specs: Sequence[RunSpec]) -> None:
    """Load every ImageNet weights that runs start from once, before any fold does.

    A hub that cannot be reached takes a minute to be given up, and every fold would try it. What
    is loaded from one lies in its cache from then on.

    Raises
    ------
    MerError
        If weights cannot be had, or are not those that a run names.
    """
    for name in dict.fromkeys(spec.model.name for spec in specs if spec.model.pretrained):
        spec = next(s for s in specs if s.model.pretrained and s.model.name == name)
        require_same_weights(spec)
        models.create(name, 2, spec.views.image_size, pretrained=True)


def require_same_weights(spec: RunSpec) -> None:
    """Raise if the ImageNet weights here are not those that the run names.

    Raises
    ------
    MerError
        Naming both.
    """
    found = models.weights_identity(spec.model.name)
    if found != spec.model.weights:
        raise MerError(
            "TODO",
            f"the ImageNet weights of {spec.model.name} here are {found}",
            f"{spec.model.weights}, which the run was planned with",
            "let MER_WEIGHTS name the same files on every machine",
        )
