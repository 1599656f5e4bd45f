"""``mer book`` before it builds: finding the repository, fingerprints of the inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mer_utils.cli.book import find_repository, inputs
from mer_utils.errors import MerError
from mer_utils.execution import run

ROOT = Path(__file__).parents[2]


def test_the_repository_is_found_from_a_folder_inside(monkeypatch):
    monkeypatch.chdir(ROOT / "mer_utils" / "cli")
    assert find_repository() == ROOT


def test_outside_a_repository_the_message_says_so(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MerError, match="not inside a checkout"):
        find_repository()


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
