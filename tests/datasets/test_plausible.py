"""Implausible tables: names spelt twice, pictures seen twice, lone classes and subjects."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers import raises
from made_data import CASME2_HEADER, CASME2_NAME, casme2_row, jpeg, write_casme2, write_xlsx
from typer.testing import CliRunner

from mer_utils import datasets
from mer_utils.cli.main import app
from mer_utils.datasets.plausible import canonical

pytestmark = pytest.mark.scenario("F")

ROWS = [
    (subject, clip, label) for subject in "abc" for clip, label in (("1", "glad"), ("2", "sad"))
]


def manifest(folder, rows, name="flow.csv"):
    """Write a manifest of (subject, clip, label[, image[, view]]) with a picture for each row."""
    table = []
    for number, (subject, clip, label, *more) in enumerate(rows):
        image = more[0] if more else f"{number}.jpg"
        if not (folder / image).exists():
            (folder / image).write_bytes(jpeg(number))
        view = more[1] if len(more) > 1 else "full"
        table.append((subject, clip, label, image, view))
    columns = ["subject", "clip", "label", "image", "view"]
    pd.DataFrame(table, columns=columns).to_csv(folder / name, index=False)
    return datasets.Manifest(folder / name)


def found(data, decode=False):
    """Return severity and kind of what check finds, but for notes."""
    return [(p.severity, p.kind) for p in data.check(decode) if p.severity != "note"]


def test_a_sound_table_gives_no_finding(tmp_path):
    assert found(manifest(tmp_path, ROWS)) == []


SPELLINGS = [
    ("S1", "s1"),
    ("01", "1"),
    ("1.0", "1"),
    ("s 1", "s1"),
    ("s1", "s\u200b1"),
    ("s１", "s1"),
    ("J\u00f6rg", "Jo\u0308rg"),
    ("Straße", "STRASSE"),
    ("ﬁ", "fi"),
    ("happy.", "happy"),
    ("s-1", "s_01"),
    ("١", "1"),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_one_name_in_two_spellings(tmp_path, one, other):
    people = [(other if s == "b" else one if s == "a" else s, c, x) for s, c, x in ROWS]
    labels = [(s, c, (one if s == "a" else other) if x == "sad" else x) for s, c, x in ROWS]
    for rows in (people, labels):
        data = manifest(tmp_path, rows)
        assert ("error", "near-duplicate names") in found(data)
        with raises("near-duplicate names"):
            data.clips()
    clips = [(s, (one if c == "1" else other), x) for s, c, x in ROWS]
    assert set(found(manifest(tmp_path, clips))) == {("warning", "near-duplicate names")}


def test_white_space_around_a_name_and_within_is_one_space(tmp_path):
    rows = [(s if c == "1" else f" {s}\u00a0", c, x) for s, c, x in ROWS]
    assert list(manifest(tmp_path, rows).clips()["subject"]) == list("aabbcc")


@pytest.mark.parametrize(
    ("one", "other"),
    [("1_11", "11_1"), ("1 11", "11 1"), ("10", "1"), ("1.05", "1.5"), ("a", "b"), ("-1", "1")],
)
def test_names_that_differ_by_more_are_two(one, other):
    assert canonical(one) != canonical(other)
    assert canonical(unicodedata.normalize("NFD", one)) == canonical(one)


def test_names_that_the_data_set_before_them_makes_one(tmp_path):
    rows = [(*row, f"{n}.jpg") for n, row in enumerate(ROWS)]
    table = manifest(tmp_path, rows).root
    frame = pd.read_csv(table).assign(dataset=["a", "a", "a-b", "a-b", "c", "c"])
    frame["subject"] = ["b-x", "b-x", "x", "x", "y", "y"]
    frame.to_csv(table, index=False)
    assert ("error", "near-duplicate names") in found(datasets.Manifest(table))


def test_a_picture_under_two_subjects_is_a_leak(tmp_path):
    (tmp_path / "copy.jpg").write_bytes(jpeg(0))  # the bytes of the first picture
    data = manifest(tmp_path, [*ROWS[:-1], (*ROWS[-1], "copy.jpg")])
    assert found(data) == [("error", "same picture twice")]
    with raises("same picture twice", "0.jpg", "copy.jpg"):
        data.clips()
    same_file = manifest(tmp_path, [(*ROWS[0], "0.jpg"), *ROWS[1:-1], (*ROWS[-1], "0.jpg")])
    assert found(same_file) == [("error", "same picture twice")]


def test_pictures_read_by_a_rule_that_changes_them_are_judged_as_others_are(tmp_path, rng):
    deep = rng.integers(0, 2**16, (8, 8), np.uint16)
    for name in ("one.png", "copy.png"):
        cv2.imwrite(str(tmp_path / name), deep)
    rows = [("a", "0", "glad", "one.png"), ("b", "0", "glad", "copy.png"), *ROWS]
    changed = ("warning", "changed pictures")
    assert found(manifest(tmp_path, rows[1:])) == [changed]
    data = manifest(tmp_path, rows)
    assert found(data) == [("error", "same picture twice"), changed, changed]
    with raises("same picture twice", "one.png", "copy.png"):
        data.clips()


def test_a_picture_saved_in_two_formats_is_found_by_its_pixels(tmp_path, rng):
    for n in range(6):
        cv2.imwrite(str(tmp_path / f"{n}.png"), rng.integers(0, 255, (8, 8, 3), dtype=np.uint8))
    cv2.imwrite(str(tmp_path / "copy.bmp"), cv2.imread(str(tmp_path / "0.png")))
    rows = [(*row, f"{n}.png") for n, row in enumerate(ROWS)]
    data = manifest(tmp_path, [*rows[:-1], (*ROWS[-1], "copy.bmp")])
    assert found(data) == []
    assert found(data, decode=True) == [("error", "same picture twice")]


def test_a_picture_twice_in_one_subject_is_warned_of(tmp_path):
    data = manifest(tmp_path, [*ROWS[:-1], (*ROWS[-1], "4.jpg")])
    assert found(data) == [("warning", "same picture twice")]
    assert "with different labels" in data.check()[0].message
    views = manifest(tmp_path, [*ROWS, (*ROWS[0], "0.jpg", "onset_apex")])
    assert found(views) == [("warning", "same picture twice")]


def test_lone_classes_and_subjects(tmp_path):
    one = [(s, c, "glad") for s, c, _ in ROWS]
    assert found(manifest(tmp_path, one)) == [("warning", "one class")]
    lone = [*ROWS, ("a", "3", "fear")]
    data = manifest(tmp_path, lone)
    assert found(data) == [("warning", "class of one subject")]
    assert [p.kind for p in data.remarks] == ["class of one subject"]
    assert found(manifest(tmp_path, ROWS[:2])) == [("warning", "too few subjects")]
    two = [("a", "1", "glad"), ("b", "1", "glad")]
    assert ("warning", "too few subjects") in found(manifest(tmp_path, two))


@pytest.mark.parametrize("label", ["nan", "NaN", "", "null"])
def test_a_label_that_is_no_value(tmp_path, label):
    data = manifest(tmp_path, [(s, c, label if x == "sad" else x) for s, c, x in ROWS])
    with raises("blank cell", "label"):
        data.clips()


def test_clips_without_a_full_view_are_said_and_none_with_one_is_an_error(tmp_path):
    rows = [(*row, f"{n}.jpg", "full" if n else "onset_apex") for n, row in enumerate(ROWS)]
    data = manifest(tmp_path, rows)
    assert found(data) == [("warning", "no full view")]
    assert [p.kind for p in data.remarks] == ["no full view"]
    data = manifest(tmp_path, [(*row[:4], "onset_apex") for row in rows])
    with raises("no full view"):
        data.clips()


FRAMED = [
    casme2_row(s, clip, 1, 5, 9, emotion)
    for s in (1, 2)
    for clip, emotion in (("EP01_01", "happiness"), ("EP01_02", "surprise"))
]


def test_a_clip_copied_to_another_subject_is_a_leak(tmp_path):
    root = write_casme2(tmp_path, FRAMED)
    assert found(datasets.Casme2(root)) == []
    for number in range(1, 10):
        copied = (root / f"Cropped/sub01/EP01_01/reg_img{number}.jpg").read_bytes()
        (root / f"Cropped/sub02/EP01_02/reg_img{number}.jpg").write_bytes(copied)
    assert found(datasets.Casme2(root)) == [("error", "same picture twice")]
    with raises("same picture twice", "sub01 EP01_01", "sub02 EP01_02"):
        datasets.Casme2(root).clips()


def test_a_clip_copied_within_a_subject_is_warned_of_once_and_only_if_every_frame_is(tmp_path):
    root = write_casme2(tmp_path, FRAMED)
    for number in range(1, 10):
        copied = (root / f"Cropped/sub01/EP01_01/reg_img{number}.jpg").read_bytes()
        (root / f"Cropped/sub01/EP01_02/reg_img{number}.jpg").write_bytes(copied)
        # A neutral face before and after is no copy of a clip.
        complete = number == 9
        assert found(datasets.Casme2(root)) == [("warning", "same picture twice")] * complete


def test_clip_names_in_two_spellings_of_a_sheet(tmp_path):
    root = write_casme2(tmp_path, [*FRAMED, casme2_row(1, "ep01_01", 1, 5, 9, "surprise")])
    assert found(datasets.Casme2(root)) == [("warning", "near-duplicate names")]


def test_check_is_the_same_under_every_hash_seed(tmp_path):
    import os
    import subprocess
    import sys

    rows = [*ROWS, ("A", "3", "fear"), ("B", "3", "Glad"), ("C", "9", "joy"), ("c", "9", "sad")]
    data = manifest(tmp_path, rows)
    outputs = set()
    for seed in "0", "1", "2":
        command = [sys.executable, "-m", "mer_utils", "check", "manifest", str(data.root)]
        env = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run([*command, "--format", "json"], env=env, capture_output=True)
        assert done.returncode == 1
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_run_says_what_check_warns_of(tmp_path, monkeypatch):
    data = manifest(tmp_path, [(s, c, "glad") for s, c, _ in ROWS])
    arguments = ["status", "table2", "--profile", "smoke", "--data", f"manifest:{data.root}"]
    shown = CliRunner().invoke(app, [*arguments, "--store", str(tmp_path / "store")])
    assert "UF1 and UAR are undefined" in shown.stderr


def test_two_clips_in_all_fail_with_a_word_and_no_traceback(tmp_path, rng):
    rows = [("a", "1", "glad", "a.png"), ("b", "1", "sad", "b.png")]
    for *_, name in rows:
        cv2.imwrite(str(tmp_path / name), rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))
    from mer_utils import experiments
    from mer_utils.runs import run_fold

    workspace = experiments.open_workspace(
        "smoke",
        tmp_path,
        tmp_path / "store",
        datasets=[f"manifest:{manifest(tmp_path, rows).root}"],
    )
    for job in workspace.jobs(workspace.specs("table2"))[:2]:
        done = run_fold(job, workspace.context)
        assert done.status == "failed"
        assert "too few subjects" in done.error or "1 training images" in done.error
        assert "Traceback" not in done.error


def test_a_sheet_of_one_class_is_said(tmp_path):
    root = write_casme2(tmp_path, FRAMED)
    rows = [[*row[:8], "happiness"] for row in FRAMED]
    write_xlsx(root / CASME2_NAME, [CASME2_HEADER, *rows])
    assert found(datasets.Casme2(root)) == [("warning", "one class")]
    assert [p.kind for p in datasets.Casme2(root).remarks] == ["one class"]
