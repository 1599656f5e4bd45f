"""Checks on a frame of predictions: what every score and statistic needs of one, no more.

``subject``, ``clip``, ``y_true`` and ``y_pred`` suffice. A frame without ``dataset`` is of one
data set, one without ``seed`` of one run. Classes are numbers from 0, or names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer_utils.errors import MerError
from mer_utils.metrics.arrays import class_numbers, out_of_range

CLIP_KEY = ("dataset", "subject", "clip")
GROUPS = ("dataset", "scheme", "model")


class Coded(NamedTuple):
    """Classes as numbers: true and predicted, names, and which of them each group knows."""

    true: NDArray[np.int64]
    pred: NDArray[np.int64]
    names: list[str]
    known: NDArray[np.bool_]


def complete(predictions: pd.DataFrame, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return the frame with ``dataset`` and ``seed`` filled in where it has none.

    Raises
    ------
    MerError
        "missing predictions column" if it lacks one of those needed or of `columns`; "no
        results" if it has no rows.
    """
    filled = predictions.assign(
        **{c: v for c, v in (("dataset", ""), ("seed", 0)) if c not in predictions}
    )
    needed = dict.fromkeys([*columns, *CLIP_KEY, "y_true", "y_pred"])
    if absent := [c for c in needed if c not in filled]:
        raise MerError(
            "missing predictions column",
            f"the predictions lack {', '.join(absent)}",
            f"the columns {', '.join(c for c in needed if c != 'dataset')}",
            "rename a column, or check the names in by",
        )
    if predictions.empty:
        raise MerError(
            "no results",
            "the predictions are empty",
            "at least one row",
            "run the table first, or check the selection",
        )
    return filled


def default_groups(
    predictions: pd.DataFrame, by: Sequence[str] | None, columns: Sequence[str] = GROUPS
) -> list[str]:
    """Return `by`, or those of `columns` that the frame has."""
    return [c for c in columns if c in predictions] if by is None else list(by)


def number_groups(predictions: pd.DataFrame, by: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of each row's group of `by`, in sorted order; all 0 where `by` is empty."""
    if not by:
        return np.zeros(len(predictions), dtype=np.int64)
    # By columns, not names: pandas then need not take the rest of the frame apart.
    keys = [predictions[column] for column in by]
    grouped = keys[0].groupby(keys, sort=True, observed=True, dropna=False)
    return np.asarray(grouped.ngroup(), dtype=np.int64)


def each_group(
    predictions: pd.DataFrame, by: Sequence[str]
) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Yield each group of `by` with its values, in sorted order; all rows where `by` is empty."""
    number = number_groups(predictions, by)
    for place in range(number.max(initial=-1) + 1):
        rows = predictions[number == place]
        yield {column: rows[column].iloc[0] for column in by}, rows


def probability_columns(predictions: pd.DataFrame) -> list[str]:
    """Return the names p_0, p_1, ... that the frame has, in order of class."""
    columns = [c for c in predictions.columns if re.fullmatch(r"p_\d+", str(c))]
    return sorted(columns, key=lambda c: int(c[2:]))


def coded(
    predictions: pd.DataFrame, group: NDArray[np.int64] | None = None, n_classes: int | None = None
) -> Coded:
    """Turn the classes into numbers, and find out which classes each group has.

    Parameters
    ----------
    predictions : DataFrame
        As `complete` returns it.
    group : ndarray of int, optional
        Number of each row's group; by default all rows are one.
    n_classes : int, optional
        Number of classes. By default those with a value in a probability column, so that rows
        of a 3-class scheme keep their 3 classes beside a 5-class one; without such columns,
        or with names for classes, those that occur.

    Raises
    ------
    MerError
        "bad predictions" if a class is missing, out of range, or has a name in one column and
        a number in the other.
    """
    if group is None:
        group = np.zeros(len(predictions), dtype=np.int64)
    sides = [predictions["y_true"], predictions["y_pred"]]
    if not all(pd.api.types.is_numeric_dtype(_values(side)) for side in sides):
        return _coded_names(sides, group, n_classes)
    true, pred = (class_numbers(str(side.name), _values(side)) for side in sides)
    limit = np.zeros(int(group.max()) + 1, dtype=np.int64)
    columns = probability_columns(predictions)
    filled = np.zeros((len(limit), len(columns)), dtype=bool)
    np.logical_or.at(filled, group, predictions[columns].notna().to_numpy())
    if n_classes is not None:
        limit[:] = n_classes
    elif filled.any():
        limit = np.max(filled * [int(c[2:]) + 1 for c in columns], axis=1)
    else:
        np.maximum.at(limit, group, np.maximum(true, pred) + 1)
    for name, values in (("y_true", true), ("y_pred", pred)):
        if (beyond := values >= limit[group]).any():
            raise out_of_range(name, values[beyond][0], int(limit[group][beyond][0]))
    width = int(limit.max())
    return Coded(true, pred, [str(k) for k in range(width)], np.arange(width) < limit[:, None])


def number_of_classes(predictions: pd.DataFrame) -> int:
    """Count the classes by the probability columns with a value in them, else those that occur."""
    return len(coded(complete(predictions)).names)


def _coded_names(sides: list[pd.Series], group: NDArray[np.int64], n_classes: int | None) -> Coded:
    text = [side.astype(object) for side in sides]
    for side in text:
        if odd := [v for v in side.unique() if not isinstance(v, str)]:
            raise out_of_range(str(side.name), odd[0], None)
    declared = [list(s.cat.categories) for s in sides if isinstance(s.dtype, pd.CategoricalDtype)]
    occurring = set(text[0]) | set(text[1])
    # The order of the categories is the scheme's own; names that occur have no order.
    names = [n for n in declared[0] if isinstance(n, str)] if declared else []
    names += sorted(occurring.difference(names))
    if n_classes is not None and len(names) > n_classes:
        raise MerError(
            "bad predictions",
            f"the predictions name {len(names)} classes ({', '.join(names)})",
            f"at most n_classes = {n_classes}",
            "check for names spelt in two ways",
        )
    true, pred = (pd.Index(names).get_indexer(pd.Index(side)).astype(np.int64) for side in text)
    known = np.full((int(group.max()) + 1, len(names)), bool(declared))
    known[group, true] = known[group, pred] = True
    return Coded(true, pred, names, known)


def _values(side: pd.Series) -> pd.Series:
    """Return categories of numbers as numbers."""
    if isinstance(side.dtype, pd.CategoricalDtype):
        return side.astype(side.cat.categories.dtype)
    return side


def refuse_repeats(predictions: pd.DataFrame, by: Sequence[str]) -> None:
    """Raise "bad predictions" if a clip has more than one prediction within a group of `by`."""
    key = list(dict.fromkeys([*by, *CLIP_KEY]))
    repeated = predictions.duplicated(key, keep=False)
    if not repeated.any():
        return
    rows = predictions[repeated]
    same = rows[number_groups(rows, key) == number_groups(rows, key)[0]]
    first = same.iloc[0]
    values = {"y_true", "y_pred", *probability_columns(predictions)}
    differ = [c for c in same if c not in values and len(same[c].unique()) > 1]
    raise MerError(
        "bad predictions",
        f"clip {first['clip']} of {first['subject']} has {len(same)} predictions in one group",
        f"one, the groups being told apart by {', '.join(by) or 'nothing'}",
        f"group by {', '.join(map(str, differ))} as well, or choose one value of it"
        if differ
        else "remove the repeated rows",
    )
