"""Scores of a predictions frame, group by group, and the checks on such a frame."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer_utils.errors import MerError
from mer_utils.metrics.arrays import (
    METRICS,
    class_numbers,
    grouped_confusion_matrices,
    out_of_range,
    scores_from_counts,
)

CLIP_KEY = ("dataset", "subject", "clip")


def scores_by(
    predictions: pd.DataFrame,
    by: Sequence[str],
    *,
    n_classes: int | None = None,
    subject_mean: bool = False,
) -> pd.DataFrame:
    """Score each group of a predictions frame.

    Parameters
    ----------
    predictions : DataFrame
        One row a prediction: columns ``dataset``, ``subject``, ``clip``, ``y_true``,
        ``y_pred``, those named in `by`, and ``p_0``... unless `n_classes` is given.
    by : sequence of str
        Columns that tell the groups apart; all that tell one run from another, seed included.
    n_classes : int, optional
        Number of classes; by default counted from each group's probability columns.
    subject_mean : bool, default False
        Also compute each score per subject and average: ``accuracy_subject_mean``,
        ``uf1_subject_mean``, ``uar_subject_mean``.

    Returns
    -------
    DataFrame
        One row a group, sorted by `by`: the columns of `by`, ``accuracy_pooled``,
        ``uf1_pooled``, ``uar_pooled``, ``n_clips``, ``n_subjects``, and ``undefined`` (str), the
        classes without a true clip in the group ("" when there are none).

    Raises
    ------
    MerError
        If the frame is empty, a column is missing, a class is out of range, a group mixes
        schemes, or a clip occurs twice in a group (for instance once a seed, when `by` lacks
        ``seed``).

    Notes
    -----
    The subject means are there to show what they do: a subject has few clips, so most classes
    are undefined in its fold and leave its mean, and a fold's one clip weighs as much as
    another's thirty.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "dataset": "casme2", "model": "learnet", "subject": ["sub01", "sub01", "sub02"],
    ...     "clip": ["a", "b", "c"], "y_true": [0, 0, 1], "y_pred": [0, 1, 1]})
    >>> print(scores_by(rows, by=["model"], n_classes=2).round(3).to_string())
         model  accuracy_pooled  uf1_pooled  uar_pooled  n_clips  n_subjects undefined
    0  learnet            0.667       0.667        0.75        3           2
    """
    by = list(by)
    require_columns(predictions, [*by, *CLIP_KEY, "y_true", "y_pred"])
    refuse_repeats(predictions, by)
    classes_of, group_of = _classes_by_group(predictions, by, n_classes)
    width = int(classes_of.max())
    true = class_numbers("y_true", predictions["y_true"], width)
    pred = class_numbers("y_pred", predictions["y_pred"], width)
    group = group_of.to_numpy()
    limit = classes_of[group]
    for name, values in (("y_true", true), ("y_pred", pred)):
        if (values >= limit).any():
            bad = int(values[values >= limit][0])
            raise out_of_range(name, bad, int(limit[values >= limit][0]))

    counts = grouped_confusion_matrices(group, true, pred, len(classes_of), width)
    subjects = predictions[["dataset", "subject"]].assign(_group=group)
    table = subjects.assign(**{c: predictions[c] for c in by}).drop_duplicates("_group")
    table = table.sort_values("_group")[by].reset_index(drop=True)
    for name, value in zip(METRICS, scores_from_counts(counts), strict=True):
        table[f"{name}_pooled"] = value
    table["n_clips"] = counts.sum(axis=(1, 2))
    fold = subjects.groupby(["_group", "dataset", "subject"], sort=True, observed=True)
    folds = fold.ngroups
    fold_counts = grouped_confusion_matrices(fold.ngroup().to_numpy(), true, pred, folds, width)
    fold_group = fold.size().index.get_level_values("_group").to_numpy()
    table["n_subjects"] = np.bincount(fold_group, minlength=len(table))
    table["undefined"] = [
        ", ".join(str(k) for k in range(int(n)) if row[k] == 0)
        for n, row in zip(classes_of, counts.sum(axis=2), strict=True)
    ]
    if subject_mean:
        for name, value in zip(METRICS, scores_from_counts(fold_counts), strict=True):
            total = np.bincount(fold_group, weights=value, minlength=len(table))
            table[f"{name}_subject_mean"] = total / table["n_subjects"]
    return table


def number_of_classes(predictions: pd.DataFrame) -> int:
    """Count the classes of a predictions frame by its probability columns.

    A column ``p_k`` counts when any row has a value in it, so that rows of a 3-class scheme
    keep their 3 classes when they share a frame with a 5-class one.

    Raises
    ------
    MerError
        If the frame has no probability column.
    """
    used = [c for c in probability_columns(predictions) if predictions[c].notna().any()]
    if not used:
        raise MerError(
            "TODO",
            "the predictions have no probability columns",
            "p_0, p_1, ... up to the number of classes",
            "pass n_classes",
        )
    return 1 + max(int(column[2:]) for column in used)


def refuse_repeats(predictions: pd.DataFrame, by: Sequence[str]) -> None:
    """Raise if a clip has more than one prediction within a group of `by`."""
    key = list(dict.fromkeys([*by, *CLIP_KEY]))
    repeated = predictions.duplicated(key, keep=False)
    if not repeated.any():
        return
    rows = predictions[repeated]
    group = rows.groupby(key, dropna=False, observed=True).ngroup()
    same = rows[group == group.iloc[0]]
    first = same.iloc[0]
    values = {"y_true", "y_pred", *probability_columns(predictions)}
    differ = [c for c in same if c not in values and len(same[c].unique()) > 1]
    raise MerError(
        "TODO",
        f"clip {first['clip']} of {first['subject']} has {len(same)} predictions in one group",
        f"one, the groups being told apart by {', '.join(by) or 'nothing'}",
        f"group by {', '.join(map(str, differ))} as well, or choose one value of it"
        if differ
        else "remove the repeated rows",
    )


def require_columns(predictions: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise if the frame is empty or lacks a column."""
    absent = [c for c in dict.fromkeys(columns) if c not in predictions.columns]
    if absent:
        raise MerError(
            "TODO",
            f"the predictions lack {', '.join(absent)}",
            "one row a prediction, with the columns of RunStore.predictions",
            "check the names in by, or pass the frame as the store returns it",
        )
    if predictions.empty:
        raise MerError(
            "TODO",
            "the predictions are empty",
            "at least one row",
            "run the table first, or check the selection",
        )


def probability_columns(predictions: pd.DataFrame) -> list[str]:
    """Return the names p_0, p_1, ... that the frame has, in order of class."""
    columns = [c for c in predictions.columns if re.fullmatch(r"p_\d+", str(c))]
    return sorted(columns, key=lambda c: int(c[2:]))


def _classes_by_group(
    predictions: pd.DataFrame, by: list[str], n_classes: int | None
) -> tuple[NDArray[np.int64], pd.Series[int]]:
    """Count the classes of each group, and number each row's group."""
    if by:
        grouped = predictions.groupby(by, sort=True, observed=True, dropna=False)
        group = grouped.ngroup()
    else:
        group = pd.Series(0, index=predictions.index)
    mixed = "scheme" in predictions and len(
        predictions[["scheme"]].assign(group=group).drop_duplicates()
    ) > len(group.unique())
    if mixed:
        raise MerError(
            "TODO",
            "a group mixes label schemes",
            "one scheme in every group",
            "group by scheme as well, or choose one",
        )
    n_groups = int(group.max()) + 1
    if n_classes is not None:
        return np.full(n_groups, n_classes), group
    number_of_classes(predictions)
    columns = probability_columns(predictions)
    used = predictions[columns].notna().groupby(group).any().to_numpy()
    position = np.array([int(c[2:]) + 1 for c in columns])
    return np.max(used * position, axis=1), group
