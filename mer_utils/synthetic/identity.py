"""Who a made face is: the numbers that make one subject look unlike another.

Face coordinates: x to the right of the image, y down, origin between the eyes and the mouth;
one unit is half the width of a face crop (140 pixels in a frame of 280 x 340).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mer_utils.synthetic.exact import Draw, cos, sin

#: Skin, hair and iris colours to interpolate between (sRGB, 0..1).
SKIN = np.array(
    [
        [0.96, 0.80, 0.70],
        [0.91, 0.71, 0.58],
        [0.82, 0.61, 0.46],
        [0.66, 0.46, 0.33],
        [0.5, 0.33, 0.24],
    ]
)
HAIR = np.array([[0.07, 0.06, 0.06], [0.16, 0.10, 0.07], [0.30, 0.19, 0.11], [0.50, 0.36, 0.20]])
IRIS = np.array([[0.20, 0.11, 0.06], [0.34, 0.21, 0.11], [0.38, 0.37, 0.20], [0.33, 0.45, 0.55]])


@dataclass(frozen=True)
class Identity:
    """Geometry (face units), colours (sRGB, 0..1) and light of one subject."""

    width: float
    jaw: float
    chin: float
    skull: float
    eye_x: float
    eye_y: float
    eye_width: float
    eye_open: float
    eye_tilt: float
    crease: float
    brow_gap: float
    brow_arch: float
    brow_thick: float
    nose_y: float
    nose_width: float
    nose_height: float
    mouth_y: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    mouth_curve: float
    cheek: float
    skin: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    shirt: np.ndarray
    backdrop: np.ndarray
    hairline: float
    long_hair: bool
    stubble: float
    freckles: int
    texture: float
    light: tuple[float, float, float]
    exposure: float
    seed: int

    @property
    def landmarks(self) -> dict[str, tuple[float, float]]:
        """Landmarks of the image's right half, (x, y); the left half mirrors them."""
        brow = self.eye_y - self.brow_gap
        return {
            "brow_inner": (self.eye_x - 0.20, brow + 0.015),
            "brow_mid": (self.eye_x + 0.02, brow - 0.6 * self.brow_arch),
            "brow_outer": (self.eye_x + 0.19, brow - 0.2 * self.brow_arch),
            "lid_upper": (self.eye_x, self.eye_y - self.eye_open),
            "lid_lower": (self.eye_x, self.eye_y + 0.7 * self.eye_open),
            "eye_outer": (self.eye_x + self.eye_width, self.eye_y),
            "cheek": (self.eye_x + 0.06, 0.5 * (self.eye_y + self.mouth_y) + 0.02),
            "nose_root": (0.05, self.eye_y + 0.03),
            "nose_wing": (0.9 * self.nose_width, self.nose_y),
            "lip_upper": (0.4 * self.mouth_width, self.mouth_y - self.upper_lip),
            "lip_corner": (self.mouth_width, self.mouth_y),
            "lip_lower": (0.4 * self.mouth_width, self.mouth_y + self.lower_lip),
            "chin": (0.07, 0.5 * (self.mouth_y + self.chin) + 0.1),
            "forehead": (self.eye_x - 0.1, brow - 0.17),
        }


def draw_identity(rng: Draw) -> Identity:
    """Draw one subject's face, skin and light."""
    u = rng.uniform
    tone, shade, eye = u(0, 3.4), u(0, 2.6), u(0, 3)
    azimuth, height = u(-0.55, 0.55), u(0.35, 0.7)
    light = unit_vector(sin(azimuth), -height, cos(azimuth) + 0.35)
    long_hair = rng.random() < 0.45
    return Identity(
        width=u(0.77, 0.85),
        jaw=u(0.16, 0.30),
        chin=u(0.98, 1.06),
        skull=u(1.24, 1.34),
        eye_x=u(0.335, 0.375),
        eye_y=u(-0.27, -0.21),
        eye_width=u(0.145, 0.17),
        eye_open=u(0.045, 0.068),
        eye_tilt=u(-0.02, 0.09),
        crease=u(0.0, 1.0),
        brow_gap=u(0.17, 0.225),
        brow_arch=u(0.015, 0.06),
        brow_thick=u(0.028, 0.052),
        nose_y=u(0.20, 0.27),
        nose_width=u(0.145, 0.185),
        nose_height=u(0.20, 0.29),
        mouth_y=u(0.54, 0.60),
        mouth_width=u(0.25, 0.31),
        upper_lip=u(0.038, 0.065),
        lower_lip=u(0.06, 0.09),
        mouth_curve=u(0.0, 0.03),
        cheek=u(0.02, 0.08),
        skin=_between(SKIN, tone) * u(0.97, 1.03, 3),
        hair=_between(HAIR, shade),
        iris=_between(IRIS, eye),
        shirt=np.clip(u(0.12, 0.55) + rng.normal(0, 0.08, 3), 0.05, 0.8),
        backdrop=np.clip(u(0.45, 0.72) + rng.normal(0, 0.015, 3), 0, 1),
        hairline=u(-0.92, -0.78),
        long_hair=long_hair,
        stubble=0.0 if long_hair else max(0.0, u(-0.4, 0.9)),
        freckles=rng.integers(25, 160),
        texture=u(0.8, 1.25),
        light=light,
        exposure=u(0.9, 1.12),
        seed=rng.integers(2**31),
    )


def _between(colours: np.ndarray, position: float) -> np.ndarray:
    """Interpolate in a list of colours; `position` counts colours from 0."""
    i = min(int(position), len(colours) - 2)
    return colours[i] + (position - i) * (colours[i + 1] - colours[i])


def unit_vector(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return the vector of length 1 in a direction."""
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length
