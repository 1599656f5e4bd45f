"""Models and their pre-trained weights: there before any fold starts, and those of the run."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.runs.spec import RunSpec

log = logging.getLogger(__name__)


def fetch_weights(specs: Sequence[RunSpec]) -> bool:
    """Fetch the ImageNet weights of some runs that are not here; say whether any was fetched.

    If so, the runs are to be specified anew: the weights are part of their keys.

    Raises
    ------
    MerError
        ``missing weights``, if the hub cannot be reached or does not give them.
    """
    named = {s.model.name for s in specs if (s.model.weights or "").startswith("hub:")}
    for name in sorted(named):
        log.warning("The ImageNet weights of %s are fetched, once.", name)
        models.fetch_weights_file(name)
    return bool(named)


def require_weights(specs: Sequence[RunSpec]) -> None:
    """Find every model of some runs, and load its ImageNet weights once, before any fold does.

    Raises
    ------
    MerError
        ``unknown name`` of a model; ``missing weights``, ``other weights`` than a run names, or
        ``bad weights``.
    """
    for name in dict.fromkeys(spec.model.name for spec in specs):
        models.find(name)
    pretrained = [spec for spec in specs if spec.model.pretrained]
    for spec in {(s.model, s.views.image_size): s for s in pretrained}.values():
        require_same_weights(spec)
        models.create(spec.model.name, 2, spec.views.image_size, pretrained=True)


def require_same_weights(spec: RunSpec) -> None:
    """Refuse ImageNet weights here that are not those that the run names."""
    found = models.weights_identity(spec.model.name)
    if found.startswith("hub:"):
        raise MerError(
            "missing weights",
            f"the ImageNet weights of {spec.model.name} are not on this machine",
            f"the file of {found}, fetched before the run",
            "give mer run where there is a network, or name a folder with the file in MER_WEIGHTS",
        )
    if found != spec.model.weights:
        raise MerError(
            "other weights",
            f"the ImageNet weights of {spec.model.name} here are {found}",
            f"{spec.model.weights}, which the run was planned with",
            "let MER_WEIGHTS name the same files on every machine, and plan the run anew",
        )
