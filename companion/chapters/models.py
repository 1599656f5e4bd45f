"""Sizes and costs of the networks."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from mer_utils import models
from mer_utils.experiments import Profile


def full_models(n_classes: int) -> pd.DataFrame:
    """Compare the six networks as their authors have them.

    Parameters
    ----------
    n_classes : int

    Returns
    -------
    DataFrame
        One row a model: family, image size, trainable parameters, and operations of the
        forward pass for one image (additions and multiplications), in units of 1e9.
    """
    rows = []
    for name, architecture in models.networks().items():
        network = models.create(name, n_classes, architecture.image_size)
        operations = models.count_operations(network, architecture.image_size)
        rows.append(
            {
                "model": architecture.title,
                "family": architecture.family,
                "pixels": architecture.image_size,
                "parameters": models.count_parameters(network),
                "operations, 10^9": operations / 1e9,
            }
        )
    return pd.DataFrame(rows)


def profile_models(
    profile: Profile, n_classes: int, milliseconds: Callable[[str], float]
) -> pd.DataFrame:
    """Compare the six networks as a profile trains them.

    Parameters
    ----------
    profile : Profile
    n_classes : int
    milliseconds : callable
        From a model's name to the time of a training step for one image.

    Returns
    -------
    DataFrame
        One row a model, as `full_models`, with the width and the measured time.
    """
    rows = []
    for name, plan in profile.models.items():
        network = models.create(name, n_classes, plan.image_size, width=plan.width)
        rows.append(
            {
                "model": models.title(name),
                "width": plan.width,
                "pixels": plan.image_size,
                "parameters": models.count_parameters(network),
                "operations, 10^6": models.count_operations(network, plan.image_size) / 1e6,
                "ms an image": milliseconds(name),
            }
        )
    return pd.DataFrame(rows)
