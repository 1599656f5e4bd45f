"""All tables at once: empty, half full and full stores, made results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import raises

from companion.chapters import all_results, results, summary
from companion.chapters.summary import NOT_YET
from mer_utils import experiments
from mer_utils.experiments import TABLES
from mer_utils.phases import PHASES
from mer_utils.runs.rows import prediction_rows


@pytest.fixture(scope="module")
def made_runs():
    """The rows of the folds made so far, which several tests store alike."""
    return {}


@pytest.fixture
def fill(workspace, made_runs):
    """Store made-up predictions: the right class, except for the first clip of a subject."""

    def store(jobs) -> None:
        for job in jobs:
            if job not in made_runs:
                made_runs[job] = rows_of(job, workspace.clips(job.spec.data.dataset))
            workspace.store.write(job.spec, job.held_out, made_runs[job], {})

    return store


def rows_of(job, clips) -> pd.DataFrame:
    positions = np.flatnonzero(clips["subject"] == job.held_out)
    classes = clips["label"].cat.categories
    truth = clips["label"].cat.codes.to_numpy()[positions]
    shown = np.where(np.arange(len(truth)) == 0, (truth + 1) % len(classes), truth)
    p, last = np.eye(len(classes))[shown], job.spec.training.epochs
    return pd.concat(prediction_rows(job.spec, clips, view, positions, p, last) for view in PHASES)


@pytest.fixture
def jobs(workspace):
    return workspace.jobs(workspace.specs("table2"))


def test_an_empty_store_names_the_command(workspace):
    known = all_results.coverage(workspace)
    assert known["table"].tolist() == list(TABLES)
    assert known["computed"].sum() == 0
    assert (known["missing"] == known["folds"]).all()
    assert known.loc[0, "command"] == "mer run table2 --profile smoke"
    with raises("no results", "mer run --profile smoke"):
        all_results.scores(workspace)


def test_half_a_store_is_shown_and_counted(workspace, jobs, fill):
    half = [job for job in jobs if job.spec.data.dataset == "casme2" and job.spec.seed == 0]
    fill(half[:-1])
    known = all_results.coverage(workspace).set_index("table").loc["table2"]
    assert (known["folds"], known["computed"]) == (len(jobs), len(half) - 1)
    tidy = all_results.scores(workspace)
    assert set(tidy["dataset"]) == {"casme2"}
    assert sorted(tidy["subjects"].unique()) == [2, 3]  # one run lacks a subject
    words = summary.words(workspace, *summary.table2(workspace))
    assert words["samm_best"] == NOT_YET
    assert words["casme2_subjects"] in ("2", "3")
    assert words["n_computed"] == str(len(half) - 1)


def test_a_full_store_is_scored_as_each_table_is(workspace, jobs, fill):
    fill(jobs)
    assert (all_results.coverage(workspace).set_index("table").loc["table2", "command"]) == ""
    # Other tables may share runs with this one.
    tidy = all_results.scores(workspace).query("table == 'table2'").reset_index(drop=True)
    own = results.scores(results.on_view(workspace.predictions("table2")))
    shared = own.columns.intersection(tidy.columns)
    pd.testing.assert_frame_equal(tidy[shared], own[shared])
    # Three of 15 clips are wrong in every run.
    accuracy = tidy[tidy["metric"] == "accuracy_pooled"]
    assert accuracy["value"].to_numpy() == pytest.approx(12 / 15)
    wide = all_results.wide(tidy)
    assert len(wide) == len(tidy) / 3
    assert wide.loc[0, "accuracy"].startswith("0.800\N{NO-BREAK SPACE}(")
    words = summary.words(workspace, *summary.table2(workspace))
    assert NOT_YET not in words.values()
    assert words["n_differences"] == "12"
    assert words["mean_difference"] == "+0.000"


def test_summary_has_every_word_before_any_result(workspace):
    words = summary.words(workspace, *summary.table2(workspace))
    assert words["casme2_best"] == words["n_above_zero"] == NOT_YET
    assert words["n_computed"] == "0"
    assert words["verdict"].startswith("not testable on synthetic data")


def test_summary_of_one_setting_has_scores_and_no_difference(workspace, jobs, fill):
    fill([job for job in jobs if len(job.spec.train_views) == 1])
    words = summary.words(workspace, *summary.table2(workspace))
    assert words["samm_best"] != NOT_YET
    assert words["n_differences"] == words["mean_difference"] == NOT_YET


def test_on_licensed_data_the_verdict_counts(workspace, jobs, fill, monkeypatch):
    fill(jobs)
    monkeypatch.setattr(experiments.Workspace, "is_synthetic", lambda *_: False)
    verdict = summary.words(workspace, *summary.table2(workspace))["verdict"]
    assert verdict.startswith("of 12 controlled comparisons 0 remain at the 5 % level")


def test_an_unknown_table_keeps_its_name():
    assert all_results.table_title("table2").startswith("Table 2: ")
    assert all_results.table_title("mine") == "mine"


def test_settings_stand_in_the_order_of_their_chapter(workspace, fill):
    fill(workspace.jobs(workspace.specs("table7")))
    settings = list(dict.fromkeys(all_results.scores(workspace)["setting"]))
    assert [s for s in settings if s.startswith(("as", "apex"))] == [
        "as annotated", "apex ±2", "apex ±4", "apex ±8", "apex ±16",
    ]  # fmt: skip
