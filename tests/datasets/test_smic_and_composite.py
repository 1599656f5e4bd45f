"""SMIC-HS, whose folders are its sheet, and the composite of three data sets."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from helpers import raises
from made_data import CASME2_ROWS, SAMM_ROWS, write_casme2, write_frames, write_mark, write_samm

from mer_utils import datasets
from mer_utils.datasets import schema
from mer_utils.errors import MerError

CLIPS = {
    "s1/micro/negative/s1_ne_01": (1, 30),
    "s1/micro/positive/s1_po_01": (101, 141),
    "s1/micro/surprise/s1_sur_01": (7, 16),
    "s20/micro/negative/s20_ne_11": (1, 12),
}


def write_smic(root, camera="SMIC_all_cropped/HS"):
    for clip, (first, last) in CLIPS.items():
        write_frames(root / camera / clip, first, last, name="image{:06d}.bmp")
    return root


@pytest.fixture
def smic(tmp_path):
    return write_smic(tmp_path / "smic")


def test_folders_name_subject_class_and_clip(smic):
    table = datasets.Smic(smic).clips()
    assert list(zip(table["subject"], table["clip"], table["label"], strict=True)) == [
        ("s1", "s1_ne_01", "negative"),
        ("s1", "s1_po_01", "positive"),
        ("s1", "s1_sur_01", "surprise"),
        ("s20", "s20_ne_11", "negative"),
    ]
    assert list(table["onset"]) == [1, 101, 7, 1]
    assert list(table["offset"]) == [30, 141, 16, 12]
    assert set(table["fps"]) == {100.0}
    frames = datasets.clip_frames(table.iloc[1])
    assert (len(frames.paths), frames.apex) == (41, 20)


def test_frames_are_looked_at_once_for_all_rules(smic, monkeypatch):
    data, alone = datasets.Smic(smic), datasets.Smic(smic, missing_apex="skip_view").clips()
    data.clips()
    monkeypatch.setattr(datasets.survey.integrity, "clip_faults", None)
    assert data.under(missing_apex="skip_view").clips().equals(alone)


def test_an_apex_to_be_spotted_is_left_to_the_frames_and_keyed_by_its_rule(smic):
    spotted = datasets.Smic(smic, missing_apex="spotted")
    table = spotted.clips()
    assert table["apex"].isna().all()
    assert set(table["apex_source"]) == {"spotted:regions:1"}
    assert set(spotted.ledger()["rules"]) == {"missing_apex=spotted:regions:1"}
    rules = ("skip_view", "midpoint", "spotted", "spotted:strain")
    same = {datasets.Smic(smic, missing_apex=rule).fingerprint() for rule in rules}
    assert len(same) == len(rules)
    (note,) = [p for p in spotted.check() if p.kind == "missing apex"]
    assert "4 clips" in note.message
    assert "spotted:regions:1" in note.message
    clip = datasets.clip_frames(table.iloc[0])
    assert (len(clip.paths), clip.apex, clip.spotted) == (30, None, "spotted:regions:1")
    with raises("unknown name", "flow"):
        datasets.Smic(smic, missing_apex="spotted:flow")


def test_a_clip_of_two_frames_has_no_apex_to_be_spotted(tmp_path):
    write_frames(tmp_path / "HS/s1/micro/negative/s1_ne_01", 1, 2, name="image{:06d}.bmp")
    write_frames(tmp_path / "HS/s1/micro/negative/s1_ne_02", 1, 3, name="image{:06d}.bmp")
    both = {"missing_apex": "spotted", "degenerate_phase": "drop_clip"}
    assert list(datasets.Smic(tmp_path, **both).clips()["clip"]) == ["s1_ne_02"]


@pytest.mark.scenario("E")
@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.EIO])
@pytest.mark.parametrize("below", ["HS", "HS/s1/micro", "HS/s1/micro/negative"])
def test_no_clip_is_lost_with_a_folder_that_cannot_be_read(smic, monkeypatch, number, below):
    """SMIC-HS has no sheet that would know of it."""
    real, folder = os.scandir, smic / "SMIC_all_cropped" / below
    assert folder.is_dir()

    def scandir(path):
        if Path(path) == folder:
            raise OSError(number, os.strerror(number), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(MerError) as refused:
        datasets.Smic(smic).clips()
    assert refused.value.kind == "cannot read" or (below, number) == ("HS", errno.EACCES)
    assert any(p.severity == "error" for p in datasets.Smic(smic).check())


def test_the_midpoint_is_the_default_and_is_counted(smic):
    table = datasets.Smic(smic).clips()
    assert list(table["apex"]) == [15, 121, 11, 6]
    assert set(table["apex_source"]) == {"midpoint"}
    counts = datasets.rule_counts(datasets.Smic(smic).ledger())
    assert counts.values.tolist() == [["smic", "missing_apex=midpoint", 4]]
    notes = [p.message for p in datasets.Smic(smic).check() if p.kind == "apex at the midpoint"]
    assert [note.split()[0] for note in notes] == ["4"]
    without = datasets.Smic(smic, missing_apex="skip_view").clips()
    assert without["apex"].isna().all()


def test_every_level_may_be_the_root(smic):
    expected = datasets.Smic(smic).clips()
    for level in ("SMIC_all_cropped", "SMIC_all_cropped/HS"):
        pd.testing.assert_frame_equal(datasets.Smic(smic / level).clips(), expected)


def test_other_cameras_are_passed_over_or_refused(smic):
    write_smic(smic, "SMIC_all_cropped/VIS")
    assert datasets.Smic(smic).clips()["frames_dir"].str.contains("/HS/").all()
    shutil.rmtree(smic / "SMIC_all_cropped/HS")
    with raises("wrong data set", "SMIC-VIS"):
        datasets.Smic(smic).clips()


def test_missing_clips_are_noted_against_the_published_number_but_not_for_made_data(smic):
    kind = "clips differ from the published number"
    messages = [p.message for p in datasets.Smic(smic).check() if p.kind == kind]
    assert [message.split(";")[0] for message in messages] == [
        "2 clips of negative",
        "1 clips of positive",
        "1 clips of surprise",
    ]
    write_mark(smic)
    assert kind not in [p.kind for p in datasets.Smic(smic).check()]


def test_bad_smic_folders(smic, tmp_path):
    base = smic / "SMIC_all_cropped/HS/s1/micro"
    (base / "negative/s1_ne_02").mkdir()
    with raises("missing frames", "s1_ne_02"):
        datasets.Smic(smic).clips()
    (base / "negative/s1_ne_02").rename(base / "negative/s1_po_09")
    write_frames(base / "negative/s1_po_09", 1, 9)
    with raises("folder and name disagree", "s1_po_09", "s1/negative"):
        datasets.Smic(smic).clips()
    with raises("missing frame folder", "SMIC-HS"):
        datasets.Smic(tmp_path / "smic/SMIC_all_cropped/HS/s1").clips()
    with raises("unexpected sheet", "x.csv"):
        datasets.Smic(smic, sheet="x.csv").clips()
    (tmp_path / "empty/s1").mkdir(parents=True)
    with raises("missing frame folder", "empty"):
        datasets.Smic(tmp_path / "empty").clips()


@pytest.mark.scenario("F")
@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("s1/micro/negative", "s1/micro/Negative", "folder and name disagree"),
        ("s1/micro/negative", "s1/micro/neg", "folder and name disagree"),
        ("s20", "S20", "folder and name disagree"),
        ("s1/micro", "s1/Micro", "missing frame folder"),
    ],
)
def test_no_clip_is_lost_with_a_folder_of_another_name(smic, old, new, kind):
    base = smic / "SMIC_all_cropped/HS"
    (base / old).rename(base / new)
    with raises(kind, new.split("/")[0]):
        datasets.Smic(smic).clips()


def test_a_clip_of_one_frame_is_not_laid_on_a_sheet(smic):
    folder = smic / "SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01"
    for frame in sorted(folder.iterdir())[1:]:
        frame.unlink()
    with raises("missing frames", "1 frame", "two at least"):
        datasets.Smic(smic).clips()


def test_a_gap_in_a_clip_is_a_missing_frame(smic):
    (smic / "SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/image000004.bmp").unlink()
    with raises("missing frames", "1 of the 30 frames 1..30"):
        datasets.Smic(smic).clips()
    assert len(datasets.Smic(smic, missing_frames="drop_clip").clips()) == 3


@pytest.mark.parametrize("number", [1, 30])
@pytest.mark.parametrize("target", ["outside", "loop"])
def test_a_refused_end_frame_does_not_shorten_a_clip(smic, tmp_path, number, target):
    """Without a sheet, only the frames say how long a clip is."""
    outside = write_frames(tmp_path / "outside", 1, 30, name="image{:06d}.bmp")
    name = f"image{number:06d}.bmp"
    frame = smic / "SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01" / name
    frame.unlink()
    frame.symlink_to(outside / name if target == "outside" else name)
    kind = "link leaves the root" if target == "outside" else "missing frames"
    found = {p.kind for p in datasets.Smic(smic).check() if p.severity == "error"}
    assert kind in found
    with raises("missing frames", "1 of the 30 frames 1..30", f": {number}"):
        datasets.Smic(smic).clips()


@pytest.fixture
def roots(smic, tmp_path):
    write_casme2(tmp_path / "casme2", CASME2_ROWS)
    write_samm(tmp_path / "samm", SAMM_ROWS)
    return {"casme2": tmp_path / "casme2", "samm": tmp_path / "samm", "smic": smic}


def test_composite_is_the_sum_of_its_parts_with_prefixed_subjects(roots):
    table = datasets.Composite.open(roots).clips()
    parts = {
        name: datasets.open(name, root, scheme="megc-3").clips() for name, root in roots.items()
    }
    assert len(table) == sum(map(len, parts.values()))
    assert table["subject"].nunique() == sum(part["subject"].nunique() for part in parts.values())
    for name, part in parts.items():
        mine = table[table["dataset"] == name].reset_index(drop=True)
        assert list(mine["subject"]) == [f"{name}-{subject}" for subject in part["subject"]]
        unprefixed = mine.drop(columns="subject")
        pd.testing.assert_frame_equal(unprefixed, part.drop(columns="subject"))
    assert list(table.index) == list(range(len(table)))
    assert tuple(table["label"].cat.categories) == ("negative", "positive", "surprise")


def test_composite_refuses_a_scheme_that_does_not_label_all(roots):
    with raises("invalid option", "casme2-5", "samm"):
        datasets.Composite.open(roots, scheme="casme2-5")


def test_a_composite_joins_different_data_sets_under_one_scheme(roots):
    three, five = (datasets.Casme2(roots["casme2"], scheme) for scheme in ("megc-3", None))
    for parts in ((), (three, three), (five, datasets.Smic(roots["smic"]))):
        with raises("invalid option"):
            datasets.Composite(parts)
    with raises("unknown name", "misspelt"):
        datasets.Composite.open(roots, misspelt=1)
    with raises("invalid option", roots["smic"], "casme2, samm, smic"):
        datasets.open("megc2019", roots["smic"])


def test_the_rules_of_a_composite_are_each_parts_own_unless_chosen(roots):
    own = datasets.Composite.open(roots)
    assert [part.missing_apex for part in own.parts] == ["skip_view", "skip_view", "midpoint"]
    assert own.rules["missing_apex"] is None
    chosen = datasets.Composite.open(roots, missing_apex="drop")
    assert chosen.rules["missing_apex"] == "drop"
    assert "smic" not in set(chosen.clips()["dataset"])


def test_a_composite_checks_and_accounts_for_every_part(roots):
    data = datasets.Composite.open(roots)
    assert len(data.check()) == sum(len(part.check()) for part in data.parts)
    used = data.ledger().query("status == 'used'").sort_values(schema.KEY, ignore_index=True)
    pd.testing.assert_frame_equal(used[schema.KEY], data.clips()[schema.KEY])
    assert data.made is None
    mark = write_mark(roots["samm"])
    assert data.made == {"samm": mark}
