"""Tables of clips in every command: from a CSV of clips in videos to predictions."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from helpers import raises
from made_data import write_clip_table

from mer_utils import experiments, metrics
from mer_utils.cli.main import main
from mer_utils.experiments import settings


@pytest.fixture
def table(tmp_path):
    return write_clip_table(tmp_path / "my clips")


def mer(*words):
    with pytest.raises(SystemExit) as done:
        main(list(map(str, words)))
    return done.value.code


def test_check_plan_run_score(table, tmp_path, capsys, monkeypatch):
    assert mer("check", "clips", table, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["clips"][0]["clips"] == 20
    chosen = ("table8", "--profile", "smoke", "--data", f"clips:{table}")
    store = tmp_path / "a store"
    assert mer("plan", *chosen, "--store", store) == 0
    capsys.readouterr()
    workspace = experiments.open_workspace("smoke", store=store, datasets=[f"clips:{table}"])
    assert workspace.data_title == "clips of the table clips.csv"
    assert workspace.command("table8").endswith(f"--data 'clips:{table}'")
    specs = workspace.specs("table8")
    assert {spec.setting for spec in specs} >= {"single", "dual"}
    svm = [spec for spec in specs if spec.model.name == "svm_hog" and spec.setting == "dual"]
    monkeypatch.setattr(type(workspace), "specs", lambda self, table: svm[:1])
    assert mer("run", *chosen, "--store", store, "--workers", 1) == 0
    found = workspace.store.predictions(svm[:1])
    assert set(found["dataset"]) == {"clips:clips"}
    assert len(found.query("test_view == 'full'")) == 20
    assert len(metrics.scores_by(found, by=["setting", "test_view"])) == 3


def test_joined_data_sets(table, twins, monkeypatch):
    other = table.with_name("other.csv")
    whole = pd.read_csv(table)  # halved, as no picture may be in both
    whole[:10].to_csv(table, index=False)
    whole[10:].to_csv(other, index=False)
    both, scheme = f"clips:{table}+clips:{other}", settings.open_datasets

    def opened(name):
        return scheme([name], lambda twin: twins / f"{twin}-smoke")[0]

    assert opened(both).name == "clips:clips+clips:other"
    assert len(opened(both).clips()) == 20
    assert [part.scheme.name for part in opened("samm+casme2").parts] == ["megc-3", "megc-3"]
    assert opened("samm+casme2").name == opened("casme2+samm").name == "casme2+samm"
    with raises("unknown label", "megc-3"):
        opened(f"casme2+clips:{table}").clips()
    monkeypatch.setenv("MER_SCHEME", "casme2-5")
    assert opened("casme2").scheme.name == "casme2-5"
    with raises("invalid option", "samm"):
        opened("samm")


def test_settings_of_tables(table, tmp_path, monkeypatch):
    apart = tmp_path / "apart.csv"
    table.rename(apart)
    monkeypatch.setenv("MER_CLIPS_ROOT", str(table.parent))
    monkeypatch.setenv("MER_MISSING_APEX", "midpoint")
    (data,) = settings.open_datasets([f"clips:{apart}"], lambda name: tmp_path)
    assert data.missing_apex == "midpoint"
    assert len(data.clips()) == 20
    assert mer("check", "clips", apart) == 0
    monkeypatch.setenv("MER_MISSING_APEX", "guess")
    with raises("invalid setting", "guess", "midpoint"):
        settings.open_datasets([f"clips:{apart}"], lambda name: tmp_path)


def test_the_evaluation_enters_keys_and_titles(table, monkeypatch):
    def opened():
        return experiments.open_workspace("smoke", datasets=[f"clips:{table}"])

    usual = {name: [spec.key for spec in opened().specs(name)] for name in ("table2", "table8")}
    monkeypatch.setenv("MER_EVALUATION", "groups:2")
    workspace = opened()
    assert {spec.evaluation for spec in workspace.specs("table2")} == {"groups:2"}
    assert not {spec.key for spec in workspace.specs("table2")}.intersection(usual["table2"])
    assert [spec.key for spec in workspace.specs("table8")] == usual["table8"]
    assert {job.held_out for job in workspace.jobs(workspace.specs("table2")[:1])} == {
        "group01",
        "group02",
    }
    assert workspace.data_title.endswith("; evaluation: 2 groups of subjects, one held out")
    monkeypatch.setenv("MER_EVALUATION", "groups:0")
    with raises("unknown name", "groups:0"):
        opened()
