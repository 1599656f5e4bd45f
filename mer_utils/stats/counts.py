"""Confusion counts per subject: what every interval and test here is computed from.

Subjects are the units that are sampled, so a subject's clips stay together. Counting them once
into a K x K matrix a subject makes a bootstrap over subjects a matrix product: resample weights
(resamples x subjects) times counts (subjects x K * K).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer_utils.errors import MerError
from mer_utils.metrics import grouped_confusion_matrices, number_of_classes, scores_from_counts
from mer_utils.metrics.arrays import class_numbers
from mer_utils.metrics.by_group import CLIP_KEY, refuse_repeats, require_columns

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class SubjectCounts:
    """Predictions of one or more runs on the same clips, counted by subject.

    Attributes
    ----------
    counts : tuple of ndarray, each (n_seeds, n_subjects, K, K)
        One array a setting, in the order asked for; the seeds may differ in number.
    correct : tuple of ndarray, each (n_seeds, n_clips)
        Whether each clip was predicted rightly, clips in the same order everywhere.
    subject : ndarray, shape (n_clips,)
        Position of each clip's subject.
    n_left_out : int
        Clips that some run lacks, and that are therefore not compared.
    """

    counts: tuple[NDArray[np.int64], ...]
    correct: tuple[NDArray[np.bool_], ...]
    subject: NDArray[np.int64]
    n_left_out: int

    @property
    def n_subjects(self) -> int:
        """Number of subjects."""
        return int(self.counts[0].shape[1])

    @property
    def n_clips(self) -> int:
        """Number of clips that every run has."""
        return len(self.subject)

    @property
    def n_seeds(self) -> tuple[int, ...]:
        """Number of seeds of each setting."""
        return tuple(len(c) for c in self.counts)

    @property
    def absent_classes(self) -> str:
        """Classes without a true clip, in words; "" when there are none."""
        absent = np.flatnonzero(self.counts[0][0].sum(axis=(0, 2)) == 0)
        return f"class {', '.join(map(str, absent))} (no true clips)" if len(absent) else ""

    def scores(self, weights: FloatArray) -> FloatArray:
        """Score resamples: pooled in each seed, then averaged over the seeds.

        Parameters
        ----------
        weights : ndarray, shape (b, n_subjects)
            How often each subject occurs in each resample.

        Returns
        -------
        ndarray, shape (n_settings, 3, b)
            Accuracy, UF1 and UAR of each setting and resample.
        """
        return np.stack(
            [self.scores_by_seed(weights, j).mean(axis=1) for j in range(len(self.counts))]
        )

    def scores_by_seed(self, weights: FloatArray, setting: int = 0) -> FloatArray:
        """Score resamples of one setting seed by seed; shape (3, n_seeds, b)."""
        counts = self.counts[setting]
        n_seeds, n_subjects, k, _ = counts.shape
        flat = counts.transpose(1, 0, 2, 3).reshape(n_subjects, -1)
        pooled = (weights @ flat).reshape(-1, n_seeds, k, k)
        return np.stack(scores_from_counts(pooled)).transpose(0, 2, 1)

    def lacks_a_class(self, weights: FloatArray) -> NDArray[np.bool_]:
        """Whether a resample has no clip of a class that the whole sample has; shape (b,)."""
        by_class = self.counts[0][0].sum(axis=2)
        return ((weights @ by_class)[:, by_class.sum(axis=0) > 0] == 0).any(axis=1)

    def subject_accuracy(self, setting: int) -> FloatArray:
        """Accuracy of each subject, averaged over the seeds; shape (n_subjects,)."""
        counts = self.counts[setting]
        hits = np.diagonal(counts, axis1=2, axis2=3).sum(axis=2)
        return (hits / counts.sum(axis=(2, 3))).mean(axis=0)


def subject_counts(
    predictions: pd.DataFrame,
    column: str | None = None,
    settings: tuple[str, ...] = ("",),
    n_classes: int | None = None,
) -> SubjectCounts:
    """Count the predictions of some settings by subject, on the clips they all share.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows of one model and data set; a run is a (setting, ``seed``).
    column : str, optional
        Column that names the setting; without it all rows are one setting.
    settings : tuple of str
        The settings to count, in this order.
    n_classes : int, optional
        Number of classes; by default counted from the probability columns.

    Returns
    -------
    SubjectCounts

    Raises
    ------
    MerError
        If a setting has no rows, the runs share no clip, a clip occurs twice in a run, or two
        runs disagree on a clip's true class.
    """
    runs = [column, "seed"] if column else ["seed"]
    require_columns(predictions, [*runs, *CLIP_KEY, "y_true", "y_pred"])
    k = number_of_classes(predictions) if n_classes is None else n_classes
    rows = predictions
    if column:
        known = set(predictions[column])
        if absent := [name for name in settings if name not in known]:
            raise MerError(
                "TODO",
                f"no predictions with {column} {', '.join(map(repr, absent))}",
                f"{column} among {', '.join(sorted(map(str, known)))}",
                "run the missing ones first, or name others",
            )
        rows = predictions[predictions[column].isin(settings)]
    refuse_repeats(rows, runs)
    run = rows.groupby(runs, sort=True, observed=True).ngroup().to_numpy()
    clip = rows.groupby(list(CLIP_KEY), sort=True, observed=True).ngroup().to_numpy()
    fold = rows.groupby(["dataset", "subject"], sort=True, observed=True).ngroup().to_numpy()
    # One row a run, one column a clip; -1 where the run lacks the clip.
    true = np.full((run.max() + 1, clip.max() + 1), -1, dtype=np.int64)
    pred, subject = true.copy(), np.empty(clip.max() + 1, dtype=np.int64)
    true[run, clip] = class_numbers("y_true", rows["y_true"], k)
    pred[run, clip] = class_numbers("y_pred", rows["y_pred"], k)
    subject[clip] = fold
    shared = (pred >= 0).all(axis=0)
    if not shared.any():
        raise MerError(
            "TODO",
            "the runs share no clip",
            "the same clips in every run",
            "run them on the same data",
        )
    true, pred = true[:, shared], pred[:, shared]
    if (true != true[0]).any():
        raise MerError(
            "TODO",
            "two runs disagree on the true class of a clip",
            "one label a clip",
            "compare runs of one label scheme",
        )
    # A subject whose clips are all left out is left out too.
    kept, subject = np.unique(subject[shared], return_inverse=True)
    counts = np.stack(
        [grouped_confusion_matrices(subject, true[0], row, len(kept), k) for row in pred]
    )
    correct = pred == true[0]
    of_setting = np.zeros(len(pred), dtype=np.int64)
    if column:
        of_setting[run] = pd.Index(settings).get_indexer(pd.Index(rows[column]))
    choose = [of_setting == j for j in range(len(settings))]
    return SubjectCounts(
        tuple(counts[c] for c in choose),
        tuple(correct[c] for c in choose),
        subject,
        int((~shared).sum()),
    )
