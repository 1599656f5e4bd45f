"""Intervals, and comparisons against answers known another way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import raises
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from mer_utils import metrics, stats
from mer_utils.stats.bootstrap import (
    bootstrap,
    difference_error,
    difference_interval,
    leave_one_out,
    resample,
)


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def rows(rng):
    return stats.simulate(
        9, rng=rng, difference=0.1, n_seeds=3, variances=stats.Variances(seed=0.05)
    )


SIDES = ("baseline", "treatment")


def baseline_of(rows):
    return rows[rows["setting"] == "baseline"]


def test_simulated_recalls_and_scores_converge_to_the_stated_ones():
    rng = np.random.default_rng(0)
    rows = stats.simulate(4000, rng=rng, recall=0.55, difference=0.1)
    for setting, recall in (("baseline", 0.55), ("treatment", 0.65)):
        group = rows[rows["setting"] == setting]
        found = metrics.scores(group["y_true"], group["y_pred"], 5)
        truth = stats.true_scores(recall)
        for name in metrics.METRICS:
            assert getattr(found, name) == pytest.approx(truth[name], abs=0.02)
    sizes = rows[rows["setting"] == "baseline"].groupby("subject").size()
    assert sizes.mean() == pytest.approx(9.5, abs=0.4)
    assert sizes.min() >= 2


def test_settings_and_seeds_share_clips_and_labels(rows):
    assert len(rows[["clip", "y_true"]].drop_duplicates()) == rows["clip"].nunique()
    assert (rows.groupby(["setting", "seed"]).size() == rows["clip"].nunique()).all()


@pytest.mark.parametrize("bad", [{"recall": 0.95, "difference": 0.1}, {"recall": 0.0}])
def test_impossible_recalls_are_refused(bad, rng):
    with raises("invalid option"):
        stats.simulate(3, rng=rng, **bad)
    with raises("invalid option"):
        stats.simulate(3, rng=rng, variances=stats.Variances(subject=0.9))


def test_weighted_counts_equal_scoring_the_resampled_rows(rows):
    # The matrix product against concatenating the drawn subjects' rows.
    data = stats.subject_counts(rows, [{"setting": "baseline"}, {"setting": "treatment"}])
    names = sorted(rows["subject"].unique())
    drawn = np.array([0, 0, 3, 5, 8, 8, 8, 1, 2])
    weights = np.bincount(drawn, minlength=9).astype(float)[None]
    found = data.scores(weights)[:, :, 0]
    for j, setting in enumerate(("baseline", "treatment")):
        by_seed = []
        for seed in range(3):
            run = rows[(rows["setting"] == setting) & (rows["seed"] == seed)]
            chosen = pd.concat([run[run["subject"] == names[s]] for s in drawn])
            s = metrics.scores(chosen["y_true"], chosen["y_pred"], 5)
            by_seed.append((s.accuracy, s.uf1, s.uar))
        assert np.allclose(found[j], np.mean(by_seed, axis=0))


def test_bootstrap_of_a_mean_has_its_textbook_standard_error():
    values = 0.2 * np.random.default_rng(3).normal(size=12)

    def mean(weights):
        return (weights @ values / weights.sum(axis=1))[None]

    resampled, left_out = resample(mean, 12, 20_000, 1), mean(leave_one_out(12))
    textbook = [values.std(ddof=1) / np.sqrt(12)]
    assert difference_error(left_out[:, :0], left_out) == pytest.approx(textbook)
    error = difference_error(resampled, left_out)
    ends, p = difference_interval(np.array([values.mean()]), error, 12, 0.95)
    test = scipy_stats.ttest_1samp(values, 0)
    expected = test.confidence_interval(0.95)
    assert ends[:, 0] == pytest.approx([expected.low, expected.high], abs=0.005)
    assert p[0] == pytest.approx(test.pvalue, abs=0.02)


def test_percentile_and_bca_are_scipys_own():
    values = np.random.default_rng(3).exponential(size=15)
    for method in ("percentile", "BCa"):
        ours = bootstrap(lambda w: (w @ values / 15)[None], 15, 4000, 5, method, 0.9)
        theirs = scipy_stats.bootstrap(
            (values,),
            np.mean,
            n_resamples=4000,
            method=method,
            confidence_level=0.9,
            rng=np.random.default_rng(5),
        )
        assert ours.confidence_interval.low[0] == pytest.approx(theirs.confidence_interval.low)
        assert ours.confidence_interval.high[0] == pytest.approx(theirs.confidence_interval.high)


def test_intervals_keep_seeds_apart_from_subjects(rows):
    table = stats.intervals(rows, ["setting"]).set_index(["setting", "metric"])
    pooled = metrics.scores_by(rows, ["setting", "seed"]).groupby("setting")
    for name in ("accuracy_pooled", "uf1_pooled", "uar_pooled"):
        for setting in ("baseline", "treatment"):
            row = table.loc[(setting, name)]
            assert row["estimate"] == pytest.approx(pooled[name].mean()[setting])
            assert row["seeds_sd"] == pytest.approx(pooled[name].std()[setting])
            assert 0 < row["low"] < row["estimate"] < row["high"] < 1
            assert row["undefined"] == ""


def test_order_of_rows_never_matters(rows):
    shuffled = rows.sample(frac=1, random_state=2)
    shuffled.index = np.zeros(len(shuffled), dtype=int)
    pd.testing.assert_frame_equal(
        stats.intervals(rows, ["setting"]), stats.intervals(shuffled, ["setting"])
    )
    pd.testing.assert_frame_equal(stats.compare(rows, *SIDES), stats.compare(shuffled, *SIDES))


def test_other_groups_change_no_interval(rows, rng):
    other = stats.simulate(7, rng=rng, model="another", n_seeds=3)
    together = stats.intervals(pd.concat([rows, other]), ["model", "setting"])
    alone = stats.intervals(rows, ["model", "setting"])
    kept = together[together["model"] == "simulated"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, alone)


def test_one_subject_one_seed_perfect_and_constant_predictors_are_stated(rng):
    rows = baseline_of(stats.simulate(6, rng=rng))
    alone = stats.intervals(rows[rows["subject"] == "s000"], ["setting"])
    assert alone["undefined"].str.contains("one subject").all()
    assert alone["undefined"].str.contains("one seed").all()
    assert alone[["low", "high", "subjects_se"]].isna().all(axis=None)
    assert alone["estimate"].notna().all()

    perfect = stats.intervals(rows.assign(y_pred=rows["y_true"]), ["setting"])
    assert (perfect["estimate"] == 1).all()
    assert perfect["undefined"].str.contains("no spread over subjects").all()

    constant = stats.intervals(rows.assign(y_pred=0), ["setting"]).set_index("metric")
    uar = constant.loc["uar_pooled"]
    assert uar["estimate"] == pytest.approx(1 / 5)
    assert constant.loc["accuracy_pooled", "low"] < constant.loc["accuracy_pooled", "high"]
    assert (constant["n_clips"] == len(rows)).all()


def test_a_class_without_clips_is_named(rng):
    rows = baseline_of(stats.simulate(6, rng=rng))
    rows = rows[rows["y_true"] != 3]
    table = stats.intervals(rows, ["setting"])
    assert table["undefined"].str.contains("class 3 (no true clips)", regex=False).all()
    # A class that one subject alone holds is missing from (5/6)^6 of the resamples.
    rare = rows[(rows["y_true"] != 4) | (rows["subject"] == "s001")].copy()
    rare.loc[rare[rare["subject"] == "s001"].index[:1], "y_true"] = 4
    share = stats.intervals(rare, ["setting"], n_resamples=4000)["incomplete"]
    assert share.iloc[0] >= (5 / 6) ** 6 - 0.03


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("invalid option", lambda rows: stats.intervals(rows, ["setting", "seed"])),
        ("missing predictions column", lambda rows: stats.intervals(rows, ["fold"])),
        ("missing predictions column", lambda rows: stats.compare(rows, 1, 2, column="fold")),
        ("nothing to compare", lambda rows: stats.compare(rows, "baseline", "dual")),
        ("nothing to compare", lambda rows: stats.compare(rows, "single", "dual")),
        ("invalid option", lambda rows: stats.compare(rows, "dual", "dual")),
        ("invalid option", lambda rows: stats.compare(rows, "a", "b", column="model")),
        ("invalid option", lambda rows: stats.compare(rows, "a", {"spatial": "none"})),
    ],
)
def test_bad_requests_are_refused(rows, kind, call):
    with raises(kind):
        call(rows)


@pytest.mark.parametrize(
    ("kind", "column", "value"),
    [("nothing to compare", "clip", "x"), ("bad predictions", "y_true", 0)],
)
def test_sides_that_share_nothing_are_refused(rows, kind, column, value):
    moved = rows[column].mask(rows["setting"] == "treatment", value)
    key = ["setting", "seed", "clip", "subject"]
    with raises(kind):
        stats.compare(rows.assign(**{column: moved}).drop_duplicates(key), *SIDES)


def test_a_comparison_is_columns(rows):
    plain = stats.compare(rows, *SIDES)
    both = rows.assign(spatial=np.where(rows["setting"] == "treatment", "flip", "none"))
    sides = (
        {"setting": "baseline", "spatial": "none"},
        {"setting": "treatment", "spatial": "flip"},
    )
    found = stats.compare(both, *sides)
    columns = ["setting", "spatial", "base_setting", "base_spatial"]
    assert set(map(tuple, found[columns].to_numpy())) == {("treatment", "flip", "baseline", "none")}
    pd.testing.assert_frame_equal(found[plain.columns], plain)
    # A missing value tells sides apart as well as any.
    treated = rows["setting"] == "treatment"
    for frames in (pd.array([8] * len(rows), dtype="Int64"), np.full(len(rows), 8.0)):
        numbers = rows.assign(frames=pd.Series(frames, rows.index).mask(treated))
        found = stats.compare(numbers, 8, pd.NA, column="frames")
        assert found["difference"].equals(plain["difference"])


def test_groups_that_lack_a_side_can_be_skipped(rows, rng):
    half = baseline_of(stats.simulate(6, rng=rng, model="half"))
    both = pd.concat([rows, half])
    with raises("nothing to compare", "treatment"):
        stats.compare(both, "baseline", "treatment")
    skipped = stats.compare(both, "baseline", "treatment", missing="skip")
    pd.testing.assert_frame_equal(skipped, stats.compare(rows, *SIDES))
    none = stats.compare(half, "baseline", "treatment", missing="skip")
    assert none.empty
    assert list(none) == list(skipped)


NAMES = np.array(["surprise", "others", "happiness", "repression", "disgust"])


@pytest.mark.parametrize("named", [False, True])
def test_predictions_need_only_what_the_statistic_needs(rows, named):
    """The second program of a researcher: predictions of their own, the book's statistics."""
    one = rows[rows["seed"] == 0].reset_index(drop=True)
    mine = one[["subject", "clip", "y_true", "y_pred"]].assign(system=one["setting"])
    if named:
        mine = mine.assign(y_true=NAMES[mine["y_true"]], y_pred=NAMES[mine["y_pred"]])
    found = stats.compare(mine, "baseline", "treatment", column="system")
    pooled = metrics.scores_by(mine, ["system"])
    spread = stats.intervals(mine, ["system"])
    full = stats.compare(one, "baseline", "treatment")
    numbers = [c for c in full if c in found and found[c].dtype == float]
    assert np.allclose(found[numbers], full[numbers])
    assert pooled["uar_pooled"].tolist() == pytest.approx(
        spread.loc[spread["metric"] == "uar_pooled", "estimate"].tolist()
    )
    for column in ("subject", "clip", "y_true", "y_pred", "system"):
        with raises("missing predictions column", column):
            stats.compare(mine.drop(columns=column), "baseline", "treatment", column="system")


def test_compare_reports_the_scores_difference_and_tests(rows):
    table = stats.compare(rows, *SIDES).set_index("metric")
    pooled = metrics.scores_by(rows, ["setting", "seed"]).groupby("setting").mean(numeric_only=True)
    for name, row in table.iterrows():
        assert row["baseline_score"] == pytest.approx(pooled.loc["baseline", name])
        gain = pooled.loc["treatment", name] - pooled.loc["baseline", name]
        assert row["difference"] == pytest.approx(gain)
        assert row["relative"] == pytest.approx(gain / pooled.loc["baseline", name])
        assert row["low"] < gain < row["high"]
        # The interval excludes 0 exactly when the p value is below 5 %.
        assert (row["p_bootstrap"] < 0.05) == (row["low"] > 0 or row["high"] < 0)
    right = rows.assign(right=rows["y_true"] == rows["y_pred"])
    by_subject = right.pivot_table("right", "subject", "setting")
    expected = scipy_stats.wilcoxon((by_subject["treatment"] - by_subject["baseline"]).round(12))
    assert table["p_wilcoxon"].iloc[0] == pytest.approx(expected.pvalue)
    votes = right.pivot_table("right", "clip", "setting") > 0.5
    b = int((votes["treatment"] & ~votes["baseline"]).sum())
    c = int((~votes["treatment"] & votes["baseline"]).sum())
    assert table["p_mcnemar"].iloc[0] == pytest.approx(mcnemar_by_hand(b, c))


@pytest.mark.parametrize("values", [[1, 1, -1, 2, 3], [-2, 0, 0.5, 0.5, -1, 3, 3, 3], [1, -1]])
def test_exact_signed_ranks_with_ties_are_scipys(values):
    values = np.array(values, dtype=float)
    expected = scipy_stats.wilcoxon(values[values != 0]).pvalue
    assert stats.wilcoxon_p(values) == expected


def mcnemar_by_hand(b, c):
    if b + c < 25:
        return scipy_stats.binomtest(b, b + c).pvalue if b + c else 1.0
    return scipy_stats.chi2.sf((b - c) ** 2 / (b + c), 1)


@pytest.mark.parametrize(("b", "c"), [(3, 9), (0, 0), (20, 41)])
def test_mcnemar_by_hand(b, c):
    baseline = np.r_[np.zeros(b), np.ones(c), np.ones(10)].astype(bool)
    treatment = np.r_[np.ones(b), np.zeros(c), np.ones(10)].astype(bool)
    expected = mcnemar_by_hand(b, c)
    assert stats.mcnemar_p(baseline, treatment) == pytest.approx(expected)


def test_swapping_the_settings_flips_the_difference(rows):
    one = stats.compare(rows, *SIDES)
    other = stats.compare(rows, "treatment", "baseline")
    assert np.allclose(one["difference"], -other["difference"])
    assert np.allclose(one["low"], -other["high"])
    for test in ("p_bootstrap", "p_wilcoxon", "p_mcnemar"):
        assert np.allclose(one[test], other[test])


def test_the_same_predictions_differ_in_nothing(rows):
    base = baseline_of(rows)
    both = pd.concat([base, base.assign(setting="treatment")])
    table = stats.compare(both, "baseline", "treatment")
    assert (table[["difference", "relative"]] == 0).all(axis=None)
    assert (table[["p_bootstrap", "p_wilcoxon", "p_mcnemar"]] == 1).all(axis=None)
    assert table["undefined"].str.contains("no spread").all()


def test_clips_that_a_run_lacks_are_counted_and_left_out_of_all(rows):
    gone = rows["clip"].isin(["c00000", "c00004"]) & (rows["seed"] == 1)
    table = stats.compare(rows[~gone], *SIDES)
    everyone = stats.compare(rows[~rows["clip"].isin(["c00000", "c00004"])], *SIDES)
    assert (table["n_left_out"] == 2).all()
    columns = ["difference", "p_bootstrap", "p_mcnemar", "n_clips"]
    pd.testing.assert_frame_equal(table[columns], everyone[columns])


def test_holm_is_taken_over_groups_metric_by_metric(rng):
    frames = [stats.simulate(8, rng=rng, model=f"m{i}", difference=0.05 * i) for i in range(4)]
    table = stats.compare(pd.concat(frames), "baseline", "treatment", n_resamples=200)
    for _, group in table.groupby("metric"):
        for test in ("p_bootstrap", "p_wilcoxon", "p_mcnemar"):
            expected = multipletests(group[test], method="holm")[1]
            assert np.allclose(group[f"{test}_holm"], expected)
            assert (group[f"{test}_holm"] >= group[test]).all()


def test_holm_leaves_undefined_p_values_out_of_the_family(rng):
    p = rng.random(9) / 20
    expected = multipletests(p, method="holm")[1]
    found = stats.holm(np.r_[np.nan, p, np.nan])
    assert np.allclose(found[1:-1], expected)
    assert np.isnan(found[[0, -1]]).all()


def test_a_baseline_of_zero_has_no_relative_difference(rng):
    rows = stats.simulate(6, rng=rng)
    never = (rows["y_true"] + 1) % 5
    rows["y_pred"] = rows["y_pred"].mask(rows["setting"] == "baseline", never)
    table = stats.compare(rows, *SIDES)
    assert table["relative"].isna().all()
    assert table["undefined"].str.contains("relative").all()
