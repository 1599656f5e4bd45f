"""Videos: every container gives its frames back, in order, under their numbers."""

from __future__ import annotations

from contextlib import nullcontext

import cv2
import numpy as np
import pytest
from helpers import raises
from made_data import write_video

from mer_utils.frames import is_video, read_video, video

GREYS = np.arange(10, 250, 12)  # 20 frames that tell themselves apart


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    images = [np.full((48, 64, 3), grey, np.uint8) for grey in GREYS]
    return write_video(tmp_path_factory.mktemp("video") / "clip.avi", images)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "mp4v"), ("a.mov", "mp4v"), ("a.mkv", "FFV1"), ("a.AVI", "MJPG"), ("a.avi", "FFV1")],
)
def test_every_container_gives_its_frames_in_order(tmp_path, name, codec):
    images = [np.full((48, 64, 3), grey, np.uint8) for grey in GREYS]
    found = read_video(write_video(tmp_path / name, images, codec))
    assert found.frames.shape == (20, 48, 64, 3)
    assert (found.first, found.last, found.fps) == (1, 20, 200)
    # Lossy, and in studio range: nearer to its own grey than to the next frame's.
    np.testing.assert_allclose(found.frames.mean(axis=(1, 2, 3)), GREYS, atol=5)


def test_colours_are_red_green_blue(tmp_path):
    images = np.zeros((3, 48, 64, 3), np.uint8)
    images[..., 0], images[..., 2] = 220, 40
    found = read_video(write_video(tmp_path / "c.avi", images, "FFV1")).frames
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), (220, 0, 40), atol=6)


def test_frames_count_from_one_and_both_ends_are_included(clip):
    everything, part = read_video(clip), read_video(clip, 3, 5)
    np.testing.assert_array_equal(part.frames, everything.frames[2:5])
    assert (part.first, part.last) == (3, 5)
    np.testing.assert_array_equal(read_video(clip, 18).frames, everything.frames[17:])
    assert len(read_video(clip, 20, 20).frames) == 1


@pytest.mark.parametrize("wanted", [(10, 25), (21, 21), (30, None), (21, None)])
def test_numbers_the_video_does_not_have(clip, wanted):
    with raises("frames outside", "from 1 to 20"):
        read_video(clip, *wanted)


@pytest.mark.parametrize("wanted", [(0, 3), (-1, None), (5, 2)])
def test_numbers_no_video_has(clip, wanted):
    with raises("frames outside", *map(str, filter(None, wanted))):
        read_video(clip, *wanted)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.mov", b"", "empty"),
        ("text.mp4", b"#EXTM3U\nfile:///etc/passwd\n", "content"),
        ("bare.avi", b"RIFF\x10\x00\x00\x00AVI ", "cannot"),
        ("bare.mp4", b"\x00\x00\x00\x18ftypisom" + bytes(200), "cannot"),
        ("clip.gif", b"GIF89a", "suffix '.gif'"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with raises("undecodable video", name, said):
        read_video(tmp_path / name)


def test_a_video_without_frames(tmp_path):
    path = write_video(tmp_path / "none.avi", [])
    assert path.stat().st_size > 0
    with raises("undecodable video", "none.avi"):
        read_video(path)


def test_a_missing_file_and_a_folder(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    for name in ("missing.mp4", "folder.mp4"):
        with raises("cannot read", name):
            read_video(tmp_path / name)


def test_a_video_that_breaks_off_is_not_taken_for_a_short_one(clip, tmp_path):
    data = clip.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(data[: 5700 + (len(data) - 5700) // 2])
    with raises("undecodable video", "20 frames"):
        read_video(cut)
    with raises("undecodable video"):
        read_video(cut, 2, 19)
    # What comes before the break is whole.
    np.testing.assert_array_equal(read_video(cut, 2, 5).frames, read_video(clip, 2, 5).frames)


def test_a_whole_recording_is_not_read_into_memory(clip, monkeypatch):
    monkeypatch.setattr(video, "MAX_BYTES", 10 * 48 * 64 * 3)
    with raises("bad frames", "64 x 48"):
        read_video(clip)
    assert len(read_video(clip, 4, 13).frames) == 10


def test_suffixes(tmp_path):
    names = ("a.mp4", "a.MOV", "a.avi", "a.mkv", "a", "mp4")
    assert [is_video(tmp_path / name) for name in names] == [True, True, True, True, False, False]


class Clock:
    """A capture of six black frames at 5 ms each, the fourth of which was lost."""

    def __init__(self):
        self.times = [0.0, 5.0, 10.0, 20.0, 25.0, 30.0]
        self.now = -1

    def grab(self):
        self.now += 1
        return self.now < len(self.times)

    def retrieve(self):
        return True, np.zeros((4, 4, 3), np.uint8)

    def get(self, what):
        return self.times[self.now] if what == cv2.CAP_PROP_POS_MSEC else 7


@pytest.mark.scenario("A")
def test_a_lost_frame_is_noticed_by_the_clock(clip, monkeypatch):
    assert read_video(clip).remarks == read_video(clip, 2, 5).remarks == ()
    monkeypatch.setattr(video, "_opened", lambda path: nullcontext(Clock()))
    clock, count = read_video(clip).remarks
    assert "leaps after frame 3:" in clock
    assert "announces 7 frames and holds 6:" in count


@pytest.mark.scenario("A")
def test_a_damaged_video_that_decodes_to_anything_is_refused(clip, monkeypatch):
    black = iter([0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0])
    monkeypatch.setattr(
        Clock, "retrieve", lambda self: (True, np.full((4, 4, 3), next(black), np.uint8))
    )
    monkeypatch.setattr(video, "_opened", lambda path: nullcontext(Clock()))
    with raises("undecodable video", clip, "read twice"):
        read_video(clip)


@pytest.mark.scenario("A")
def test_a_video_of_more_than_8_bits_is_converted_with_a_word_or_refused(tmp_path):
    def write(name, images):
        options = [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U, cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
        code = cv2.VideoWriter_fourcc(*"FFV1")
        writer = cv2.VideoWriter(
            str(tmp_path / name), cv2.CAP_FFMPEG, code, 200.0, (64, 48), options
        )
        for grey in images:
            writer.write(np.full((48, 64), grey, np.uint16))
        writer.release()
        return tmp_path / name

    found = read_video(write("deep.mkv", GREYS.astype(np.uint16) * 257))
    assert found.remarks == ("16 bits per channel are reduced to 8",)
    np.testing.assert_allclose(found.frames.mean(axis=(1, 2, 3)), GREYS, atol=1)
    with raises("undecodable video", "few are used"):
        read_video(write("dark.mkv", GREYS.astype(np.uint16) * 16))


@pytest.mark.parametrize(
    ("tag", "bits"),
    [(b"Y3\x0b\x0a", 10), (b"\x10\x00" b"1Y", 16), (b"I420", 8), (b"RGB\x18", 8), (b"RGB0", 16),
     (b"P010", 10), (b"BGRA", 8), (bytes(4), 8), (b"Y3\x0b\x08", 8)],
)  # fmt: skip
def test_the_depth_that_a_pixel_format_states(tag, bits):
    assert video._depth(int.from_bytes(tag, "little")) == bits
