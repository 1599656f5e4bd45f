"""Scores averaged over subjects, a mistake that needs no run of its own."""

from __future__ import annotations

import pandas as pd

from companion.chapters.page import heading, signed
from mer_utils.experiments import in_order
from mer_utils.metrics import scores_by


def fold_averages(predictions: pd.DataFrame) -> pd.DataFrame:
    """Score runs twice: pooled, and averaged over the subjects' own scores.

    Parameters
    ----------
    predictions : DataFrame
        Rows of one view, the last epoch.

    Returns
    -------
    DataFrame
        One row per data set, model, setting and metric ("accuracy", "uf1", "uar"): pooled,
        subject mean, and what the average adds, each the mean over seeds.
    """
    by = ["dataset", "model", "setting"]
    found = scores_by(predictions, [*by, "seed"], subject_mean=True)
    rows = []
    for name in ("accuracy", "uf1", "uar"):
        pooled, mean = found[f"{name}_pooled"], found[f"{name}_subject_mean"]
        part = found[by].assign(metric=name, pooled=pooled, subject_mean=mean, adds=mean - pooled)
        rows.append(part.groupby([*by, "metric"], sort=False).mean().reset_index())
    return in_order(pd.concat(rows, ignore_index=True))


def said(averages: pd.DataFrame) -> str:
    """Say what averaging over subjects does to UF1, and to the score that it changes most."""
    uf1 = averages.loc[averages["metric"] == "uf1", "adds"]
    furthest = averages.iloc[int(averages["adds"].abs().to_numpy().argmax())]
    return (
        f"averaging over subjects changes UF1 by {signed(uf1.mean())} on the mean over models, "
        f"training sets and data sets (from {signed(uf1.min())} to {signed(uf1.max())}); the "
        f"largest change of a score is {signed(furthest['adds'])} ({heading(furthest['metric'])})."
    )
