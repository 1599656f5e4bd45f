"""``mer book`` before it builds: finding the repository, fingerprints of the inputs."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import raises

from companion import cli as book
from companion.cli import inputs, repository
from mer_utils.runs import Outcome, Report, run

ROOT = Path(__file__).parents[2]


def test_the_repository_is_found_from_a_folder_inside(monkeypatch):
    monkeypatch.chdir(ROOT / "mer_utils" / "cli")
    assert repository() == ROOT


def test_outside_a_repository_the_message_says_so(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with raises("not a checkout", tmp_path):
        repository()


def test_a_new_result_changes_the_fingerprint_and_nothing_else_does(workspace):
    before = inputs(workspace, ROOT)
    assert before == inputs(workspace, ROOT)
    spec = next(s for s in workspace.specs("table2") if s.model.name == "learnet")
    assert run(workspace.jobs([spec])[:1], workspace.context).done == 1
    after = inputs(workspace, ROOT)
    assert after["results"] != before["results"]
    assert {k: v for k, v in after.items() if k != "results"} == {
        k: v for k, v in before.items() if k != "results"
    }


def test_half_of_the_results_stop_the_book_and_leave_the_old_one(monkeypatch, twins, tmp_path):
    """Nothing is rendered from results that are known to be incomplete."""
    monkeypatch.setenv("MER_BUILD", str(tmp_path))
    failed = Report(failed=[Outcome(job=None, status="failed", error="no memory")])
    monkeypatch.setattr(book, "compute", lambda *_, **__: failed)
    monkeypatch.setattr("companion.build.pipeline.build", lambda **_: pytest.fail("it was built"))
    monkeypatch.chdir(ROOT)
    with raises("folds failed", "1 fold(s)"):
        book.make_book(profile="smoke", data_root=twins, store=tmp_path / "store", workers=1)


@pytest.mark.scenario("J")
def test_a_book_without_a_network_is_refused_before_anything_is_computed(
    monkeypatch, twins, tmp_path
):
    monkeypatch.setenv("MER_BUILD", str(tmp_path))
    monkeypatch.setattr(book, "compute", lambda *_, **__: pytest.fail("it was computed"))
    monkeypatch.chdir(ROOT)
    with raises("invalid option", "no network", "mer score"):
        book.make_book(profile="smoke --models constant,svm_hog", data_root=twins, workers=1)


def test_a_book_ends_with_how_many_folds_are_as_recorded(monkeypatch, twins, tmp_path, capsys):
    monkeypatch.setenv("MER_BUILD", str(tmp_path))
    monkeypatch.setattr(book, "compute", lambda *_, **__: Report())
    monkeypatch.setattr(book, "inputs", lambda *_: {})
    said = {"line": "1,424 of 1,424 folds as recorded", "tables": []}
    monkeypatch.setattr("companion.build.agreement.agreement", lambda *_: said)
    given: dict = {}
    monkeypatch.setattr(
        "companion.build.pipeline.build", lambda **told: given.update(told) or tmp_path
    )
    monkeypatch.chdir(ROOT)
    book.make_book(profile="smoke", data_root=twins, store=tmp_path / "store", workers=1)
    assert capsys.readouterr().out.splitlines()[-1] == "1,424 of 1,424 folds as recorded."
    assert given["frames"]
    assert given["agreed"] == said
