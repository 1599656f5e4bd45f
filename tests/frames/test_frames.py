"""Frames: what is decoded, what is refused, and fingerprints of bytes, not of places."""

from __future__ import annotations

import os
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers import raises

from mer_utils.datasets import data_fingerprint
from mer_utils.frames import (
    clip_fingerprint,
    decode,
    fingerprint,
    read_clip,
)


@pytest.fixture
def colour() -> np.ndarray:
    """A smooth image, reddish on the left and bluish on the right; in red, green, blue."""
    across = np.linspace(0, 1, 40)
    image = np.zeros((30, 40, 3))
    image[..., 0], image[..., 1], image[..., 2] = 200 * (1 - across), 60, 200 * across
    return image.round().astype(np.uint8)


def save(path, image):
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)
    return path


@pytest.mark.parametrize("ending", ["png", "bmp", "jpg"])
def test_colours_come_as_red_green_blue(tmp_path, colour, ending):
    read = decode(save(tmp_path / f"a.{ending}", colour))
    assert read.shape == colour.shape
    assert read.dtype == np.uint8
    allowed = 12 if ending == "jpg" else 0
    assert np.abs(read.astype(int) - colour).max() <= allowed


@pytest.mark.parametrize("ending", ["png", "bmp", "jpg"])
def test_grey_stays_one_channel(tmp_path, colour, ending):
    grey = colour[..., 0]
    read = decode(save(tmp_path / f"a.{ending}", grey))
    assert read.shape == (30, 40, 1)
    assert np.abs(read[..., 0].astype(int) - grey).max() <= (4 if ending == "jpg" else 0)


def test_transparency_is_left_out(tmp_path, colour):
    with_alpha = np.dstack([colour[..., ::-1], np.full((30, 40), 7, np.uint8)])
    assert cv2.imwrite(str(tmp_path / "a.png"), with_alpha)
    assert (decode(tmp_path / "a.png") == colour).all()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "empty"),
        (lambda data: data[: len(data) * 2 // 3], "cut off"),
        (lambda data: b"not an image at all", "no JPEG"),
    ],
)
def test_a_file_that_is_no_whole_image_is_refused(tmp_path, colour, damage, message):
    file = save(tmp_path / "a.jpg", colour)
    file.write_bytes(damage(file.read_bytes()))
    with raises("undecodable frame", "a.jpg", message):
        decode(file)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_the_same_picture_as_eight(tmp_path, rng, channels):
    shape = (9, 7) if channels == 1 else (9, 7, channels)
    eight = rng.integers(0, 256, shape, np.uint8)
    cv2.imwrite(str(tmp_path / "eight.png"), eight)
    cv2.imwrite(str(tmp_path / "sixteen.png"), eight.astype(np.uint16) * 257)
    found = decode(tmp_path / "sixteen.png")
    assert found.dtype == np.uint8
    assert (found == decode(tmp_path / "eight.png")).all()


def test_pixels_that_are_no_bytes_are_refused(tmp_path, rng):
    path = tmp_path / "float.tiff"
    cv2.imwrite(str(path), rng.random((9, 7, 3)).astype(np.float32))
    with raises("undecodable frame", path, "float32"):
        decode(path)


def test_a_missing_file_is_named(tmp_path):
    with raises("undecodable frame", "none.jpg", "No such file"):
        decode(tmp_path / "none.jpg")


def test_a_clip_is_its_frames_in_the_given_order(tmp_path, colour):
    paths = [save(tmp_path / f"{t}.png", np.roll(colour, t, axis=1)) for t in range(4)]
    read = read_clip(paths)
    assert read.shape == (4, 30, 40, 3)
    for t, path in enumerate(paths):
        assert (read[t] == decode(path)).all()


@pytest.mark.parametrize("odd", [np.zeros((30, 41, 3), np.uint8), np.zeros((30, 40), np.uint8)])
def test_frames_of_different_shapes_are_refused(tmp_path, colour, odd):
    paths = [save(tmp_path / "0.png", colour), save(tmp_path / "1.png", odd)]
    with raises("bad frames", "1.png"):
        read_clip(paths)


@pytest.fixture
def table(tmp_path, colour):
    """Two clips of three frames each."""
    rows = []
    for clip in ("EP01", "EP02"):
        folder = tmp_path / "data" / clip
        folder.mkdir(parents=True)
        for number in (1, 2, 3):
            save(folder / f"img{number}.png", np.roll(colour, number, axis=1))
        rows.append(("casme2", "sub01", clip, 1, 2, 3, "others", 200.0, str(folder)))
    columns = ["dataset", "subject", "clip", "onset", "apex", "offset", "label", "fps"]
    made = pd.DataFrame(rows, columns=[*columns, "frames_dir"])
    labels = pd.Categorical(made["label"], ["disgust", "others"])
    return made.astype({"apex": "Int64"}).assign(label=labels)


def test_the_fingerprint_changes_with_one_byte_of_one_frame(table, tmp_path):
    before = data_fingerprint(table, tmp_path / "cache")
    file = tmp_path / "data" / "EP02" / "img2.png"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert data_fingerprint(table, tmp_path / "cache") != before


def test_the_fingerprint_is_recorded_and_depends_on_no_librarys_printing(table, tmp_path):
    """Whatever types pandas gives to the same numbers and words."""
    for folder in (tmp_path / "data").iterdir():
        for number in (1, 2, 3):
            (folder / f"img{number}.png").write_bytes(f"{folder.name} {number}".encode())
    known = "2ab2b047a459108fa84556b9a53050eb469e75c64bc048ab229eee1971676bd9"
    assert data_fingerprint(table) == known
    other = table.astype({"subject": object, "clip": "string", "onset": "int16", "fps": "float32"})
    assert data_fingerprint(other) == known
    with pd.option_context("display.precision", 1, "display.max_colwidth", 3):
        assert data_fingerprint(table) == known


def test_the_fingerprint_does_not_depend_on_the_place(table, tmp_path):
    before = data_fingerprint(table, tmp_path / "cache")
    shutil.copytree(tmp_path / "data", tmp_path / "elsewhere")
    moved = table["frames_dir"].str.replace("/data/", "/elsewhere/", regex=False)
    there = table.assign(frames_dir=moved)
    assert data_fingerprint(there, tmp_path / "other cache") == before


@pytest.mark.parametrize(
    "change",
    [
        {"label": pd.Categorical(["others", "disgust"], ["disgust", "others"])},
        {"label": pd.Categorical(["others", "others"], ["others", "disgust"])},
        {"apex": pd.array([2, None], "Int64")},
        {"offset": [3, 2]},
        {"subject": ["sub01", "sub02"]},
    ],
)
def test_the_fingerprint_changes_with_the_annotation(table, tmp_path, change):
    before = data_fingerprint(table, tmp_path / "cache")
    assert data_fingerprint(table.assign(**change), tmp_path / "cache") != before


@pytest.fixture
def read_before(monkeypatch):
    """Take frames for settled at once; return what has been read since."""
    monkeypatch.setattr(fingerprint, "_SETTLED", -1.0)
    read, of = [], fingerprint.clip_fingerprint
    monkeypatch.setattr(fingerprint, "clip_fingerprint", lambda paths: read.append(1) or of(paths))
    return read


def test_frames_are_read_once(table, tmp_path, read_before):
    before = data_fingerprint(table, tmp_path / "cache")
    assert len(read_before) == 2
    assert data_fingerprint(table, tmp_path / "cache") == before
    assert len(read_before) == 2
    for damage in ("{half", "[1]", '{"a": 1}'):
        (tmp_path / "cache" / fingerprint.MEMO).write_text(damage)
        assert data_fingerprint(table, tmp_path / "cache") == before
    assert len(read_before) == 8
    fingerprint.forget(tmp_path / "cache")
    assert data_fingerprint(table, tmp_path / "cache") == before
    assert len(read_before) == 10


def test_one_changed_clip_is_read_again_alone(table, tmp_path, read_before):
    data_fingerprint(table, tmp_path / "cache")
    file = tmp_path / "data" / "EP02" / "img2.png"
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    os.utime(file, ns=times)
    assert data_fingerprint(table, tmp_path / "cache") == data_fingerprint(table)
    assert len(read_before) == 2 + 1 + 2


def test_what_was_changed_a_moment_ago_is_not_kept(table, tmp_path):
    """A second change within a tick of the clock would not be told from it."""
    data_fingerprint(table, tmp_path / "cache")
    assert not (tmp_path / "cache" / fingerprint.MEMO).exists()


@pytest.mark.scenario("K")
def test_a_cache_that_cannot_be_written_costs_each_process_one_look(
    table, tmp_path, read_before, caplog, monkeypatch
):
    monkeypatch.setattr(fingerprint, "_unwritten", {})
    (tmp_path / "cache").touch()
    found = {data_fingerprint(table, tmp_path / "cache") for _ in range(3)}
    assert (len(read_before), len(caplog.messages)) == (2, 1)
    assert found == {data_fingerprint(table)}
    file = tmp_path / "data" / "EP02" / "img2.png"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert data_fingerprint(table, tmp_path / "cache") not in found


def test_where_one_frame_ends_and_the_next_begins_counts(tmp_path):
    for name, data in {"a": b"12", "b": b"3", "c": b"1", "d": b"23"}.items():
        (tmp_path / name).write_bytes(data)
    a, b, c, d = (tmp_path / name for name in "abcd")
    assert len({clip_fingerprint(p) for p in ([a, b], [c, d], [b, a])}) == 3
