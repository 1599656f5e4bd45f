"""Sizes and costs of the networks."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from mer_utils import models
from mer_utils.experiments import Profile
from mer_utils.extras import require


def as_published(n_classes: int) -> pd.DataFrame:
    """Compare the six networks as their authors have them, one row per network.

    Operations are additions and multiplications of the forward pass for one image.
    """
    rows = []
    for name, architecture in models.networks().items():
        size = architecture.image_size
        counts = _counts(name, n_classes, size, 1.0, power=9)
        rows.append(
            {"model": architecture.title, "family": architecture.family, "pixels": size, **counts}
        )
    return pd.DataFrame(rows)


def as_trained(
    profile: Profile, n_classes: int, milliseconds: Callable[[str], float]
) -> pd.DataFrame:
    """Compare the networks as a profile trains them, one row per network.

    Parameters
    ----------
    profile : Profile
    n_classes : int
    milliseconds : callable
        From a model's name to the time of a training step for one image.
    """
    rows = []
    for name, plan in profile.models.items():
        width, size = plan.width, plan.image_size
        counts = _counts(name, n_classes, size, width, power=6)
        row = {"model": models.title(name), "width": width, "pixels": size, **counts}
        rows.append(row | {"ms per image": milliseconds(name)})
    return pd.DataFrame(rows)


def _counts(name: str, n_classes: int, size: int, width: float, power: int) -> dict[str, float]:
    with require("torch", "train").device("meta"):  # shapes without numbers are all it takes
        network = models.create(name, n_classes, size, width=width)
        operations = models.count_operations(network, size)
    return {
        "parameters": models.count_parameters(network),
        f"operations, 10^{power}": operations / 10**power,
    }
