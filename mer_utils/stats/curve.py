"""Specification curve: one comparison under every reasonable choice of what was left open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mer_utils.errors import MerError
from mer_utils.metrics.predictions import complete
from mer_utils.stats.bootstrap import RESAMPLES
from mer_utils.stats.counts import side_of
from mer_utils.stats.paired import compare

METRIC = "uar_pooled"
_ROUNDING = 1e-12


class CurveTest(NamedTuple):
    """What the permutations say of a curve; differences in pooled UAR, p values two-sided."""

    specifications: int
    subjects: int
    median: float
    positive: float
    p_median: float
    p_positive: float


def specification_curve(
    predictions: pd.DataFrame,
    baseline: Mapping[str, Any],
    treatment: Mapping[str, Any],
    by: Sequence[str],
    *,
    n_resamples: int = RESAMPLES,
    rng: int = 0,
) -> tuple[pd.DataFrame, CurveTest]:
    """Compare a treatment with a baseline under every specification, and test them together.

    Parameters
    ----------
    predictions : DataFrame
        As of `compare`: the rows of both sides under every specification.
    baseline, treatment : mapping of str to scalar
        The values of each in the same columns.
    by : sequence of str
        Columns that tell the specifications apart, ``dataset`` among them.
    n_resamples : int
        Of subjects for the intervals, and of permutations for the tests.
    rng : int

    Returns
    -------
    curve : DataFrame
        The rows of `compare` for pooled UAR, the smallest difference first.
    test : CurveTest
        Median of the differences and share of them above zero, with the p values of both. Under
        no difference the two sides of a subject are exchangeable: they are swapped at random, in
        all specifications at once, since these show the same subjects and are no independent
        evidence.

    Raises
    ------
    MerError
        "nothing to compare" if a specification lacks a side: none is left out in silence.

    References
    ----------
    Simonsohn, Simmons and Nelson (2020), Specification curve analysis. Nature Human Behaviour.

    Examples
    --------
    >>> from mer_utils.stats import simulate
    >>> rows = simulate(20, rng=np.random.default_rng(1), difference=0.15, n_seeds=2)
    >>> both = pd.concat([rows.assign(rate=rate) for rate in (0.1, 0.2)])
    >>> sides = {"setting": "baseline"}, {"setting": "treatment"}
    >>> curve, test = specification_curve(both, *sides, by=["dataset", "rate"])
    >>> curve["difference"].round(2).tolist(), round(test.median, 2), test.p_median < 0.01
    ([0.09, 0.09], 0.09, True)
    """
    found = compare(predictions, baseline, treatment, by=by, n_resamples=n_resamples, rng=rng)
    found = found[found["metric"] == METRIC].sort_values("difference", ignore_index=True)
    gains = subject_gains(predictions, baseline, treatment, by).to_numpy()
    signs = np.random.default_rng(rng).choice((-1.0, 1.0), (n_resamples, gains.shape[1]))
    own, swapped = gains.sum(axis=1), signs @ gains.T
    chance = [np.abs(np.median(swapped, axis=1)), np.abs(_signs(swapped))]
    found_so = [abs(float(np.median(own))), abs(float(_signs(own)))]
    p = [_share(each, value) for each, value in zip(chance, found_so, strict=True)]
    return found, CurveTest(
        len(own), gains.shape[1], float(np.median(own)), float((own > _ROUNDING).mean()), *p
    )


def subject_gains(
    predictions: pd.DataFrame,
    baseline: Mapping[str, Any],
    treatment: Mapping[str, Any],
    by: Sequence[str],
) -> pd.DataFrame:
    """Divide each difference in pooled UAR among the subjects.

    Returns one row per specification and one column per (data set, subject), 0 for those of
    other data sets; a row adds up to its difference, as the recall of a class is a mean over its
    clips, on those that both sides predict.
    """
    rows = complete(predictions, [*by, *treatment])
    rows = rows.assign(side=side_of(rows, (baseline, treatment))).query("side >= 0")
    rows = rows.assign(right=rows["y_true"].eq(rows["y_pred"]).astype(float))
    groups: dict[str, Any] = {"observed": True, "dropna": False}
    clip = [*by, *(c for c in ("dataset", "subject", "clip", "y_true") if c not in by)]
    # A clip that some run lacks counts for none, as in `compare`.
    runs = rows.drop_duplicates([*by, "side", "seed"]).groupby(list(by), **groups).size()
    n_runs = rows[list(by)].merge(runs.rename("n").reset_index(), on=list(by))["n"].to_numpy()
    rows = rows[rows.groupby(clip, **groups)["right"].transform("size") == n_runs]
    mean = rows.groupby([*clip, "side"], **groups)["right"].mean().reset_index()
    right = mean[mean["side"] == 0].merge(mean[mean["side"] == 1], on=clip)
    of_class = right.groupby([*by, "y_true"], **groups)
    share = 1 / of_class["clip"].transform("size")
    classes = right.groupby(list(by), **groups)["y_true"].transform("nunique")
    right["gain"] = (right["right_y"] - right["right_x"]) * share / classes
    right["person"] = list(zip(right["dataset"], right["subject"], strict=True))
    return right.pivot_table("gain", list(by), "person", aggfunc="sum", fill_value=0.0, **groups)


def expected_best(chosen_by: ArrayLike, reported: ArrayLike) -> NDArray[np.float64]:
    """Return what a tuning budget buys: the expected score of the best of n trials.

    Parameters
    ----------
    chosen_by : array_like, shape (N,)
        The score by which the best of the trials is chosen.
    reported : array_like, shape (N,)
        The score that is then reported: the same, which is optimistic, or one of other data.

    Returns
    -------
    ndarray, shape (N,)
        Element n - 1 is the mean of `reported` at the trial that `chosen_by` calls best, over
        all sets of n of the N trials. Trials that tie are chosen equally often.

    References
    ----------
    Dodge et al. (2019), Show your work: improved reporting of experimental results. EMNLP.

    Examples
    --------
    >>> expected_best([0.2, 0.4, 0.6], [0.2, 0.4, 0.6]).round(3)
    array([0.4  , 0.533, 0.6  ])
    """
    scores = np.asarray(chosen_by, dtype=np.float64)
    values = np.asarray(reported, dtype=np.float64)
    if scores.ndim != 1 or scores.shape != values.shape or not len(scores):
        raise MerError(
            "invalid option",
            f"scores of shapes {scores.shape} and {values.shape}",
            "two rows of as many scores",
            "give each trial's two scores",
        )
    total = len(scores)
    # Trials that tie stand for each other: each reports their mean.
    values = pd.Series(values).groupby(scores).transform("mean").to_numpy()
    values = values[np.argsort(scores, kind="stable")]
    # The trial of rank i is the best of n if the others are among the i that rank below it.
    return np.array(
        [
            sum(comb(i, n - 1) * values[i] for i in range(n - 1, total)) / comb(total, n)
            for n in range(1, total + 1)
        ]
    )


def _signs(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much the share of differences above zero exceeds that below it."""
    above, below = gains > _ROUNDING, gains < -_ROUNDING
    return np.asarray(above.mean(axis=-1) - below.mean(axis=-1))


def _share(chance: NDArray[np.float64], own: float) -> float:
    """Return the share of permutations as far out as the data, which are one of them."""
    return float((1 + (chance >= own - 1e-9).sum()) / (1 + len(chance)))
