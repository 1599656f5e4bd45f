"""Where the face stands in the frame, and how the head drifts over a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mer_utils.synthetic.canvas import Array, Canvas
from mer_utils.synthetic.exact import Draw, sin

#: Width and height, in face units, of a face crop: 280 x 340 at 140 pixels per unit.
CROP_UNITS = (2.0, 340 / 140)
#: Half width and height, in face units, of what moves in an uncropped frame.
HEAD = (1.3, 1.6)
#: Spread of drift at noise = 1: pixels in a frame of 280 x 340, degrees, relative size.
DRIFT_PX, DRIFT_DEGREES, DRIFT_SCALE = 0.36, 0.12, 0.0010


@dataclass(frozen=True)
class Stage:
    """Where a face stands in a frame.

    Parameters
    ----------
    width, height : int
        Frame size in pixels.
    unit : float
        Pixels per face unit.
    centre : tuple of float
        Pixel (x, y) of the face's origin.
    grey : bool
        One channel instead of three.
    raw : bool
        Head and shoulders before a wall, not a face crop.
    """

    width: int
    height: int
    unit: float
    centre: tuple[float, float]
    grey: bool = False
    raw: bool = False

    @classmethod
    def crop(cls, frame_size: tuple[int, int], grey: bool = False) -> Stage:
        """Return the stage of a face crop that fills a frame of (width, height)."""
        width, height = frame_size
        unit = min(width / CROP_UNITS[0], height / CROP_UNITS[1])
        return cls(width, height, unit, ((width - 1) / 2, (height - 1) / 2), grey)

    @property
    def oversampling(self) -> int:
        """Canvas pixels per frame pixel."""
        return 2 if self.unit < 200 else 1

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom pixel of what can move: head and hair, or all of a crop."""
        if not self.raw:
            return 0, 0, self.width, self.height
        (cx, cy), u = self.centre, self.unit
        left, top = max(0, int(cx - HEAD[0] * u)), max(0, int(cy - HEAD[1] * u))
        right = min(self.width, int(cx + HEAD[0] * u) + 1)
        return left, top, right, min(self.height, int(cy + HEAD[1] * u) + 1)

    @property
    def moving(self) -> Canvas:
        """The pixel grid of `box`."""
        left, top, right, bottom = self.box
        centre = (self.centre[0] - left, self.centre[1] - top)
        return Canvas(right - left, bottom - top, self.unit, centre)

    def window(self) -> Array:
        """Return how much of the head's drift acts at each pixel of `box`, (h, w)."""
        if not self.raw:
            return np.ones((self.height, self.width), np.float32)
        x, y = self.moving.grid()
        distance = np.maximum(np.abs(x) / HEAD[0], np.abs(y) / HEAD[1])
        return np.clip((1.0 - distance) / 0.15, 0, 1).astype(np.float32)

    @property
    def frame(self) -> Canvas:
        """The frame's own pixel grid."""
        return Canvas(self.width, self.height, self.unit, self.centre)


@dataclass(frozen=True)
class Drift:
    """Head movement over a clip: one value per frame, 0 at the onset."""

    x: Array
    y: Array
    degrees: Array
    scale: Array


def draw_drift(n: int, rng: Draw, scale: float, noise: float) -> Drift:
    """Draw a slow head movement of `n` frames; `scale` is pixels to one at 280 x 340."""
    s = np.arange(n) / max(n - 1, 1)

    def path(spread: float) -> Array:
        ramp, wave, phase = rng.normal(0, spread), rng.normal(0, 0.5 * spread), rng.uniform(0, 6.28)
        swing = sin(2 * np.pi * s * 0.9 + phase) - sin(phase)
        return noise * (ramp * s + wave * swing)

    return Drift(
        scale * path(DRIFT_PX), scale * path(DRIFT_PX), path(DRIFT_DEGREES), path(DRIFT_SCALE)
    )
