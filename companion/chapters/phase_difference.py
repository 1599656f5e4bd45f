"""Gains over the control against how different the phases were made."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML
from scipy import special

from companion.chapters import page, tables, trace
from companion.chapters.page import number, signed, with_interval
from companion.records import read_record
from mer_utils import models
from mer_utils.experiments import Workspace
from mer_utils.experiments.profiles import VARIED

COMMAND = "python -m benchmarks.twins"


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
    ordered = gains.sort_values("value")
    low, high = ordered.iloc[0], ordered.iloc[-1]
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


def replicas(file: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the gain on every twin of the record of ``python -m benchmarks.twins``.

    Returns
    -------
    gains : DataFrame
        One row per twin, learner and training set: `VARIED`, seed, model, setting (dual or
        aligned), control, treatment, value (the gain) and ``line``, in words what was drawn.
    about : dict
        The record's specification.

    Raises
    ------
    MerError
        ``bad register``, if the file is no such record.
    """
    twin = [*VARIED, "seed", "model"]
    record = read_record(file, COMMAND, [*twin, "setting", "uar"])
    wide = record["rows"].pivot_table(index=twin, columns="setting", values="uar").reset_index()
    control = wide["matched single"].where(models.are_networks(wide["model"]), wide["single"])
    parts = [
        wide[twin].assign(setting=setting, control=control, treatment=wide[setting])
        for setting in ("dual", "aligned")
    ]
    found = pd.concat(parts, ignore_index=True)
    found["value"] = found["treatment"] - found["control"]
    found["line"] = (
        found["model"].map(models.title)
        + found["phase_difference"].map(", difference {:g}".format)
        + found["fall_information"].map(", information {:g}".format)
    )
    return found, record["specification"]


def summary(gains: pd.DataFrame) -> pd.DataFrame:
    """Return the distribution of the gains of `replicas`, one row per cell, learner and setting."""
    by = ["setting", "line"]
    found = gains.groupby(by, sort=False).agg(
        twins=("value", "size"),
        control=("control", "mean"),
        gain=("value", "mean"),
        sd=("value", "std"),
        lowest=("value", "min"),
        highest=("value", "max"),
        ahead=("value", lambda values: (values > 0).mean()),
    )
    reach = special.stdtrit(found["twins"] - 1, 0.975) * found["sd"] / np.sqrt(found["twins"])
    found.insert(3, "low", found["gain"] - reach)
    found.insert(4, "high", found["gain"] + reach)
    return found.reset_index()


def said(summary: pd.DataFrame) -> str:
    """Say which mean gains are clear of zero, and how far single twins lie from their mean."""
    words = "; ".join(
        f"of the {len(part)} mean gains of {setting}, {number((part['low'] > 0).sum())} "
        f"lie with their interval above zero and {number((part['high'] < 0).sum())} below"
        for setting, part in summary.groupby("setting", sort=False)
    )
    other = ((summary["ahead"] > 0) & (summary["ahead"] < 1)).sum()
    return (
        f"{words}. A single twin's gain lies {summary['sd'].mean():.3f} from the mean (standard "
        f"deviation, on average), and in {number(other)} of {len(summary)} rows single twins "
        "disagree on the sign."
    )
