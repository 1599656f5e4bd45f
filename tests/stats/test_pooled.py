"""The primary comparison, its equivalence, the floor test and the marginal model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import raises
from scipy import stats as scipy_stats
from statsmodels.stats.weightstats import ttost_paired

from mer_utils import stats
from mer_utils.stats.pooled import of_counts, pooled

BASE, TREATED = {"setting": "baseline"}, {"setting": "treatment"}
UAR = "uar_pooled"


def drawn(n_subjects=12, models=("x", "y"), datasets=("a", "b"), **options):
    rng = np.random.default_rng(3)
    return pd.concat(
        [
            stats.simulate(n_subjects, rng=rng, model=m, **options).assign(dataset=d)
            for d in datasets
            for m in models
        ],
        ignore_index=True,
    ).pipe(share_labels)


def share_labels(rows):
    """Let all models of a data set predict the clips of its first one."""
    parts = []
    for _, part in rows.groupby("dataset"):
        first = part[part["model"] == part["model"].iloc[0]]
        right = {}
        for m, own in part.groupby("model", sort=False):
            hits = (own["y_true"] == own["y_pred"]).to_numpy()
            copy = first.assign(model=m)
            hit = np.resize(hits, len(first))
            copy["y_pred"] = np.where(hit, copy["y_true"], (copy["y_true"] + 1) % 5)
            right[m] = copy
        parts += right.values()
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def rows():
    return drawn(difference=0.05)


@pytest.fixture(scope="module")
def found(rows):
    return stats.pooled_differences(rows, BASE, TREATED).set_index(["dataset", "model", "metric"])


def test_a_cell_is_compared_as_everywhere_else_in_the_book(rows, found):
    own = stats.compare(rows, "baseline", "treatment", by=["dataset", "model"])
    own = own.set_index(["dataset", "model", "metric"])
    cells = found.loc[own.index]
    for column in ("baseline_score", "treatment_score", "difference", "relative"):
        assert np.allclose(cells[column], own[column])
    # Other draws of the resamples: the ends agree to a point.
    assert np.allclose(cells["low"], own["low"], atol=0.01)
    assert np.allclose(cells["p"], own["p_bootstrap"], atol=0.02)


def test_means_are_over_cells_and_share_the_subjects(rows, found):
    uar = found.xs(UAR, level="metric")
    cells = [uar.loc[(d, m), "difference"] for d in "ab" for m in "xy"]
    assert uar.loc[("every", "every"), "difference"] == pytest.approx(np.mean(cells))
    assert uar.loc[("a", "every"), "difference"] == pytest.approx(np.mean(cells[:2]))
    # By subject, not by cell: twins of one network add nothing to what is known.
    twins = pd.concat([rows[rows["model"] == "x"].assign(model=m) for m in "xyz"])
    same = stats.pooled_differences(twins, BASE, TREATED).set_index(["dataset", "model", "metric"])
    alone, three = same.loc[("a", "x", UAR)], same.loc[("a", "every", UAR)]
    assert three["se"] == pytest.approx(alone["se"])
    # People of two data sets are different people: their errors add up as independent ones.
    both = same.loc[("every", "every", UAR)]
    parts = same.loc[[("a", "x", UAR), ("b", "x", UAR)], "se"]
    assert both["se"] == pytest.approx(np.sqrt((parts**2).sum()) / 2)
    assert 11 <= both["df"] <= 22
    assert both["standardised"] != both["standardised"]
    assert alone["standardised"] == pytest.approx(alone["difference"] / alone["se"] / np.sqrt(12))


def test_swapping_the_arms_flips_the_sign_and_keeps_the_p_value(rows, found):
    other = stats.pooled_differences(rows, TREATED, BASE)
    other = other.set_index(["dataset", "model", "metric"])
    assert np.allclose(other["difference"], -found["difference"])
    assert np.allclose(other["low"], -found["high"])
    assert np.allclose(other["p"], found["p"])
    back, ratio = stats.odds_ratio(rows, TREATED, BASE), stats.odds_ratio(rows, BASE, TREATED)
    assert back["odds_ratio"] == pytest.approx(1 / ratio["odds_ratio"])
    assert back["p"] == pytest.approx(ratio["p"])


def test_the_relative_difference_is_that_of_the_means(rows, found):
    # A mean of ratios would follow the smallest denominator.
    row = found.loc[("every", "every", UAR)]
    assert row["relative"] == pytest.approx(row["difference"] / row["baseline_score"])
    assert row["relative_low"] < row["relative"] < row["relative_high"]
    never = rows["y_pred"].mask(rows["setting"] == "baseline", (rows["y_true"] + 1) % 5)
    zero = stats.pooled_differences(rows.assign(y_pred=never), BASE, TREATED)
    assert zero[["relative", "relative_low"]].isna().all(axis=None)
    assert zero["undefined"].str.contains("baseline 0").all()


def test_a_missing_arm_is_named_and_the_mean_does_not_extend_over_it(rows):
    gone = (rows["model"] == "y") & (rows["dataset"] == "b") & (rows["setting"] == "treatment")
    found = stats.pooled_differences(rows[~gone], BASE, TREATED)
    every = found[(found["metric"] == UAR)].set_index(["dataset", "model"])
    assert every.loc[("every", "every"), "cells"] == 3
    assert every.loc[("every", "every"), "undefined"] == "y (one setting missing), b"
    assert "b (no model compared)" in every.loc[("every", "y"), "undefined"]
    with raises("nothing to compare", "treatment"):
        stats.pooled_differences(rows[rows["setting"] == "baseline"], BASE, TREATED)


def test_a_missing_seed_and_missing_clips_are_counted(rows):
    more = pd.concat([rows, rows.assign(seed=1)])
    less = more[~((more["seed"] == 1) & (more["model"] == "y"))]
    found = stats.pooled_differences(less, BASE, TREATED).set_index(["dataset", "model", "metric"])
    assert found.loc[("a", "x", UAR), "seeds"] == 2
    assert found.loc[("every", "every", UAR), "seeds"] == 1
    subject = rows["subject"].iloc[0]
    gone = (rows["subject"] == subject) & (rows["model"] == "x") & (rows["dataset"] == "a")
    found = stats.pooled_differences(rows[~gone], BASE, TREATED)
    a = found[(found["dataset"] == "a") & (found["metric"] == UAR)]
    # The same subjects for all models, so that their mean is of one kind.
    assert (a["subjects"] == 11).all()
    assert (a["left_out"] == gone.sum() / 2).all()


def test_one_subject_or_one_class_is_said(rows):
    one = rows[(rows["dataset"] == "b") | (rows["subject"] == rows["subject"].iloc[0])]
    found = stats.pooled_differences(one, BASE, TREATED).set_index(["dataset", "model", "metric"])
    row = found.loc[("every", "every", UAR)]
    assert np.isnan(row["low"])
    assert np.isfinite(row["difference"])
    assert "interval (one subject), a" in row["undefined"]
    assert np.isfinite(found.loc[("b", "x", UAR), "low"])
    single = rows[rows["y_true"] == 0]
    found = stats.pooled_differences(single, BASE, TREATED)
    assert found["undefined"].str.contains("no true clips").all()
    uar, accuracy = (found[found["metric"] == m] for m in (UAR, "accuracy_pooled"))
    # A mean over one class is no macro-average.
    assert uar[["difference", "low", "p"]].isna().all(axis=None)
    assert accuracy["difference"].notna().all()
    assert (stats.verdicts(uar["difference"], uar["se"], uar["df"], 0.045) == "undecided").all()


def test_equivalence_is_two_one_sided_tests():
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, 30), rng.normal(0.1, 1, 30)
    difference = other - one
    se = difference.std(ddof=1) / np.sqrt(30)
    expected = ttost_paired(other, one, -0.6, 0.6)[0]
    assert stats.equivalence_p(difference.mean(), se, 29, 0.6) == pytest.approx(expected)


@pytest.mark.parametrize("margin", [0.0, -0.1, float("nan")])
def test_a_margin_of_zero_is_refused(margin):
    with raises("invalid option", "margin"):
        stats.verdicts(0.0, 0.01, 20, margin)


def test_an_undefined_error_decides_nothing():
    assert stats.verdicts(0.3, np.nan, np.nan, 0.05) == "undecided"


def test_what_is_detectable_is_found_that_often():
    se, df = 0.02, 25
    true = stats.detectable(se, df, power=0.8)
    t = scipy_stats.t.ppf(0.975, df)
    assert scipy_stats.nct.sf(t, df, true / se) == pytest.approx(0.8, abs=0.01)


@pytest.fixture(scope="module")
def thousand():
    """Differences 0, 0.2, 0.2 and 0.2 in the four cells of two data sets: 0.15 on average."""
    rng = np.random.default_rng(8)
    parts = stats.Variances(interaction=0.02, own_interaction=0.02, model=0.1)
    found = []
    for i in range(1000):
        data = []
        for name, gains in (("a", [0.0, 0.2]), ("b", [0.2, 0.2])):
            recalls = 0.5 + np.array([[0.0, 0.0], gains])
            # No resamples: the jackknife's error is the larger of the two as good as always.
            counts = stats.simulate_counts(
                recalls,
                26,
                rng=rng,
                mean_clips=5,
                class_shares=stats.SAMM_SHARES,
                n_seeds=5,
                variances=parts,
            )
            data.append(of_counts(name, ["x", "y"], counts, 0, i))
        found.append(pooled(data).assign(simulation=i))
    rows = pd.concat(found, ignore_index=True)
    return rows[rows["metric"] == UAR]


def test_the_primary_interval_covers_and_its_tests_keep_their_size(thousand):
    every = thousand[(thousand["dataset"] == "every") & (thousand["model"] == "every")]
    covered = ((every["low"] <= 0.15) & (every["high"] >= 0.15)).mean()
    assert 0.93 <= covered <= 0.97
    # At the margin itself, equivalence is wrong.
    p = stats.equivalence_p(every["difference"], every["se"], every["df"], 0.15)
    assert (p < 0.05).mean() <= 0.055


def test_every_network_on_every_data_set_needs_no_correction(thousand):
    cells = thousand[(thousand["dataset"] != "every") & (thousand["model"] != "every")]
    said = stats.verdicts(cells["difference"], cells["se"], cells["df"], 0.045)
    every = pd.Series(said == "superior", cells.index).groupby(cells["simulation"]).all()
    # One cell gains nothing, so "all gain" is wrong.
    assert every.mean() <= 0.055


def test_the_floor_is_what_chance_reaches_in_one_of_a_hundred():
    rng = np.random.default_rng(5)
    p = []
    for _ in range(100):
        rows = stats.simulate(8, rng=rng, recall=0.5)
        rows = rows[rows["setting"] == "baseline"]
        p.append(stats.chance_p(rows.assign(y_pred=rng.integers(0, 5, len(rows))), 200))
    assert (np.array(p) <= 0.05).mean() <= 0.12
    assert 0.4 < np.mean(p) < 0.6
    better = stats.simulate(20, rng=rng).query("setting == 'baseline'")
    assert stats.chance_p(better) < stats.FLOOR_ALPHA


def test_knowing_a_subject_is_no_knowledge_of_its_clips():
    rows = pd.DataFrame(
        [{"subject": s, "clip": c, "y_true": s % 3} for s in range(9) for c in range(5)]
    )
    # All right, because each subject has one class only: nothing is known within a subject.
    assert stats.chance_p(rows.assign(y_pred=rows["y_true"])) == 1
    one = rows[rows["subject"] == 0]
    assert stats.chance_p(one.assign(y_pred=0)) == 1


def test_permutations_keep_every_clip_within_its_subject():
    from mer_utils.stats.floor import _within

    of = np.array([2, 0, 1, 0, 2, 1, 1])
    for order in _within(of.tobytes(), 50, 0):
        assert sorted(order) == list(range(7))
        assert (of[order] == of).all()


def test_the_marginal_model_agrees_in_sign_and_says_where_it_is_undefined(rows):
    found = stats.odds_ratio(rows, BASE, TREATED)
    assert found["low"] < found["odds_ratio"] < found["high"]
    assert found["odds_ratio"] > 1
    never = rows["y_pred"].mask(rows["setting"] == "baseline", (rows["y_true"] + 1) % 5)
    assert np.isnan(stats.odds_ratio(rows.assign(y_pred=never), BASE, TREATED)["odds_ratio"])
