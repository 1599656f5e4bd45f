"""Sizes and costs of the networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from mer_utils import models
from mer_utils.experiments import Profile


def model_table(
    profile: Profile, n_classes: int, milliseconds: Callable[[str], float]
) -> pd.DataFrame:
    """Compare the six networks, in full and as a profile uses them.

    Parameters
    ----------
    profile : Profile
    n_classes : int
    milliseconds : callable
        Time of a training step for one image, by the model's name, as the profile uses it.

    Returns
    -------
    DataFrame
        One row a model: parameters and operations (forward pass for one image, additions
        and multiplications) of the full network at its own image size, and of the
        profile's network at the profile's.
    """
    rows = []
    for name, architecture in models.MODELS.items():
        plan = profile.models[name]
        full = models.create(name, n_classes, architecture.image_size)
        used = models.create(name, n_classes, plan.image_size, width=plan.width)
        operations = models.count_operations(full, architecture.image_size)
        rows.append(
            {
                "model": architecture.title,
                "family": architecture.family,
                "parameters, full": models.count_parameters(full),
                "G operations, full": operations / 1e9,
                "width here": plan.width,
                "pixels here": plan.image_size,
                "parameters here": models.count_parameters(used),
                "M operations here": models.count_operations(used, plan.image_size) / 1e6,
                "ms a training image": milliseconds(name),
            }
        )
    return pd.DataFrame(rows)


def titles() -> Mapping[str, str]:
    """Return each model's name in captions by its name in code."""
    return {name: architecture.title for name, architecture in models.MODELS.items()}
