"""Gains over the control against how different the phases were made."""

from __future__ import annotations

from itertools import chain

import pandas as pd
from IPython.display import HTML

from companion.chapters import page, tables, trace
from companion.chapters.page import number, signed, with_interval
from mer_utils import models
from mer_utils.experiments import Workspace
from mer_utils.experiments.profiles import VARIED


def gains(workspace: Workspace, metric: str = tables.UAR) -> pd.DataFrame:
    """Compare dual and aligned with their control on every made variant.

    The control of a network is *matched single*; of a linear machine, which is not trained step
    by step, *single*. ``line`` is the words of model and noise, ``setting`` dual or aligned,
    ``control`` and ``treatment`` are the two scores, of the settings ``setting`` and
    ``base_setting``. Variants whose fall tells of the class have a ``fall_information`` above zero.

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
    columns = ["dataset", "model", "title", "setting", "base_setting", *VARIED, "line"]
    order = ["setting", "model", "noise", "phase_difference", "fall_information"]
    return found.sort_values(order, kind="stable", ignore_index=True)[
        [*columns, "control", "treatment", "value", "low", "high", "p_bootstrap_holm"]
    ]


def here(gains: pd.DataFrame) -> HTML:
    """Say how far these `gains` go, how sure they are, and how they change over their lines."""
    if gains.empty:
        return page.here("none of these gains is computed yet.")
    up, down = int((gains["low"] > 0).sum()), int((gains["high"] < 0).sum())
    low, high = (gains.loc[at] for at in (gains["value"].idxmin(), gains["value"].idxmax()))
    said = (
        f"the {len(gains)} gains go from {with_interval(low)} to {with_interval(high)}; "
        f"{number(up)} of their intervals {'lies' if up == 1 else 'lie'} wholly above zero and "
        f"{number(down)} wholly below, without a correction for their number."
    )
    by = gains.groupby("parameter")["value"].mean()
    if len(by) > 1:
        change = signed(by.iloc[-1] - by.iloc[0])
        said += f" From the left end to the right, their mean changes by {change}."
    return page.here(
        said, chain.from_iterable(trace.sides("phase_difference", gains, ("setting",)))
    )


def by_information(gains: pd.DataFrame) -> pd.DataFrame:
    """Return the `gains` at the largest difference and noise, to be drawn against the information.

    ``parameter`` is the fall's information, and ``line`` has the words of the training set too.
    """
    most = gains
    for made in ("phase_difference", "noise"):
        most = most[most[made] == gains[made].max()]
    lines = most["setting"] + ", " + most["line"]
    return most.assign(parameter=most["fall_information"], line=lines)
