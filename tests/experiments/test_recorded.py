"""Results of licensed data, read where the data are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from helpers import raises

from companion.build import agreement, prepare
from mer_utils.cli.main import main
from mer_utils.experiments import PAPER, TABLES, open_workspace, recorded
from mer_utils.runs import export, run


@pytest.fixture
def licensed(twins, tmp_path, monkeypatch):
    """A workspace on what seems licensed data, two runs of each computed."""
    for name in PAPER:
        shutil.copytree(twins / f"{name}-smoke", tmp_path / "data" / name)
        (tmp_path / "data" / name / "synthetic.json").unlink()
        monkeypatch.setenv(f"MER_{name.upper()}_ROOT", str(tmp_path / "data" / name))
    there = open_workspace("smoke", twins, tmp_path / "store")
    some = ("learnet", "svm_hog")
    specs = [s for s in there.specs("table2") if s.model.name in some and s.setting == "single"]
    assert not run(there.jobs(specs), there.context).failed
    return there, specs


def test_a_store_of_licensed_data_is_read_and_scored_without_them(
    licensed, twins, tmp_path, monkeypatch, capsys
):
    there, specs = licensed
    keys = {name: [s.key for s in there.specs(name)] for name in TABLES if name != "table7"}
    clips = there.clips("samm")[["dataset", "subject", "clip", "label"]]
    predicted = there.store.predictions(specs)
    export(there.store, tmp_path / "results.zip")
    shutil.rmtree(tmp_path / "data")
    for name in PAPER:
        monkeypatch.delenv(f"MER_{name.upper()}_ROOT")
    store = agreement.recorded_store(str(tmp_path / "results.zip"), "smoke", tmp_path / "build")
    names = agreement.data_names(store)
    assert names == ["recorded:casme2", "recorded:samm"]
    here = open_workspace("smoke", twins, store, datasets=names)
    assert here.data_names == names
    assert here.data_title.count("(licensed data, results alone)") == 2
    assert {name: [s.key for s in here.specs(name)] for name in keys} == keys
    pd.testing.assert_frame_equal(here.clips("samm")[[*clips]], clips)
    assert not here.missing(specs)
    pd.testing.assert_frame_equal(here.store.predictions(specs), predicted)
    with raises("no results", "lacks"):
        agreement.require_whole(here, "results.zip")
    with raises("unknown name", "smic", "casme2"):
        open_workspace("smoke", twins, store, datasets=["recorded:smic"])
    with pytest.raises(SystemExit) as ended:
        main(["score", "--store", str(store), "--with", "dataset=casme2"])
    assert not ended.value.code, capsys.readouterr()


def test_twins_are_never_taken_for_recorded_data(workspace, tmp_path):
    specs = [s for s in workspace.specs("table2") if s.model.name == "svm_hog"][:1]
    run(workspace.jobs(specs), workspace.context)
    assert recorded.licensed(workspace.context.store) == {}
    assert agreement.data_names(workspace.context.store) is None


def test_pages_that_show_clips_say_what_they_lack():
    found = {n.name: n for n in prepare.read_all(Path(__file__).parents[2] / "notebooks")}
    assert set(found) >= prepare.OF_FRAMES
    for name, notebook in found.items():
        page = prepare.for_results_alone(notebook)
        assert (page is notebook) == (name not in prepare.OF_FRAMES)
        if page is not notebook:
            assert "recorded results" in page.node.cells[0].source
