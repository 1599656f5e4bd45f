"""Face crops for frames that show more than the face.

The face is found **once**, on the onset frame, and one box serves every frame of the clip: a
box found anew on each frame would tremble, and that would be motion in the dynamic image.
The box is turned so that the eyes are level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from pydantic import Field, field_validator, model_validator

from mer_utils.errors import MerError
from mer_utils.extras import cv2
from mer_utils.frames.decode import FrameFile, read_frames
from mer_utils.frames.face import (
    Face,
    check_detector,
    detector_code,
    find_face,
    level_transform,
    several,
)
from mer_utils.frames.known_faces import face_on
from mer_utils.frozen import Frozen


class CropOptions(Frozen):
    """How faces are cropped.

    Parameters
    ----------
    margin : float
        Added on each side of the face's box, as a share of its longer side. 0 is brow to chin.
    size : int
        Side of the square crop in pixels.
    detector : str
        A name of `mer_utils.frames.face.DETECTORS`, or ``module.function`` of a function that
        makes a detector, see `mer_utils.frames.face.get_detector`.
    own_code : str or None
        Of a detector of the user's own, see `mer_utils.own_code`; filled in when it is None.
    """

    margin: float = Field(default=0.1, ge=0, le=2)
    size: int = Field(default=224, ge=16, le=1024)
    detector: str = "centerface"
    own_code: str | None = None

    @field_validator("detector")
    @classmethod
    def _is_known(cls, name: str) -> str:
        return check_detector(name)

    @model_validator(mode="after")
    def _with_own_code(self) -> CropOptions:
        if self.own_code is None:
            object.__setattr__(self, "own_code", detector_code(self.detector))
        return self


def face_box(face: Face, *, margin: float, size: int) -> np.ndarray:
    """Return the transform (2, 3) from a frame's pixels to those of the crop.

    In pixel centres, ``crop = M[:, :2] @ frame + M[:, 2]``. It turns the eyes level, takes the
    centre of the face's box to the centre of the crop, and the longer side of the box, times
    ``1 + 2 * margin``, to `size`.

    Examples
    --------
    >>> face = Face(box=(10, 20, 30, 40), eyes=((15, 26), (25, 26)))
    >>> M = face_box(face, margin=0, size=40)
    >>> (M @ (20, 30, 1)).tolist()
    [19.5, 19.5]
    """
    left, top, right, bottom = face.box
    side = max(right - left, bottom - top) * (1 + 2 * margin)
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    middle = (size - 1) / 2
    return level_transform(np.array(face.eyes), centre, size / side, (middle, middle))


def crop(frames: Iterable[np.ndarray], face: Face, *, margin: float, size: int) -> np.ndarray:
    """Cut one and the same box out of every frame, (t, size, size, c) of uint8.

    The transform is linear in the pixels and the same for every frame, so what does not move in
    the clip does not move in the crop. A large face is averaged down to `size`, as an area, not
    sampled. What lies outside the frame is black.
    """
    transform = face_box(face, margin=margin, size=size)
    return np.stack([_cut(frame, transform, size) for frame in frames])


def crop_clip(
    frames: np.ndarray,
    options: CropOptions,
    clip: str = "the clip",
    said: set[str] | None = None,
) -> np.ndarray:
    """Find the face on the first frame and crop every frame to it, (t, size, size, c) of uint8.

    `frames` (t, h, w, c) begin at the onset; `clip` is what an error calls the clip; that there
    were several faces is added to `said`.

    Raises
    ------
    MerError
        ``no face``.
    """
    face = _required(find_face(frames[0], options.detector), clip)
    if said is not None and face.others:
        said.add(several(face))
    return crop(frames, face, margin=options.margin, size=options.size)


def read_cropped_frames(
    paths: Sequence[FrameFile], options: CropOptions, said: set[str] | None = None
) -> Iterator[np.ndarray]:
    """Yield the frames of a clip, cropped to the face of the first, one by one.

    What was changed in them, and that there were several faces, is added to `said`.

    Large frames are never all in memory: 101 frames of 2040 x 1088 would take 224 MB, or
    three times that in colour.

    Raises
    ------
    MerError
        ``no face`` on the first frame, the onset; and as `read_frames`.
    """
    transform = None
    for frame in read_frames(paths, said):
        if transform is None:
            found = face_on(paths[0], options.detector, frame)
            face = _required(found, f"clip {paths[0].parent}")
            if said is not None and face.others:
                said.add(several(face))
            transform = face_box(face, margin=options.margin, size=options.size)
        yield _cut(frame, transform, options.size)


def read_cropped(
    paths: Sequence[FrameFile], options: CropOptions, said: set[str] | None = None
) -> np.ndarray:
    """Return the frames of `read_cropped_frames` as one array (t, size, size, c)."""
    return np.stack(list(read_cropped_frames(paths, options, said)))


def _required(face: Face | None, clip: str) -> Face:
    if face is None:
        raise MerError(
            "no face",
            f"no face was found on the onset frame of {clip}",
            "a face, upright and seen from the front",
            "look at that frame; leave the clip out (datasets.without_face lists all such "
            "clips), use frames that are cropped already, or another detector",
        )
    return face


def _cut(frame: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """Return the crop (size, size, c) of one frame."""
    shrink = max(1, int(np.ceil(1 / np.sqrt(abs(np.linalg.det(transform[:, :2]))) - 1e-9)))
    # Sampled `shrink` times as finely, x' = shrink (x + 1/2) - 1/2, then averaged.
    fine = shrink * transform + [[0, 0, (shrink - 1) / 2]]
    cut = cv2.warpAffine(
        frame,
        fine,
        (shrink * size, shrink * size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0, 0),
    )
    if shrink > 1:
        cut = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA)
    return cut.reshape(size, size, -1)
