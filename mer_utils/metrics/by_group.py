"""Scores of a predictions frame, group by group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mer_utils.errors import MerError
from mer_utils.metrics.arrays import METRICS, grouped_confusion_matrices, scores_from_counts
from mer_utils.metrics.predictions import (
    GROUPS,
    coded,
    complete,
    default_groups,
    number_groups,
    refuse_repeats,
)


def scores_by(
    predictions: pd.DataFrame,
    by: Sequence[str] | None = None,
    *,
    n_classes: int | None = None,
    subject_mean: bool = False,
) -> pd.DataFrame:
    """Score each group of a predictions frame.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction: ``subject``, ``clip``, ``y_true``, ``y_pred`` (class numbers or
        names), and what `by` names.
    by : sequence of str, optional
        Columns that tell one run from another; by default those of dataset, scheme, model,
        setting and seed that are there.
    n_classes : int, optional
        Number of classes; by default from the probability columns, else from the classes.
    subject_mean : bool, default False
        Also compute each score per subject and average: ``accuracy_subject_mean``, ...

    Returns
    -------
    DataFrame
        One row per group, sorted by `by`: the columns of `by`, ``accuracy_pooled``,
        ``uf1_pooled``, ``uar_pooled``, ``n_clips``, ``n_subjects``, and ``undefined`` (str), the
        classes without a true clip in the group ("" when there are none), and a word where
        one class is left, so that UF1 and UAR are NaN.

    Raises
    ------
    MerError
        "missing predictions column", "no results" or, where a class is out of range, a group
        mixes schemes or a clip occurs twice in a group, "bad predictions".

    Notes
    -----
    The subject means are there to show what they do: a subject has few clips, so most classes
    are undefined in its fold and leave its mean, and a fold's one clip weighs as much as
    another's thirty.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "subject": ["sub01", "sub01", "sub02"], "clip": ["a", "b", "c"],
    ...     "y_true": ["fear", "fear", "joy"], "y_pred": ["fear", "joy", "joy"]})
    >>> print(scores_by(rows).round(3).to_string())
       accuracy_pooled  uf1_pooled  uar_pooled  n_clips  n_subjects undefined
    0            0.667       0.667        0.75        3           2
    """
    by = default_groups(predictions, by, (*GROUPS, "setting", "seed"))
    predictions = complete(predictions, by)
    refuse_repeats(predictions, by)
    group = number_groups(predictions, by)
    schemes = predictions.get(["scheme"], pd.DataFrame(index=predictions.index)).assign(g=group)
    if len(schemes.drop_duplicates()) > len(np.unique(group)):
        raise MerError(
            "bad predictions",
            "a group mixes label schemes",
            "one scheme in every group",
            "group by scheme as well, or choose one",
        )
    true, pred, names, known = coded(predictions, group, n_classes)
    counts = grouped_confusion_matrices(group, true, pred, len(known), len(names))
    table = predictions.iloc[np.unique(group, return_index=True)[1]][by].reset_index(drop=True)
    for name, value in zip(METRICS, scores_from_counts(counts, least=2), strict=True):
        table[f"{name}_pooled"] = value
    table["n_clips"] = counts.sum(axis=(1, 2))
    folds, first, fold = np.unique(
        number_groups(predictions.assign(_g=group), ["_g", "dataset", "subject"]),
        return_index=True,
        return_inverse=True,
    )
    of_group = group[first]
    table["n_subjects"] = np.bincount(of_group, minlength=len(table))
    absent = known & (counts.sum(axis=2) == 0)
    table["undefined"] = [", ".join(np.array(names)[row]) for row in absent]
    table.loc[(counts.sum(axis=2) > 0).sum(axis=1) < 2, "undefined"] += " (UF1 and UAR: one class)"
    table["undefined"] = table["undefined"].str.strip()
    if subject_mean:
        fold_counts = grouped_confusion_matrices(fold, true, pred, len(folds), len(names))
        for name, value in zip(METRICS, scores_from_counts(fold_counts), strict=True):
            total = np.bincount(of_group, weights=value, minlength=len(table))
            table[f"{name}_subject_mean"] = total / table["n_subjects"]
    return table
