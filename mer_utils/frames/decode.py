"""Decode images and whole clips: the one way by which a picture enters.

JPEG, PNG, BMP and TIFF are read, each by its content, whatever its name. Eight bits per channel
are taken as they are, 16 bits are divided by 257, palettes are resolved, transparency is left
out, and a picture is turned as its EXIF note says. Everything else is refused: floats, values
of 8 to 12 bits kept in 16, several pictures in one file, files that are cut off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mer_utils.errors import MerError
from mer_utils.extras import cv2
from mer_utils.files import cannot_read
from mer_utils.frames.formats import COPY, REWRITE, Refused, inspect, require_whole
from mer_utils.frames.video import VideoFrame, read_video

#: Where a frame is: a file of its own, or a place in a video.
FrameFile = Path | VideoFrame

# Sixteen bits with no value above this are fewer bits, kept in 16: divided by 257, they are black.
_TWELVE_BITS = 2**12 - 1


@dataclass(frozen=True)
class Picture:
    """An image (h, w, c) of uint8, red, green, blue or grey, and what was changed in it."""

    image: np.ndarray
    changes: tuple[str, ...] = ()


def read_picture(path: FrameFile) -> Picture:
    """Read an image by the rules of this module, and say which of them changed it.

    Raises
    ------
    MerError
        ``undecodable frame``, if the file is missing, damaged or of a kind without a rule;
        ``cannot read``, if the system does not let it be read; of a video's, as of `read_video`.
    """
    if isinstance(path, VideoFrame):
        clip = read_video(path.path, path.number, path.number)
        return Picture(clip.frames[0], clip.remarks)
    try:
        data = Path(path).read_bytes()
        return _picture(data)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise _undecodable(path, str(error.strerror), "check the path") from error
    except OSError as error:
        raise cannot_read(path, error) from error
    except Refused as refused:
        raise _undecodable(path, refused.reason, refused.remedy) from refused


def decode(path: FrameFile) -> np.ndarray:
    """Return the image (h, w, c) of `read_picture`."""
    return read_picture(path).image


def read_frames(paths: Sequence[FrameFile], said: set[str] | None = None) -> Iterator[np.ndarray]:
    """Yield the frames of a clip (h, w, c) one by one, so that it need never be whole in memory.

    What was changed in them is added to `said`.

    Raises
    ------
    MerError
        ``undecodable frame``; ``bad frames``, if one differs in size from the first.
    """
    if paths and isinstance(paths[0], VideoFrame):
        yield from _read_video_frames(paths, said)
        return
    first = None
    for path in paths:
        picture = read_picture(path)
        first = picture.image.shape if first is None else first
        require_shape(path, picture.image.shape, first, paths[0])
        if said is not None:
            said.update(picture.changes)
        yield picture.image


def _read_video_frames(paths: Sequence[Any], said: set[str] | None) -> Iterator[np.ndarray]:
    """Yield frames that follow each other in one video, decoded in one go."""
    clip = read_video(paths[0].path, paths[0].number, paths[-1].number)
    if said is not None:
        said.update(clip.remarks)
    yield from clip.frames


def read_clip(paths: Sequence[FrameFile], said: set[str] | None = None) -> np.ndarray:
    """Decode the frames of a clip, in time order, into one array (t, h, w, c) of uint8."""
    stream = read_frames(paths, said)
    first = next(stream)
    frames = np.empty((len(paths), *first.shape), np.uint8)
    frames[0] = first
    for t, frame in enumerate(stream, start=1):
        frames[t] = frame
    return frames


def require_shape(
    path: FrameFile, shape: tuple[int, ...], first: tuple[int, ...], first_path: FrameFile
) -> None:
    """Raise ``bad frames`` if a frame's shape is not that of the clip's first."""
    if shape != first:
        raise MerError(
            "bad frames",
            f"{path} has shape {shape}",
            f"{first} as the first frame, {first_path.name}",
            "extract the clip's frames anew, all in one size and all in grey or all in colour",
            str(path),
        )


def no_motion(what: str) -> MerError:
    """Return the error for a clip all of whose frames are equal."""
    return MerError(
        "no motion",
        f"all frames of {what} are equal",
        "frames that differ",
        "copy its frames anew; of a data set, its row can be left out of a copy of the sheet",
    )


def _picture(data: bytes) -> Picture:
    changes = inspect(data)
    require_whole(data)
    # One or three channels of any depth, turned as the EXIF note says.
    how = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error as error:
        raise Refused("not a readable image") from error
    if image is None:
        raise Refused("not a readable image")
    if image.dtype == np.uint16:
        brightest = int(image.max())
        if 0 < brightest <= _TWELVE_BITS:
            said = f"16 bits per channel, but no value above {brightest}: fewer bits, kept in 16"
            raise Refused(said, "write it anew in 8 bits per channel, by a rule of your own")
        image = np.rint(image / 257).astype(np.uint8)
        changes.append("16 bits per channel are divided by 257")
    if image.dtype != np.uint8:
        # Without a stated range, no rule turns floats into bytes.
        raise Refused(f"its pixels are {image.dtype}", REWRITE)
    if image.ndim == 2:
        return Picture(image[:, :, None], tuple(changes))
    return Picture(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), tuple(changes))


def _undecodable(path: Path, reason: str, remedy: str = COPY) -> MerError:
    return MerError(
        "undecodable frame",
        f"{path} cannot be decoded ({reason})",
        "a whole image of 8 or 16 bits per channel: JPEG, PNG, BMP or TIFF",
        remedy,
        str(path),
    )
