"""Gains over the control on twins whose phases were made more and less different."""

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
    by step, *single*. ``setting`` is dual or aligned, ``cell`` is that and the variant in words,
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
    found["cell"] = found["setting"] + ", " + _cell(found)
    found["base_cell"] = "control"
    columns = ["dataset", "model", "setting", "base_setting", *VARIED, "cell", "base_cell"]
    order = ["setting", *VARIED, "model"]
    return found.sort_values(order, kind="stable", ignore_index=True)[
        [*columns, "control", "treatment", "metric", "value", "low", "high", "p_bootstrap_holm"]
    ]


def _cell(rows: pd.DataFrame) -> pd.Series:
    """Return the words for what the twin of each row is made with."""
    said = ("difference {:g}", ", noise {:g}", ", information {:g}")
    words = [rows[c].map(s.format) for c, s in zip(VARIED, said, strict=True)]
    return words[0] + words[1] + words[2]


def here(gains: pd.DataFrame) -> HTML:
    """Say how far these `gains` go and how sure they are."""
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
    return page.here(
        said, chain.from_iterable(trace.sides("phase_difference", gains, ("setting",)))
    )


def replicas(file: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the gain on every twin of the record of ``python -m benchmarks.twins``.

    Returns
    -------
    gains : DataFrame
        One row per twin, learner and training set: `VARIED`, seed, model, setting (dual or
        aligned), control, treatment, value (the gain) and ``line``, model and twin in words.
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
    found["line"] = found["model"].map(models.title) + ", " + _cell(found)
    return found, record["specification"]


def summary(gains: pd.DataFrame) -> pd.DataFrame:
    """Return the distribution of the gains of `replicas`, one row per cell, learner and setting."""
    by = ["setting", "model", *VARIED, "line"]
    found = gains.groupby(by, sort=False).agg(
        twins=("value", "size"),
        control=("control", "mean"),
        low=("value", lambda values: values.mean() - _reach(values)),
        value=("value", "mean"),
        high=("value", lambda values: values.mean() + _reach(values)),
        sd=("value", "std"),
        lowest=("value", "min"),
        highest=("value", "max"),
        ahead=("value", lambda values: (values > 0).mean()),
    )
    return found.reset_index()


def _reach(values: pd.Series) -> float:
    """Return half the width of the 95 % interval of a mean, by Student's t."""
    return float(special.stdtrit(len(values) - 1, 0.975) * values.std() / np.sqrt(len(values)))


def along(gains: pd.DataFrame, made: str) -> pd.DataFrame:
    """Return the rows that a figure draws along one number of the generator.

    Parameters
    ----------
    gains : DataFrame
        Of `replicas` or `summary`.
    made : {"phase_difference", "fall_information"}
        Along the first lie the twins whose fall tells nothing of the class, along the second those
        of the largest difference and noise: it is varied there alone.

    Returns
    -------
    DataFrame
        With ``parameter``, the number, and ``line``, the words of model and noise, or of training
        set and model.
    """
    title = gains["model"].map(models.title)
    if made == "phase_difference":
        chosen = gains["fall_information"] == 0
        line = title + gains["noise"].map(", noise {:g}".format)
    else:
        most = gains[["phase_difference", "noise"]]
        chosen = (most == most.max()).all(axis=1)
        line = gains["setting"] + ", " + title
    return gains.assign(parameter=gains[made], line=line)[chosen]


def change_here(rows: pd.DataFrame) -> HTML:
    """Say how the gains of `along` change, twin by twin, from the left end to the right.

    The twins of a seed have the same people and clips in every cell, so they are paired.
    """
    said = []
    for _, line in rows.groupby("line"):
        wide = line.pivot_table(index="seed", columns="parameter", values="value")
        moved = (wide.iloc[:, -1] - wide.iloc[:, 0]).dropna()
        said.append((moved.mean(), moved.mean() - _reach(moved), moved.mean() + _reach(moved)))
    means, lows, highs = np.array(said).T
    return page.here(
        f"from the left end to the right, the gain changes by {signed(means.mean())} in the mean "
        f"of the {len(means)} lines, from {signed(means.min())} to {signed(means.max())}; compared "
        f"twin by twin, the 95 % interval lies above zero for {number((lows > 0).sum())} of these "
        f"changes and below for {number((highs < 0).sum())}."
    )


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
