"""Models and their pre-trained weights: there before any fold starts, and those of the run."""

from __future__ import annotations

from collections.abc import Sequence

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.runs.spec import RunSpec


def require_weights(specs: Sequence[RunSpec]) -> None:
    """Find every model of some runs, and load its ImageNet weights once, before any fold does.

    A hub that cannot be reached takes a minute to be given up, and every fold would try it. What
    is loaded from one lies in its cache from then on.

    Raises
    ------
    MerError
        ``unknown name`` of a model; ``missing weights``, or ``other weights`` than a run names.
    """
    for name in dict.fromkeys(spec.model.name for spec in specs):
        models.find(name)
    for name, spec in {s.model.name: s for s in specs if s.model.pretrained}.items():
        require_same_weights(spec)
        models.create(name, 2, spec.views.image_size, pretrained=True)


def require_same_weights(spec: RunSpec) -> None:
    """Refuse ImageNet weights here that are not those that the run names."""
    found = models.weights_identity(spec.model.name)
    if found != spec.model.weights:
        raise MerError(
            "other weights",
            f"the ImageNet weights of {spec.model.name} here are {found}",
            f"{spec.model.weights}, which the run was planned with",
            "let MER_WEIGHTS name the same files on every machine",
        )
