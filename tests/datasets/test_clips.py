"""Tables of clips: any frames, in folders or videos, as a data set with phases."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import findings, raises
from made_data import write_frames, write_mark, write_video

from mer_utils import datasets, views
from mer_utils.frames import CropOptions, VideoFrame, clip_fingerprint, read_clip, read_picture

COLUMNS = ["subject", "clip", "label", "frames", "onset", "apex", "offset"]


def moving(n=12, seed=0):
    """Return n frames of a square that moves over a grey of its own."""
    frames = np.full((n, 48, 64, 3), 60 + 9 * seed, np.uint8)
    for t in range(n):
        frames[t, 10:20, 5 + 3 * t : 12 + 3 * t] = 200
    return frames


@pytest.fixture
def folder(tmp_path):
    """Two videos of 12 frames, and two folders of frames 46 to 57."""
    root = tmp_path / "my clips"
    root.mkdir()
    for seed, name in enumerate(("a.avi", "b.avi")):
        write_video(root / name, moving(seed=seed), fps=30)
    for name in ("s3/c", "s4/d"):
        write_frames(root / name, 46, 57)
    return root


ROWS = [
    ["s1", "a", "glad", "a.avi", 1, 5, 12],
    ["s2", "b", "sad", "b.avi", 2, 6, 11],
    ["s3", "c", "glad", "s3/c", 46, 50, 57],
    ["s4", "d", "sad", "s4/d", 47, None, 57],
]


def table(folder, rows=ROWS, name="my table.csv", **more):
    frame = pd.DataFrame(rows, columns=COLUMNS).assign(**more)
    path = folder / name
    write = {"csv": frame.to_csv, "xlsx": frame.to_excel, "parquet": frame.to_parquet}
    write[name.rpartition(".")[2]](path, index=False)
    return path


def changed(row, **cells):
    """Return the rows with cells of one of them changed."""
    rows = [list(one) for one in ROWS]
    for name, value in cells.items():
        rows[row][COLUMNS.index(name)] = value
    return rows


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx", "t.parquet"])
def test_one_row_a_clip_with_phases(folder, name):
    data = datasets.Clips(table(folder, name=name))
    assert (data.name, data.title) == ("clips:t", f"clips of the table {name}")
    clips = data.clips()
    assert list(clips["clip"]) == ["a", "b", "c", "d"]
    assert set(clips["dataset"]) == {"t"}
    assert list(clips["onset"]) == [1, 2, 46, 47]
    assert clips["apex"].tolist()[:3] == [5, 6, 50]
    assert list(clips["apex_source"]) == ["annotated"] * 3 + ["missing"]
    assert list(clips["label"].cat.categories) == ["glad", "sad"]
    assert clips["fps"].tolist()[:2] == [30, 30]
    assert clips["fps"].isna().tolist() == [False, False, True, True]
    assert [p.kind for p in findings(data)] == ["odd sheet", "missing apex"]
    assert list(replace(data, missing_apex="midpoint").clips()["apex"])[3] == 52
    assert (data.ledger()["status"] == "used").all()
    assert data.counts().loc[0, "clips"] == 4
    assert pickle.loads(pickle.dumps(data)) == data


def test_frames_of_a_video_are_those_that_the_table_names(folder):
    clips = datasets.Clips(table(folder)).clips()
    frames, apex = datasets.load_clip(clips.iloc[1])
    assert (len(frames), apex) == (10, 4)
    whole = read_clip([VideoFrame(folder / "b.avi", n) for n in range(1, 13)])
    np.testing.assert_array_equal(frames, whole[1:11])
    np.testing.assert_array_equal(read_picture(VideoFrame(folder / "b.avi", 3)).image, whole[2])


def test_views_are_made_of_videos_as_of_their_frames(folder, tmp_path):
    rows = [ROWS[0], ROWS[1]]
    data = datasets.Clips(table(folder, rows))
    shown = views.make(data, image_size=16, cache=tmp_path / "cache")
    frames, apex = datasets.load_clip(data.clips().iloc[0])
    expected = views.clip_views(frames, apex, views.ViewOptions(image_size=16))
    for view, image in expected.items():
        np.testing.assert_array_equal(shown.images[view][0], image)


def test_what_enters_the_fingerprint(folder):
    data = datasets.Clips(table(folder))
    before = data.fingerprint()
    assert datasets.Clips(table(folder, changed(0, offset=11))).fingerprint() != before
    write_video(folder / "a.avi", moving(seed=7), fps=30)
    assert datasets.Clips(table(folder)).fingerprint() != before
    one, two = ([VideoFrame(folder / "a.avi", n)] for n in (1, 2))
    assert clip_fingerprint(one) != clip_fingerprint(two)


def test_a_table_may_count_from_0_or_from_1_wherever_the_files_begin(folder):
    usual = datasets.Clips(table(folder)).clips()
    rows = [
        [*r[:4], *(n and n - first for n in r[4:])]
        for r, first in zip(ROWS, (1, 1, 46, 46), strict=True)
    ]
    counted = datasets.Clips(table(folder, rows, counted_from=0))
    found = counted.clips()
    for name in ("onset", "apex", "offset"):
        assert found[name].fillna(-1).tolist() == usual[name].fillna(-1).tolist()
    assert set(counted.ledger()["rules"].str.split("; ").str[0]) == {"counted_from=0"}
    assert "odd sheet" not in {p.kind for p in findings(counted)}


def test_several_data_sets_keep_their_subjects_apart(folder):
    rows = [[*r[:3], r[3], *r[4:]] for r in changed(1, subject="s1")]
    data = datasets.Clips(table(folder, rows, dataset=["x", "y", "y", "y"]))
    assert list(data.clips()["subject"]) == ["x-s1", "y-s1", "y-s3", "y-s4"]
    assert list(data.ledger()["subject"]) == ["x-s1", "y-s1", "y-s3", "y-s4"]
    clash = [["b-c", *ROWS[0][1:]], ["c", *ROWS[1][1:]], *ROWS[2:]]
    with raises("near-duplicate names"):
        datasets.Clips(table(folder, clash, dataset=["a", "a-b", "a", "a"])).clips()


def test_labels_under_a_scheme(folder):
    rows = [
        [*r[:2], label, *r[3:]]
        for r, label in zip(ROWS, ("Fear", "Other", "Happiness", "?"), strict=True)
    ]
    samm = datasets.Clips(table(folder, rows[:3], dataset="samm"), scheme="megc-3")
    assert list(samm.clips()["label"]) == ["negative", "positive"]
    assert "emotion other is not in megc-3" in set(samm.ledger()["reason"])
    with raises("unknown label", "glad", "megc-3"):
        datasets.Clips(table(folder), scheme="megc-3").clips()
    classes = [
        [*r[:2], label, *r[3:]] for r, label in zip(ROWS, ("negative", "positive") * 2, strict=True)
    ]
    found = datasets.Clips(table(folder, classes), scheme="megc-3").clips()
    assert list(found["label"].cat.categories) == ["negative", "positive", "surprise"]


def test_crops_are_one_for_a_data_set(folder):
    more = {"dataset": ["x", "x", "y", "y"], "crop": ["face", "face", "", ""]}
    data = datasets.Clips(table(folder, **more))
    assert data.crops == (("x", CropOptions()),)
    wide = CropOptions(margin=0.5)
    assert replace(data, crop=wide).crops == (("x", wide), ("y", wide))
    given = table(folder, crop="margin=0.5:size=64")
    assert datasets.Clips(given).crops == (("my table", CropOptions(margin=0.5, size=64)),)
    with raises("contradicting rows", "crop"):
        datasets.Clips(table(folder, crop=["face", "no", "no", "no"])).clips()


def test_a_mark_above_the_frames_says_that_they_are_made(folder):
    assert datasets.Clips(table(folder)).made is None
    mark = write_mark(folder / "s3")
    assert datasets.Clips(table(folder)).made == mark


def test_frames_may_lie_apart_from_the_table(folder, tmp_path):
    path = table(folder).rename(tmp_path / "apart.csv")
    with raises("missing frame folder"):
        datasets.Clips(path).clips()
    assert len(datasets.Clips(path, frames=folder).clips()) == 4


@pytest.mark.scenario("B")
@pytest.mark.parametrize(
    ("rows", "more", "kind", "named"),
    [
        (changed(0, frames="c.avi"), {}, "missing frame folder", "c.avi"),
        (changed(2, frames="s3/x"), {}, "missing frame folder", "s3/x"),
        (changed(2, frames="../../etc"), {}, "name leaves the root", "../../etc"),
        (changed(0, offset=13), {}, "frames outside", "a.avi"),
        (changed(0, onset=0), {}, "frames outside", "counted_from"),
        (changed(2, offset=58), {}, "missing frames", "58"),
        (
            changed(2, onset=0, apex=5, offset=12),
            {"counted_from": ["", "", 1, ""]},
            "frames outside",
            "onset is 0",
        ),
        (changed(0, apex=13), {}, "apex outside the clip", "old 13"),
        (changed(0, apex=13), {"counted_from": [0, "", "", ""]}, "apex outside the clip", "old 13"),
        (changed(0, onset=12), {}, "clip of one frame", "onset 12"),
        (ROWS, {"fps": [200, "", "", ""]}, "other frame rate", "200"),
        (ROWS, {"fps": ["fast", "", "", ""]}, "odd cell", "fast"),
        (ROWS, {"counted_from": [2, "", "", ""]}, "odd cell", "counted_from"),
        (ROWS, {"crop": "round"}, "odd cell", "round"),
        ([*ROWS, ["s1", "a", "sad", "a.avi", 1, 5, 12]], {}, "contradicting rows", "row 2"),
        ([*ROWS, ["s1", "e", "glad", "a.avi", 1, 5, 12]], {}, "same picture twice", "1 to 12"),
        ([*ROWS, ["s9", "e", "glad", "a.avi", 3, 5, 9]], {}, "overlapping clips", "train on"),
        (changed(0, label=""), {}, "blank cell", "label"),
        (changed(1, label="Glad"), {}, "near-duplicate names", "Glad"),
        (changed(0, onset="one"), {}, "bad frame number", "one"),
    ],
)
def test_what_is_wrong_is_said_with_its_remedy(folder, rows, more, kind, named):
    data = datasets.Clips(table(folder, rows, **more))
    found = [p for p in data.check() if p.severity == "error"]
    assert {p.kind for p in found} == {kind}
    assert named in found[0].message + found[0].remedy
    assert found[0].remedy
    with raises(kind):
        data.clips()


@pytest.mark.scenario("B")
def test_all_that_is_wrong_is_said_at_once(folder):
    rows = [*changed(0, offset=40), ["s5", "e", "sad", "e.avi", 1, 2, 3]]
    rows[2][3] = "s3/none"
    (folder / "e.avi").write_bytes((folder / "a.avi").read_bytes()[:400])
    kinds = {p.kind for p in datasets.Clips(table(folder, rows)).check() if p.severity == "error"}
    assert kinds == {"frames outside", "missing frame folder", "undecodable video"}


@pytest.mark.scenario("B")
def test_a_video_that_breaks_off_is_found_by_check_and_by_what_decodes(folder):
    whole = (folder / "a.avi").read_bytes()
    (folder / "a.avi").write_bytes(whole[: len(whole) * 2 // 3])
    data = datasets.Clips(table(folder))
    assert "undecodable video" in {p.kind for p in data.check()}
    with raises("undecodable video", "a.avi"):
        datasets.load_clip(data.clips().iloc[0])


def test_clips_of_one_subject_that_share_frames_are_warned_of(folder):
    rows = [*ROWS, ["s1", "e", "glad", "a.avi", 10, 11, 12]]
    found = [p for p in findings(datasets.Clips(table(folder, rows))) if p.severity == "warning"]
    assert [p.kind for p in found] == ["overlapping clips"]
    touching = [["s1", "a", "glad", "a.avi", 1, 3, 6], ["s1", "e", "sad", "a.avi", 6, 8, 12]]
    kinds = {p.kind for p in findings(datasets.Clips(table(folder, [*touching, *ROWS[1:]])))}
    assert "overlapping clips" not in kinds


def test_one_clip_in_two_videos_of_two_people_is_a_leak(folder):
    (folder / "b.avi").write_bytes((folder / "a.avi").read_bytes())
    with raises("same picture twice"):
        datasets.Clips(table(folder)).clips()


def test_decoding_finds_a_clip_that_does_not_move(folder):
    write_video(folder / "a.avi", np.full((12, 48, 64, 3), 90, np.uint8), fps=30)
    assert "no motion" in {p.kind for p in findings(datasets.Clips(table(folder)), decode=True)}


def test_composites_of_tables(folder):
    one = datasets.Clips(table(folder, ROWS[:2], "one.csv"))
    two = datasets.Clips(table(folder, ROWS[2:], "two.csv"))
    both = datasets.Composite((two, one))
    assert (both.name, len(both.clips())) == ("clips:one+clips:two", 4)
    assert list(both.clips()["subject"]) == ["one-s1", "one-s2", "two-s3", "two-s4"]
    assert list(both.clips()["label"].cat.categories) == ["glad", "sad"]
    assert datasets.title(both.name) == "table one and table two"
    same = datasets.Clips(table(folder, ROWS[2:], "three.csv", dataset="one"))
    with raises("taken name", "one"):
        datasets.Composite((one, same)).clips()


@pytest.mark.scenario("F")
@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (["p1", "a", "glad", "a.avi", 1, 5, 12], "same picture twice"),
        (["s3", "c", "Glad", "s3/c", 46, 50, 57], "near-duplicate names"),
    ],
)
def test_what_no_part_of_a_composite_can_see_is_an_error_of_the_whole(folder, row, kind):
    one = datasets.Clips(table(folder, ROWS[:2], "one.csv"))
    good = datasets.Composite((one, datasets.Clips(table(folder, ROWS[2:], "two.csv"))))
    assert len(good.clips()) == 4
    bad = datasets.Composite((one, datasets.Clips(table(folder, [row, ROWS[3]], "two.csv"))))
    with raises(kind):
        bad.clips()
    assert [p.kind for p in bad.check() if p.severity == "error"] == [kind]
