"""All tables at once, and the summary: empty, half full and full stores of made results."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers import raises

from companion.chapters import all_results, summary, tables
from mer_utils import experiments
from mer_utils.experiments import TABLES


@pytest.fixture
def alike(filled):
    """Return the workspace with table 2 stored, four of five clips right in every run."""
    return filled("table2", right=lambda *_: 0.8)


def words_of(workspace):
    return summary.words(workspace, summary.table2(workspace))


def test_an_empty_store_names_the_command(workspace):
    known = all_results.coverage(workspace)
    assert known["table"].tolist() == list(TABLES)
    assert known["computed"].sum() == 0
    assert (known["missing"] == known["folds"]).all()
    assert known.loc[0, "command"] == workspace.command("table2")
    with raises("no results", "mer run --profile smoke"):
        all_results.scores(all_results.read(workspace))


def test_half_a_store_is_shown_and_counted(workspace, store_all):
    specs = workspace.specs("table2")
    half = [spec for spec in specs if spec.data.dataset == "casme2"]
    store_all(half)
    last = workspace.jobs(half[-1:])[-1]
    workspace.store.folder(last.spec).file(last.held_out).unlink()
    known = all_results.coverage(workspace).set_index("table").loc["table2"]
    jobs = len(workspace.jobs(half)) - 1
    assert (known["folds"], known["computed"]) == (len(workspace.jobs(specs)), jobs)
    tidy = all_results.scores({"table2": tables.read(workspace, "table2")})
    assert set(tidy["dataset"]) == {"casme2"}
    assert sorted(tidy["subjects"].unique()) == [2, 3]  # one run lacks a subject
    assert words_of(workspace)["computed"].startswith(f"{jobs} of ")


def test_a_full_store_is_scored_as_each_table_is(alike):
    assert all_results.coverage(alike).set_index("table").loc["table2", "command"] == ""
    # Other tables may share runs with this one.
    tidy = (
        all_results.scores(all_results.read(alike))
        .query("table == 'table2'")
        .reset_index(drop=True)
    )
    own = tables.read(alike, "table2").scores
    shared = own.columns.intersection(tidy.columns)
    pd.testing.assert_frame_equal(tidy[shared], own[shared], check_dtype=False)
    # Three of 15 clips are wrong in every run.
    accuracy = tidy[tidy["metric"] == "accuracy_pooled"]
    assert accuracy["value"].to_numpy() == pytest.approx(12 / 15)
    wide = all_results.wide(tidy)
    assert len(wide) == len(tidy) / 3
    assert wide.loc[0, "accuracy"].startswith("0.800\N{NO-BREAK SPACE}(")
    assert not words_of(alike)["brief"].startswith("No network")


def test_summary_has_every_word_before_any_result(workspace):
    words = words_of(workspace)
    assert words["brief"].startswith("No network has both")
    assert words["computed"].startswith("0 of ")
    assert words["verdict"].startswith("not testable on synthetic data")


def test_a_verdict_on_the_paper_needs_its_data(alike, monkeypatch):
    monkeypatch.setattr(experiments.Workspace, "is_synthetic", lambda *_: False)
    del alike.data["samm"]
    assert words_of(alike)["verdict"].endswith("lacks: SAMM")


def test_on_licensed_data_a_trial_decides_nothing(alike, monkeypatch):
    monkeypatch.setattr(experiments.Workspace, "is_synthetic", lambda *_: False)
    verdict = words_of(alike)["verdict"]
    assert verdict == "undecided, as the answer below is no more than a trial"
    assert "the profile smoke is for trying out" in words_of(alike)["answer"]


def test_an_unknown_table_keeps_its_name():
    assert all_results.table_title("table2").startswith("Table 2: ")
    assert all_results.table_title("mine") == "mine"


def test_settings_stand_in_the_order_of_their_chapter(shown):
    settings = list(dict.fromkeys(all_results.scores({"table7": shown("table7")})["setting"]))
    assert [s for s in settings if s == "as annotated" or "±" in s] == [
        "as annotated", "apex ±2", "apex ±4", "apex ±8", "apex ±16",
    ]  # fmt: skip


def test_made_variants_say_what_they_were_made_with(shown):
    made = {"phase_difference": shown("phase_difference")}
    wide = all_results.wide(all_results.scores(made))
    titles = {title.replace("\N{NO-BREAK SPACE}", " ") for title in wide["data set"]}
    usual = {f"CASME II twin, difference {d}, noise 1" for d in (0, 1)}
    assert titles == usual | {"CASME II twin, difference 1, noise 1, information 1"}
