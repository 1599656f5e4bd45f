"""Which action units a made clip shows: FACS prototypes of emotions, varied clip by clip.

An action unit (AU) is numbered as in the Facial Action Coding System (FACS). Sides are the
person's own: the person's left is on the right of the image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mer_utils.synthetic.exact import Draw, exp

#: The prototype of each emotion: AU numbers, the defining ones first.
PROTOTYPES: dict[str, tuple[int, ...]] = {
    "happiness": (12, 6),
    "surprise": (1, 2, 5, 26),
    "disgust": (9, 10, 4, 7),
    "repression": (17, 14, 24),
    "anger": (4, 7, 5, 23),
    "contempt": (14,),
    "sadness": (15, 1, 4),
    "fear": (1, 2, 4, 5, 20),
}

#: "Others" is no prototype: each clip takes one of these mixtures.
MIXTURES: tuple[tuple[int, ...], ...] = (
    (4,),
    (4, 7),
    (4, 14),
    (4, 17),
    (7, 14),
    (4, 38),
    (1, 4, 14),
    (7, 15),
    (2, 17),
    (20, 43),
)

#: Units that may come on top of a prototype.
EXTRA_UNITS = (1, 2, 4, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 38, 43)

MISSING_PROBABILITY = 0.18
EXTRA_PROBABILITY = 0.35
UNILATERAL_PROBABILITY = 0.06


@dataclass(frozen=True)
class Unit:
    """One action unit as a clip shows it.

    Parameters
    ----------
    number : int
        The AU's FACS number.
    side : {"both", "left", "right"}
        The person's own side.
    intensity : float
        Peak activation; 1 is the nominal amplitude of `mer_utils.synthetic.motion`.
    asymmetry : float
        The left side moves ``1 + asymmetry`` times, the right ``1 - asymmetry`` times as much.
    """

    number: int
    side: str = "both"
    intensity: float = 1.0
    asymmetry: float = 0.0

    @property
    def sides(self) -> tuple[float, float]:
        """Activation of the person's left and right side at the peak."""
        left = self.intensity * (1 + self.asymmetry) * (self.side != "right")
        right = self.intensity * (1 - self.asymmetry) * (self.side != "left")
        return left, right

    def __str__(self) -> str:
        return {"both": "", "left": "L", "right": "R"}[self.side] + str(self.number)


def draw_units(emotion: str, rng: Draw, noise: float = 1.0) -> tuple[Unit, ...]:
    """Draw the action units of one clip, in ascending order of AU number.

    Parameters
    ----------
    emotion : str
        A key of `PROTOTYPES`, or anything else for a mixture ("others", "other").
    rng : Draw
        The clip's own generator.
    noise : float
        Scales the variation between clips; 0 gives the plain prototype at intensity 1.

    Examples
    --------
    >>> [str(u) for u in draw_units("happiness", Draw(0), noise=0)]
    ['6', '12']
    """
    numbers = list(PROTOTYPES.get(emotion) or MIXTURES[rng.integers(len(MIXTURES))])
    overall = max(0.2, 1 + noise * rng.uniform(-0.50, 0.20))
    # The first, defining unit always stays, so that no clip is without its emotion.
    kept = numbers[:1] + [n for n in numbers[1:] if rng.random() > MISSING_PROBABILITY * noise]
    units = [_vary(Unit(n, intensity=overall), rng, noise) for n in kept]
    if rng.random() < EXTRA_PROBABILITY * noise:
        extra = rng.choice([n for n in EXTRA_UNITS if n not in numbers])
        units.append(_vary(Unit(extra, intensity=0.8 * overall), rng, noise))
    if emotion == "contempt":
        units[0] = replace(units[0], side="left" if rng.random() < 0.5 else "right")
    return tuple(sorted(units, key=lambda unit: unit.number))


def _vary(unit: Unit, rng: Draw, noise: float) -> Unit:
    """Vary one unit's strength, symmetry and, rarely, its side."""
    intensity = unit.intensity * exp(rng.normal(0, 0.28) * noise)
    asymmetry = min(max(rng.normal(0, 0.15), -0.4), 0.4) * noise
    side = "both"
    if rng.random() < UNILATERAL_PROBABILITY * noise:
        side = "left" if rng.random() < 0.5 else "right"
    return replace(unit, intensity=intensity, asymmetry=asymmetry, side=side)


def notation(units: tuple[Unit, ...], letters: bool = False) -> str:
    """Write action units as the sheets do, with FACS intensities A to E if `letters`.

    Examples
    --------
    >>> notation((Unit(4), Unit(10, side="left"))), notation((Unit(12),), letters=True)
    ('4+L10', '12C')
    """
    grade = ["ABCDE"[int(np.searchsorted((0.6, 0.85, 1.1, 1.35), u.intensity))] for u in units]
    return "+".join(f"{u}{g if letters else ''}" for u, g in zip(units, grade, strict=True))


def parse(text: str) -> tuple[Unit, ...]:
    """Return the plain units of a string such as "4+L10".

    Examples
    --------
    >>> [(unit.number, unit.side) for unit in parse("4+L10")]
    [(4, 'both'), (10, 'left')]
    """
    side = {"L": "left", "R": "right"}
    return tuple(
        Unit(int(part.lstrip("LR")), side.get(part[0], "both")) for part in text.split("+")
    )
