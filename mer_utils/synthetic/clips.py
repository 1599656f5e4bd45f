"""One made clip in memory: a face, its action units' activations, drift, light and noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mer_utils.extras import cv2
from mer_utils.synthetic import dynamics, emotions, motion
from mer_utils.synthetic.canvas import Canvas
from mer_utils.synthetic.dynamics import DEFAULT_FALL_INFORMATION, DEFAULT_PHASE_DIFFERENCE
from mer_utils.synthetic.emotions import Unit
from mer_utils.synthetic.exact import Draw, blur, cos, sample, sin, snap
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
_MOVE_BITS = 24


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
    who = draw_identity(Draw(*key))
    k = stage.oversampling
    x, y = (k * (c + MARGIN + 0.5) - 0.5 for c in stage.centre)
    canvas = Canvas(
        k * (stage.width + 2 * MARGIN), k * (stage.height + 2 * MARGIN), k * stage.unit, (x, y)
    )
    image = render(who, canvas)
    planes = [image[..., i] for i in range(3)]
    if stage.grey:
        blue, green, red = planes
        planes = [0.114 * blue + 0.587 * green + 0.299 * red]
    if k > 1:
        # Band-limit to the frame's resolution, so that sub-pixel sampling does not alias.
        planes = [blur(plane, 0.45 * k) for plane in planes]
    # Six binary places: `sample` reads values of 14 bits.
    drawn = planes[0] if stage.grey else np.stack(planes, axis=-1)
    return who, snap(drawn, 6).astype(np.float32)


@lru_cache(maxsize=2)
def _noise_tile(height: int, width: int, channels: int) -> Array:
    """Return a fixed tile of standard normal noise, larger than a frame."""
    shape = (height + 61, width + 67) + ((channels,) if channels > 1 else ())
    return Draw(20251510, channels).normal(size=shape).astype(np.float32)


def frames(
    subject_key: tuple[int, ...],
    part: motion.Fields,
    activation: Array,
    drift: Drift,
    stage: Stage,
    rng: Draw,
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
    x, y = (moving.unit * g.ravel().astype(np.float64) for g in moving.grid())
    # Inside this window the head moves with the drift; the wall behind stays.
    window = stage.window().ravel()
    affine = snap(np.stack([window * x, window * y, window]), motion.FIELD_BITS)
    basis_x, basis_y = np.concatenate([affine, -part.dx]), np.concatenate([affine, -part.dy])
    start_x, start_y = _canvas_pixels(stage, x, y)
    base = None
    if stage.raw:
        everywhere = (stage.unit * g.astype(np.float64) for g in stage.frame.grid())
        base = sample(rest, *_canvas_pixels(stage, *everywhere))
    left, top, right, bottom = stage.box
    turn, zoom = drift.degrees * (np.pi / 180), 1 / (1 + drift.scale)
    c, s = zoom * cos(turn), zoom * sin(turn)
    # Numbers this short leave nothing to round in their sums below.
    move = snap(activation[part.units] * part.gains[:, None], _MOVE_BITS)
    rows_x = np.concatenate([snap([c - 1, s, -drift.x], _MOVE_BITS), move])
    rows_y = np.concatenate([snap([-s, c - 1, -drift.y], _MOVE_BITS), move])
    tile = _noise_tile(stage.height, stage.width, 1 if stage.grey else 3)
    tile = tile * np.float32(SENSOR_NOISE * noise)
    mains = rng.uniform(0, 2 * np.pi)
    for t in range(activation.shape[1]):
        map_x = (start_x + k * (rows_x[:, t] @ basis_x)).reshape(h, w)
        map_y = (start_y + k * (rows_y[:, t] @ basis_y)).reshape(h, w)
        image = sample(rest, map_x, map_y)
        gain = (1 + move[:, t] @ part.shade).astype(np.float32).reshape(h, w)
        image *= gain if stage.grey else cv2.merge([gain] * 3)  # broadcasting takes far longer
        if base is not None:
            moved, image = image, base.copy()
            image[top:bottom, left:right] = moved
        image *= np.float32(1 + noise * FLICKER * (sin(mains + 1.3 * t) + rng.normal()))
        if noise > 0:
            i, j = rng.integers(61), rng.integers(67)
            image += tile[i : i + stage.height, j : j + stage.width]
        np.rint(np.clip(image, 0, 255, out=image), out=image)
        yield image.astype(np.uint8)


def _canvas_pixels(stage: Stage, x: Array, y: Array) -> tuple[Array, Array]:
    """Return where points lie on the canvas at rest; x and y in frame pixels from the centre."""
    # canvas pixel = k * (frame pixel + margin + 0.5) - 0.5
    k, centre = stage.oversampling, zip((x, y), stage.centre, strict=True)
    to_x, to_y = (snap(k * (v + c + MARGIN + 0.5) - 0.5, motion.FIELD_BITS) for v, c in centre)
    return to_x, to_y


def true_field(
    subject_key: tuple[int, ...], units: tuple[Unit, ...], strength: Array, stage: Stage
) -> Array:
    """Return the expression's displacement, (h, w, 2) float32 pixels (right, down).

    `strength` is each unit's activation; head drift is not in it.
    """
    who = draw_identity(Draw(*subject_key))
    part = motion.fields(who, units, stage.frame)
    move = snap(strength[part.units] * part.gains, _MOVE_BITS)
    field = np.stack([move @ part.dx, move @ part.dy], axis=-1).astype(np.float32)
    return field.reshape(stage.height, stage.width, 2)


def make_clip(
    dataset: str = "casme2",
    emotion: str = "happiness",
    subject_seed: int = 0,
    seed: int = 0,
    n_frames: tuple[int, int] = (33, 33),
    frame_size: tuple[int, int] = (140, 170),
    phase_difference: float = DEFAULT_PHASE_DIFFERENCE,
    noise: float = 1.0,
    fall_information: float = DEFAULT_FALL_INFORMATION,
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
    frame_size, phase_difference, noise, fall_information
        As of `synthetic.write`.

    Examples
    --------
    >>> clip = make_clip("samm", "surprise", n_frames=(3, 2), frame_size=(56, 68), noise=0)
    >>> clip.frames.shape, clip.apex, clip.action_units
    ((6, 68, 56, 1), 3, '1+2+5+26')
    """
    check_ranges(phase_difference, fall_information, noise, frame_size)
    rng = Draw(seed, subject_seed + 1, 3)
    units = emotions.draw_units(emotion, rng, noise)
    curves = dynamics.activation(
        units, *n_frames, rng, phase_difference, emotion=emotion, fall_information=fall_information
    )
    stage = Stage.crop(frame_size, original(dataset).twin.grey)
    drift = draw_drift(curves.shape[1], rng, stage.unit / motion.NOMINAL_UNIT, noise)
    key = (subject_seed + 1, 7)
    part = motion.fields(rest_image(key, stage)[0], units, stage.moving)
    made = np.stack(list(frames(key, part, curves, drift, stage, rng, noise)))
    # Drawn in OpenCV's order of colours; arrays in this package are red, green, blue.
    ordered = made.reshape(*made.shape[:3], -1)[..., ::-1]
    return Clip(np.ascontiguousarray(ordered), n_frames[0], emotions.notation(units))
