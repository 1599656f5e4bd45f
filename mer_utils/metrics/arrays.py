"""Scores of class numbers: arrays in, scores out, and the one place that knows the formulas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_utils.errors import MerError

METRICS = ("accuracy", "uf1", "uar")


@dataclass(frozen=True)
class Scores:
    """Scores of one set of predictions, each between 0 and 1.

    Attributes
    ----------
    accuracy, uf1, uar : float
        Share of correct clips, unweighted F1, unweighted average recall.
    undefined : tuple of int
        Classes without a true clip: their recall is undefined, and UAR is the mean over the
        others.
    """

    accuracy: float
    uf1: float
    uar: float
    undefined: tuple[int, ...] = ()


def confusion_matrix(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Count clips by true and predicted class.

    Parameters
    ----------
    y_true, y_pred : array_like of int, shape (n,)
        True and predicted classes, from 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes of the scheme, whether or not each one occurs.

    Returns
    -------
    ndarray of int, shape (n_classes, n_classes)
        Row: true class; column: predicted class.

    Raises
    ------
    MerError
        If there are no clips, the lengths differ, or a class is not an integer in range.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1], [0, 1, 1], n_classes=2)
    array([[1, 1],
           [0, 1]])
    """
    true = class_numbers("y_true", y_true, n_classes)
    pred = class_numbers("y_pred", y_pred, n_classes)
    if len(true) != len(pred):
        raise MerError(
            "bad predictions",
            f"y_true has {len(true)} clips and y_pred has {len(pred)}",
            "one prediction for every clip",
            "pass both from the same rows",
        )
    return grouped_confusion_matrices(
        np.zeros(len(true), dtype=np.int64), true, pred, 1, n_classes
    )[0]


def scores(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int) -> Scores:
    """Score predictions, pooled over all clips given.

    Parameters
    ----------
    y_true, y_pred : array_like of int, shape (n,)
        True and predicted classes, from 0 to ``n_classes - 1``, of all folds together.
    n_classes : int
        Number of classes of the scheme.

    Returns
    -------
    Scores
        Accuracy, UF1 and UAR, and the classes without a true clip.

    Raises
    ------
    MerError
        As `confusion_matrix`.

    Notes
    -----
    MEGC2019 (See et al., 2019): ``UF1 = mean_k 2 TP_k / (2 TP_k + FP_k + FN_k)`` and
    ``UAR = mean_k TP_k / N_k``, the counts summed over all folds.

    Examples
    --------
    >>> scores([0, 0, 1, 1], [0, 1, 1, 1], n_classes=2)
    Scores(accuracy=0.75, uf1=0.733..., uar=0.75, undefined=())
    >>> scores([0, 0, 1], [0, 0, 1], n_classes=3).undefined
    (2,)
    """
    counts = confusion_matrix(y_true, y_pred, n_classes)
    accuracy, uf1, uar = scores_from_counts(counts)
    missing = tuple(int(k) for k in np.flatnonzero(counts.sum(axis=1) == 0))
    return Scores(float(accuracy), float(uf1), float(uar), missing)


def scores_from_counts(
    counts: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute accuracy, UF1 and UAR of any number of confusion matrices at once.

    Parameters
    ----------
    counts : array_like, shape (..., K, K)
        Confusion counts, rows true, columns predicted.

    Returns
    -------
    accuracy, uf1, uar : ndarray, each of shape (...)
        NaN where a matrix is empty.

    Notes
    -----
    This is the one place that knows the formulas. Which classes enter the means is stated in
    the module's docstring.

    Examples
    --------
    >>> accuracy, uf1, uar = scores_from_counts([[[2, 0], [0, 1]], [[2, 0], [1, 0]]])
    >>> uar
    array([1. , 0.5])
    """
    counts = np.asarray(counts, dtype=np.float64)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    n_true, n_pred = counts.sum(axis=-1), counts.sum(axis=-2)
    total = n_true.sum(axis=-1)
    accuracy = ratio(hits.sum(axis=-1), total)
    f1_weight, recall_weight = n_true + n_pred > 0, n_true > 0
    f1 = np.divide(2 * hits, n_true + n_pred, out=np.zeros_like(hits), where=f1_weight)
    recall = np.divide(hits, n_true, out=np.zeros_like(hits), where=recall_weight)
    uf1 = ratio(f1.sum(axis=-1), f1_weight.sum(axis=-1))
    uar = ratio(recall.sum(axis=-1), recall_weight.sum(axis=-1))
    return accuracy, uf1, uar


def grouped_confusion_matrices(
    group: NDArray[np.integer[Any]],
    y_true: NDArray[np.integer[Any]],
    y_pred: NDArray[np.integer[Any]],
    n_groups: int,
    n_classes: int,
) -> NDArray[np.int64]:
    """Count clips by group, true and predicted class.

    Parameters
    ----------
    group, y_true, y_pred : ndarray of int, shape (n,)
        Group number and classes of each clip, from 0.
    n_groups, n_classes : int
        Sizes of the result.

    Returns
    -------
    ndarray of int, shape (n_groups, n_classes, n_classes)
    """
    flat = (group.astype(np.int64) * n_classes + y_true) * n_classes + y_pred
    counts = np.bincount(flat, minlength=n_groups * n_classes**2)
    return counts.reshape(n_groups, n_classes, n_classes)


def class_numbers(name: str, values: ArrayLike, n_classes: int | None = None) -> NDArray[np.int64]:
    """Return class numbers as an int array; raise "bad predictions" where they are none."""
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise MerError(
            "no results" if array.size == 0 else "bad predictions",
            f"{name} has shape {array.shape}",
            "one class number for each of at least one clip",
            "check that the runs have finished and that the selection leaves any predictions",
        )
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise out_of_range(name, f"missing values or text ({error})", n_classes) from error
    wrong = ~np.isfinite(numbers) | (numbers != np.floor(numbers)) | (numbers < 0)
    if n_classes is not None:
        wrong |= numbers >= n_classes
    if wrong.any():
        raise out_of_range(name, array[wrong][0], n_classes)
    return numbers.astype(np.int64)


def out_of_range(name: str, value: object, n_classes: int | None) -> MerError:
    """Make the error for a class that the scheme does not have."""
    return MerError(
        "bad predictions",
        f"{name} contains {value}",
        "class numbers from 0" + ("" if n_classes is None else f" to {n_classes - 1}"),
        "check the label scheme and n_classes; both columns hold numbers, or both names",
    )


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    """Divide, with NaN where the denominator is 0."""
    numerator = np.asarray(numerator, dtype=np.float64)
    out = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator, out=out, where=np.asarray(denominator) > 0)
