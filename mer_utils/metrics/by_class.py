"""Scores class by class, and the scores of the extreme predictors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mer_utils.errors import MerError
from mer_utils.metrics.arrays import METRICS, class_numbers, confusion_matrix, ratio, scores


def class_scores(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    n_classes: int,
    classes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Tabulate precision, recall and F1, one row per class.

    Parameters
    ----------
    y_true, y_pred, n_classes
        As of `confusion_matrix`.
    classes : sequence of str, optional
        Class names in order; by default the numbers.

    Returns
    -------
    DataFrame
        ``class``, ``n_true``, ``n_predicted``, ``n_correct``, ``precision``, ``recall``,
        ``f1``, and ``undefined``, which names each measure that is missing (NA).

    Examples
    --------
    >>> table = class_scores([0, 0], [0, 1], 3, classes=["happiness", "disgust", "surprise"])
    >>> table[["class", "recall", "f1", "undefined"]]
           class  recall        f1              undefined
    0  happiness     0.5  0.666667
    1    disgust    <NA>       0.0                 recall
    2   surprise    <NA>      <NA>  precision, recall, f1
    """
    counts = confusion_matrix(y_true, y_pred, n_classes)
    names = [str(k) for k in range(n_classes)] if classes is None else list(classes)
    if len(names) != n_classes:
        raise MerError(
            "invalid option",
            f"{len(names)} class names for {n_classes} classes",
            "one name for every class",
            "pass the classes of the label scheme",
        )
    hits, n_true, n_pred = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    table = pd.DataFrame(
        {"class": names, "n_true": n_true, "n_predicted": n_pred, "n_correct": hits.copy()}
    )
    measures = {
        "precision": (hits, n_pred),
        "recall": (hits, n_true),
        "f1": (2 * hits, n_true + n_pred),
    }
    for name, (numerator, denominator) in measures.items():
        value = pd.array(ratio(numerator, denominator), dtype="Float64")
        value[denominator == 0] = pd.NA
        table[name] = value
    missing = table[list(measures)].isna()
    table["undefined"] = [", ".join(m for m in measures if row[m]) for _, row in missing.iterrows()]
    return table


def extremes(y_true: ArrayLike, n_classes: int) -> pd.DataFrame:
    """Score the perfect predictor and each constant predictor on given labels.

    Examples
    --------
    >>> extremes([0, 0, 0, 1], n_classes=2).round(3)
              accuracy    uf1  uar
    perfect       1.00  1.000  1.0
    always 0      0.75  0.429  0.5
    always 1      0.25  0.200  0.5
    """
    true = class_numbers("y_true", y_true, n_classes)
    predictors = {"perfect": true}
    predictors |= {f"always {k}": np.full_like(true, k) for k in range(n_classes)}
    table = {name: scores(true, pred, n_classes) for name, pred in predictors.items()}
    return pd.DataFrame({m: {n: getattr(s, m) for n, s in table.items()} for m in METRICS})
