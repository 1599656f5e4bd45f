"""Chapter 11: two mistakes of evaluation that need no run of their own."""

from __future__ import annotations

import pandas as pd

from companion.chapters.results import in_order
from mer_utils.metrics import scores_by

CHOSEN_EPOCH = "test-subject epoch"


def chosen_epoch(predictions: pd.DataFrame) -> pd.DataFrame:
    """Choose each fold's epoch by the accuracy on the very subject that it tests: a mistake.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows of every epoch, on one view.

    Returns
    -------
    DataFrame
        Of each run and subject the rows of the epoch with the best accuracy, the first of
        equals.
    """
    if predictions.empty:
        return predictions
    fold = ["run", "subject"]
    right = predictions["y_true"].eq(predictions["y_pred"])
    accuracy = right.groupby([predictions[c] for c in [*fold, "epoch"]]).mean()
    best = accuracy.groupby(level=fold).idxmax().map(lambda at: at[-1]).rename("best")
    rows = predictions.merge(best.reset_index(), on=fold)
    return rows[rows["epoch"] == rows["best"]].drop(columns="best").reset_index(drop=True)


def fold_averages(predictions: pd.DataFrame) -> pd.DataFrame:
    """Score runs twice: pooled, and averaged over the subjects' own scores.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows of one view, the last epoch.

    Returns
    -------
    DataFrame
        One row a data set, model, setting and metric ("accuracy", "uf1", "uar"): pooled,
        subject mean, and what the average adds, each the mean over seeds. Models and settings
        in the order in which they are listed.
    """
    by = ["dataset", "model", "setting"]
    found = scores_by(predictions, [*by, "seed"], subject_mean=True)
    rows = []
    for name in ("accuracy", "uf1", "uar"):
        pooled, mean = found[f"{name}_pooled"], found[f"{name}_subject_mean"]
        part = found[by].assign(metric=name, pooled=pooled, subject_mean=mean, adds=mean - pooled)
        rows.append(part.groupby([*by, "metric"], sort=False).mean().reset_index())
    return in_order(pd.concat(rows, ignore_index=True))
