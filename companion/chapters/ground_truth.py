"""What is true of the made clips: where the skin went, clip by clip and on the average.

Of licensed data nobody knows this: every function here wants a synthetic twin, or a composite of
twins, and rows of its clip table.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from mer_utils import synthetic
from mer_utils.datasets import Dataset, Framed, clip_frames
from mer_utils.files import identity
from mer_utils.frames import face_box, face_on
from mer_utils.synthetic.truth import GROUND_TRUTH


def displacement_by_class(
    dataset: Dataset, clips: pd.DataFrame, image_size: int
) -> dict[str, np.ndarray]:
    """Return how far the skin truly moved, averaged over the clips of each class.

    Parameters
    ----------
    dataset : Dataset
    clips : DataFrame
        Rows of its clip table.
    image_size : int
        Side in pixels of the square result, which shows what a view of that size shows.

    Returns
    -------
    dict of str to ndarray of shape (image_size, image_size), float32
        Class to the mean length of the displacement at the true apex, in pixels of the
        original frame, without the drift of the head; in the scheme's order.

    Raises
    ------
    MerError
        If the data are no synthetic twin: nobody knows how real skin moved.
    """
    moved: dict[str, list[np.ndarray]] = {}
    for clip in clips.itertuples():
        shown = as_view(true_magnitude(dataset, clip), dataset, clip, image_size)
        moved.setdefault(str(clip.label), []).append(shown)
    return _means(moved, clips)


def mean_fields(dataset: Dataset, clips: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return where the skin truly went at the apex, averaged over the clips of each class.

    The clips are those of one twin, whose frames have one size; each field is (h, w, 2),
    float32: pixels right and down.
    """
    fields: dict[str, list[np.ndarray]] = {}
    for clip in clips.itertuples():
        fields.setdefault(str(clip.label), []).append(true_field(dataset, clip))
    return _means(fields, clips)


def _means(images: dict[str, list[np.ndarray]], clips: pd.DataFrame) -> dict[str, np.ndarray]:
    order = (str(label) for label in clips["label"].astype("category").cat.categories)
    return {label: np.mean(images[label], axis=0) for label in order if label in images}


def truth_of(dataset: Dataset, clip: Any) -> pd.Series:
    """Return the line of the ground truth that belongs to a row of the clip table."""
    lines = _truth(*_root_of(dataset, clip))
    line = lines.index.get_loc((_own_subject(clip), str(clip.clip)))
    assert isinstance(line, int)
    return lines.iloc[line]


@lru_cache(maxsize=8)
def _truth(root: Path, _identity: str) -> pd.DataFrame:
    return synthetic.ground_truth(root).set_index(["subject", "clip"])


def true_field(dataset: Dataset, clip: Any, action_unit: int | None = None) -> np.ndarray:
    """Return where the skin of one clip has gone at its true apex, (h, w, 2) pixels."""
    return _field(*_root_of(dataset, clip), _own_subject(clip), str(clip.clip), action_unit)


# The demo's 156 clips are asked for three times; they are 120 MB.
@lru_cache(maxsize=160)
def _field(
    root: Path, _identity: str, subject: str, clip: str, action_unit: int | None
) -> np.ndarray:
    field = synthetic.true_displacement(root, subject, clip, action_unit)
    field.flags.writeable = False
    return field


def is_known(dataset: Dataset) -> bool:
    """Say whether all clips have a ground truth: a table of twins' clips has none, for one."""
    roots = [Path(getattr(part, "root", "")) for part in dataset.parts]
    return all((root / GROUND_TRUTH).exists() for root in roots)


def true_magnitude(dataset: Dataset, clip: Any) -> np.ndarray:
    """Return how far the skin of one clip has moved at its true apex, (h, w) pixels."""
    field = true_field(dataset, clip)
    return np.hypot(field[..., 0], field[..., 1])


def _part_of(dataset: Dataset, clip: Any) -> Framed:
    """Return the twin that a row of the clip table is from: a part of a composite."""
    part = next(part for part in dataset.parts if part.name == clip.dataset)
    assert isinstance(part, Framed)
    return part


def _root_of(dataset: Dataset, clip: Any) -> tuple[Path, str]:
    """Return the folder of that twin, and what its ground truth is while it is not changed."""
    root = Path(_part_of(dataset, clip).root)
    file = root / GROUND_TRUTH
    return root, identity(file) if file.exists() else ""


def _own_subject(clip: Any) -> str:
    """Return the subject's name in its own data set, without the prefix of a composite."""
    return str(clip.subject).removeprefix(f"{clip.dataset}-")


def as_view(image: np.ndarray, dataset: Dataset, clip: Any, size: int) -> np.ndarray:
    """Cut and resize an image (h, w) of the frame's size to the square that a clip's views are."""
    cropped = _part_of(dataset, clip).crop
    if cropped is not None:
        face = face_on(clip_frames(clip).paths[0], cropped.detector)
        if face is not None:
            transform = face_box(face, margin=cropped.margin, size=cropped.size)
            image = cv2.warpAffine(image, transform, (cropped.size, cropped.size))
    how = cv2.INTER_AREA if min(image.shape) >= size else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=how)
