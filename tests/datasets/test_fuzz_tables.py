"""Fuzzing corrections, tables of images and of clips, and column maps: read whole, or refused."""

from __future__ import annotations

import csv
import io
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_data import casme2_row, jpeg, toml, write_casme2, write_frames, write_video

from mer_utils import datasets
from mer_utils.datasets import corrections
from mer_utils.errors import MerError
from mer_utils.phases import VIEWS

pytestmark = pytest.mark.scenario("H")
SETTINGS = settings(max_examples=60, deadline=None)

ODD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
HEADER = list(corrections.COLUMNS)
CORRECTION = st.tuples(
    st.sampled_from(["casme2", "samm", "CASME2", "casme"]) | ODD,
    st.sampled_from(["sub01", "sub02", "1"]) | ODD,
    st.sampled_from(["EP01", "EP02", "ep01"]) | ODD,
    st.sampled_from(["onset", "apex", "offset", "emotion", "action_units", "Apex"]) | ODD,
    st.sampled_from(["10", "15", "30", "10.0", "happiness", "12", ""]) | ODD,
    st.sampled_from(["11", "14", "/", "", "surprise", "1e1", "14.000"]) | ODD,
    st.sampled_from(["seen", ""]) | ODD,
    st.sampled_from(["me", ""]),
)


def as_text(rows, delimiter=","):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    return buffer.getvalue()


@cache
def root() -> Path:
    """Return a root with two clips; kept for the whole test run."""
    root.holder = tempfile.TemporaryDirectory()  # type: ignore[attr-defined]
    rows = [
        casme2_row(1, "EP01", 10, 15, 30, "happiness"),
        casme2_row(2, "EP02", 10, 15, 30, "surprise"),
    ]
    return write_casme2(Path(root.holder.name), rows)  # type: ignore[attr-defined]


@SETTINGS
@given(st.lists(CORRECTION, max_size=3), st.integers(0, 8), st.sampled_from(",;\t"))
@example([("casme2", "sub01", "EP01", "apex", "15", "/", "seen", "me")], 3, ",")
def test_any_corrections(rows, cut, delimiter):
    lines = as_text([HEADER, *rows[:-1], *(row[: 8 - cut] for row in rows[-1:])], delimiter)
    mine = root() / "corrections" / "mine.csv"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text(lines, encoding="utf-8", newline="")
    data = datasets.Casme2(root(), corrections=mine)
    found = data.check()
    before = datasets.Casme2(root()).clips()
    try:
        table = datasets.Casme2(root(), corrections=mine).clips()
    except MerError:
        assert datasets.worst(found) == "error"
        return
    assert datasets.worst(found) != "error"
    whole = [row for row in rows if any(cell.strip() for cell in row)]
    assert not (whole and 0 < cut < 8 and any(c.strip() for c in rows[-1][: 8 - cut]))
    # What is no row of this data set's, or does not apply, changes nothing; the rest is recorded.
    rules = " ".join(data.ledger()["rules"])
    said = sum("was not applied" in p.message for p in found)
    ours = [row for row in rows if row[0].strip() == "casme2" and cut in (0, 8)]
    if not ours:
        pd.testing.assert_frame_equal(table, before)
    elif cut == 0:
        assert said + rules.count("correction:") == len(ours)


NAMES = st.sampled_from(["a", "b", "A", "01", "1", "1.0", "é", "e\u0301", " a", "nan"]) | ODD
ROWS = st.lists(
    st.tuples(
        NAMES,
        st.sampled_from(["1", "2", "01"]) | ODD,
        st.sampled_from(["glad", "sad", "Glad", "1", "01", "nan"]) | ODD,
        st.sampled_from(["0.jpg", "1.jpg", "x/2.jpg", "x\\3.jpg", "..\\0.jpg", "none.jpg"]) | ODD,
        st.sampled_from([*VIEWS, "", "FULL"]) | ODD,
    ),
    min_size=1,
    max_size=6,
)


@cache
def folder() -> Path:
    """Return a folder with four pictures; kept for the whole test run."""
    folder.holder = tempfile.TemporaryDirectory()  # type: ignore[attr-defined]
    found = Path(folder.holder.name)  # type: ignore[attr-defined]
    (found / "x").mkdir()
    for name in ("0.jpg", "1.jpg", "x/2.jpg", "x/3.jpg"):
        (found / name).write_bytes(jpeg(name))
    return found


@SETTINGS
@given(ROWS, st.integers(0, 5), st.sampled_from(",;\t"))
@example([("a", "1", "glad", "x\\3.jpg", ""), ("b", "1", "sad", "0.jpg", "full")], 0, ";")
def test_any_table_of_images(rows, cut, delimiter):
    table = [["subject", "clip", "label", "image", "view"], *rows[:-1], rows[-1][: 5 - cut]]
    path = folder() / "flow.csv"
    path.write_text(as_text(table, delimiter), encoding="utf-8", newline="")
    found = datasets.Manifest(path).check()
    datasets.to_json(found).encode("utf-8")
    try:
        clips = datasets.Manifest(path).clips()
    except MerError:
        assert datasets.worst(found) == "error"
        return
    assert datasets.worst(found) != "error"
    assert all(Path(p).is_file() for images in clips["images"] for p in images.values())
    for column in ("subject", "label"):
        names = clips[column].astype(str)
        # No person and no class is there in two spellings.
        assert names.str.strip().str.lower().nunique() == names.nunique()
    pairs = zip(clips["subject"], clips["images"], strict=True)
    owners = [(Path(path), subject) for subject, images in pairs for path in images.values()]
    assert len({path for path, _ in owners}) == len(set(owners))
    lines = datasets.Manifest(path).ledger()
    assert set(lines["status"]) <= {"used", "left out"}


@SETTINGS
@given(st.binary(max_size=300))
def test_any_bytes_as_corrections_or_images(content):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "x.csv"
        path.write_bytes(content)
        assert datasets.worst(datasets.Manifest(path).check()) == "error"
        found = datasets.Casme2(root(), corrections=path).check()
        assert [p.kind for p in found] == ["bad corrections file"]


@cache
def clips() -> Path:
    """Return a folder with frames of two clips and a video; kept for the whole test run."""
    clips.holder = tempfile.TemporaryDirectory()  # type: ignore[attr-defined]
    found = Path(clips.holder.name)  # type: ignore[attr-defined]
    for place in ("1/a", "2/b"):
        write_frames(found / place, 3, 9)
    write_video(
        found / "2" / "c.avi", np.arange(6 * 48 * 64 * 3).reshape(6, 48, 64, 3).astype(np.uint8)
    )
    return found


PLACE = st.sampled_from(["1/a", "2/b", "2/c.avi", "2\\b", "../1/a", "1", "none"]) | ODD
FRAME = st.sampled_from(["", "3", "5", "9", "1", "6", "05", "3.0", "-1", "/"]) | ODD
OF_CLIPS = {
    "subject": st.sampled_from(["1", "2", "01"]) | ODD,
    "clip": st.sampled_from(["a", "b", "c", "A"]) | ODD,
    "label": st.sampled_from(["glad", "sad", "Glad", "1"]) | ODD,
    "frames": PLACE,
    "onset": FRAME, "apex": FRAME, "offset": FRAME,
    "dataset": st.sampled_from(["x", "y", ""]) | ODD,
    "fps": st.sampled_from(["", "25", "30", "nan", "1e400", "0"]) | ODD,
    "crop": st.sampled_from(["", "no", "face", "margin=0.2", "margin=9", "size"]) | ODD,
    "counted_from": st.sampled_from(["", "0", "1", "2"]) | ODD,
}  # fmt: skip


@SETTINGS
@given(st.lists(st.tuples(*OF_CLIPS.values()), min_size=1, max_size=4), st.integers(0, 7))
def test_any_table_of_clips(rows, cut):
    kept = [*OF_CLIPS][: len(OF_CLIPS) - cut]
    path = clips() / "clips.csv"
    path.write_text(as_text([kept, *(row[: len(kept)] for row in rows)]), "utf-8", newline="")
    found = datasets.Clips(path).check()
    datasets.to_json(found).encode("utf-8")
    data = datasets.Clips(path)
    try:
        table = data.clips()
    except MerError:
        assert datasets.worst(found) == "error"
        return
    assert datasets.worst(found) != "error"
    assert len(table) == (data.ledger()["status"] == "used").sum()
    for place, onset, offset in table[["frames_dir", "onset", "offset"]].to_numpy():
        last = 6 if place.endswith(".avi") else 9
        assert Path(place).is_relative_to(clips())
        assert (1 if last == 6 else 3) <= onset < offset <= last


PATTERN = st.lists(
    st.sampled_from(
        ["{subject}", "{clip}", "{subject:02d}", "{onset}", "{label}", "{subject:9}", "{subject!r}",
         "{", "}", "{}", "{0}", "{nobody}", "{subject.real}", "{clip[0]}", "{subject:99999999999}",
         "/", "*", "..", "a", "1/", "2/"]
    )
    | ODD,
    min_size=1,
    max_size=4,
).map("".join)  # fmt: skip
OF_MAP = ("subject", "clip", "onset", "apex", "offset", "label")
MAP_ROWS = st.lists(st.tuples(*map(OF_CLIPS.get, OF_MAP)), min_size=1, max_size=4)


@SETTINGS
@given(PATTERN, PATTERN, st.lists(PATTERN, max_size=2), MAP_ROWS)
@example("{subject}", "{clip}", ["{subject}/{clip}"], [("1", "a", "3", "5", "9", "glad")])
@example("{subject:99999999999}", "{clip}", ["x"], [("1", "a", "3", "5", "9", "glad")])
@example("{subject}", "{nobody}", ["x"], [("1", "a", "3", "5", "9", "glad")])
def test_any_column_map(subject, clip, frames, rows):
    """A map that is taken writes one clip for each row that is one, and check reads the table."""
    said = {"subject": subject, "clip": clip, "frames": frames}
    said["columns"] = {name: name for name in OF_MAP}
    (clips() / "sheet.csv").write_text(as_text([list(said["columns"]), *rows]), "utf-8", newline="")
    with suppress(FileNotFoundError):
        (clips() / "clips.csv").unlink()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mine.toml"
        path.write_text("".join(f"{field} = {toml(value)}\n" for field, value in said.items()))
        try:
            known = datasets.ColumnMap.read(path)
            table, problems = datasets.from_sheet(known, clips())
        except MerError:
            return
    datasets.to_json(problems).encode("utf-8")
    assert len(table) <= len(rows)
    assert len(table) == len(rows) or any("name no clip" in p.message for p in problems)
    table.to_csv(clips() / "clips.csv", index=False)
    datasets.to_json(datasets.Clips(clips() / "clips.csv").check()).encode("utf-8")


@SETTINGS
@given(st.binary(max_size=100) | ODD.map(str.encode))
def test_any_bytes_as_a_column_map(content):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mine.toml"
        path.write_bytes(content)
        with suppress(MerError):
            datasets.ColumnMap.read(path)
