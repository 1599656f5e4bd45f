"""The views of one clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from mer_utils import dynamic_image as di
from mer_utils.frames import decode
from mer_utils.phases import PHASES
from mer_utils.views.options import ViewOptions


def clip_views(
    frames: np.ndarray,
    apex: int | None,
    options: ViewOptions,
    key: str = "",
    views: Sequence[str] = PHASES,
) -> dict[str, np.ndarray]:
    """Make the views of one clip.

    Parameters
    ----------
    frames : ndarray of shape (t, h, w, c), uint8
        c is 1 or 3.
    apex : int or None
        Index of the apex into `frames` (0-based).
    options : ViewOptions
    key : str
        Of the clip; only a perturbation that draws numbers depends on it.
    views : sequence of str
        Of :data:`mer_utils.phases.VIEWS`.

    Returns
    -------
    dict of str to ndarray of shape (image_size, image_size, 3), uint8
        One entry per view that the clip has.
    """
    wanted = {options: views}
    return views_of_frames(frames, len(frames), apex, wanted, key)[options]


def views_of_frames(
    frames: Iterable[np.ndarray],
    n: int,
    apex: int | None,
    wanted: Mapping[ViewOptions, Sequence[str]],
    key: str = "",
) -> dict[ViewOptions, dict[str, np.ndarray]]:
    """Make the views of one clip under several options while its frames are decoded.

    Parameters
    ----------
    frames : iterable of n ndarrays of shape (h, w, c), uint8
        In time order; each is read once and let go.
    n : int
        Number of frames.
    apex : int or None
        Index of the apex into `frames` (0-based).
    wanted : mapping of ViewOptions to sequence of str
        The views under each set of options.
    key : str
        See `clip_views`.

    Returns
    -------
    dict of ViewOptions to dict of str to ndarray of shape (image_size, image_size, 3), uint8

    Notes
    -----
    The DI is made at the frames' own size and then resized: resizing is linear, so this
    equals resizing every frame first, without the rounding and at a fraction of the cost.
    """
    weights = {o: _weights(n, apex, o, views, key) for o, views in wanted.items()}
    # Options that differ in size or scaling alone share their sums.
    distinct = {w.tobytes(): w for of_view in weights.values() for w in of_view.values()}
    images = dict(zip(distinct, di.weighted_sums(frames, list(distinct.values())), strict=True))
    return {
        options: {view: _as_view(images[w.tobytes()], options) for view, w in of_view.items()}
        for options, of_view in weights.items()
    }


def given_views(images: Mapping[str, str], options: ViewOptions) -> dict[str, np.ndarray]:
    """Read the views of a clip that were made elsewhere.

    Parameters
    ----------
    images : mapping of str to path
        One image per phase, grey or colour, of any size.
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


def _weights(
    n: int, apex: int | None, options: ViewOptions, views: Sequence[str], key: str
) -> dict[str, np.ndarray]:
    """Return the weight of each of the clip's n frames in the image of each view."""
    span = options.perturbation.apply(n, apex, key)
    length, apex = span.stop - span.start, span.apex
    chosen = di.evenly_chosen(length, options.frames)
    if options.frames is not None and apex is not None:
        # The apex stays a frame of its own, whichever frames lie evenly around it.
        chosen = np.union1d(chosen, [apex])
        apex = int(np.searchsorted(chosen, apex))
    if options.source == "rank_pooling":
        of_chosen = di.phase_weights(len(chosen), apex, options.kind, views)
    else:
        of_chosen = di.difference_weights(len(chosen), apex, views)
    weights = {view: np.zeros(n) for view in of_chosen}
    for view, values in of_chosen.items():
        weights[view][span.start + chosen] = values
    return weights


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    shrinks = min(image.shape[:2]) >= size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=how).reshape(size, size, -1)


def _as_view(image: np.ndarray, options: ViewOptions) -> np.ndarray:
    size = options.image_size
    view = di.to_uint8(_resized(image, size), options.scaling)
    return np.broadcast_to(view, (size, size, 3))
