"""The views of one clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from mer_utils import dynamic_image as di
from mer_utils.extras import cv2
from mer_utils.frames import no_motion, read_picture
from mer_utils.frames.spotting import is_spotted, spot_apex
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
        Of the clip; only a perturbation or a view that draws numbers depends on it.
    views : sequence of str
        Of :data:`mer_utils.phases.VIEWS`.

    Returns
    -------
    dict of str to ndarray of shape (image_size, image_size, 3), uint8
        One entry per view that the clip has: that of a phase whose frames are all equal shows
        nothing, and is none.

    Raises
    ------
    MerError
        ``no motion``, if all frames of the clip are equal.
    """
    wanted = {options: views}
    return views_of_frames(frames, len(frames), apex, wanted, key)[options]


def views_of_frames(
    frames: Iterable[np.ndarray],
    n: int,
    apex: int | None,
    wanted: Mapping[ViewOptions, Sequence[str]],
    key: str = "",
    said: set[str] | None = None,
    spotted: str = "",
) -> dict[ViewOptions, dict[str, np.ndarray]]:
    """Make the views of one clip under several options while its frames are decoded.

    Parameters
    ----------
    frames : iterable of n ndarrays of shape (h, w, c), uint8
        In time order; each is read once and let go, or kept where the apex is spotted first.
    n : int
        Number of frames.
    apex : int or None
        Index of the apex into `frames` (0-based).
    wanted : mapping of ViewOptions to sequence of str
        The views under each set of options.
    key : str
        See `clip_views`.
    said : set of str, optional
        Which phases do not move is added to it, and that an apex could not be spotted.
    spotted : str
        The rule by which an apex that is not given is spotted; empty for none.

    Returns
    -------
    dict of ViewOptions to dict of str to ndarray of shape (image_size, image_size, 3), uint8
        As of `clip_views`, and with its error.

    Notes
    -----
    The DI is made at the frames' own size and then resized: resizing is linear, so this
    equals resizing every frame first, without the rounding and at a fraction of the cost.
    """
    has_apex = apex is not None or bool(spotted)
    rules = {o: _spotting(o.perturbation.cut if has_apex else "", apex, spotted) for o in wanted}
    if any(rules.values()):
        frames = list(frames)
    apexes = {rule: spot_apex(frames, rule, said) if rule else apex for rule in {*rules.values()}}
    weights = {o: _weights(n, apexes[rules[o]], o, views, key) for o, views in wanted.items()}
    # Options that differ in size or scaling alone share their sums.
    distinct = {w.tobytes(): w for of_view in weights.values() for w in of_view.values()}
    watched = _Watched(frames)
    sums = di.weighted_sums(watched, list(distinct.values()))
    if watched.seen > 1 and not watched.moves:
        raise no_motion(f"clip {key}" if key else "the clip")
    moving = {w: image for w, image in zip(distinct, sums, strict=True) if image.any()}
    made: dict[ViewOptions, dict[str, np.ndarray]] = {options: {} for options in wanted}
    for options, of_view in weights.items():
        for view, w in of_view.items():
            if (image := moving.get(w.tobytes())) is not None:
                made[options][view] = _as_view(image, options)
            elif said is not None:
                said.add(f"nothing moves in {view}, which is left out")
    return made


def _spotting(cut: str, apex: int | None, spotted: str) -> str:
    """Return the rule by which the apex is spotted; empty for one that is known, or is not."""
    if is_spotted(cut):
        return cut
    return spotted if apex is None else ""


class _Watched:
    """Frames as they pass by, and whether any differs from the first."""

    def __init__(self, frames: Iterable[np.ndarray]) -> None:
        self._frames, self.seen, self.moves = frames, 0, False

    def __iter__(self) -> Iterator[np.ndarray]:
        first = None
        for frame in self._frames:
            first = frame if first is None else first
            self.moves = self.moves or not np.array_equal(frame, first)
            self.seen += 1
            yield frame


def given_views(
    images: Mapping[str, str], options: ViewOptions, said: set[str] | None = None
) -> dict[str, np.ndarray]:
    """Read the views of a clip that were made elsewhere.

    Parameters
    ----------
    images : mapping of str to path
        One image per phase, grey or colour, of any size.
    options : ViewOptions
        Only the image size counts: what the images show was decided elsewhere.
    said : set of str, optional
        What was changed in the images is added to it.

    Returns
    -------
    dict of str to ndarray of shape (image_size, image_size, 3), uint8
    """
    size, found = options.image_size, {}
    for view, path in images.items():
        picture = read_picture(Path(path))
        found[view] = np.broadcast_to(_resized(picture.image, size), (size, size, 3))
        if said is not None:
            said.update(picture.changes)
    return found


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
    seed = options.perturbation.seed_of(key)
    if options.source == "rank_pooling":
        of_chosen = di.phase_weights(len(chosen), apex, options.kind, views, seed)
    else:
        of_chosen = di.difference_weights(len(chosen), apex, views, seed)
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
