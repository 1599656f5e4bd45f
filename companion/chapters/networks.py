"""Sizes and costs of the networks."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from mer_utils import models
from mer_utils.experiments import Profile
from mer_utils.experiments.profiles import ModelPlan
from mer_utils.extras import require


def as_published(n_classes: int) -> pd.DataFrame:
    """Compare the six networks as their authors have them, one row per network.

    Operations are additions and multiplications of the forward pass for one image.
    """
    rows = []
    for name, architecture in models.networks().items():
        size = architecture.image_size
        counts = _counts(name, n_classes, ModelPlan(image_size=size), power=9)
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
        sizes = {"width": plan.width, "depth": plan.depth, "pixels": plan.image_size}
        counts = _counts(name, n_classes, plan, power=6)
        shown = {"model": models.title(name), **sizes, **counts}
        rows.append(shown | {"ms per image": milliseconds(name)})
    return pd.DataFrame(rows)


def _counts(name: str, n_classes: int, plan: ModelPlan, power: int) -> dict[str, float]:
    size = plan.image_size
    with require("torch", "train").device("meta"):  # shapes without numbers are all it takes
        network = models.create(name, n_classes, size, width=plan.width, depth=plan.depth)
        operations = models.count_operations(network, size)
    return {
        "parameters": models.count_parameters(network),
        f"operations, 10^{power}": operations / 10**power,
    }
