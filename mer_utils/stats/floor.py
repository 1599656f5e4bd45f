"""Whether a score is above chance at all: labels permuted within subjects."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer_utils.metrics.predictions import coded, complete, number_groups, refuse_repeats

#: Above chance is what chance reaches in fewer than one case of a hundred.
FLOOR_ALPHA = 0.01


def chance_p(predictions: pd.DataFrame, n_permutations: int = 2000, rng: int = 0) -> float:
    """Test whether predictions know more of the classes than chance does, by pooled UAR.

    Parameters
    ----------
    predictions : DataFrame
        Rows of one model and setting on one data set; ``seed`` if there are several runs.
    n_permutations : int
    rng : int
        Seed of the permutations.

    Returns
    -------
    float
        Share of permutations, the data's own order among them, whose UAR is as high. The true
        classes are permuted among the clips of a subject: what a prediction knows of the subject
        alone is chance too. So a subject of whom all clips are of one class says nothing, and 1
        is returned where that is so of all.

    Examples
    --------
    >>> from mer_utils.stats import simulate
    >>> rows = simulate(20, rng=np.random.default_rng(0))
    >>> rows = rows[rows["setting"] == "baseline"]
    >>> chance_p(rows) < 0.001, chance_p(rows.assign(y_pred=0))
    (True, 1.0)
    """
    rows = complete(predictions, ["subject"])
    refuse_repeats(rows, ["seed"])
    classes = coded(rows)
    clip, subject = number_groups(rows, ["subject", "clip"]), number_groups(rows, ["subject"])
    run = number_groups(rows, ["seed"])
    n_clips, k = int(clip.max()) + 1, len(classes.names)
    true, of = np.zeros(n_clips, dtype=np.int64), np.zeros(n_clips, dtype=np.int64)
    true[clip], of[clip] = classes.true, subject
    # How often a clip is taken for each class, each run counting its own clips of a class.
    n_true = np.zeros((int(run.max()) + 1, k))
    np.add.at(n_true, (run, classes.true), 1)
    taken = np.zeros((n_clips, k))
    np.add.at(taken, (clip, classes.pred), 1 / np.maximum(n_true[run, classes.pred], 1))
    order = _within(of.tobytes(), n_permutations, rng)
    uar = taken[np.arange(n_clips), true[order]].sum(axis=1)
    own = taken[np.arange(n_clips), true].sum()
    return float((1 + (uar >= own - 1e-9).sum()) / (1 + n_permutations))


@lru_cache(maxsize=8)
def _within(subjects: bytes, n: int, seed: int) -> NDArray[np.int64]:
    """Return permutations of positions that keep every position within its subject."""
    of = np.frombuffer(subjects, dtype=np.int64)
    keys = np.random.default_rng(seed).random((n, len(of))) + of
    drawn = np.argsort(keys, axis=1)
    # The clips of a subject need not stand together.
    places = np.empty_like(drawn)
    places[:, np.argsort(of, kind="stable")] = drawn
    return places
