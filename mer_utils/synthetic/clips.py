"""One made clip in memory: a face, its action units' activations, drift, light and noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from mer_utils.synthetic import dynamics, emotions, motion
from mer_utils.synthetic.canvas import Canvas
from mer_utils.synthetic.dynamics import DEFAULT_PHASE_DIFFERENCE
from mer_utils.synthetic.emotions import Unit
from mer_utils.synthetic.face import render
from mer_utils.synthetic.identity import Identity, draw_identity
from mer_utils.synthetic.population import original
from mer_utils.synthetic.settings import check_ranges
from mer_utils.synthetic.stage import Drift, Stage, draw_drift

Array = np.ndarray

#: Pixels of margin around the frame on the canvas, for displacements and drift.
MARGIN = 12
#: Spread of sensor noise in grey levels, and of flicker (relative), at noise = 1.
SENSOR_NOISE = 1.6
FLICKER = 0.003


@dataclass(frozen=True)
class Clip:
    """A made clip: `frames` (t, h, w, c) of uint8, in red, green, blue.

    `apex` is an index into them, `action_units` what a sheet would write, "6+12".
    """

    frames: Array
    apex: int
    action_units: str


@lru_cache(maxsize=2)
def rest_image(key: tuple[int, ...], stage: Stage) -> tuple[Identity, Array]:
    """Draw the subject of a seed key once; return who it is and the canvas at rest."""
    who = draw_identity(np.random.default_rng(np.random.SeedSequence(key)))
    k = stage.oversampling
    x, y = (k * (c + MARGIN + 0.5) - 0.5 for c in stage.centre)
    canvas = Canvas(
        k * (stage.width + 2 * MARGIN), k * (stage.height + 2 * MARGIN), k * stage.unit, (x, y)
    )
    image = render(who, canvas)
    if stage.grey:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if k > 1:
        # Band-limit to the frame's resolution, so that sub-pixel sampling does not alias.
        image = cv2.GaussianBlur(image, (0, 0), 0.45 * k)
    return who, image


@lru_cache(maxsize=2)
def _noise_tile(height: int, width: int, channels: int) -> Array:
    """Return a fixed tile of standard normal noise, larger than a frame."""
    rng = np.random.default_rng([20251510, channels])
    shape = (height + 61, width + 67) + ((channels,) if channels > 1 else ())
    return rng.standard_normal(shape, dtype=np.float32)


def frames(
    subject_key: tuple[int, ...],
    part: motion.Fields,
    activation: Array,
    drift: Drift,
    stage: Stage,
    rng: np.random.Generator,
    noise: float,
) -> Iterator[Array]:
    """Yield the clip's frames, uint8, (h, w, 3) or (h, w) where the stage is grey.

    A frame samples the resting face where each of its points came from (inverse warp):
    ``frame(p) = rest(A(p) - d(p))`` with A the head's drift undone and d the displacement of
    the action units, then multiplies by the folds' shading and the flicker and adds noise.
    """
    _, rest = rest_image(subject_key, stage)
    k, moving = stage.oversampling, stage.moving
    h, w = moving.height, moving.width
    x, y = (np.float32(moving.unit) * g.ravel() for g in moving.grid())
    # Inside this window the head moves with the drift; the wall behind stays.
    window = stage.window().ravel()
    affine = np.stack([window * x, window * y, window])
    basis_x, basis_y = np.concatenate([affine, -part.dx]), np.concatenate([affine, -part.dy])
    start_x, start_y = _canvas_pixels(stage, x, y)
    base = None
    if stage.raw:
        everywhere = (np.float32(stage.unit) * g for g in stage.frame.grid())
        base = cv2.remap(rest, *_canvas_pixels(stage, *everywhere), cv2.INTER_LINEAR)
    left, top, right, bottom = stage.box
    coefficients = activation[part.units] * part.gains[:, None]
    tile = _noise_tile(stage.height, stage.width, 1 if stage.grey else 3)
    sigma = SENSOR_NOISE * noise
    mains = rng.uniform(0, 2 * np.pi)
    for t in range(activation.shape[1]):
        turn, zoom = np.deg2rad(drift.degrees[t]), 1 / (1 + drift.scale[t])
        c, s = zoom * np.cos(turn), zoom * np.sin(turn)
        move = coefficients[:, t]
        row_x = k * np.concatenate([[c - 1, s, -drift.x[t]], move])
        row_y = k * np.concatenate([[-s, c - 1, -drift.y[t]], move])
        map_x = (start_x + _mix(row_x, basis_x)).reshape(h, w)
        map_y = (start_y + _mix(row_y, basis_y)).reshape(h, w)
        image = cv2.remap(rest, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        gain = _mix(move, part.shade) + np.float32(1)
        image = image * gain.reshape((h, w) if stage.grey else (h, w, 1))
        if base is not None:
            moved, image = image, base.copy()
            image[top:bottom, left:right] = moved
        flicker = 1 + noise * FLICKER * (np.sin(mains + 1.3 * t) + rng.standard_normal())
        image *= np.float32(flicker)
        if noise > 0:
            i, j = int(rng.integers(61)), int(rng.integers(67))
            image = cv2.scaleAdd(tile[i : i + stage.height, j : j + stage.width], sigma, image)
        yield cv2.convertScaleAbs(np.maximum(image, 0))


def _canvas_pixels(stage: Stage, x: Array, y: Array) -> tuple[Array, Array]:
    """Return where points lie on the canvas at rest; x and y in frame pixels from the centre."""
    k, (cx, cy) = stage.oversampling, stage.centre
    # canvas pixel = k * (frame pixel + margin + 0.5) - 0.5
    to_x, to_y = (
        np.float32(k * (cx + MARGIN + 0.5) - 0.5),
        np.float32(k * (cy + MARGIN + 0.5) - 0.5),
    )
    return np.float32(k) * x + to_x, np.float32(k) * y + to_y


def _mix(weights: Array, fields: Array) -> Array:
    """Return the weighted sum of fields (k, n); not by BLAS, whose threads change the sum."""
    return np.einsum("k,kn->n", weights.astype(np.float32), fields)


def true_field(
    subject_key: tuple[int, ...], units: tuple[Unit, ...], strength: Array, stage: Stage
) -> Array:
    """Return the expression's displacement, (h, w, 2) float32 pixels (right, down).

    `strength` is each unit's activation; head drift is not in it.
    """
    who = draw_identity(np.random.default_rng(np.random.SeedSequence(subject_key)))
    part = motion.fields(who, units, stage.frame)
    move = strength[part.units] * part.gains
    shape = (stage.height, stage.width)
    return np.stack(
        [_mix(move, part.dx).reshape(shape), _mix(move, part.dy).reshape(shape)], axis=-1
    )


def make_clip(
    dataset: str = "casme2",
    emotion: str = "happiness",
    subject_seed: int = 0,
    seed: int = 0,
    n_frames: tuple[int, int] = (33, 33),
    frame_size: tuple[int, int] = (140, 170),
    phase_difference: float = DEFAULT_PHASE_DIFFERENCE,
    noise: float = 1.0,
) -> Clip:
    """Make one clip in memory. It is drawn, and no evidence about faces.

    Parameters
    ----------
    dataset : {"casme2", "samm", "smic"}
        "samm" is grey (one channel), the others colour (three).
    emotion : str
        A key of `emotions.PROTOTYPES`; anything else gives a mixture, as "others" does.
    subject_seed, seed : int
        Who is drawn, and which of the person's clips.
    n_frames : tuple of int
        Frames from onset to apex and from apex to offset: the clip has their sum plus one.
    frame_size, phase_difference, noise
        As of `synthetic.write`.

    Examples
    --------
    >>> clip = make_clip("samm", "surprise", n_frames=(3, 2), frame_size=(56, 68), noise=0)
    >>> clip.frames.shape, clip.apex, clip.action_units
    ((6, 68, 56, 1), 3, '1+2+5+26')
    """
    check_ranges(phase_difference, noise, frame_size)
    rng = np.random.default_rng(np.random.SeedSequence([seed, subject_seed + 1, 3]))
    units = emotions.draw_units(emotion, rng, noise)
    curves = dynamics.activation(units, *n_frames, rng, phase_difference)
    stage = Stage.crop(frame_size, original(dataset).twin.grey)
    drift = draw_drift(curves.shape[1], rng, stage.unit / motion.NOMINAL_UNIT, noise)
    key = (subject_seed + 1, 7)
    part = motion.fields(rest_image(key, stage)[0], units, stage.moving)
    made = np.stack(list(frames(key, part, curves, drift, stage, rng, noise)))
    # Drawn in OpenCV's order of colours; arrays in this package are red, green, blue.
    ordered = made.reshape(*made.shape[:3], -1)[..., ::-1]
    return Clip(np.ascontiguousarray(ordered), n_frames[0], emotions.notation(units))
