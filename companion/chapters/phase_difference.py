"""Chapter 12: the gain of dual over its control, against how different phases were made."""

from __future__ import annotations

import pandas as pd

from companion.chapters import tables
from mer_utils import models
from mer_utils.experiments import Workspace


def gains(workspace: Workspace, metric: str = tables.UAR) -> pd.DataFrame:
    """Compare dual with its control on every made variant, a row per model and variant.

    The control of a network is *matched single*; of a linear machine, which is not trained step
    by step, *single*. ``line`` is the words of model and noise, ``control`` and ``dual`` are the
    two scores.

    Raises
    ------
    MerError
        "no results" if none of the folds is in the store.
    """
    found = tables.read(workspace, "phase_difference").differences
    found = found[found["metric"] == metric].rename(
        columns={"baseline_score": "control", "treatment_score": "dual"}
    )
    found["title"] = found["model"].map(models.title)
    found["line"] = found["title"] + ", noise " + found["noise"].map("{:g}".format)
    columns = ["model", "title", "phase_difference", "noise", "line", "control", "dual"]
    order = ["model", "noise", "phase_difference"]
    return found.sort_values(order, kind="stable", ignore_index=True)[
        [*columns, "value", "low", "high", "p_bootstrap_holm"]
    ]
