"""Faces that were found before, so that no onset frame is searched twice."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mer_utils.frames import known
from mer_utils.frames.decode import FrameFile, decode
from mer_utils.frames.face import Face, detector_code, find_face
from mer_utils.frames.video import VideoFrame

# Raised by hand whenever faces are found otherwise.
FACES_VERSION = 2


def face_on(path: FrameFile, detector: str, frame: np.ndarray | None = None) -> Face | None:
    """Find the face on a frame, or read where it was found before; None where there is none.

    `frame` is the image (h, w, c), where it has been decoded already.
    """

    def search() -> dict[str, Any] | None:
        face = find_face(decode(path) if frame is None else frame, detector)
        return None if face is None else asdict(face)

    named = "|".join(filter(None, (detector, detector_code(detector))))
    return known.found("faces", _key(path, named), search, _face)


def _key(path: FrameFile, detector: str) -> str:
    digest = hashlib.sha256(f"{FACES_VERSION}|{detector}|".encode())
    if isinstance(path, VideoFrame):
        digest.update(f"{path.number}|".encode())
        path = path.path
    digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:32]


def _face(found: dict[str, Any] | None) -> Face | None:
    if found is None:
        return None
    left, top, right, bottom = map(float, found["box"])
    first, second = ((float(x), float(y)) for x, y in found["eyes"])
    score, others = float(found["score"]), int(found["others"])
    return Face((left, top, right, bottom), (first, second), score, others)
