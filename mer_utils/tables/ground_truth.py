"""What is true of the made clips: where the skin went, and how well a dynamic image says so.

Of licensed data nobody knows this; every function here wants a synthetic twin.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from mer_utils import synthetic
from mer_utils.annotations import clip_frames
from mer_utils.experiments import Workspace
from mer_utils.frames import CropOptions, decode, face_box, find_face

#: Where the twins are: a workspace, or the root of the one twin that the clips are from.
Where = Workspace | str | os.PathLike[str]


def displacement_by_class(
    where: Where, clips: pd.DataFrame, image_size: int
) -> dict[str, np.ndarray]:
    """Return how far the skin truly moved, averaged over the clips of each class.

    Parameters
    ----------
    where : Workspace or path
        The workspace of the clips, or the root of the one twin that they are from.
    clips : DataFrame
        Rows of the clip table; used are dataset, subject, clip and label. Subjects may be
        prefixed as those of a composite are.
    image_size : int
        Side in pixels of the square result, which shows what a view of that size shows.

    Returns
    -------
    dict of str to ndarray of shape (image_size, image_size), float32
        Class to the mean length of the displacement at the true apex, in pixels of the
        original frame, without the drift of the head. Classes in the scheme's order; one
        without a clip is absent.

    Raises
    ------
    MerError
        If the data are no synthetic twin: nobody knows how real skin moved.
    """
    sums: dict[str, np.ndarray] = {}
    for clip in clips.itertuples():
        moved = as_view(true_magnitude(where, clip), where, clip, image_size)
        label = str(clip.label)
        sums[label] = sums[label] + moved if label in sums else moved
    counts = clips["label"].astype(str).value_counts()
    order = clips["label"].astype("category").cat.categories
    found = (str(label) for label in order)
    return {label: sums[label] / np.float32(counts[label]) for label in found if label in sums}


def true_magnitude(where: Where, clip: Any) -> np.ndarray:
    """Return how far the skin of one clip has moved at its true apex, (h, w) pixels."""
    field = synthetic.true_displacement(root_of(where, clip), own_subject(clip), str(clip.clip))
    return np.hypot(field[..., 0], field[..., 1])


def root_of(where: Where, clip: Any) -> Path:
    """Return the root of the twin that a row of the clip table is from."""
    return where.context.root(str(clip.dataset)) if isinstance(where, Workspace) else Path(where)


def own_subject(clip: Any) -> str:
    """Return the subject's name in its own data set, without the prefix of a composite."""
    return str(clip.subject).removeprefix(f"{clip.dataset}-")


def as_view(image: np.ndarray, where: Where, clip: Any, size: int) -> np.ndarray:
    """Cut and resize an image of the frame's size as the clip's views are.

    Parameters
    ----------
    image : ndarray of shape (h, w), float32
    where : Workspace or path
        Only a workspace can say that the clip's data set is cropped to the face.
    clip : row of the clip table
    size : int

    Returns
    -------
    ndarray of shape (size, size), float32
    """
    options = _crop(where, clip)
    if options is not None:
        onset = decode(clip_frames(clip).paths[0])
        face = find_face(onset, options.detector)
        if face is not None:
            transform = face_box(face, margin=options.margin, size=options.size)
            image = cv2.warpAffine(image, transform, (options.size, options.size))
    how = cv2.INTER_AREA if min(image.shape) >= size else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=how)


def _crop(where: Where, clip: Any) -> CropOptions | None:
    if isinstance(where, Workspace) and str(clip.dataset) in where.context.cropped:
        return CropOptions()
    return None
