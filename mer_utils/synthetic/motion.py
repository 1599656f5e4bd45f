"""Where the skin goes: displacement and shading fields of action units on a subject's landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mer_utils.synthetic.canvas import Canvas
from mer_utils.synthetic.emotions import Unit
from mer_utils.synthetic.exact import exp, snap
from mer_utils.synthetic.identity import Identity

Array = np.ndarray

#: Pixels per face unit in a frame of 280 x 340, in which the amplitudes below are written.
NOMINAL_UNIT = 140.0

#: Binary places of a field's values.
FIELD_BITS = 16

#: AU -> bumps (landmark, outward px, downward px, spread outward, spread downward).
#: Outward is away from the middle of the face. Pixels at intensity 1 in a frame of 280 x 340;
#: spreads in face units.
BUMPS: dict[int, tuple[tuple[str, float, float, float, float], ...]] = {
    1: (("brow_inner", 0.1, -3.0, 0.12, 0.10), ("forehead", -0.2, -1.0, 0.14, 0.10)),
    2: (("brow_outer", 0.2, -2.8, 0.13, 0.10), ("brow_mid", 0.0, -0.9, 0.12, 0.08)),
    4: (("brow_inner", -1.9, 1.9, 0.12, 0.09), ("brow_mid", -0.8, 1.3, 0.15, 0.08)),
    5: (("lid_upper", 0.0, -1.7, 0.12, 0.045),),
    6: (("cheek", -0.2, -1.9, 0.17, 0.12), ("lid_lower", -0.4, -1.0, 0.14, 0.05)),
    7: (("lid_lower", -0.4, -1.4, 0.13, 0.045), ("lid_upper", 0.0, 0.8, 0.12, 0.04)),
    9: (
        ("nose_wing", 0.3, -2.1, 0.09, 0.10),
        ("nose_root", -0.3, -0.8, 0.07, 0.09),
        ("brow_inner", -0.8, 1.0, 0.10, 0.07),
    ),
    10: (("lip_upper", 0.2, -2.3, 0.10, 0.07), ("nose_wing", 0.5, -1.0, 0.10, 0.08)),
    12: (("lip_corner", 2.2, -2.3, 0.12, 0.10), ("cheek", 0.3, -0.8, 0.18, 0.13)),
    14: (("lip_corner", 2.0, 0.1, 0.085, 0.08), ("lip_corner_out", -1.5, 0.0, 0.07, 0.10)),
    15: (("lip_corner", 0.4, 2.5, 0.11, 0.10),),
    17: (("chin", 0.0, -2.6, 0.15, 0.10), ("lip_lower", 0.0, -0.9, 0.13, 0.05)),
    18: (("lip_corner", -2.0, 0.0, 0.12, 0.09),),
    20: (("lip_corner", 2.6, 0.5, 0.12, 0.10),),
    23: (
        ("lip_corner", -1.4, 0.0, 0.10, 0.07),
        ("lip_upper", 0.0, 0.8, 0.11, 0.045),
        ("lip_lower", 0.0, -0.8, 0.11, 0.05),
    ),
    24: (("lip_upper", 0.0, 1.3, 0.14, 0.05), ("lip_lower", 0.0, -1.7, 0.14, 0.055)),
    25: (("lip_lower", 0.0, 1.5, 0.13, 0.06), ("lip_upper", 0.0, -0.7, 0.12, 0.045)),
    26: (("chin", 0.0, 3.0, 0.20, 0.14), ("lip_lower", 0.0, 1.8, 0.15, 0.08)),
    38: (("nose_wing", 1.2, 0.0, 0.06, 0.06),),
    39: (("nose_wing", -1.1, 0.0, 0.06, 0.06),),
    43: (("lid_upper", 0.0, 2.2, 0.12, 0.05),),
}

#: AU -> creases (from landmark, to landmark, offset of both ends, width, relative brightness).
#: Skin that folds darkens along the crease; skin that bulges brightens.
CREASES: dict[int, tuple[tuple[str, str, tuple[float, float], float, float], ...]] = {
    1: (("forehead_low", "forehead_mid", (0.0, -0.03), 0.014, -0.10),),
    2: (("forehead_out", "forehead_mid", (0.0, -0.05), 0.014, -0.08),),
    4: (("furrow_top", "furrow_end", (0.0, 0.0), 0.016, -0.20),),
    6: (("eye_outer", "crow", (0.03, 0.03), 0.018, -0.11), ("cheek", "cheek", (0, 0), 0.13, 0.05)),
    7: (("bag_in", "bag_out", (0.0, 0.0), 0.012, -0.12),),
    9: (("nose_root", "nose_side", (0.0, 0.02), 0.018, -0.16),),
    10: (("fold_top", "fold_mid", (0.0, 0.0), 0.022, -0.14),),
    12: (
        ("fold_top", "fold_end", (0.02, 0.0), 0.024, -0.14),
        ("cheek", "cheek", (0.0, 0.06), 0.13, 0.06),
    ),
    14: (("dimple_top", "dimple_end", (0.0, 0.0), 0.022, -0.20),),
    15: (("lip_corner", "marionette", (0.0, 0.02), 0.018, -0.13),),
    17: (("chin", "chin", (0.0, -0.06), 0.06, -0.09), ("chin", "chin", (0, 0.08), 0.06, 0.05)),
    20: (("dimple_top", "dimple_end", (0.03, 0.0), 0.022, -0.09),),
    24: (("lip_lower", "lip_lower_in", (0.0, 0.01), 0.018, -0.10),),
    25: (("lip_mid", "lip_centre", (0.0, 0.0), 0.012, -0.30),),
    26: (("lip_mid", "lip_centre", (0.0, 0.0), 0.016, -0.32),),
}


def _landmarks(who: Identity) -> dict[str, tuple[float, float]]:
    """Return the identity's landmarks and the points that only creases need."""
    marks = who.landmarks
    (wx, wy), (mx, my) = marks["nose_wing"], marks["lip_corner"]
    _, by = marks["brow_inner"]
    fx, fy = marks["forehead"]
    ex, ey = marks["lid_lower"]
    return {
        **marks,
        "lip_corner_out": (mx + 0.15, my),
        "forehead_low": (0.04, fy + 0.02),
        "forehead_mid": (fx, fy),
        "forehead_out": (fx + 0.22, fy + 0.04),
        "furrow_top": (0.055, by - 0.06),
        "furrow_end": (0.075, by + 0.07),
        "crow": (marks["eye_outer"][0] + 0.10, marks["eye_outer"][1] + 0.06),
        "bag_in": (ex - 0.10, ey + 0.025),
        "bag_out": (ex + 0.10, ey + 0.02),
        "nose_side": (0.11, marks["nose_root"][1] + 0.12),
        "fold_top": (wx + 0.05, wy - 0.05),
        "fold_mid": (wx + 0.10, wy + 0.10),
        "fold_end": (mx + 0.10, my - 0.03),
        "dimple_top": (mx + 0.045, my - 0.05),
        "dimple_end": (mx + 0.05, my + 0.045),
        "marionette": (mx + 0.03, my + 0.12),
        "lip_lower_in": (0.0, marks["lip_lower"][1]),
        "lip_mid": (0.5 * mx, my),
        "lip_centre": (0.0, my),
    }


@dataclass(frozen=True)
class Fields:
    """Fields of a clip's half-units (one per unit and side), over the frame's pixels.

    ``dx``, ``dy``: displacement in pixels at activation 1, (k, h * w) of `FIELD_BITS` places;
    ``shade``: relative brightness, likewise; ``units``: index of each row's unit;
    ``gains``: what activation 1 of the unit means on that side.
    """

    dx: Array
    dy: Array
    shade: Array
    units: Array
    gains: Array

    def amplitudes(self, n: int) -> Array:
        """Return the largest displacement, in pixels, of each of the clip's n units."""
        size = np.sqrt(self.dx**2 + self.dy**2).max(axis=1) * self.gains
        return np.array([size[self.units == index].max() for index in range(n)])


def fields(who: Identity, units: tuple[Unit, ...], frame: Canvas) -> Fields:
    """Return the displacement and shading of each unit on each side it acts on.

    Amplitudes scale with the frame's unit.
    """
    x, y = frame.grid()
    scale = frame.unit / NOMINAL_UNIT
    marks = _landmarks(who)
    rows, whose, gains = [], [], []
    for index, unit in enumerate(units):
        # The person's left is the right half of the image, where x is positive.
        for outward, gain in zip((1.0, -1.0), unit.sides, strict=True):
            if gain <= 0:
                continue
            dx, dy = np.zeros_like(x), np.zeros_like(x)
            for name, out, down, spread_out, spread_down in BUMPS[unit.number]:
                cx, cy = marks[name]
                bump = exp(
                    -0.5 * ((x * outward - cx) / spread_out) ** 2
                    - 0.5 * ((y - cy) / spread_down) ** 2
                )
                dx += np.float32(scale * out * outward) * bump
                dy += np.float32(scale * down) * bump
            shade = np.zeros_like(x)
            for start, end, (ox, oy), width, depth in CREASES.get(unit.number, ()):
                shift = np.array([ox, oy])
                a, b = marks[start] + shift, marks[end] + shift
                shade += np.float32(depth) * _fold(x * outward, y, a, b, width)
            rows.append((dx.ravel(), dy.ravel(), shade.ravel()))
            whose.append(index)
            gains.append(gain)
    dxs, dys, shades = snap(np.asarray(rows), FIELD_BITS).swapaxes(0, 1)
    return Fields(dxs, dys, shades, np.asarray(whose), np.asarray(gains))


def _fold(x: Array, y: Array, a: Array, b: Array, width: float) -> Array:
    """Return a soft crease from `a` to `b` with a lighter ridge beside it.

    1 in the middle of the crease; a soft dot if the ends coincide.
    """
    line = b - a
    length = float(np.sqrt(line[0] * line[0] + line[1] * line[1]))
    middle = 0.5 * (a + b)
    if length == 0:
        return exp(-0.5 * ((x - float(a[0])) ** 2 + (y - float(a[1])) ** 2) / (width * width))
    (ux, uy), (mx, my) = (line / length).tolist(), middle.tolist()
    along = (x - mx) * ux + (y - my) * uy
    across = (x - mx) * uy - (y - my) * ux
    fade = exp(-0.5 * (along / (0.38 * length)) ** 2)
    groove = exp(-0.5 * (across / width) ** 2)
    ridge = exp(-0.5 * ((across - 2.2 * width) / (1.3 * width)) ** 2)
    return fade * (groove - 0.45 * ridge)
