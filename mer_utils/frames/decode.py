"""Decode images and whole clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from mer_utils.errors import MerError

# Workers are processes with one thread each; OpenCV's own threads would only compete.
cv2.setNumThreads(1)


def decode(path: Path) -> np.ndarray:
    """Read an image file as (h, w, c) of uint8: red, green, blue, or one channel of grey.

    Sixteen bits are divided by 257, so that black and white stay what they are; transparency is
    left out.

    Raises
    ------
    MerError
        ``undecodable frame``, if the file is missing, empty, cut off, no image, or has pixels
        that are neither 8 nor 16 bits.
    """
    try:
        data, image = _decoded(path)
    except OSError as error:
        raise _undecodable(path, error.strerror or str(error)) from error
    problem = _problem(data, image)
    if problem or image is None:
        raise _undecodable(path, problem or "not a readable image")
    if image.dtype == np.uint16:
        image = np.rint(image / 257).astype(np.uint8)
    if image.ndim == 2:
        return image[:, :, None]
    return cv2.cvtColor(image[:, :, :3], cv2.COLOR_BGR2RGB)


def decoding_problem(path: Path) -> str | None:
    """Say what is wrong with an image file, or None if nothing is.

    A JPEG decoder fills the missing part of a cut-off file with grey and reports success,
    so the end marker is looked for as well.
    """
    try:
        return _problem(*_decoded(path))
    except OSError as error:
        return error.strerror or str(error)


def read_frames(paths: Sequence[Path]) -> Iterator[np.ndarray]:
    """Yield the frames of a clip (h, w, c) one by one, so that it need never be whole in memory.

    Raises
    ------
    MerError
        ``undecodable frame``; ``bad frames``, if one differs in size from the first.
    """
    first = None
    for path in paths:
        frame = decode(path)
        first = frame.shape if first is None else first
        if frame.shape != first:
            raise MerError(
                "bad frames",
                f"{path} has shape {frame.shape}",
                f"{first} as the first frame, {paths[0].name}",
                "extract the clip's frames anew, all in one size",
            )
        yield frame


def read_clip(paths: Sequence[Path]) -> np.ndarray:
    """Decode the frames of a clip, in time order, into one array (t, h, w, c) of uint8."""
    stream = read_frames(paths)
    first = next(stream)
    frames = np.empty((len(paths), *first.shape), np.uint8)
    frames[0] = first
    for t, frame in enumerate(stream, start=1):
        frames[t] = frame
    return frames


def _decoded(path: Path) -> tuple[bytes, np.ndarray | None]:
    with open(path, "rb") as file:
        data = file.read()
    if not data:
        return data, None
    return data, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def _problem(data: bytes, image: np.ndarray | None) -> str | None:
    if not data:
        return "the file is empty"
    if data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-64:]:
        return "the JPEG is cut off"
    if image is None:
        return "not a readable image"
    # Without a stated range, no rule turns floats into bytes.
    return None if image.dtype in (np.uint8, np.uint16) else f"its pixels are {image.dtype}"


def _undecodable(path: Path, reason: str) -> MerError:
    return MerError(
        "undecodable frame",
        f"{path} cannot be decoded ({reason})",
        "a whole image of 8 or 16 bits per channel, such as JPEG, PNG or BMP",
        "copy the file anew from the data set's archive, or leave its clip out",
    )
