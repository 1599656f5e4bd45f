"""Paired comparison of two settings on the same subjects and clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mer_utils.errors import MerError
from mer_utils.metrics import METRICS
from mer_utils.metrics.predictions import complete, default_groups, each_group
from mer_utils.stats.bootstrap import (
    NO_SPREAD,
    ONE_SUBJECT,
    RESAMPLES,
    difference_error,
    difference_interval,
    leave_one_out,
    resample,
)
from mer_utils.stats.counts import FloatArray, SubjectCounts, side_of, subject_counts

TESTS = ("p_bootstrap", "p_wilcoxon", "p_mcnemar")
COLUMNS = (
    *("metric", "baseline_score", "treatment_score", "difference", "relative", "low", "high"),
    *TESTS,
    *("n_subjects", "n_clips", "n_left_out", "baseline_seeds", "treatment_seeds", "undefined"),
)
# From this many discordant clips on, McNemar's chi-square is used in place of the exact test.
EXACT_BELOW = 25


def compare(
    predictions: pd.DataFrame,
    baseline: object | Mapping[str, object],
    treatment: object | Mapping[str, object],
    *,
    column: str = "setting",
    by: Sequence[str] | None = None,
    missing: Literal["error", "skip"] = "error",
    level: float = 0.95,
    n_resamples: int = RESAMPLES,
    n_classes: int | None = None,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Compare a treatment with a baseline in every group, on the clips they share.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction: ``subject``, ``clip``, ``y_true``, ``y_pred`` (class numbers or
        names), the columns that tell the two apart, what `by` names, and ``seed`` if a side has
        several runs, which then differ in nothing else within a group.
    baseline, treatment : scalar or mapping of str to scalar
        What the rows of each have in `column`, or in several columns:
        ``{"setting": "single", "spatial": "none"}``.
    column : str, default "setting"
        Column that tells the two apart where they are no mappings.
    by : sequence of str, optional
        Columns that tell the comparisons apart; by default those of dataset, scheme and model
        that are there.
    missing : {"error", "skip"}
        What to do with a group that lacks one of the two.
    level, n_resamples, n_classes, rng
        As of `intervals`.

    Returns
    -------
    DataFrame
        One row per group and metric: the columns of `by`; for each column ``c`` that tells the
        two apart ``c``, the treatment's value, and ``base_c``, the baseline's; ``metric``
        ("accuracy_pooled", "uf1_pooled", "uar_pooled"); ``baseline_score``,
        ``treatment_score``, each the mean over seeds of the pooled score; ``difference``,
        treatment minus baseline; ``relative``, the difference over the baseline's score;
        ``low``, ``high``, the interval of the difference over subjects; ``p_bootstrap`` of that
        difference; ``p_wilcoxon`` and ``p_mcnemar``, which compare accuracies and so are the
        same in a group's three rows; each p value again as ``..._holm``, adjusted over the
        groups, metric by metric; ``n_subjects``, ``n_clips``, ``n_left_out`` (clips that some
        run lacks), ``baseline_seeds``, ``treatment_seeds``; and ``undefined``, which says what
        is missing (NaN) and why.

    Raises
    ------
    MerError
        "missing predictions column"; "nothing to compare" if a group lacks a side or its runs
        share no clip; "bad predictions" if a clip occurs twice in a run.

    Notes
    -----
    *Bootstrap*: subjects are drawn once for both settings and all seeds; the interval and the
    p value are Student's t with n - 1 degrees of freedom and the bootstrap's standard error, or the
    jackknife's where that is larger.
    *Wilcoxon*: signed ranks of the subjects' differences in accuracy, averaged over seeds; a
    subject with one clip counts as much as one with thirty. *McNemar*: clips that exactly one
    setting predicts rightly; with several seeds a clip is right in a setting when more than
    half its seeds are. Exact below 25 such clips, else chi-square without continuity
    correction. It takes clips for independent, which holds under no difference only if the
    treatment affects all subjects alike; where it does not, McNemar rejects too often, and the
    other two are to be believed. Holm's adjustment holds the chance of any false rejection
    among the groups at its level, for one test and metric.

    Measured on 1,000 simulations per case (``benchmarks/simulate_stats.py``; 0.7 points is one
    standard error) with 8, 10 and 26 subjects and the bootstrap's errors: the 95 % intervals of
    the difference covered it in 93.3 to 96.1 %. Without a true difference the tests at 5 %
    rejected in 3.9 to 6.1 % (bootstrap), 2.3 to 5.0 % (Wilcoxon) and 3.9 to 6.0 % (McNemar), but
    McNemar in 12 to 13 % once 5 % of the latent variance was the treatment's helping some
    subjects and harming others. A gain of 10 points in every recall was found, by the bootstrap
    of UAR, in 19 % (10 subjects, 1 seed) and 47 % (26 subjects) of the cases: a difference that
    is not found has not been shown to be absent.

    Examples
    --------
    >>> from mer_utils.stats import simulate
    >>> rows = simulate(20, rng=np.random.default_rng(1), difference=0.15, n_seeds=2)
    >>> table = compare(rows, "baseline", "treatment")
    >>> table.loc[table["metric"] == "uar_pooled", ["difference", "low", "high"]].round(2)
       difference   low  high
    2        0.09  0.04  0.14
    """
    sides: list[Mapping[str, Any]] = [
        side if isinstance(side, Mapping) else {column: side} for side in (baseline, treatment)
    ]
    by = default_groups(predictions, by)
    # As text, because a missing value equals nothing.
    alike = {c: str(v) for c, v in sides[0].items()} == {c: str(v) for c, v in sides[1].items()}
    if set(sides[0]) != set(sides[1]) or alike or set(sides[0]) & set(by):
        raise MerError(
            "invalid option",
            f"baseline {dict(sides[0])} and treatment {dict(sides[1])} cannot be compared",
            "different values of the same columns, none of them in by",
            "name the same columns for both",
        )
    rows: list[dict[str, object]] = []
    predictions = complete(predictions, [*by, *sides[1]])
    for keys, group in each_group(predictions[side_of(predictions, sides) >= 0], by):
        if missing == "skip" and len(np.unique(side_of(group, sides))) < 2:
            continue
        data = subject_counts(group, sides, n_classes)
        keys |= {**sides[1], **{f"base_{c}": sides[0][c] for c in sides[1]}}
        rows += [{**keys, **row} for row in _group_rows(data, level, n_resamples, rng)]
    if not rows and missing == "error":
        subject_counts(predictions, sides, n_classes)
    columns = [*by, *sides[1], *(f"base_{c}" for c in sides[1]), *COLUMNS]
    table = pd.DataFrame(rows, columns=columns)
    for name in TESTS:
        adjusted = table.groupby("metric")[name].transform(lambda p: holm(p.to_numpy()))
        table.insert(list(table.columns).index(name) + 1, f"{name}_holm", adjusted)
    return table


def wilcoxon_p(differences: ArrayLike) -> float:
    """Test whether subjects' differences are symmetric about 0 (Wilcoxon's signed ranks).

    Returns the two-sided p value, exact for few subjects (scipy's choice); subjects without a
    difference are left out of the ranking, and it is 1 where no subject differs.

    Examples
    --------
    >>> wilcoxon_p([1, 2, 3, 4, 5, 6])
    0.03125
    >>> wilcoxon_p([0, 0])
    1.0
    """
    # Differences of ratios: rounding keeps equal ones equal.
    values = np.round(np.asarray(differences, dtype=np.float64), 12)
    values = values[values != 0]
    n = len(values)
    if not n:
        return 1.0
    from scipy.stats import rankdata, wilcoxon  # it takes a second

    ranks = rankdata(np.abs(values))
    if n > 13 or len(np.unique(ranks)) == n:
        return float(wilcoxon(values).pvalue)
    # With ties scipy goes through all signs one by one; as a product it is a thousand times faster.
    chance = (np.arange(2**n)[:, None] >> np.arange(n) & 1) @ ranks
    own = ranks[values > 0].sum()
    return float(min(1.0, 2 * min((chance <= own).mean(), (chance >= own).mean())))


def mcnemar_p(baseline_correct: ArrayLike, treatment_correct: ArrayLike) -> float:
    """Test whether two predictors are right on equally many clips (McNemar).

    Each says of every clip whether it is predicted rightly. Returns the two-sided p value, 1
    where the two are right on the same clips.

    Examples
    --------
    >>> mcnemar_p([0, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1])
    0.0625
    """
    a, b = np.asarray(baseline_correct, dtype=bool), np.asarray(treatment_correct, dtype=bool)
    gained, lost = int((~a & b).sum()), int((a & ~b).sum())
    if gained + lost == 0:
        return 1.0
    table = [[int((a & b).sum()), lost], [gained, int((~a & ~b).sum())]]
    from statsmodels.stats.contingency_tables import mcnemar

    return float(mcnemar(table, exact=gained + lost < EXACT_BELOW, correction=False).pvalue)


def holm(p: ArrayLike) -> FloatArray:
    """Adjust p values by Holm's method; undefined ones (NaN) stay out of the family.

    Examples
    --------
    >>> holm([0.01, 0.04, float("nan")])
    array([0.02, 0.04,  nan])
    """
    values = np.asarray(p, dtype=np.float64)
    adjusted, known = np.full_like(values, np.nan), np.flatnonzero(np.isfinite(values))
    # Three lines of our own: statsmodels' multipletests collects garbage at every call, which
    # takes a second in a large process. The tests compare the two.
    order = known[np.argsort(values[known])]
    stepped = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return adjusted


def majority(correct: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether more than half of the seeds are right; (n_seeds, n_clips) to (n_clips,)."""
    return correct.mean(axis=0) > 0.5


def _group_rows(
    data: SubjectCounts, level: float, n_resamples: int, rng: int | np.random.Generator
) -> list[dict[str, object]]:
    score = data.scores(np.ones((1, data.n_subjects)))[:, :, 0]
    difference = score[1] - score[0]
    ends, p, why = np.full((2, 3), np.nan), np.full(3, np.nan), [f"{ONE_SUBJECT}, p_bootstrap"] * 3
    if data.n_subjects > 1:

        def differences(weights: FloatArray) -> FloatArray:
            return np.subtract(*data.scores(weights)[::-1])

        resampled = resample(differences, data.n_subjects, n_resamples, rng)
        error = difference_error(resampled, differences(leave_one_out(data.n_subjects)))
        ends, p = difference_interval(difference, error, data.n_subjects, level)
        why = [
            "" if np.isfinite(e) else NO_SPREAD + ("" if np.isfinite(q) else ", p_bootstrap")
            for e, q in zip(ends[0], p, strict=True)
        ]
    group = {
        "p_wilcoxon": wilcoxon_p(data.subject_accuracy(1) - data.subject_accuracy(0)),
        "p_mcnemar": mcnemar_p(majority(data.correct[0]), majority(data.correct[1])),
        "n_subjects": data.n_subjects,
        "n_clips": data.n_clips,
        "n_left_out": data.n_left_out,
        "baseline_seeds": data.n_seeds[0],
        "treatment_seeds": data.n_seeds[1],
    }
    rows: list[dict[str, object]] = []
    for m, name in enumerate(METRICS):
        notes = [why[m], "" if score[0, m] else "relative (baseline 0)", data.absent_classes]
        rows.append(
            {
                "metric": f"{name}_pooled",
                "baseline_score": score[0, m],
                "treatment_score": score[1, m],
                "difference": difference[m],
                "relative": difference[m] / score[0, m] if score[0, m] else np.nan,
                "low": ends[0, m],
                "high": ends[1, m],
                "p_bootstrap": p[m],
                **group,
                "undefined": "; ".join(filter(None, notes)),
            }
        )
    return rows
