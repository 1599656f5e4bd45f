"""How long the phases of made clips are, drawn to follow what is published."""

from __future__ import annotations

import numpy as np

from mer_utils.datasets import Durations
from mer_utils.extras import require
from mer_utils.synthetic.exact import Draw


def draw_durations(facts: Durations, n: int, rng: Draw) -> list[tuple[int, int]]:
    """Draw n (rise, fall) in frames, by `gamma_durations` where both phases are published."""
    if facts.rise is not None and facts.fall is not None:
        return gamma_durations(n, rng, facts.rise, facts.fall, (facts.fewest, facts.most))
    assert facts.mean is not None
    assert facts.sd is not None
    return beta_durations(n, rng, facts.mean, facts.sd, (facts.fewest, facts.most))


def _strata(n: int, rng: Draw) -> np.ndarray:
    """Return n shuffled probabilities, one in each n-th of (0, 1)."""
    return (rng.permutation(n) + rng.uniform(0.05, 0.95, n)) / n


def gamma_durations(
    n: int,
    rng: Draw,
    rise: tuple[float, float],
    fall: tuple[float, float],
    total: tuple[int, int],
) -> list[tuple[int, int]]:
    """Draw n (rise, fall) from two gamma distributions of given mean and spread.

    The spreads published for CASME II agree with independent phases: 14.7 and 17.3 give
    22.7 for their sum, and 22.6 is published. Clips of a length outside `total` are
    stretched or cut to its ends, both phases alike.
    """
    parts = []
    for mean, spread in (rise, fall):
        shape = (mean / spread) ** 2
        special = require("scipy.special", "stats")
        parts.append(special.gammaincinv(shape, _strata(n, rng)) * mean / shape)
    drawn = []
    for a, b in zip(*parts, strict=True):
        frames = np.clip(a + b + 1, total[0] + 0.5, total[1] + 0.4)
        factor = (frames - 1) / (a + b)
        up = max(3, round(a * factor))
        drawn.append((up, max(3, round(frames - 1) - up)))
    return drawn


def beta_durations(
    n: int, rng: Draw, mean: float, spread: float, total: tuple[int, int]
) -> list[tuple[int, int]]:
    """Draw n (rise, fall) whose clip lengths have a mean and spread within a range.

    Lengths follow a beta distribution on `total`; the apex lies around the middle.
    """
    width = total[1] - total[0]
    m, v = (mean - total[0]) / width, (spread / width) ** 2
    size = m * (1 - m) / v - 1
    special = require("scipy.special", "stats")
    lengths = total[0] + width * special.betaincinv(m * size, (1 - m) * size, _strata(n, rng))
    share = special.betaincinv(8, 8, _strata(n, rng))
    drawn = []
    for length, part in zip(lengths, share, strict=True):
        frames = round(length)
        up = int(np.clip(round(part * (frames - 1)), 3, frames - 4))
        drawn.append((up, frames - 1 - up))
    return drawn
