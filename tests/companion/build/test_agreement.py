"""Whether a book's results are those recorded: its last line, its pages' marks, its status page."""

from __future__ import annotations

import json
import re

import pytest
from helpers import raises, registered

from companion.build import agreement, provenance
from companion.build.prepare import read
from mer_utils.experiments import TABLES, Table, open_workspace, run_spec, verification
from mer_utils.runs import RunStore, run


@pytest.fixture
def recorded(workspace, monkeypatch, tmp_path):
    """The smoke profile with one small table, computed and recorded."""

    def grid(profile, data):
        yield from (run_spec(profile, data[0], name) for name in ("learnet", "svm_hog"))

    table = Table("tiny", "Two runs", "nothing", grid)
    with registered(TABLES, table):
        for module in (verification, agreement):
            monkeypatch.setattr(module, "TABLES", {"tiny": table})
        monkeypatch.chdir(tmp_path)
        specs = [*workspace.specs("tiny"), *verification.other_seed(workspace)]
        run(workspace.jobs(specs), workspace.context)
        path = verification.reference_path("smoke")
        verification.record(workspace, path, "a laptop", 3)
        yield path


def test_a_book_says_how_many_folds_are_as_recorded(recorded, workspace, tmp_path, twins):
    agreed = agreement.agreement(workspace)
    assert agreed["line"] == "6 of 6 folds as recorded"
    (row,) = agreed["tables"]
    assert (row["scores"], row["scores that agree"], row["largest difference"]) == (6, 6, 0.0)
    table = agreement.compared(json.loads(json.dumps(agreed, sort_keys=True)))
    assert "tab-as-recorded" in table.to_html()
    assert table.data.columns[0] == "table"
    assert "a laptop" in agreement.differing(agreed).to_html()
    page = tmp_path / "page.md"
    page.write_text('# A page\n\n```{code-cell} ipython3\n:tags: [parameters]\nx = "tiny"\n```\n')
    marks = agreement.marks([read(page)], agreed)
    assert "6 of 6 folds as recorded" in marks["notebooks/page"]
    page.write_text(page.read_text().replace('x = "tiny"', "x = all_results.read(1)"))
    assert agreement.marks([read(page)], agreed) == marks  # whose tables are all of them
    store = agreement.recorded_store("reference", "smoke", tmp_path / "build")
    shown = open_workspace("smoke", twins, store)
    agreement.require_whole(shown, "reference")
    assert len(RunStore(store).specs()) == 3
    agreed = agreement.agreement(shown, "reference")
    assert "nothing was computed" in agreement.marks([read(page)], agreed, "reference")[""]
    assert "computes them anew" in agreement.compared(agreed).data
    empty = open_workspace("smoke", twins, tmp_path / "empty")
    with raises("no results", "lacks 6"):
        agreement.require_whole(empty, "reference")
    assert "holds none of the 6" in agreement.agreement(empty)["line"]


def test_without_a_reference_it_is_said_and_nothing_fails(workspace, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    agreed = agreement.agreement(workspace)
    assert re.match(r"Not compared with recorded results: reference/\S+ is not there", agreed["line"])
    assert agreement.marks([], agreed) == {}
    assert "mer reference --machine" in agreement.compared(agreed).data
    for shown in (agreed, provenance.load()["agreed"]):
        assert agreement.compared(shown).data.startswith("<p>")
        assert agreement.differing(shown) is None
    with raises("no results", "reference"):
        agreement.recorded_store("reference", "smoke", tmp_path)
