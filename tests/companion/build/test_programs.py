"""The three programs by which the library is measured: short, run whole, right."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from mer_utils import datasets, metrics, stats

EXAMPLES = Path(__file__).parents[3] / "book" / "examples"
PROGRAMS = ("own_loop", "own_predictions", "sklearn_pipeline")


@pytest.fixture
def program(monkeypatch, capsys):
    """Run a program with an argument, and return what it defines and prints."""

    def program(name, argument):
        monkeypatch.setattr(sys, "argv", [name, str(argument)])
        defined = runpy.run_path(str(EXAMPLES / f"{name}.py"))
        return defined, capsys.readouterr().out

    return program


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_have_at_most_fifteen_lines(name):
    lines = (EXAMPLES / f"{name}.py").read_text("utf-8").splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 15


def test_an_own_loop_trains_on_three_images_per_clip_and_tests_the_subject_held_out(
    program, twins
):
    defined, said = program("own_loop", twins / "casme2-smoke")
    clips = datasets.Casme2(twins / "casme2-smoke").clips()
    assert [line.split()[0] for line in said.splitlines()] == sorted(set(clips["subject"]))
    fold = defined["fold"]
    images = sum(defined["shown"].present[v][fold.train].sum() for v in ("full", "onset_apex"))
    images += defined["shown"].present["apex_offset"][fold.train].sum()
    assert len(defined["x"]) == len(defined["y"]) == images
    assert len(defined["y_test"]) == (clips["subject"] == fold.held_out).sum()


def test_own_predictions_need_four_columns_and_the_name_of_their_system(program, tmp_path):
    rows = stats.simulate(8, rng=np.random.default_rng(0), difference=0.2)
    file = tmp_path / "predictions.csv"
    rows[["setting", "subject", "clip", "y_true", "y_pred"]].to_csv(file, index=False)
    defined, said = program("own_predictions", file)
    known = stats.compare(rows, "baseline", "treatment")
    assert defined["compared"]["difference"].tolist() == known["difference"].tolist()
    assert "uar_pooled" in said


def test_dynamic_images_are_a_step_of_a_pipeline(program, twins):
    defined, said = program("sklearn_pipeline", twins / "casme2-smoke")
    assert len(defined["found"]) == len(defined["clips"])
    assert said.strip() == str(metrics.scores(defined["y"], defined["found"], 5))
