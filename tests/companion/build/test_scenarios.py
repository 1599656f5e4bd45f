"""The table of scenarios counts what the tests hold, no more and no less."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import raises

from companion.build import scenarios

ROOT = Path(__file__).parents[3]
MARKED = '''
import pytest

@pytest.mark.scenario("A2")
def test_one(): ...

@pytest.mark.scenario("A", "K")
@pytest.mark.parametrize("x", [1, 2, 3])
@pytest.mark.parametrize("y", (4, 5))
def test_six(x, y): ...

@pytest.mark.scenario("C")
@pytest.mark.parametrize("x", range(9))
def test_computed(x): ...

def test_of_no_kind(): ...
'''


def test_marked_tests_are_counted_once_for_each_value_listed(tmp_path):
    (tmp_path / "test_marked.py").write_text(MARKED)
    whole = "import pytest\npytestmark = [pytest.mark.scenario('B')]\n\ndef test_b(): ...\n"
    (tmp_path / "test_whole.py").write_text(whole)
    found = scenarios.counted(tmp_path)
    assert {k: n for k, n in found.items() if n} == {"A": 7, "B": 1, "C": 1, "K": 6, "": 9}
    shown = scenarios.table(tmp_path)
    assert all(f"| {kind} | {words} |" in shown for kind, words in scenarios.KINDS.items())
    assert "All together these are 9" in shown


def test_a_kind_that_nobody_knows_is_refused(tmp_path):
    (tmp_path / "test_odd.py").write_text(MARKED.replace('"C"', '"Z"'))
    with raises("unknown name", "'Z'", "test_odd.py"):
        scenarios.table(tmp_path)


def test_every_kind_has_scenarios():
    found = scenarios.counted(ROOT / "tests")
    assert [kind for kind, n in found.items() if not n] == []
    assert found[""] > 200
    assert "```{include} scenarios.txt" in (ROOT / "book" / "how_it_is_built.md").read_text("utf-8")
