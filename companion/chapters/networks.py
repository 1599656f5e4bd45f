"""Sizes and costs of the networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from mer_utils import models
from mer_utils.experiments import Profile


def as_published(n_classes: int) -> pd.DataFrame:
    """Compare the six networks as their authors have them, one row per network.

    Operations are additions and multiplications of the forward pass for one image.
    """
    rows = []
    for name, architecture in models.networks().items():
        size = architecture.image_size
        counts = _counts(models.create(name, n_classes, size), size, 9)
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
        counts = _counts(models.create(name, n_classes, size, width=width), size, 6)
        row = {"model": models.title(name), "width": width, "pixels": size, **counts}
        rows.append(row | {"ms per image": milliseconds(name)})
    return pd.DataFrame(rows)


def _counts(network: Any, image_size: int, power: int) -> dict[str, float]:
    operations = models.count_operations(network, image_size)
    return {
        "parameters": models.count_parameters(network),
        f"operations, 10^{power}": operations / 10**power,
    }
