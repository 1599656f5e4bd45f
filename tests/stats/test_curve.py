"""Specification curves and tuning budgets."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from mer_utils.stats import compare, expected_best, simulate, specification_curve
from mer_utils.stats.curve import subject_gains
from tests.helpers import raises

SIDES = {"setting": "baseline"}, {"setting": "treatment"}
BY = ["dataset", "rate"]


def made(difference=0.0, rng=0, subjects=10, rates=(1, 2, 3), **more):
    """Return the same subjects under several specifications, each with noise of its own."""
    draw = np.random.default_rng(rng)
    parts = [simulate(subjects, rng=draw, difference=difference, **more) for _ in rates]
    true = parts[0].sort_values(["setting", "subject", "clip"])
    return pd.concat(
        [
            true.assign(rate=rate, y_pred=np.where(draw.random(len(true)) < 0.8, true["y_pred"], 0))
            for rate in rates
        ]
    )


def test_the_gains_of_subjects_add_up_to_the_difference_that_compare_finds():
    rows = made(0.1, n_seeds=2)
    rows = rows.drop(rows.index[[0, 5, 9]])  # some clips are predicted by one side alone
    found = compare(rows, *SIDES, by=BY, n_resamples=10)
    found = found[found["metric"] == "uar_pooled"].set_index(BY)["difference"]
    gains = subject_gains(rows, *SIDES, by=BY).sum(axis=1)
    assert gains.sort_index().to_numpy() == pytest.approx(found.sort_index().to_numpy())


def test_swapping_the_sides_flips_the_curve_and_keeps_its_p_values():
    one, test = specification_curve(made(0.1), *SIDES, by=BY, n_resamples=500)
    other, swapped = specification_curve(made(0.1), *SIDES[::-1], by=BY, n_resamples=500)
    assert one["difference"].tolist() == pytest.approx((-other["difference"]).tolist()[::-1])
    assert swapped.median == pytest.approx(-test.median)
    assert (swapped.p_median, swapped.p_positive) == (test.p_median, test.p_positive)


def test_equal_sides_are_no_difference():
    rows = made()
    rows = pd.concat(
        [rows[rows["setting"] == "baseline"].assign(setting=side) for side in ("a", "b")]
    )
    curve, test = specification_curve(rows, {"setting": "a"}, {"setting": "b"}, by=BY)
    assert curve["difference"].eq(0).all()
    assert (test.median, test.p_median) == (0, 1)


def test_under_no_difference_the_test_rejects_as_often_as_it_says(monkeypatch):
    # The permutations need no intervals, which would take most of the time.
    none = pd.DataFrame({"metric": [], "difference": []})
    monkeypatch.setattr("mer_utils.stats.curve.compare", lambda *a, **k: none)
    p = [
        specification_curve(made(rng=seed, rates=(1, 2)), *SIDES, by=BY, n_resamples=199)[1]
        for seed in range(200)
    ]
    assert np.mean([each.p_median <= 0.05 for each in p]) == pytest.approx(0.05, abs=0.045)


def test_specifications_count_the_subjects_of_every_data_set():
    rows = made(0.1)
    both = pd.concat([rows.assign(dataset=name) for name in ("a", "b")])
    _, test = specification_curve(both, *SIDES, by=BY, n_resamples=100)
    assert (test.specifications, test.subjects) == (6, 20)


def test_a_specification_without_a_side_is_refused():
    rows = made()
    rows = rows[(rows["rate"] != 2) | (rows["setting"] == "baseline")]
    with raises("nothing to compare", "treatment"):
        specification_curve(rows, *SIDES, by=BY, n_resamples=10)


def test_the_expected_best_is_the_mean_over_all_sets_of_trials():
    draw = np.random.default_rng(3)
    chosen, reported = draw.random(6), draw.random(6)
    found = expected_best(chosen, reported)
    for n in range(1, 7):
        sets = [list(each) for each in combinations(range(6), n)]
        best = [reported[each][chosen[each].argmax()] for each in sets]
        assert found[n - 1] == pytest.approx(np.mean(best))


def test_trials_that_tie_are_chosen_equally_often():
    assert expected_best([1, 1, 0], [0.2, 0.4, 0.9])[2] == pytest.approx(0.3)


def test_no_trials_are_refused():
    with raises("invalid option", "scores"):
        expected_best([], [])
    with raises("invalid option", "scores"):
        expected_best([1.0], [1.0, 2.0])
