"""Confusion counts per subject: what every interval and test here is computed from.

Subjects are the units that are sampled, so a subject's clips stay together. Counting them once
into a K x K matrix per subject makes a bootstrap over subjects a matrix product: resample weights
(resamples x subjects) times counts (subjects x K * K).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer_utils.errors import MerError
from mer_utils.metrics import grouped_confusion_matrices
from mer_utils.metrics.arrays import scores_from_margins
from mer_utils.metrics.predictions import (
    CLIP_KEY,
    coded,
    complete,
    number_groups,
    refuse_repeats,
)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class SubjectCounts:
    """Predictions of one or more runs on the same clips, counted by subject.

    Attributes
    ----------
    counts : tuple of ndarray, each (n_seeds, n_subjects, K, K)
        One array per setting, in the order asked for; the seeds may differ in number.
    correct : tuple of ndarray, each (n_seeds, n_clips)
        Whether each clip was predicted rightly, clips in the same order everywhere.
    subject : ndarray, shape (n_clips,)
        Position of each clip's subject.
    n_left_out : int
        Clips that some run lacks, and that are therefore not compared.
    classes : tuple of str
        Names of the classes, or their numbers.
    """

    counts: tuple[NDArray[np.int64], ...]
    correct: tuple[NDArray[np.bool_], ...]
    subject: NDArray[np.int64]
    n_left_out: int
    classes: tuple[str, ...]

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
    def _has_clips(self) -> NDArray[np.bool_]:
        """Whether each class has a true clip; shape (K,)."""
        return np.asarray(self.counts[0][0].sum(axis=(0, 2)) > 0)

    @property
    def absent_classes(self) -> str:
        """Classes without a true clip, in words; "" when there are none."""
        absent = np.array(self.classes)[~self._has_clips]
        words = [f"class {', '.join(absent)} (no true clips)"] if len(absent) else []
        if self._has_clips.sum() < 2:
            words.append("UF1 and UAR (one class)")
        return "; ".join(words)

    def scores(self, weights: FloatArray) -> FloatArray:
        """Score resamples, given by weights (b, n_subjects): pooled per seed, then averaged.

        The result has shape (n_settings, 3, b): accuracy, UF1 and UAR.
        """
        return np.stack(
            [self.scores_by_seed(weights, j).mean(axis=1) for j in range(len(self.counts))]
        )

    def scores_by_seed(self, weights: FloatArray, setting: int = 0) -> FloatArray:
        """Score resamples of one setting seed by seed; shape (3, n_seeds, b).

        UF1 and UAR of clips that are all of one class are NaN. (A resample may show one class.)
        """
        counts = self.counts[setting]
        # Scores need the margins of a confusion matrix, not all of it; all runs have the same
        # true classes.
        parts = np.diagonal(counts, axis1=2, axis2=3), counts.sum(axis=2)
        hits, predicted = (np.einsum("bs,rsk->rbk", weights, part, optimize=True) for part in parts)
        true = weights @ counts[0].sum(axis=2)
        scored = np.stack(scores_from_margins(hits, true, predicted))
        scored[1:, self._has_clips.sum() < 2] = np.nan
        return scored

    def lacks_a_class(self, weights: FloatArray) -> NDArray[np.bool_]:
        """Whether a resample has no clip of a class that the whole sample has; shape (b,)."""
        by_class = self.counts[0][0].sum(axis=2)
        return ((weights @ by_class)[:, by_class.sum(axis=0) > 0] == 0).any(axis=1)

    def subject_accuracy(self, setting: int) -> FloatArray:
        """Accuracy of each subject, averaged over the seeds; shape (n_subjects,)."""
        counts = self.counts[setting]
        hits = np.diagonal(counts, axis1=2, axis2=3).sum(axis=2)
        return (hits / counts.sum(axis=(2, 3))).mean(axis=0)


Side = Mapping[str, Any]


def subject_counts(
    predictions: pd.DataFrame, sides: Sequence[Side] = ({},), n_classes: int | None = None
) -> SubjectCounts:
    """Count the predictions of some settings by subject, on the clips they all share.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows of one model and data set; rows of a side differ in ``seed`` only.
    sides : sequence of mapping
        Each setting to count, as the values its rows have in some columns; all rows for ``{}``.
    n_classes : int, optional
        Number of classes; by default from the predictions.

    Raises
    ------
    MerError
        "nothing to compare" if a side has no rows or the runs share no clip; "bad predictions"
        if a clip occurs twice in a run or two runs disagree on its true class.
    """
    rows = complete(predictions, [c for side in sides for c in side])
    place = side_of(rows, sides)
    if absent := [side for j, side in enumerate(sides) if not (place == j).any()]:
        words = " or ".join(" and ".join(f"{c} {v!r}" for c, v in side.items()) for side in absent)
        known = (f"{c} among {', '.join(sorted(map(str, rows[c].unique())))}" for c in absent[0])
        raise MerError(
            "nothing to compare",
            f"no predictions with {words}",
            "; ".join(known),
            "run the missing ones first, or name others",
        )
    rows = rows.assign(_side=place)[place >= 0]
    refuse_repeats(rows, ["_side", "seed"])
    run = number_groups(rows, ["_side", "seed"])
    clip, fold = number_groups(rows, CLIP_KEY), number_groups(rows, ["dataset", "subject"])
    classes = coded(rows, n_classes=n_classes)
    # One row per run, one column per clip; -1 where the run lacks the clip.
    true = np.full((run.max() + 1, clip.max() + 1), -1, dtype=np.int64)
    pred, subject = true.copy(), np.empty(clip.max() + 1, dtype=np.int64)
    true[run, clip], pred[run, clip], subject[clip] = classes.true, classes.pred, fold
    shared = (pred >= 0).all(axis=0)
    if not shared.any():
        raise MerError(
            "nothing to compare",
            "the runs share no clip",
            "the same clips in every run",
            "run them on the same data",
        )
    true, pred = true[:, shared], pred[:, shared]
    if (true != true[0]).any():
        raise MerError(
            "bad predictions",
            "two runs disagree on the true class of a clip",
            "one label per clip",
            "compare runs of one label scheme",
        )
    # A subject whose clips are all left out is left out too.
    kept, subject = np.unique(subject[shared], return_inverse=True)
    k = len(classes.names)
    counts = np.stack(
        [grouped_confusion_matrices(subject, true[0], row, len(kept), k) for row in pred]
    )
    of_run = np.empty(len(pred), dtype=np.int64)
    of_run[run] = rows["_side"]
    return SubjectCounts(
        tuple(counts[of_run == j] for j in range(len(sides))),
        tuple((pred == true[0])[of_run == j] for j in range(len(sides))),
        subject,
        int((~shared).sum()),
        tuple(classes.names),
    )


def side_of(rows: pd.DataFrame, sides: Sequence[Side]) -> NDArray[np.int64]:
    """Return the place among `sides` of the one that each row belongs to; -1 for none."""
    place = np.full(len(rows), -1, dtype=np.int64)
    for j, side in enumerate(sides):
        fits = np.ones(len(rows), dtype=bool)
        for column, value in side.items():
            # A missing value (no noise, say) is a value to ask for too.
            same: pd.Series = rows[column].isna() if pd.isna(value) else rows[column] == value
            fits &= same.to_numpy(dtype=bool, na_value=False)
        place[fits] = j
    return place
