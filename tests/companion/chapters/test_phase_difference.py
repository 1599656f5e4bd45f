"""The record of gains on many twins."""

import json
from itertools import product

import pandas as pd
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
    line = "difference 1, noise 2, information 0.5"
    assert found.loc[(f"{models.title('svm_hog')}, {line}", "dual"), "value"] == pytest.approx(0.1)
    assert found.loc[(f"LEARNet, {line}", "dual"), "value"] == pytest.approx(-0.1)
    # Three values 0.02 apart: a standard deviation of 0.02, and t of 2 degrees of freedom.
    reach = 4.302653 * 0.02 / 3**0.5
    assert (found["high"] - found["value"]).tolist() == pytest.approx([reach] * 4)
    assert found.loc[(f"LEARNet, {line}", "aligned"), "ahead"] == pytest.approx(1 / 3)
    assert about == {"recorded": "today"}


def test_what_is_said_counts_the_gains_that_are_clear_of_zero(record):
    gains, _ = phase_difference.replicas(record)
    each = phase_difference.summary(gains)
    assert phase_difference.said(each).startswith(
        "of the 2 mean gains of dual, one lie with their interval above zero and one below; "
        "of the 2 mean gains of aligned, none lie with their interval above zero and none below"
    )


def test_a_line_runs_along_one_number_of_the_generator(cells):
    by_difference = phase_difference.along(cells, "phase_difference")
    assert set(by_difference["line"]) == {"LEARNet, noise 1", "LEARNet, noise 2"}
    assert set(by_difference["parameter"]) == {0.0, 1.0}
    by_information = phase_difference.along(cells, "fall_information")
    assert set(by_information["line"]) == {"dual, LEARNet"}
    assert set(by_information["parameter"]) == {0.0, 1.0}


def test_the_change_along_a_line_is_counted_twin_by_twin(cells):
    # From left to right every twin gains 0.3, while the twins themselves lie further apart: only
    # pairs can tell. Where there is less noise, nothing changes.
    said = phase_difference.change_here(phase_difference.along(cells, "phase_difference")).data
    assert "changes by +0.15 in the mean of the 2 lines, from 0.00 to +0.30" in said
    assert "lies above zero for one of these changes and below for none" in said


@pytest.fixture
def cells():
    """Gains of four twins in five cells; of one twin, one cell was not computed."""
    rows = [
        dict(zip(VARIED, cell, strict=True)) | {"seed": seed, "value": seed + moved + seed / 1e3}
        for cell, moved in {
            (0.0, 1.0, 0.0): 0, (1.0, 1.0, 0.0): 0,
            (0.0, 2.0, 0.0): 0, (1.0, 2.0, 0.0): 0.3, (1.0, 2.0, 1.0): 0.3,
        }.items()
        for seed in range(4)
    ]  # fmt: skip
    return pd.DataFrame(rows).drop(index=3).assign(setting="dual", model="learnet")


def test_a_file_that_is_no_record_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with raises("bad register", "x.json"):
        phase_difference.replicas(tmp_path / "x.json")
