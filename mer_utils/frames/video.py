"""Videos: the frames of a clip out of one file (mp4, avi, mov, mkv), decoded by OpenCV.

Frames are numbered **from 1**, as the files are that a video's extraction gives, so that a
data set's onset, apex and offset mean the same frame in the video as in the folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mer_utils.errors import MerError
from mer_utils.extras import cv2
from mer_utils.files import identity

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv"})
#: Bytes of decoded frames that are read at most: a whole recording is not a clip.
MAX_BYTES = 2 * 1024**3
# Containers count frames by duration and rate; the count may be off by so many.
_COUNT_SLACK = 2
# Types of the first atom of an mp4 or mov file.
_FIRST_ATOMS = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
# Of 8 bits: that of 12 bits kept in 16.
_DARK = 16
_MATROSKA = b"\x1a\x45\xdf\xa3"


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a video, by its number from 1: it stands for a file in lists of frames."""

    path: Path
    number: int

    def __str__(self) -> str:
        return f"{self.path}#{self.number}"

    @property
    def name(self) -> str:
        """The file's name, and the number."""
        return f"{self.path.name}#{self.number}"

    @property
    def parent(self) -> Path:
        """What holds the frame: the video."""
        return self.path


class VideoFacts(NamedTuple):
    """How many frames a video has, and how many a second by its own account (0: none)."""

    frames: int
    fps: float


@dataclass(frozen=True)
class VideoClip:
    """Frames of a video, (t, h, w, 3), red, green, blue.

    `first` is the number of the first of them, counted from 1; `fps` the frames per second by
    the file's own account, 0 where it gives none. `remarks` say what makes the numbers doubtful.
    """

    frames: np.ndarray
    first: int
    fps: float
    remarks: tuple[str, ...] = ()

    @property
    def last(self) -> int:
        """Number of the last frame."""
        return self.first + len(self.frames) - 1


def is_video(path: Path) -> bool:
    """Tell by its suffix whether `path` names a video.

    Examples
    --------
    >>> is_video(Path("EP02_01f.AVI")), is_video(Path("reg_img46.jpg"))
    (True, False)
    """
    return path.suffix.lower() in VIDEO_SUFFIXES


def read_video(path: Path, first: int = 1, last: int | None = None) -> VideoClip:
    """Decode the frames `first` to `last` of a video, both included; None reads to the end.

    Raises
    ------
    MerError
        ``cannot read``; ``undecodable video``; ``bad frames``, if they would take more than
        `MAX_BYTES`; ``frames outside``, if the video has no such numbers.
    """
    if first < 1 or (last is not None and last < first):
        raise MerError(
            "frames outside",
            f"frames {first} to {'the end' if last is None else last} were asked for",
            "frame numbers from 1 upward, the first before the last",
            "count the video's frames from 1" if first < 1 else "exchange the two numbers",
        )
    path = Path(path)
    _check_file(path)
    with _opened(path) as capture:
        announced = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        bits = _depth(int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)))
        frames, count, times = [], 0, []
        for number, frame in _numbered(capture, first, last):
            count = number
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
            if frame is not None:
                frames.append(frame)
                _check_memory(path, frames)
    if not count:
        raise _undecodable(path, "it holds no frame that can be decoded")
    if (last is None or count < last) and count < announced - _COUNT_SLACK:
        raise _breaks_off(path, announced, count)
    if not frames or (last is not None and count < last):
        raise outside(path, first, last, 1, count)
    with _opened(path) as capture:
        again = (frame for _, frame in _numbered(capture, first, last) if frame is not None)
        if not all(map(np.array_equal, frames, again)):  # what cannot be decoded is left to chance
            raise _undecodable(path, "read twice, it gives different frames: it is damaged")
    remarks = _doubts(times, count, announced if last is None else count)
    if bits > 8:
        if bits == 16 and max(frame.max() for frame in frames) <= _DARK:
            raise _undecodable(path, "16 bits per channel, of which few are used")
        remarks += (f"{bits} bits per channel are reduced to 8",)
    return VideoClip(np.stack(frames), first, fps, remarks)


def _depth(pixel_format: int) -> int:
    """Return the bits per channel of a pixel format as FFmpeg writes it in four characters."""
    tag = pixel_format.to_bytes(4, "little", signed=pixel_format < 0)
    for a, b, c, d in (tag, tag[::-1]):
        if a in b"YGNA" and c < 32 and 8 < d <= 16:  # as in "Y3", 11, 10
            return d
        if bytes((a, b, c)) in (b"RGB", b"BGR", b"RBA", b"BRA") and d in (48, 64):
            return 16
    return {b"P010": 10, b"P012": 12, b"P016": 16}.get(tag, 8)


def video_facts(path: Path, least: int | None = None) -> VideoFacts:
    """Return how many frames a video has and how many a second.

    What the file announces is believed if it is `least` or more; else, and without `least`, the
    frames are counted by decoding them.

    Raises
    ------
    MerError
        ``cannot read``; ``undecodable video``.
    """
    _check_file(path)
    found = _facts(path, identity(path), counted=False)
    return found if least and found.frames >= least else _facts(path, identity(path), counted=True)


@lru_cache(maxsize=4096)
def _facts(path: Path, stamp: str, counted: bool) -> VideoFacts:
    """Return the facts of a file as long as it stays what it is, see `identity`."""
    with _opened(path) as capture:
        announced = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        decodable = count = int(capture.read()[0])
        while counted and capture.grab():
            count += 1
    if not decodable:
        raise _undecodable(path, "it holds no frame that can be decoded")
    if counted and count < announced - _COUNT_SLACK:
        raise _breaks_off(path, announced, count)
    return VideoFacts(count if counted else announced, fps)


def _breaks_off(path: Path, announced: int, count: int) -> MerError:
    return MerError(
        "undecodable video",
        f"{path} announces {announced} frames, but breaks off after {count}",
        "a whole video",
        f"copy the file anew, or use no frame after {count}",
    )


def _doubts(times: list[float], count: int, announced: int) -> tuple[str, ...]:
    """Say where frames may have been lost, by the file's clock and by its own count."""
    found, steps = [], np.diff(times)
    if len(steps) and len(jumps := np.flatnonzero(steps > 1.5 * np.median(steps))):
        after = ", ".join(str(jump + 1) for jump in jumps[:5])
        found.append(f"the clock leaps after frame {after}")
    if 0 < announced != count:
        found.append(f"the file announces {announced} frames and holds {count}")
    return tuple(f"{doubt}: if frames were lost, later numbers are too small" for doubt in found)


def outside(path: Path, first: int, last: int | None, lowest: int, highest: int) -> MerError:
    """Return the error for frame numbers that a clip's folder or video does not have."""
    wanted = f"frame {first}" if last in (None, first) else f"frames {first} to {last}"
    return MerError(
        "frames outside",
        f"{wanted} cannot be taken from {path}",
        f"frame numbers from {lowest} to {highest}",
        "give the numbers as they are in the file names of a folder; a video counts from 1, "
        "or as the column counted_from of a table says",
    )


def _check_file(path: Path) -> None:
    if not is_video(path):
        raise _undecodable(path, f"suffix {path.suffix!r}")
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise MerError(
            "cannot read",
            f"{path} cannot be read ({error.strerror or error})",
            "an mp4, avi, mov or mkv file",
            "check the path and its permissions",
        ) from error
    # Decoders go by content, not by suffix, and some contents (play lists) name other files.
    whole = (head[:4] == b"RIFF" and head[8:] == b"AVI ") or head.startswith(_MATROSKA)
    if not whole and head[4:8] not in _FIRST_ATOMS:
        raise _undecodable(path, "its content is none" if head else "it is empty")


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    try:
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    except cv2.error as error:
        raise _undecodable(path, str(error).strip()) from error
    try:
        if not capture.isOpened():
            raise _undecodable(path, "OpenCV cannot open it")
        yield capture
    finally:
        capture.release()


def _numbered(
    capture: cv2.VideoCapture, first: int, last: int | None
) -> Iterator[tuple[int, np.ndarray | None]]:
    """Yield frame numbers and, from `first` on, frames; seeking would be inexact."""
    number = 0
    while (last is None or number < last) and capture.grab():
        if number + 1 < first:
            number += 1
            yield number, None
            continue
        done, frame = capture.retrieve()
        if not done or frame is None:
            return
        number += 1
        yield number, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def _check_memory(path: Path, frames: list[np.ndarray]) -> None:
    if len(frames) * frames[0].nbytes > MAX_BYTES:
        height, width = frames[0].shape[:2]
        raise MerError(
            "bad frames",
            f"{path} has more than {len(frames)} frames of {width} x {height} pixels",
            f"a clip of at most {MAX_BYTES / 1024**3:.3g} GiB of decoded frames",
            "name the onset and the offset of one expression",
        )


def _undecodable(path: Path, reason: str) -> MerError:
    return MerError(
        "undecodable video",
        f"{path} cannot be decoded ({reason})",
        "an mp4, avi, mov or mkv video",
        "copy the file anew, or convert it, for instance to an mp4 with H.264",
    )
