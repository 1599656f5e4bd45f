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
        Share of correct clips, macro-averaged F1 (UF1) and macro-averaged recall (UAR), NaN
        where fewer than two classes have a true clip.
    undefined : tuple of int
        Classes without a true clip: UAR is the mean over the others.
    """

    accuracy: float
    uf1: float
    uar: float
    undefined: tuple[int, ...] = ()


def confusion_matrix(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Count clips by true class (rows) and predicted class (columns).

    Parameters
    ----------
    y_true, y_pred : array_like of int, shape (n,)
        True and predicted classes, from 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes of the scheme, whether or not each one occurs.

    Raises
    ------
    MerError
        "no results" without clips; "bad predictions" if the lengths differ or a class is not an
        integer in range.

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
    return grouped_confusion_matrices(np.zeros_like(true), true, pred, 1, n_classes)[0]


def scores(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int) -> Scores:
    """Score predictions, pooled over all clips given; arguments as of `confusion_matrix`.

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
    missing = tuple(int(k) for k in np.flatnonzero(counts.sum(axis=1) == 0))
    accuracy, uf1, uar = map(float, scores_from_counts(counts, least=2))
    return Scores(accuracy, uf1, uar, missing)


def scores_from_counts(
    counts: ArrayLike, *, least: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute accuracy, UF1 and UAR of any number of confusion matrices at once.

    Parameters
    ----------
    counts : array_like, shape (..., K, K)
        Rows true, columns predicted. Which classes enter the means: see the room's docstring.
    least : int
        With fewer classes that have a true clip, UF1 and UAR are NaN. A mean over one class
        is no macro-average: whoever names that class always would be perfect. One subject's
        fold may show one class only.

    Returns
    -------
    accuracy, uf1, uar : ndarray, each of shape (...)
        NaN where a matrix is empty.

    Examples
    --------
    >>> accuracy, uf1, uar = scores_from_counts([[[2, 0], [0, 1]], [[2, 0], [1, 0]]])
    >>> uar
    array([1. , 0.5])
    """
    counts = np.asarray(counts, dtype=np.float64)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return scores_from_margins(hits, counts.sum(axis=-1), counts.sum(axis=-2), least)


def scores_from_margins(
    hits: NDArray[np.float64],
    n_true: NDArray[np.float64],
    n_pred: NDArray[np.float64],
    least: int = 1,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute the same from each class's hits, true and predicted clips; each (..., K)."""
    hits, n_true = np.broadcast_arrays(hits, n_true)
    accuracy = ratio(hits.sum(axis=-1), n_true.sum(axis=-1))
    f1_weight, recall_weight = n_true + n_pred > 0, n_true > 0
    f1 = np.divide(2 * hits, n_true + n_pred, out=np.zeros_like(hits), where=f1_weight)
    recall = np.divide(hits, n_true, out=np.zeros_like(hits), where=recall_weight)
    enough = recall_weight.sum(axis=-1) >= least
    uf1 = ratio(f1.sum(axis=-1), f1_weight.sum(axis=-1) * enough)
    uar = ratio(recall.sum(axis=-1), recall_weight.sum(axis=-1) * enough)
    return accuracy, uf1, uar


def grouped_confusion_matrices(
    group: NDArray[np.integer[Any]],
    y_true: NDArray[np.integer[Any]],
    y_pred: NDArray[np.integer[Any]],
    n_groups: int,
    n_classes: int,
) -> NDArray[np.int64]:
    """Count clips by group, true and predicted class; shape (n_groups, n_classes, n_classes)."""
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


def fault_of_probabilities(probabilities: NDArray[np.floating]) -> str:
    """Say what is wrong with probabilities (n, classes) whose rows should sum to 1, if anything is.

    Examples
    --------
    >>> fault_of_probabilities(np.array([[0.5, 0.5], [np.nan, 0.1]]))
    'NaN or infinite values in 1 of 2 rows'
    >>> fault_of_probabilities(np.array([[0.5, 0.5]]))
    ''
    """
    p, n = np.asarray(probabilities, np.float64), len(probabilities)
    if wrong := n - int(np.isfinite(p).all(axis=1).sum()):
        return f"NaN or infinite values in {wrong} of {n} rows"
    if wrong := int((p < 0).any(axis=1).sum()):
        return f"negative values in {wrong} of {n} rows"
    sums = p.sum(axis=1)
    if wrong := int((np.abs(sums - 1) > 1e-3).sum()):
        return f"sums from {sums.min():.3g} to {sums.max():.3g} instead of 1 in {wrong} of {n} rows"
    return ""


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
