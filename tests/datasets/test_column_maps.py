"""Column maps: sheets of further data sets, as far as they are known, become tables of clips."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pandas as pd
import pytest
from helpers import raises
from made_data import write_frames, write_video, write_xlsx

from mer_utils import datasets
from mer_utils.cli.main import main
from mer_utils.datasets import MAPS, SCHEMES

HEADERS = {
    "mmew": ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units",
             "Estimated Emotion", "remarks"],
    "casme3a": ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class",
                "emotion"],
    "casme3c": ["sub", "count", "onset", "offset", "au", "emotion"],
    "fourdme": ["sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs", "Positive",
                "Negative", "Surprise", "Repression", "Others"],
    "casme": ["Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None,
              "Emotion"],
    "dfme": ["subject", "filename", "onset", "apex", "offset", "emotion", "AUs"],
}  # fmt: skip
ROWS = {
    "mmew": [[1, "S01-h", 3, 5, 8, "12", "happiness", None],
             [2, "S02-o", 1, 4, 6, "4", "others", "odd"]],
    "casme3a": [["spNO.10", "a", 116, 120, 125, "4", 1, "disgust"],
                ["spNO.10", "a", 140, 140, 150, "12", 2, "Happy"],
                ["spNO.11", "c", 8, 10, 15, "1+2", 3, "surprise"]],
    "casme3c": [[1, 2, 3, 9, "4,7", "disgust"], [12, 1, 30, 41, "12", "happy"]],
    "fourdme": [["DI1", "f1", "p", 1826, 1830, 1836, "AU4+AU12(k)", 1, 0, 0, 0, 0],
                ["DI2", "f2", "n", 4, 6, 9, "AU4", 0, 1, 0, 1, 0]],
    "casme": [[1, "EP01_5", None, 2, 5, None, 9, None, "disgust"],
              [2, "EP02_1", None, 1, 3, None, 6, None, "tense"]],
    "dfme": [["1", "a", 1, 3, 6, "happiness", "12"], ["2", "b", 1, 3, 6, "anger", "4"]],
}  # fmt: skip
FRAMES = {
    "mmew": {"MMEW/Micro/happiness/S01-h": (3, 8), "MMEW/Micro/others/S02-o": (1, 6)},
    "casme3a": {"part_A/spNo.10/a/color": (100, 160), "part_A/spNo.11/c/color": (1, 20)},
    "casme3c": {"part_C/01/2/color": (1, 12), "part_C/12/1/color": (25, 45)},
    "fourdme": {"gray/DI1/f1": (1826, 1836), "gray/DI2/f2": (1, 12)},
    "casme": {"Cropped/sub01/EP01_5": (1, 10), "Cropped/sub02/EP02_1": (1, 6)},
    "dfme": {"part 1/a": (1, 6), "part 1/b": (1, 6)},
}  # fmt: skip
#: Subject, clip, label and action units of what is written.
EXPECTED = {
    "mmew": [("1", "S01-h", "happiness", "12"), ("2", "S02-o", "others", "4")],
    "casme3a": [("spNO.10", "a_116", "disgust", "4"), ("spNO.10", "a_140", "Happy", "12"),
                ("spNO.11", "c_8", "surprise", "1+2")],
    "casme3c": [("1", "2", "disgust", "4+7"), ("12", "1", "happy", "12")],
    "fourdme": [("DI1", "f1", "positive", "4+12"), ("DI2", "f2", "negative+repression", "4")],
    "casme": [("sub01", "EP01_5", "disgust", ""), ("sub02", "EP02_1", "tense", "")],
    "dfme": [("1", "a", "happiness", "12"), ("2", "b", "anger", "4")],
}  # fmt: skip


@pytest.fixture(params=list(MAPS))
def name(request):
    return request.param


@pytest.fixture
def root(name, tmp_path):
    root = tmp_path / "a data set"
    write_xlsx(root / "sheet.xlsx", [HEADERS[name], *ROWS[name]])
    for place, (first, last) in FRAMES[name].items():
        write_frames(root / place, first, last, "Frame_{:09d}.jpg")
    return root


def mer(*words):
    with pytest.raises(SystemExit) as done:
        main(list(map(str, words)))
    return done.value.code


def test_a_made_sheet_becomes_a_table_that_is_read(name, root, capsys):
    assert mer("clips", "make", name, root) == 0
    said = capsys.readouterr()
    assert f"{len(ROWS[name])} clips of" in said.out
    assert MAPS[name].sure in said.err
    assert ("several labels" in said.err) == (name == "fourdme")
    assert "not found" not in said.err
    table = pd.read_csv(root / "clips.csv", dtype=str).fillna("")
    columns = ["subject", "clip", "label", "action_units"]
    assert list(table[columns].itertuples(index=False, name=None)) == EXPECTED[name]
    data = datasets.Clips(root / "clips.csv")
    assert len(data.clips()) == len(ROWS[name])
    assert set(data.clips()["dataset"]) == {name}
    scheme = datasets.Clips(root / "clips.csv", scheme="megc-3")
    assert set(scheme.clips()["label"]) <= set(SCHEMES["megc-3"].classes)
    left = scheme.ledger().query("status == 'left out'")["emotion"]
    assert set(left) == {"mmew": {"others"}, "fourdme": {"negative+repression"},
                         "casme": {"tense"}}.get(name, set())  # fmt: skip


def test_every_map_is_short_and_says_how_sure_it_is(name):
    text = (resources.files("mer_utils.datasets") / "maps" / f"{name}.toml").read_text()
    assert len(text.splitlines()) <= 30
    assert MAPS[name].sure
    assert all(name in SCHEMES[scheme].mapping for scheme in MAPS[name].schemes)


@pytest.mark.parametrize("name", ["casme3a"])
def test_a_clip_release_and_missing_frames(root, name, capsys):
    write_frames(root / "clips/spNo.10_a_116/color", 116, 125)
    write_xlsx(
        root / "sheet.xlsx", [HEADERS[name], *ROWS[name], ["spNO.9", "z", 1, 2, 3, "", 1, "sad"]]
    )
    assert mer("clips", "make", name, root, "-o", root.parent / "clips.csv") == 0
    assert "the frames of 1 of 4 clips are not found" in capsys.readouterr().err
    table = pd.read_csv(root.parent / "clips.csv")
    assert table["frames"][0] == "a data set/clips/spNo.10_a_116/color"
    found = [p for p in datasets.Clips(root.parent / "clips.csv").check() if p.severity == "error"]
    assert [p.kind for p in found] == ["missing frame folder"]


@pytest.mark.parametrize("name", ["casme3c"])
def test_a_column_of_another_title_and_a_map_of_ones_own(root, name, tmp_path, capsys):
    header = [*HEADERS[name][:-1], "felt"]
    write_xlsx(root / "sheet.xlsx", [header, *ROWS[name], ["31 subjects"]])
    assert mer("clips", "make", name, root) == 1
    assert mer("clips", "make", name, root, "--column", "label=felt") == 0
    assert "rows 4 name no clip" in capsys.readouterr().err
    own = tmp_path / "mine.toml"
    own.write_text(
        'frames = ["{subject:02d}/{clip}/color"]\nfps = 25\n[columns]\nsubject = "sub"\n'
        'clip = "count"\nonset = "onset"\noffset = "offset"\nlabel = "felt"\n'
    )
    (root / "clips.csv").unlink()
    assert mer("clips", "make", own, root, "-o", tmp_path / "apart" / "own.csv") == 0
    assert "MER_CLIPS_ROOT" in capsys.readouterr().out
    data = datasets.Clips(tmp_path / "apart" / "own.csv", frames=root)
    assert set(data.clips()["dataset"]) == {"mine"}
    assert set(data.clips()["fps"]) == {25}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "frames = 1",
        "frames = []",
        'frames = ["{nobody}"]',
        'frames = ["{clip.real}"]',
        "columns = {}",
        'frames = ["x"]\n[columns]\nx = "y"',
        "[",
    ],
)
def test_what_is_no_map(tmp_path, text):
    if "{" in text or "[]" in text:
        text += '\n[columns]\nsubject="a"\nclip="b"\nonset="c"\noffset="d"\nlabel="e"'
    (tmp_path / "no.toml").write_text(text)
    with raises("invalid option", "no.toml"):
        datasets.ColumnMap.read(tmp_path / "no.toml")


def test_a_tree_of_folders_and_videos(tmp_path, capsys):
    write_frames(tmp_path / "glad/ann-c1", 5, 9)
    write_frames(tmp_path / "stray", 1, 3)
    (tmp_path / "sad").mkdir()
    write_video(
        tmp_path / "sad/ben-c2.avi",
        np.random.default_rng(0).integers(0, 99, (7, 48, 64, 3), np.uint8),
    )
    assert mer("clips", "make", "{label}/{subject}-{clip}", tmp_path) == 0
    assert "1 folders or videos fit no clip of the pattern, as stray" in capsys.readouterr().err
    clips = datasets.Clips(tmp_path / "clips.csv").clips()
    rows = clips[["subject", "clip", "label", "onset", "offset"]].itertuples(index=False, name=None)
    assert list(rows) == [("ann", "c1", "glad", 5, 9), ("ben", "c2", "sad", 1, 7)]
    assert mer("clips", "make", "{label}/{subject}-{clip}", tmp_path) == 1
    with raises("invalid option", "subject, label and clip"):
        datasets.from_folders("{subject}/{clip}", tmp_path)
    with raises("missing frame folder", "holds frames"):
        datasets.from_folders("{subject}/{label}/{clip}/x", tmp_path)


@pytest.mark.scenario("G")
def test_a_name_that_fits_a_pattern_in_two_ways_is_found_with_both(tmp_path):
    for place in ("glad/s_1_a", "sad/s-2_b"):
        write_frames(tmp_path / place, 5, 9)
    table, said = datasets.from_folders("{label}/{subject}_{clip}", tmp_path)
    assert table["subject"].tolist() == ["s", "s-2"]
    (found,) = [p.message for p in said if p.severity == "warning"]
    assert "1 places" in found
    assert "'clip': '1_a'" in found
    assert "'clip': 'a'" in found


@pytest.mark.scenario("H")
@pytest.mark.parametrize(("cell", "label"), [("1.0", "happy"), ("0.0", "sad"), ("x", "sad")])
def test_a_mark_that_is_neither_0_nor_1_names_no_label_and_is_said(tmp_path, cell, label):
    frame = pd.DataFrame([["s", "c", 1, 9, cell, 1 - (label == "happy")]],
                         columns=["sub", "clip", "on", "off", "Happy", "Sad"])  # fmt: skip
    frame.to_csv(tmp_path / "sheet.csv", index=False)
    columns = {"subject": "sub", "clip": "clip", "onset": "on", "offset": "off"}
    known = datasets.ColumnMap(
        name="m", title="m", sure="", columns=columns, labels=("Happy", "Sad"), frames=("{clip}",)
    )
    table, said = datasets.from_sheet(known, tmp_path)
    assert table["label"].tolist() == [label]
    assert [p.kind for p in said].count("odd cell") == (cell == "x")
