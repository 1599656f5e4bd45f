"""Gains over the control against how different the phases were made."""

from __future__ import annotations

import pandas as pd

from companion.chapters import tables
from mer_utils import models
from mer_utils.experiments import Workspace
from mer_utils.experiments.profiles import VARIED


def gains(workspace: Workspace, metric: str = tables.UAR) -> pd.DataFrame:
    """Compare dual and aligned with their control on every made variant.

    The control of a network is *matched single*; of a linear machine, which is not trained step
    by step, *single*. ``line`` is the words of model and noise, ``setting`` dual or aligned,
    ``control`` and ``treatment`` are the two scores. Variants whose fall tells of the class have
    a ``fall_information`` above zero.

    Raises
    ------
    MerError
        "no results" if none of the folds is in the store.
    """
    found = tables.read(workspace, "phase_difference").differences
    found = found[found["metric"] == metric].rename(
        columns={"baseline_score": "control", "treatment_score": "treatment"}
    )
    found["title"] = found["model"].map(models.title)
    found["line"] = found["title"] + ", noise " + found["noise"].map("{:g}".format)
    columns = ["model", "title", "setting", *VARIED, "line"]
    order = ["setting", "model", "noise", "phase_difference", "fall_information"]
    return found.sort_values(order, kind="stable", ignore_index=True)[
        [*columns, "control", "treatment", "value", "low", "high", "p_bootstrap_holm"]
    ]


def by_information(gains: pd.DataFrame) -> pd.DataFrame:
    """Return the `gains` at the largest difference and noise, to be drawn against the information.

    ``parameter`` is the fall's information, and ``line`` has the words of the training set too.
    """
    most = gains
    for number in ("phase_difference", "noise"):
        most = most[most[number] == gains[number].max()]
    lines = most["setting"] + ", " + most["line"]
    return most.assign(parameter=most["fall_information"], line=lines)
