"""The register of assumptions: every value is that of the code."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import yaml
from helpers import raises

from companion.chapters import assumptions, specifications

REGISTER = Path(__file__).parents[3] / "book" / "assumptions.yml"


def test_an_assumption_is_a_link_target_and_is_escaped():
    entry = dict.fromkeys(["topic", "question", "reason", "mark", "setting", "sensitivity"], "x")
    entry |= {"id": "A07", "value": "a < b"}
    html = assumptions.as_list(pd.DataFrame([entry])).data
    assert 'id="a07"' in html
    assert "a &lt; b" in html


def test_every_setting_of_the_register_is_a_field_of_the_run(workspace):
    table = assumptions.read(REGISTER, workspace.specs("table2"))
    assert table["id"].is_unique
    assert set(table["mark"]) <= {"read", "second-hand", "inferred", "unknown"}
    assert table["value"].str.len().min() > 0
    epochs = table.loc[table["setting"] == "training.epochs", "value"].item()
    assert epochs == str(workspace.profile.training.epochs)


def test_a_value_that_not_all_networks_have_names_those_that_do(workspace, tmp_path):
    specs = [s for s in workspace.specs("table2") if s.model.name in ("learnet", "vgg19")]
    of_learnet = next(s for s in specs if s.model.name == "learnet")
    entry = {"id": "A99", "topic": "T", "question": "?", "setting": "seed", "value": None}
    entry |= {"reason": "r", "mark": "unknown", "sensitivity": "none yet"}
    register = tmp_path / "assumptions.yml"
    register.write_text(yaml.safe_dump([entry, entry | {"setting": "model.name"}]))
    specs.append(of_learnet.model_copy(update={"seed": 7}))
    assert assumptions.read(register, specs)["value"].tolist() == [
        "0; 7 (LEARNet)",
        "VGG19; LEARNet",
    ]


def test_a_value_whose_name_says_too_little_has_words(workspace, tmp_path):
    entry = {"id": "A99", "topic": "T", "question": "?", "setting": "model.pretrained"}
    entry |= {"value": None, "reason": "r", "mark": "unknown", "sensitivity": "none yet"}
    register = tmp_path / "register.yml"
    register.write_text(yaml.safe_dump([entry, entry | {"words": {"False": "From nothing"}}]))
    specs = workspace.specs("table2")
    assert assumptions.read(register, specs)["value"].tolist() == ["False", "From nothing"]
    named = assumptions.read(REGISTER, specs).set_index("id")["value"]
    assert "dual: full+onset_apex+apex_offset" in named["A22"].split("; ")
    assert named["A01"].startswith("CASME II, five classes (")
    assert not {"own", "skip_view", "error", "False"} & set(named)


def test_every_topic_of_the_register_is_on_the_page():
    page = (REGISTER.parents[1] / "notebooks" / "assumptions.md").read_text(encoding="utf-8")
    topics = {entry["topic"] for entry in yaml.safe_load(REGISTER.read_text(encoding="utf-8"))}
    assert [t for t in sorted(topics) if f'register["topic"] == "{t}"' not in page] == []


def test_a_setting_that_does_not_exist_is_named(workspace, tmp_path):
    entry = {"id": "A99", "topic": "T", "question": "?", "setting": "training.luck", "value": None}
    entry |= {"reason": "r", "mark": "unknown", "sensitivity": "none yet"}
    (tmp_path / "register.yml").write_text(yaml.safe_dump([entry]))
    with raises("bad register", "A99", "training.luck"):
        assumptions.read(tmp_path / "register.yml", workspace.specs("table2"))


def test_a_choice_of_the_specification_curve_says_by_how_much_it_moves_it(workspace):
    record = specifications.read(REGISTER.parent / specifications.RECORD)
    moves = specifications.moves(record)
    entries = yaml.safe_load(REGISTER.read_text(encoding="utf-8"))
    named = {e["id"]: e["sensitivity"] for e in entries if "curve." in e["sensitivity"]}
    table = assumptions.read(REGISTER, workspace.specs("table2"), moves).set_index("id")
    assert {name.split("curve.")[1] for name in named.values()} == set(moves) - {"dataset", "model"}
    for key, name in named.items():
        assert f"{moves[name.split('curve.')[1]]:.3f}" in table.loc[key, "sensitivity"]
