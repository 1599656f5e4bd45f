"""Views: each phase's dynamic image (DI) as the array that a model sees.

One decode of a clip gives all its views. They are kept on disk under a key made of the
data's fingerprint and of every option below, and read back as a memory map, so that any
number of workers share one copy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from mer_utils import dynamic_image as di
from mer_utils.annotations import ClipFrames, clip_frames
from mer_utils.errors import MerError
from mer_utils.files import atomic_write
from mer_utils.frames import CropOptions, decode, find_face, read_clip, read_cropped

# Raised by hand whenever the code below changes what a view looks like.
VIEWS_VERSION = 1


class ViewOptions(BaseModel):
    """How a clip becomes views.

    Parameters
    ----------
    source : {"rank_pooling", "apex_difference"}
        A dynamic image, or the difference of two frames that it is compared with.
    kind : {"bilen", "linear", "ported"}
        Rank-pooling weights, see :func:`mer_utils.dynamic_image.rank_pooling_weights`.
    scaling : {"minmax", "symmetric"}
        See :func:`mer_utils.dynamic_image.to_uint8`.
    image_size : int
        Side of the square view in pixels.
    frames : int or None
        Pool so many evenly chosen frames of the clip; None pools all.
    crop : CropOptions or None
        Crop every frame to the face, for frames that show more; None takes them whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["rank_pooling", "apex_difference"] = "rank_pooling"
    kind: di.Kind = "bilen"
    scaling: di.Scaling = "minmax"
    image_size: int = Field(default=64, ge=8, le=1024)
    frames: int | None = Field(default=None, ge=2)
    crop: CropOptions | None = None

    @model_serializer(mode="wrap")
    def _without_default_crop(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Frames taken whole keep the keys they had before there was a crop.
        fields: dict[str, Any] = serialize(self)
        return fields if self.crop else {k: v for k, v in fields.items() if k != "crop"}


@dataclass(frozen=True)
class Views:
    """The views of every clip of a table, in the table's order.

    Parameters
    ----------
    images : ndarray of shape (n, 3, h, w, 3), uint8, a memory map
        Axis 1 runs over ``dynamic_image.PHASES``; colours are red, green, blue.
    present : ndarray of shape (n, 3), bool
        Whether the clip has that phase. Where not, the image is zeros and never used.
    """

    images: np.ndarray
    present: np.ndarray

    def of(self, phase: str, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the images of `phase` for the `clips` that have it, and their positions."""
        column = di.PHASES.index(phase)
        having = clips[self.present[clips, column]]
        return self.images[having, column], having


def clip_views(frames: np.ndarray, apex: int | None, options: ViewOptions) -> dict[str, np.ndarray]:
    """Make the views of one clip.

    Parameters
    ----------
    frames : ndarray of shape (t, h, w, c), uint8
        c is 1 or 3.
    apex : int or None
        Index of the apex into `frames` (0-based).
    options : ViewOptions

    Returns
    -------
    dict of str to ndarray of shape (image_size, image_size, 3), uint8
        One entry a phase that the clip has.

    Notes
    -----
    The DI is made at the frames' own size and then resized: resizing is linear, so this
    equals resizing every frame first, without the rounding and at a fraction of the cost.
    """
    chosen = di.evenly_chosen(len(frames), options.frames)
    if options.frames is not None and apex is not None:
        # The apex stays a frame of its own, whichever frames lie evenly around it.
        chosen = np.union1d(chosen, [apex])
        apex = int(np.searchsorted(chosen, apex))
    if len(chosen) < len(frames):
        frames = frames[chosen]
    if options.source == "rank_pooling":
        images = di.phase_dynamic_images(frames, apex, options.kind)
    else:
        images = di.apex_difference(frames, apex)
    return {phase: _as_view(image, options) for phase, image in images.items()}


def build(
    clips: pd.DataFrame,
    options: ViewOptions,
    *,
    fingerprint: str,
    cache: Path,
    missing_frames: str = "error",
    workers: int = 1,
    progress: Callable[[Iterator, int], Iterator] | None = None,
) -> Views:
    """Return the views of every clip, from the cache or made now.

    Parameters
    ----------
    clips : DataFrame of n rows
        The clip table. If it has the column ``images`` (a manifest's: view to path), those
        images are the views, resized; nothing is pooled, scaled or cropped.
    options : ViewOptions
    fingerprint : str
        Of the data, see :func:`mer_utils.frames.data_fingerprint`.
    cache : Path
        Folder of the cache.
    missing_frames : str
        Rule by which frames are found, see :func:`mer_utils.annotations.clip_frames`.
    workers : int
        Threads that decode.
    progress : callable, optional
        Wraps the iteration over clips: called with the iterator and n.

    Returns
    -------
    Views

    Raises
    ------
    MerError
        If a frame cannot be decoded, or `options` crops and clips have no face: all of them
        are named. A cache is not left.
    """
    key = cache_key(fingerprint, options)
    images_file, present_file = cache / f"{key}.images.npy", cache / f"{key}.present.npy"
    shape = (len(clips), len(di.PHASES), options.image_size, options.image_size, 3)
    cached = _read_cache(images_file, present_file, shape)
    if cached is not None:
        return cached
    present = np.zeros(shape[:2], bool)
    faceless: list[str] = []
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    # Written clip by clip, not through a memory map: on a full disk a map kills the process.
    with atomic_write(images_file) as temporary, open(temporary, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        made = _make_all(clips, options, missing_frames, workers)
        for row, views in enumerate(progress(made, len(clips)) if progress else made):
            if not views:
                faceless.append(" ".join(clips.iloc[row][["dataset", "subject", "clip"]]))
            present[row] = [phase in views for phase in di.PHASES]
            for phase in di.PHASES:
                file.write(views.get(phase, np.zeros(shape[2:], np.uint8)).tobytes())
        if faceless:
            raise _no_face(faceless)
    # Written last: images without it are never read.
    with atomic_write(present_file) as temporary, open(temporary, "wb") as file:
        np.save(file, present)
    return Views(np.load(images_file, mmap_mode="r"), present)


def _read_cache(images_file: Path, present_file: Path, shape: tuple[int, ...]) -> Views | None:
    # What is missing, cut off or of another shape is made anew: a cache costs only time.
    try:
        views = Views(np.load(images_file, mmap_mode="r"), np.load(present_file))
    except (OSError, ValueError, EOFError):
        return None
    fits = views.images.shape == shape and views.present.shape == shape[:2]
    return views if fits else None


def cache_key(fingerprint: str, options: ViewOptions) -> str:
    """Return the name under which these views of these data are cached."""
    parts = [fingerprint, options.model_dump(mode="json"), VIEWS_VERSION]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _make_all(
    clips: pd.DataFrame, options: ViewOptions, missing_frames: str, workers: int
) -> Iterator[dict[str, np.ndarray]]:
    # Threads do: decoding and resizing, nearly all of the work, let other threads run.
    with ThreadPoolExecutor(workers) as pool:
        if "images" in clips:
            yield from pool.map(lambda images: given_views(images, options), clips["images"])
            return
        found = [clip_frames(row, missing_frames=missing_frames) for row in clips.itertuples()]
        yield from pool.map(_make_one, found, [options] * len(found))


def _make_one(clip: ClipFrames, options: ViewOptions) -> dict[str, np.ndarray]:
    """Return the views of one clip; none at all if its face is to be cropped and not found."""
    if options.crop is None:
        return clip_views(read_clip(clip.paths), clip.apex, options)
    try:
        return clip_views(read_cropped(clip.paths, options.crop), clip.apex, options)
    except MerError:
        if find_face(decode(clip.paths[0]), options.crop.detector) is None:
            return {}
        raise


def given_views(images: Mapping[str, str], options: ViewOptions) -> dict[str, np.ndarray]:
    """Read the views of a clip that were made elsewhere.

    Parameters
    ----------
    images : mapping of str to path
        One image a phase, grey or colour, of any size.
    options : ViewOptions
        Only the image size counts: what the images show was decided elsewhere.

    Returns
    -------
    dict of str to ndarray of shape (image_size, image_size, 3), uint8
    """
    size = options.image_size
    return {
        phase: np.broadcast_to(_resized(decode(Path(path)), size), (size, size, 3))
        for phase, path in images.items()
    }


def _no_face(clips: list[str]) -> MerError:
    shown = ", ".join(clips[:20]) + (", ..." if len(clips) > 20 else "")
    return MerError(
        f"no face was found on the onset frame of {len(clips)} clip(s): {shown}",
        "a face, upright and seen from the front, wherever faces are cropped",
        "look at those frames; set MER_NO_FACE=drop_clip to leave the clips out, counted; or "
        "use frames that are cropped already",
    )


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    shrinks = min(image.shape[:2]) >= size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=how).reshape(size, size, -1)


def _as_view(image: np.ndarray, options: ViewOptions) -> np.ndarray:
    size = options.image_size
    view = di.to_uint8(_resized(image, size), options.scaling)
    return np.broadcast_to(view, (size, size, 3))
