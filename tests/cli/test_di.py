"""``mer di``: one clip's dynamic images, and a clear word for every bad input."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from helpers import raises
from typer.testing import CliRunner

from mer_utils.cli.main import app
from mer_utils.dynamic_image import phase_dynamic_images, to_uint8
from mer_utils.errors import MerError
from mer_utils.frames import spot_apex
from mer_utils.phases import PHASES
from mer_utils.plotting import dynamic_images
from mer_utils.views import ViewOptions

NUMBERS = range(8, 15)  # 8, 9, 10, ... : the order of names is not that of numbers


def clip_array(channels=3):
    """A bar that goes right until the fourth frame and then down, on a grey ground."""
    clip = np.full((len(NUMBERS), 40, 56, channels), 90, np.uint8)
    for t in range(len(clip)):
        x, y = 8 + 4 * min(t, 3), 6 + 5 * max(t - 3, 0)
        clip[t, y : y + 8, x : x + 12] = (200, 160, 40)[:channels]
    return clip


def write_frames(folder, clip):
    folder.mkdir()
    for number, frame in zip(NUMBERS, clip, strict=True):
        cv2.imwrite(str(folder / f"img{number}.png"), frame[..., ::-1])
    (folder / "Thumbs.db").write_bytes(b"")
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_frames(tmp_path / "EP01_01f", clip_array())


def run(*arguments):
    result = CliRunner().invoke(app, ["di", *map(str, arguments)])
    if isinstance(result.exception, MerError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def read(path):
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return image[..., ::-1] if image.ndim == 3 else image[..., None]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_separate_files_are_the_phases_dis(tmp_path, channels):
    clip = clip_array(channels)
    out = tmp_path / "out" / "sheet.png"
    said = run(write_frames(tmp_path / "clip", clip), "--apex", 11, "-o", out, "--separate")
    assert "7 frames" in said
    expected = phase_dynamic_images(clip, 3)
    assert set(expected) == {"full", "onset_apex", "apex_offset"}
    for phase, pooled in expected.items():
        found = read(tmp_path / "out" / f"sheet-{phase}.png")
        np.testing.assert_array_equal(found, to_uint8(pooled, "minmax"))
    assert read(out).shape[1] > 1500


def test_onset_and_offset_choose_the_frames_by_their_numbers(folder, tmp_path):
    out = tmp_path / "a.png"
    options = ("--kind", "linear", "--scaling", "minmax", "--separate", "-o", out)
    run(folder, "--onset", 9, "--apex", 10, "--offset", 13, *options)
    part = clip_array()[1:6]
    for phase, pooled in phase_dynamic_images(part, 1, "linear").items():
        np.testing.assert_array_equal(read(tmp_path / f"a-{phase}.png"), to_uint8(pooled))


def test_without_an_apex_there_is_the_full_di_alone(folder, tmp_path):
    said = run(folder, "-o", tmp_path / "a.png", "--separate")
    assert "DIs of full." in said
    assert "--apex auto" in said
    assert {p.name for p in tmp_path.glob("*.png")} == {"a.png", "a-full.png"}


@pytest.mark.parametrize("rule", ["auto", "strain", "spotted:strain"])
def test_an_apex_that_is_spotted_is_said_and_shown(tmp_path, rule):
    folder = write_frames(tmp_path / "clip", clip_array())
    number = NUMBERS[spot_apex(clip_array(), "spotted" + {"auto": ""}.get(rule, ":strain"))]
    said = run(folder, "--apex", rule, "-o", tmp_path / "a.png", "--separate")
    assert f"the apex, frame {number}, is an estimate (spotted:" in said
    run(folder, "--apex", number, "-o", tmp_path / "b.png", "--separate")
    for phase in PHASES:
        one, other = ((tmp_path / f"{name}-{phase}.png").read_bytes() for name in "ab")
        assert one == other
    with raises("unknown name", "12.5", "a frame number, auto", "strain"):
        run(folder, "--apex", "12.5", "-o", tmp_path / "c.png")


def test_the_scaling_is_that_of_training_and_the_sheet_has_a_place(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "EP01_01f-di.png" in run(folder)
    run(folder, "--scaling", ViewOptions().scaling, "-o", "same.png")
    assert (tmp_path / "EP01_01f-di.png").read_bytes() == (tmp_path / "same.png").read_bytes()


def test_a_large_frame_is_shown_with_every_pixel(tmp_path):
    clip = np.repeat(np.repeat(clip_array(), 12, axis=1), 12, axis=2)  # 672 wide
    run(write_frames(tmp_path / "large", clip), "--apex", 11, "-o", tmp_path / "a.png")
    assert read(tmp_path / "a.png").shape[1] > 6 * 672


def test_an_apex_at_the_offset_says_which_di_is_lacking(folder, tmp_path):
    said = run(folder, "--apex", 14, "-o", tmp_path / "a.png")
    assert "No DI apex to offset" in said


@pytest.mark.scenario("K")
def test_a_phase_without_motion_is_said_not_shown_as_grey(folder, tmp_path):
    write_frames(tmp_path / "late", np.concatenate([clip_array()[:4], clip_array()[[3, 3, 3]]]))
    said = run(tmp_path / "late", "--apex", 11, "-o", tmp_path / "a.png", "--separate")
    assert "No DI apex to offset: fewer than two different frames there." in said
    assert {p.name for p in tmp_path.glob("*.png")} == {
        "a.png",
        "a-full.png",
        "a-onset_apex.png",
    }


@pytest.mark.scenario("A")
def test_sixteen_bits_give_the_dis_of_eight_and_that_is_said(folder, tmp_path):
    run(folder, "-o", tmp_path / "eight.png", "--separate")
    for path in folder.glob("*.png"):
        deep = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.uint16) * 257
        cv2.imwrite(str(path), deep)
    said = run(folder, "-o", tmp_path / "deep.png", "--separate")
    assert "Note: 16 bits per channel are divided by 257." in said
    eight, deep = ((tmp_path / f"{name}-full.png").read_bytes() for name in ("eight", "deep"))
    assert eight == deep


@pytest.mark.scenario("J")
@pytest.mark.parametrize(
    "name", ["a[1]", "[red] b", "new\nline", "a\u0301 e\u0301", "$\\frac$", "100%d", "a:b"]
)
def test_a_folder_of_any_name_is_read(tmp_path, name):
    run(write_frames(tmp_path / name, clip_array()), "-o", tmp_path / f"{name}.png", "--separate")
    assert (tmp_path / f"{name}-full.png").is_file()


def test_the_sheet_shows_frames_and_dis_with_their_names(folder, tmp_path, monkeypatch):
    drawn = {}
    grid = dynamic_images.di_grid
    monkeypatch.setattr(dynamic_images, "di_grid", lambda rows: drawn.setdefault("f", grid(rows)))
    run(folder, "--apex", 11, "-o", tmp_path / "a.png")
    titles = [axes.get_title().replace("\n", " ") for axes in drawn["f"].axes]
    assert titles == ["onset", "apex", "offset", "full", "onset to apex", "apex to offset"]
    shown = [np.asarray(axes.images[0].get_array()) for axes in drawn["f"].axes]
    for image, frame in zip(shown[:3], clip_array()[[0, 3, 6]], strict=True):
        np.testing.assert_array_equal(image, frame)
    heading = drawn["f"].get_suptitle()
    assert "EP01_01f: onset 8, apex 11, offset 14" in heading
    assert "each DI has its own zero" in heading
    drawn.clear()
    run(folder, "-o", tmp_path / "a.png")  # without an apex no panel says "none"
    assert [axes.get_title() for axes in drawn["f"].axes] == ["onset", "offset", "full"]
    assert not [axes.texts for axes in drawn["f"].axes if axes.texts]


def test_the_same_clip_gives_the_same_bytes(folder, tmp_path):
    sheets = [tmp_path / "a.png", tmp_path / "b.png"]
    for sheet in sheets:
        run(folder, "--apex", 11, "-o", sheet)
    assert sheets[0].read_bytes() == sheets[1].read_bytes()


def test_a_video_counts_from_one(folder, tmp_path):
    path = tmp_path / "clip.avi"
    code = cv2.VideoWriter_fourcc(*"FFV1")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 200, (56, 40))
    grey = np.repeat(clip_array(1), 3, axis=-1)  # a codec may halve the colours' resolution
    for frame in grey:
        writer.write(frame)
    writer.release()
    out = tmp_path / "v.png"
    run(path, "--onset", 2, "--apex", 4, "--offset", 6, "-o", out, "--separate")
    found = read(tmp_path / "v-apex_offset.png")
    expected = to_uint8(phase_dynamic_images(grey[1:6], 2)["apex_offset"], "symmetric")
    assert np.abs(found.astype(int) - expected).max() <= 6
    run(path, "-o", tmp_path / "whole.png")
    with raises("frames outside", "from 1 to 7"):
        run(path, "--onset", 5, "--offset", 8, "-o", out)


def test_a_still_face_is_cropped_and_stays_still_which_is_said(tmp_path):
    photo = skimage.data.astronaut()[:256, 96:352]
    still = write_frames(tmp_path / "still", np.repeat(photo[None], len(NUMBERS), axis=0))
    with raises("no motion", "still"):
        run(still, "-o", tmp_path / "a.png", "--crop", "--size", 96, "--separate")
    assert not list(tmp_path.glob("*.png"))


def test_a_detector_of_ones_own_crops(folder, tmp_path, monkeypatch):
    (tmp_path / "middle_faces.py").write_text(
        "from mer_utils.frames import Face\n\n"
        "def make():\n"
        "    return lambda image: [whole(*image.shape[1::-1])]\n\n"
        "def whole(w, h):\n"
        "    return Face((0, 0, w, h), ((0.34 * w, 0.42 * h), (0.66 * w, 0.42 * h)), 1.0)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "a.png"
    run(folder, "-o", out, "--crop", "--size", 24, "--detector", "middle_faces.make", "--separate")
    assert read(tmp_path / "a-full.png").shape == (24, 24, 3)


def test_bad_input_is_named(folder, tmp_path):
    out = tmp_path / "a.png"
    (tmp_path / "bare").mkdir()
    (tmp_path / "notes.txt").write_text("7 frames")
    (tmp_path / "broken.mp4").write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(100))
    (tmp_path / "gap").mkdir()
    for number in (1, 2, 4):
        cv2.imwrite(str(tmp_path / "gap" / f"{number}.png"), clip_array()[0])
    cases = [
        ((tmp_path / "nowhere",), "missing frame folder", "nowhere"),
        ((tmp_path / "nowhere.mp4",), "cannot read", "nowhere.mp4"),
        ((tmp_path / "bare",), "missing frames", "bare"),
        ((tmp_path / "notes.txt",), "undecodable video", "notes.txt"),
        ((tmp_path / "broken.mp4",), "undecodable video", "broken.mp4"),
        ((tmp_path / "gap",), "missing frames", "1 of the 4 frames 1..4"),
        ((tmp_path / "gap",), "missing frames", "name an onset and an offset"),
        ((folder, "--onset", 3), "frames outside", "from 8 to 14"),
        ((folder, "--offset", 15), "frames outside", "from 8 to 14"),
        ((folder, "--apex", 15), "apex outside the clip", "8..14"),
        ((folder, "--onset", 10, "--apex", 9), "apex outside the clip", "10..14"),
        ((folder, "--onset", 12, "--offset", 12), "clip of one frame", "offset 12"),
        ((folder, "--kind", "best"), "unknown name", "best"),
        ((folder, "--scaling", "best"), "unknown name", "best"),
        ((folder, "--crop"), "no face", folder),
        ((folder, "--crop", "--detector", "nobody"), "unknown name", "nobody"),
        ((folder, "-o", tmp_path / "a.jpg"), "invalid option", "a.jpg"),
        ((folder, "-o", tmp_path / "notes.txt" / "a.png"), "cannot write", "notes.txt"),
    ]
    for arguments, kind, said in cases:
        output = () if "-o" in arguments else ("-o", out)
        with raises(kind, said):
            run(*arguments, *output)
        assert not out.exists()


@pytest.mark.scenario("J")
def test_odd_names_of_folders(folder, tmp_path):
    with raises("invalid option", "among the frames"):
        run(folder, "-o", folder / ".." / folder.name / "sheet.png")
    moved = folder.rename(tmp_path / "folder.mp4")
    assert "7 frames" in run(moved, "-o", tmp_path / "sheet.png")


def test_the_three_lines_of_the_reference_make_a_videos_dynamic_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip = np.stack([np.full((48, 64, 3), 6 * t, np.uint8) for t in range(40)])
    writer = cv2.VideoWriter("my_video.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 25, (64, 48))
    for frame in clip:
        writer.write(frame)
    writer.release()
    page = (Path(__file__).parents[2] / "book/reference/dynamic_image.md").read_text("utf-8")
    names: dict = {}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], names)
    assert {view: image.shape for view, image in names["shown"].items()} == dict.fromkeys(
        PHASES, (48, 64, 3)
    )
