"""Faces that were found before, so that no onset frame is searched twice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mer_utils.files import atomic_write
from mer_utils.frames.decode import FrameFile, decode
from mer_utils.frames.face import Face, detector_code, find_face
from mer_utils.frames.video import VideoFrame

# Raised by hand whenever faces are found otherwise.
FACES_VERSION = 2

_folder: Path | None = None


def remember_faces(folder: Path | None) -> None:
    """Keep faces that are found from now on, in this process, in a folder; None keeps nothing.

    One small file per frame and detector, named by a fingerprint of both, so that any number of
    processes may share the folder. The folder can be removed at any time.
    """
    global _folder
    _folder = folder


def face_on(path: FrameFile, detector: str, frame: np.ndarray | None = None) -> Face | None:
    """Find the face on a frame, or read where it was found before; None where there is none.

    `frame` is the image (h, w, c), where it has been decoded already.
    """
    named = "|".join(filter(None, (detector, detector_code(detector))))
    known = None if _folder is None else _folder / f"{_key(path, named)}.json"
    if known is not None:
        try:
            return _from_json(known.read_text("utf-8"))
        except (OSError, ValueError, TypeError, KeyError):
            pass  # not known yet, or a damaged file: it is found anew
    face = find_face(decode(path) if frame is None else frame, detector)
    if known is not None:
        with atomic_write(known) as temporary:
            temporary.write_text(json.dumps(face and asdict(face)), "utf-8")
    return face


def _key(path: FrameFile, detector: str) -> str:
    digest = hashlib.sha256(f"{FACES_VERSION}|{detector}|".encode())
    if isinstance(path, VideoFrame):
        digest.update(f"{path.number}|".encode())
        path = path.path
    digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:32]


def _from_json(text: str) -> Face | None:
    found = json.loads(text)
    if found is None:
        return None
    left, top, right, bottom = map(float, found["box"])
    first, second = ((float(x), float(y)) for x, y in found["eyes"])
    score, others = float(found["score"]), int(found["others"])
    return Face((left, top, right, bottom), (first, second), score, others)
