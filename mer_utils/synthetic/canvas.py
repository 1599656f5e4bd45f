"""The paper a face is drawn on: pixel grids, masks, noise, and where the face's parts lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mer_utils.synthetic import exact
from mer_utils.synthetic.exact import Draw, cos, exp, power, sin
from mer_utils.synthetic.identity import Identity

Array = np.ndarray


@dataclass(frozen=True)
class Canvas:
    """A pixel grid in face coordinates.

    Parameters
    ----------
    width, height : int
        Pixels.
    unit : float
        Pixels per face unit.
    centre : tuple of float
        Pixel (x, y) of the face's origin.
    """

    width: int
    height: int
    unit: float
    centre: tuple[float, float]

    def grid(self) -> tuple[Array, Array]:
        """Return face coordinates x and y of every pixel centre, each (height, width)."""
        x = (np.arange(self.width, dtype=np.float32) - self.centre[0]) / self.unit
        y = (np.arange(self.height, dtype=np.float32) - self.centre[1]) / self.unit
        xx, yy = np.meshgrid(x, y)
        return xx, yy

    def pixels(self, points: Array) -> Array:
        """Return pixel coordinates of face coordinates (n, 2)."""
        return np.asarray(points) * self.unit + np.asarray(self.centre)


def linear(colour: Array | list[float]) -> Array:
    """Return linear light of an sRGB colour."""
    return power(np.asarray(colour, dtype=np.float32), 2.2)


def gauss(u: Array, v: Array, su: float, sv: float) -> Array:
    """Return a bump of height 1 around the origin of (u, v), with spreads su and sv."""
    return exp(-0.5 * ((u / su) ** 2 + (v / sv) ** 2))


def edge(inside: Array, softness: float) -> Array:
    """Return 1 where `inside` is positive, 0 where negative, smooth over `softness`."""
    t = np.clip(inside / softness * 0.5 + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def over(below: Array, colour: Array, alpha: Array) -> Array:
    """Lay a colour over an image where `alpha` (h, w) is 1."""
    return below + (colour - below) * alpha[..., None]


def smooth_noise(canvas: Canvas, sigma: float, rng: Draw) -> Array:
    """Return smooth noise of unit spread; `sigma` in face units."""
    sigma = max(sigma * canvas.unit, 0.3)
    return exact.smooth_noise(canvas.height, canvas.width, sigma, rng)


class Marks:
    """Coordinates and masks of the face's parts on one grid."""

    def __init__(self, who: Identity, x: Array, y: Array, aa: float) -> None:
        self.x, self.y, self.aa = x, y, aa
        self.ax = np.abs(x)  # both halves of the geometry are drawn at once
        top, bottom = -who.skull, who.chin
        middle, half = 0.5 * (top + bottom), 0.5 * (bottom - top)
        t = np.clip((y + 0.1) / (who.chin + 0.1), 0, 1.3)
        across = who.width * (1 - who.jaw * power(t, 1.6))
        across = across * (1 - 0.05 * np.clip((-0.35 - y) / 0.8, 0, 1) ** 2)
        self.r = power(self.ax / across, 2.3) + power(np.abs(y - middle) / half, 2.5)
        self.across = across
        self.head = edge(1 - self.r, 2 * aa / who.width * 2)
        self.dome = 0.66 * np.sqrt(np.clip(1 - self.r, 0.0, None) + 0.004)
        # the eye's own frame: u along the lids (outwards), v down
        c, s = cos(who.eye_tilt), sin(who.eye_tilt)
        dx, dy = self.ax - who.eye_x, y - who.eye_y
        self.eu, self.ev = c * dx - s * dy, s * dx + c * dy
        p = np.clip(1 - (self.eu / who.eye_width) ** 2, 0, 1)
        self.lid_up = -who.eye_open * power(p, 0.75) * (1 - 0.8 * self.eu)
        self.lid_low = 0.62 * who.eye_open * power(p, 0.9) * (1 + 1.0 * self.eu)
        # the mouth
        m = np.clip(1 - (x / who.mouth_width) ** 2, 0, 1)
        self.mouth_line = (
            who.mouth_y - who.mouth_curve * (1 - m) + 0.006 * cos(x / who.mouth_width * 6) * m
        )
        bow = 1 - 0.28 * exp(-((x / 0.045) ** 2)) + 0.10 * exp(-(((self.ax - 0.075) / 0.05) ** 2))
        self.lip_top = self.mouth_line - who.upper_lip * power(m, 0.85) * bow
        self.lip_bottom = self.mouth_line + who.lower_lip * power(m, 0.62)
        self.features = self._relief(who)

    def _relief(self, who: Identity) -> Array:
        """Return the height of brow ridge, sockets, nose, cheeks, lips and chin."""
        x, y, ax = self.x, self.y, self.ax
        brow_y = who.eye_y - who.brow_gap
        f = 0.050 * gauss(ax - 0.32, y - brow_y - 0.03, 0.22, 0.07)
        f += 0.020 * gauss(ax - 0.30, y - brow_y + 0.28, 0.25, 0.14)
        f -= 0.105 * gauss(ax - who.eye_x + 0.02, y - who.eye_y + 0.035, 0.17, 0.085)
        f -= 0.045 * gauss(ax - 0.13, y - who.eye_y, 0.06, 0.10)
        f += 0.075 * gauss(self.eu, self.ev, 0.125, 0.072)
        f += who.cheek * gauss(ax - 0.47, y - 0.10, 0.20, 0.17)
        f -= 0.030 * gauss(ax - 0.56, y - 0.42, 0.14, 0.20)
        f -= 0.010 * gauss(self.eu + 0.03, self.ev - 0.115, 0.12, 0.022)
        # nose: a ridge that widens and rises towards the tip, and ends
        top, tip = who.eye_y - 0.06, who.nose_y
        s = np.clip((y - top) / (tip - top), 0, 1.2)
        ridge = who.nose_height * (0.20 + 0.80 * power(s, 1.5)) * edge(tip + 0.025 - y, 0.10)
        ridge *= edge(y - top + 0.10, 0.16)
        f += ridge * exp(-0.5 * power(np.abs(x) / (0.062 + 0.055 * s), 2.2))
        f += 0.085 * gauss(x, y - tip + 0.01, 0.095, 0.062)
        wing = gauss(ax - 0.72 * who.nose_width, y - tip + 0.012, 0.05, 0.055)
        f += 0.085 * wing - 0.030 * gauss(ax - 1.14 * who.nose_width, y - tip + 0.02, 0.022, 0.06)
        # philtrum, nasolabial folds, lips, the groove under them and the chin
        f -= 0.014 * gauss(x, y - 0.5 * (tip + who.mouth_y), 0.028, 0.06)
        fold = who.nose_width + 0.06 + 0.55 * (y - tip + 0.04) - ax
        along = edge(y - tip + 0.05, 0.1) * edge(who.mouth_y + 0.06 - y, 0.16)
        f -= 0.013 * exp(-0.5 * (fold / 0.025) ** 2) * along
        f += 0.045 * gauss(x, y - who.mouth_y, 0.24, 0.13)
        upper = np.clip((self.mouth_line - y) / (self.mouth_line - self.lip_top + 1e-3), 0, 1)
        lower = np.clip((y - self.mouth_line) / (self.lip_bottom - self.mouth_line + 1e-3), 0, 1)
        in_mouth = edge(who.mouth_width - ax, 0.08)
        f += 0.034 * power(sin(np.pi * upper), 0.8) * in_mouth * (upper < 1)
        f += 0.050 * power(sin(np.pi * lower), 0.8) * in_mouth * (lower < 1)
        groove = who.mouth_y + who.lower_lip + 0.05
        f -= 0.035 * gauss(x, y - groove, 0.17, 0.035)
        f += 0.075 * gauss(x, y - (who.chin - 0.15), 0.17, 0.11)
        return f.astype(np.float32)
