"""A quick version of benchmarks/simulate_stats.py: coverage, false rejections and power.

Each bound is a binomial one: a procedure whose true rate is the stated one falls outside with
probability below 0.002 (and, being seeded, always or never); one that is off by much is caught.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from mer_utils import stats

N = 200
METRICS = ["accuracy_pooled", "uf1_pooled", "uar_pooled"]


def simulations(n_subjects, n, seed, **options):
    # One model per simulation, so that one call of intervals or compare does them all.
    rng = np.random.default_rng(seed)
    return pd.concat(
        [stats.simulate(n_subjects, rng=rng, model=f"{i:03d}", **options) for i in range(n)],
        ignore_index=True,
    )


def within(count, n, rate):
    low, high = binom.ppf([0.001, 0.999], n, rate)
    return low <= count <= high


@pytest.fixture(scope="module")
def null():
    """Ten subjects, no true difference."""
    return simulations(10, N, seed=1)


@pytest.fixture(scope="module")
def compared(null):
    return stats.compare(null, "baseline", "treatment", n_resamples=500)


def test_intervals_cover_the_true_score(null):
    base = null[null["setting"] == "baseline"]
    table = stats.intervals(base, ["model"], n_resamples=500)
    for name, truth in stats.true_scores(0.6).items():
        rows = table[table["metric"] == f"{name}_pooled"]
        covered = ((rows["low"] <= truth) & (truth <= rows["high"])).sum()
        assert within(covered, N, 0.95), (name, covered)


def test_intervals_of_the_difference_cover_none(compared):
    for name in METRICS:
        rows = compared[compared["metric"] == name]
        covered = ((rows["low"] <= 0) & (rows["high"] >= 0)).sum()
        assert within(covered, N, 0.95), (name, covered)


@pytest.mark.parametrize("test", ["p_bootstrap", "p_wilcoxon", "p_mcnemar"])
def test_tests_reject_no_difference_at_their_level(compared, test):
    for name in METRICS:
        rejected = (compared.loc[compared["metric"] == name, test] <= 0.05).sum()
        assert within(rejected, N, 0.05), (name, rejected)


def test_holm_holds_the_family_at_its_level(compared):
    # Families of five models without a difference: any rejection among them is an error.
    rows = compared[compared["metric"] == "uar_pooled"]
    families = [stats.holm(p) for p in np.split(rows["p_bootstrap"].to_numpy(), N // 5)]
    wrong = sum(bool((p <= 0.05).any()) for p in families)
    assert wrong <= binom.ppf(0.999, N // 5, 0.05)


def test_a_known_difference_is_found():
    rows = simulations(26, 40, seed=2, difference=0.15)
    table = stats.compare(rows, "baseline", "treatment", n_resamples=500)
    for test in ("p_bootstrap", "p_wilcoxon", "p_mcnemar"):
        assert (table[test] <= 0.05).mean() > 0.9, test
    uar = table[table["metric"] == "uar_pooled"]
    assert uar["difference"].mean() == pytest.approx(0.15, abs=0.02)
    covered = ((uar["low"] <= 0.15) & (uar["high"] >= 0.15)).sum()
    assert within(covered, 40, 0.95)


def test_a_test_over_clips_is_misled_where_subjects_respond_differently():
    # Why no verdict rests on McNemar alone: no difference on average, but for each subject.
    parts = stats.Variances(subject=0.1, interaction=0.3, clip=0.3)
    rows = simulations(8, 60, seed=3, variances=parts, mean_clips=30)
    table = stats.compare(rows, "baseline", "treatment", n_resamples=500)
    accuracy = table[table["metric"] == "accuracy_pooled"]
    assert (accuracy["p_mcnemar"] <= 0.05).sum() > binom.ppf(0.999, 60, 0.05)
    assert within((accuracy["p_bootstrap"] <= 0.05).sum(), 60, 0.05)
