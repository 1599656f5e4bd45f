"""The record of gains on many twins."""

import json
from itertools import product

import pytest

from companion.chapters import phase_difference
from mer_utils import models
from mer_utils.experiments.profiles import VARIED
from tests.helpers import raises

CELL = dict(zip(VARIED, (1.0, 2.0, 0.5), strict=True))
#: UAR of the baseline's and the treatments on three twins; a network is compared with its own.
SCORES = {
    "svm_hog": {"single": 0.5, "matched single": 0.9, "dual": 0.6, "aligned": 0.5},
    "learnet": {"single": 0.1, "matched single": 0.5, "dual": 0.4, "aligned": 0.5},
}
MOVED = {1: -0.02, 2: 0.0, 3: 0.02}


@pytest.fixture
def record(tmp_path):
    rows = [
        {**CELL, "seed": seed, "model": model, "setting": setting}
        | {"uar": uar + MOVED[seed] * (setting in ("dual", "aligned"))}
        for (model, scores), seed in product(SCORES.items(), MOVED)
        for setting, uar in scores.items()
    ]
    file = tmp_path / "twins.json"
    file.write_text(json.dumps({"specification": {"recorded": "today"}, "rows": rows}))
    return file


def test_gains_are_over_each_learners_own_control_and_their_interval_is_students(record):
    gains, about = phase_difference.replicas(record)
    found = phase_difference.summary(gains).set_index(["line", "setting"])
    line = "difference 1, information 0.5"
    assert found.loc[(f"{models.title('svm_hog')}, {line}", "dual"), "gain"] == pytest.approx(0.1)
    assert found.loc[(f"LEARNet, {line}", "dual"), "gain"] == pytest.approx(-0.1)
    # Three values 0.02 apart: a standard deviation of 0.02, and t of 2 degrees of freedom.
    reach = 4.302653 * 0.02 / 3**0.5
    assert (found["high"] - found["gain"]).tolist() == pytest.approx([reach] * 4)
    assert found.loc[(f"LEARNet, {line}", "aligned"), "ahead"] == pytest.approx(1 / 3)
    assert about == {"recorded": "today"}


def test_what_is_said_counts_the_gains_that_are_clear_of_zero(record):
    gains, _ = phase_difference.replicas(record)
    each = phase_difference.summary(gains)
    assert phase_difference.said(each).startswith(
        "of the 2 mean gains of dual, one lie with their interval above zero and one below; "
        "of the 2 mean gains of aligned, none lie with their interval above zero and none below"
    )


def test_a_file_that_is_no_record_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with raises("bad register", "x.json"):
        phase_difference.replicas(tmp_path / "x.json")
