"""Dynamic images: a clip, or one phase of it, pooled into a single image.

A *dynamic image* (DI) is a weighted sum of a clip's frames whose weights come from
approximate rank pooling (Bilen et al., CVPR 2016): late frames count positively, early
ones negatively, and the weights sum to zero, so that what does not move vanishes.

Everything here is a pure function of arrays. Shapes use the same letters everywhere:
``t`` frames, ``h`` rows, ``w`` columns, ``c`` channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import numpy as np

from mer_utils.errors import MerError
from mer_utils.extras import cv2
from mer_utils.phases import PHASES, VIEWS, phase_slices, view_slices
from mer_utils.registry import unknown

Kind = Literal["bilen", "linear", "ported"]
Scaling = Literal["minmax", "symmetric"]

KINDS: tuple[str, ...] = get_args(Kind)
SCALINGS: tuple[str, ...] = get_args(Scaling)

# What float32 rounding can leave of a still pixel, relative to its value: less is no motion.
_ROUNDING = np.float32(2.0**-20)
# Pixels compared with it at a time, so that the comparison needs no second image.
_STEP = 1 << 14


def rank_pooling_weights(n: int, kind: Kind = "bilen") -> np.ndarray:
    r"""Return the weight of each of `n` frames in time order.

    Parameters
    ----------
    n : int
        Number of frames, at least 2: one frame has no order to rank.
    kind : {"bilen", "linear", "ported"}
        ``bilen`` is approximate rank pooling as in the authors' own code, ``linear`` its
        linear variant, ``ported`` the formula of the Python port that most repositories
        copy. It is here to show what it does: its weights sum to `n`, not to zero, so the
        person's appearance leaks into the DI.

    Returns
    -------
    ndarray of shape (n,), float64
        ``weights[i - 1]`` belongs to frame i (1-based) of the formulas below.

    Raises
    ------
    MerError
        "too few frames"; "unknown name" of a kind.

    Notes
    -----
    .. math::

        \text{bilen:}\quad  \alpha_i &= \sum_{t=i}^{n} \frac{2t - n - 1}{t}
                                      = 2(n - i + 1) - (n + 1)(H_n - H_{i-1}) \\
        \text{linear:}\quad \alpha_i &= 2i - n - 1 \\
        \text{ported:}\quad \alpha_i &= \sum_{t=i}^{n} \frac{2t - n}{t}

    with :math:`H_k` the k-th harmonic number. Source: Bilen et al., CVPR 2016, and the
    authors' MATLAB code for ``bilen``.

    Examples
    --------
    >>> rank_pooling_weights(3).round(3).tolist()
    [-1.333, 0.667, 0.667]
    >>> rank_pooling_weights(4, kind="linear").tolist()
    [-3.0, -1.0, 1.0, 3.0]
    >>> rank_pooling_weights(2, kind="ported").tolist()
    [1.0, 1.0]
    """
    if n < 2:
        raise MerError(
            "too few frames",
            f"{n} frame(s) cannot be pooled",
            "at least two frames of a phase",
            "leave this phase out, as the views room does",
        )
    frame = np.arange(1, n + 1, dtype=np.float64)
    if kind == "linear":
        return 2 * frame - n - 1
    if kind == "bilen":
        terms = (2 * frame - n - 1) / frame
    elif kind == "ported":
        terms = (2 * frame - n) / frame
    else:
        raise unknown("kind of rank-pooling weights", kind, KINDS)
    return terms[::-1].cumsum()[::-1]


def phase_weights(
    n: int,
    apex: int | None,
    kind: Kind = "bilen",
    views: Sequence[str] = PHASES,
    seed: Sequence[int] = (),
) -> dict[str, np.ndarray]:
    """Return the weight of every frame of a clip in the DI of each view that the clip has.

    Parameters
    ----------
    n, apex : int
        Number of frames, and index of the apex into them (0-based; None where not known).
    kind : {"bilen", "linear", "ported"}
        See `rank_pooling_weights`.
    views : sequence of str
        Of :data:`mer_utils.phases.VIEWS`; ``offset_apex`` pools the fall in reverse time.
    seed : sequence of int
        Of the clip, for views that draw their ends.

    Returns
    -------
    dict of str to ndarray of shape (n,), float64
        0 for frames outside of the view's phase.

    Examples
    --------
    >>> {p: w.tolist() for p, w in phase_weights(3, 1, "linear").items()}
    {'full': [-2.0, 0.0, 2.0], 'onset_apex': [-1.0, 1.0, 0.0], 'apex_offset': [0.0, -1.0, 1.0]}
    >>> phase_weights(3, 1, "linear", ["offset_apex"])["offset_apex"].tolist()
    [0.0, 1.0, -1.0]
    """
    weights = {}
    for view, part in view_slices(phase_slices(n, apex), views, seed).items():
        weights[view] = np.zeros(n)
        weights[view][part] = VIEWS[view].pooled(rank_pooling_weights(part.stop - part.start, kind))
    return weights


def difference_weights(
    n: int, apex: int | None, views: Sequence[str] = PHASES, seed: Sequence[int] = ()
) -> dict[str, np.ndarray]:
    """Return the weights of the poor man's DIs: the last frame of each phase minus its first.

    Parameters and what is returned are those of `phase_weights`. ``full`` is the apex minus the
    onset frame, since the offset frame looks like the onset; without an apex there is none.
    """
    there = phase_slices(n, apex)
    del there["full"]
    if "onset_apex" in there:
        there["full"] = there["onset_apex"]
    weights = {}
    for view, part in view_slices(there, views, seed).items():
        weights[view] = np.zeros(n)
        weights[view][[part.start, part.stop - 1]] = VIEWS[view].pooled(np.array([-1, 1]))
    return weights


def phase_dynamic_images(
    frames: np.ndarray,
    apex: int | None,
    kind: Kind = "bilen",
    views: Sequence[str] = PHASES,
) -> dict[str, np.ndarray]:
    """Pool every phase of a clip, or other views of it, reading each frame once.

    Parameters
    ----------
    frames : ndarray of shape (t, h, w, c) or (t, h, w)
        The clip from onset to offset, usually uint8.
    apex, kind, views
        As of `phase_weights`; an apex of None gives the full DI alone.

    Returns
    -------
    dict of str to ndarray of shape (h, w, c) or (h, w), float32
        A still pixel gives exactly 0 where the weights sum to zero, see `weighted_sums`.

    Raises
    ------
    MerError
        "bad frames" if there are fewer than two; "apex outside the clip".

    Examples
    --------
    >>> clip = np.zeros((5, 1, 1, 1), np.uint8)
    >>> clip[2] = 9                                   # something lights up at the apex
    >>> {p: float(d.item()) for p, d in phase_dynamic_images(clip, 2, "linear").items()}
    {'full': 0.0, 'onset_apex': 18.0, 'apex_offset': -18.0}
    """
    _require_clip(frames)
    weights = phase_weights(len(frames), apex, kind, views)
    return dict(zip(weights, weighted_sums(frames, list(weights.values())), strict=True))


def dynamic_image(frames: np.ndarray, kind: Kind = "bilen") -> np.ndarray:
    """Pool a whole clip (t, h, w, c) or (t, h, w) into one dynamic image, float32.

    Examples
    --------
    >>> still = np.full((7, 2, 2, 3), 200, np.uint8)
    >>> float(np.abs(dynamic_image(still)).max())
    0.0
    """
    return phase_dynamic_images(frames, None, kind, views=("full",))["full"]


def evenly_chosen(n: int, k: int | None) -> np.ndarray:
    """Return `k` frame indices spread evenly over `n` frames, first and last included.

    They ascend without repeats; a `k` of None, or more than `n`, chooses all.

    Examples
    --------
    >>> evenly_chosen(9, 3).tolist()
    [0, 4, 8]
    """
    if k is None or k >= n:
        return np.arange(n)
    return np.linspace(0, n - 1, k).round().astype(int)


def to_uint8(di: np.ndarray, mode: Scaling = "minmax") -> np.ndarray:
    """Map a DI to 8 bits, for viewing and as model input.

    Parameters
    ----------
    di : ndarray of shape (h, w, c) or (h, w), float
    mode : {"minmax", "symmetric"}
        ``minmax`` maps the smallest value of the whole image (all channels together) to 0
        and the largest to 255: the zero level becomes a grey that differs from clip to
        clip. ``symmetric`` maps zero to 128 and the largest magnitude to 1 or 255.

    Returns
    -------
    ndarray of the same shape, uint8
        A DI that is the same everywhere becomes 128 everywhere: it holds no contrast.

    Examples
    --------
    >>> to_uint8(np.array([[-1.0, 0.0, 3.0]])).tolist()
    [[0, 64, 255]]
    >>> to_uint8(np.array([[-1.0, 0.0, 3.0]]), mode="symmetric").tolist()
    [[86, 128, 255]]
    """
    if not np.isfinite(di).all():
        raise MerError(
            "bad frames",
            "the dynamic image holds NaN or infinite values",
            "finite numbers",
            "look at the frames that it was made of",
        )
    if mode == "minmax":
        low, high = float(di.min()), float(di.max())
        if high == low:
            return np.full(di.shape, 128, np.uint8)
        scaled = (di - low) * (255.0 / (high - low))
    elif mode == "symmetric":
        largest = float(np.abs(di).max())
        scaled = 128.0 + di * (127.0 / largest if largest else 0.0)
    else:
        raise unknown("scaling", mode, SCALINGS)
    return np.rint(scaled).astype(np.uint8)


def weighted_sums(frames: Iterable[np.ndarray], weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return several weighted sums of one clip, reading each frame once.

    Parameters
    ----------
    frames : ndarray of shape (t, h, w, c) or (t, h, w), or iterable of its frames
        Usually uint8. Of an iterable the first frame of each sum is held, and one more at a
        time, so that frames can be pooled as they are decoded.
    weights : sequence of ndarray of shape (t,), float
        Those of each sum; frames of weight 0 are left out of it.

    Returns
    -------
    list of ndarray of shape (h, w, c) or (h, w), float32

    Raises
    ------
    ValueError
        If there are not as many frames as weights, or all weights of a sum are 0.

    Notes
    -----
    Each sum is taken as the weighted mean of its frames, those of negative weight subtracted,
    times the sum of the weights' magnitudes. What float32 rounding alone can leave of a still
    pixel is taken as no motion.

    The plain form is ``np.tensordot(weights, frames, axes=1)`` in float64. Here OpenCV updates a
    running mean straight from bytes, many times as fast and without a float copy of a frame.
    """
    if not weights:
        return []
    sums = [_RunningSum() for _ in weights]
    shape: tuple[int, ...] = ()
    for frame, of_frame in zip(frames, np.stack(weights, axis=1).tolist(), strict=True):
        shape = frame.shape
        row = frame.reshape(1, -1)
        if row.dtype.char not in "BHf":  # bytes, 16 bits, float32: what OpenCV takes
            row = row.astype(np.float32)
        for running, weight in zip(sums, of_frame, strict=True):
            if weight:
                running.add(row, weight)
    return [running.result().reshape(shape) for running in sums]


class _RunningSum:
    """A weighted sum of rows (1, pixels) that grows one by one: ``sign * total * mean``."""

    def __init__(self) -> None:
        self._sign, self._total = 1, 0.0
        self._first: np.ndarray | None = None

    def add(self, row: np.ndarray, weight: float) -> None:
        if self._first is None:
            self._first = row
            self._mean = np.zeros(row.shape, np.float32)
        if weight * self._sign < 0:
            # Means have positive weights only: negated, this one goes on as others join it.
            np.negative(self._mean, out=self._mean)
            self._sign = -self._sign
        self._total += abs(weight)
        cv2.accumulateWeighted(row, self._mean, abs(weight) / self._total)

    def result(self) -> np.ndarray:
        if self._first is None:
            raise ValueError("every frame has weight 0")
        mean, first = self._mean[0], self._first[0]
        for start in range(0, mean.size, _STEP):
            part = mean[start : start + _STEP]
            part *= np.abs(part) > _ROUNDING * first[start : start + _STEP]
        mean *= self._sign * self._total
        return mean


def _require_clip(frames: np.ndarray) -> None:
    if frames.ndim not in (3, 4) or len(frames) < 2:
        raise MerError(
            "bad frames",
            f"frames of shape {frames.shape} cannot be pooled",
            "an array (t, h, w, c) or (t, h, w) of at least two frames",
            "pass the whole clip, onset to offset",
        )
