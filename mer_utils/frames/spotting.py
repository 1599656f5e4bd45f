"""The apex of a clip, estimated from its frames: what nobody has annotated.

An estimate has a rule, which is a word: ``spotted``, ``spotted:regions`` or, complete,
``spotted:regions:1``: a method of `SPOTTERS` and its version, raised whenever its estimates change,
so that whatever is keyed by the rule is keyed by how the apex was found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from mer_utils.errors import MerError
from mer_utils.extras import cv2
from mer_utils.frames import known
from mer_utils.own_code import own_code
from mer_utils.phases import midpoint_apex
from mer_utils.registry import Registry

RULE = "spotted"
#: The longer side of what is compared, in pixels: less than that blurs a brow away.
SIDE = 160
# Of the blur before frames are compared: sensor noise is larger than what moves.
_BLUR = 2.0
# The face in so many rows and columns of regions, of which so many count: those that change most.
_GRID, _COUNTED = 6, 6
# A share of the frame at each edge where flow is a guess: what moved there came from outside.
_EDGE = 0.05
# A frame is as far from the onset as its neighbours within this share of the clip say, too.
_SMOOTHED = 1 / 32


class Spotter(NamedTuple):
    """A method by which an apex is estimated.

    Parameters
    ----------
    name : str
    distances : callable
        From the frames (t, h, w) of a clip, grey, uint8, `SIDE` pixels wide or high, to how far
        each is from the first, (t,). The apex is where that, smoothed, is largest.
    version : str
        Raised whenever an estimate changes; empty for a digest of the code of `distances`.
    source : str
        Where the method is published, and in what this differs.
    """

    name: str
    distances: Callable[[np.ndarray], np.ndarray]
    version: str = ""
    source: str = ""


def regions(frames: np.ndarray) -> np.ndarray:
    """Return how much the face's most changed regions differ from those of the first frame.

    The head's motion, an affine map fitted to the optical flow, is undone first: a head that drifts
    is less and less like the first frame, whatever its face does.
    """
    flow = _flow(frames, cv2.DISOPTICAL_FLOW_PRESET_FAST)
    height, width = frames.shape[1:]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    places = np.stack([np.ones_like(x), x / width - 0.5, y / height - 0.5], axis=-1).reshape(-1, 3)
    inverse = np.linalg.pinv(places)
    first, found = None, []
    for frame, moved in zip(frames, flow, strict=True):
        head = (places @ (inverse @ moved.reshape(-1, 2))).reshape(moved.shape)
        still = cv2.remap(
            frame.astype(np.float32), x + head[..., 0], y + head[..., 1], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        still = cv2.GaussianBlur(still, (0, 0), _BLUR)
        still -= still.mean()
        first = still if first is None else first
        changes = [
            float(region.mean())
            for row in np.array_split(np.abs(still - first), _GRID)
            for region in np.array_split(row, _GRID, axis=1)
        ]
        found.append(np.mean(sorted(changes)[-_COUNTED:]))
    return np.array(found)


def strain(frames: np.ndarray) -> np.ndarray:
    """Return the mean optical strain between the first frame and each.

    Strain is what changes in the optical flow from a pixel to the next, so a head that shifts as a
    whole has none.
    """
    flow = _flow(frames, cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    height, width = (round(n * _EDGE) for n in frames.shape[1:])
    found = []
    for moved in flow:
        (u_y, u_x), (v_y, v_x) = (np.gradient(moved[..., c]) for c in (0, 1))
        size = np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2)
        found.append(size[height : len(size) - height, width : size.shape[1] - width].mean())
    return np.array(found)


#: The methods by name; the first is meant where none is named.
SPOTTERS: Registry[Spotter] = Registry(
    "apex spotter",
    Spotter(
        "regions",
        regions,
        "1",
        source="Largest difference in appearance from the onset, over regions of the face: Liong "
        "et al., ACPR 2015 (doi:10.1109/ACPR.2015.7486586). There regions follow landmarks and the "
        "search is binary; here they are the most changed cells of a grid, the head's motion is "
        "undone, and every frame is looked at.",
    ),
    Spotter(
        "strain",
        strain,
        "1",
        source="Optical strain of the flow from the onset, one of the three descriptors of Liong "
        "et al., ACPR 2015. Here over the whole frame, and every frame is looked at.",
    ),
    parts=("distances", "version"),
)


def is_spotted(rule: object) -> bool:
    """Tell whether a rule, or the source of an apex, is one of this module's.

    Examples
    --------
    >>> is_spotted("spotted:strain:1"), is_spotted("midpoint")
    (True, False)
    """
    return str(rule).split(":")[0] == RULE


def complete_rule(rule: str) -> str:
    """Return a rule with its method and its version.

    Examples
    --------
    >>> complete_rule("spotted"), complete_rule("spotted:strain")
    ('spotted:regions:1', 'spotted:strain:1')
    """
    method, _, version = rule.removeprefix(RULE).removeprefix(":").partition(":")
    spotter = SPOTTERS[method or next(iter(SPOTTERS))]
    what = f"apex spotter {spotter.name!r}"
    here = spotter.version or own_code(what, spotter.distances)[:12]
    if version and version != here:
        raise MerError(
            "other code",
            f"{rule} asks for version {version} of the {what}",
            f"version {here}, which is installed here",
            "install the release of mer-utils that made it, or leave the version out",
        )
    return f"{RULE}:{spotter.name}:{here}"


def all_rules() -> list[str]:
    """Return the complete rule of every method."""
    return [complete_rule(f"{RULE}:{name}") for name in SPOTTERS]


def spot_apex(frames: Iterable[np.ndarray], rule: str = RULE, said: set[str] | None = None) -> int:
    """Estimate the apex of a clip, which is neither its first frame nor its last.

    Parameters
    ----------
    frames : iterable of ndarrays of shape (h, w, c), uint8
        From onset to offset; each is read once and let go.
    rule : str
    said : set of str, optional
        That the apex could not be spotted is added to it, and why.

    Returns
    -------
    int
        Index into the frames. Where none can be spotted, as there are fewer than three frames or
        none is further from the first than others, the frame halfway.
    """
    rule = complete_rule(rule)
    small = np.stack([_small(frame) for frame in frames])
    n, apex, why = len(small), None, "fewer than three frames"
    if n > 2:
        key = hashlib.sha256(f"{rule}|{small.shape}|".encode() + small.tobytes()).hexdigest()[:32]
        apex, why = (
            known.found("apexes", key, lambda: _spotted(small, rule), _apex),
            "nothing moves",
        )
    if apex is not None:
        return apex
    if said is not None:
        said.add(f"its apex cannot be spotted ({why}) and is set halfway")
    return midpoint_apex(0, n - 1)


def _spotted(small: np.ndarray, rule: str) -> int | None:
    """Return where three frames or more are farthest from the first, the ends left out."""
    distances = SPOTTERS[rule.split(":")[1]].distances(small)
    inner = _smooth(np.asarray(distances, dtype=np.float64))[1:-1]
    moves = np.isfinite(inner).all() and inner.max() > 0
    return 1 + int(inner.argmax()) if moves and (len(small) == 3 or np.ptp(inner) > 0) else None


def _apex(found: int | None) -> int | None:
    return None if found is None else int(found)


def _small(frame: np.ndarray) -> np.ndarray:
    """Return a frame in grey, its longer side `SIDE` pixels at most."""
    grey = frame[..., 0] if frame.shape[-1] == 1 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, SIDE / max(grey.shape))
    size = [max(16, round(n * scale)) for n in grey.shape[::-1]]
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)


def _flow(frames: np.ndarray, preset: int) -> Iterable[np.ndarray]:
    """Yield the optical flow (h, w, 2) from the first frame to each, right and down in pixels."""
    # OpenCV's type stubs lack it.
    search = cv2.DISOpticalFlow_create(preset)  # type: ignore[attr-defined]
    return (search.calc(frames[0], frame, None) for frame in frames)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Return the values averaged over their neighbours, as many as the clip is long for."""
    reach = round(len(values) * _SMOOTHED)
    weights = np.hanning(2 * reach + 3)[1:-1]
    return np.convolve(np.pad(values, reach, mode="edge"), weights / weights.sum(), "valid")
