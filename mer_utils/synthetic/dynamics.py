"""How strongly each action unit acts in each frame: the rise and the fall of a made clip."""

from __future__ import annotations

import numpy as np

from mer_utils.synthetic.emotions import PROTOTYPES, Unit
from mer_utils.synthetic.exact import Draw

#: How different the two phases are unless a caller says otherwise; see `activation`.
DEFAULT_PHASE_DIFFERENCE = 0.5

#: How much the fall says of the class beyond the rise, unless a caller says otherwise: nothing,
#: as nobody has published that a real one does.
DEFAULT_FALL_INFORMATION = 0.0

#: Units that let go early in the fall when the phases differ; the others linger.
#: Every prototype of several units has some of both.
EARLY_RELEASE = frozenset({5, 6, 9, 10, 14, 15, 18, 20, 23, 25, 26, 38, 39})


def activation(
    units: tuple[Unit, ...],
    before: int,
    after: int,
    rng: Draw,
    phase_difference: float = DEFAULT_PHASE_DIFFERENCE,
    *,
    emotion: str = "",
    fall_information: float = DEFAULT_FALL_INFORMATION,
    rise: int | None = None,
    fall: int | None = None,
) -> np.ndarray:
    r"""Return each unit's activation in each frame, (units, before + 1 + after), 1 at the apex.

    Parameters
    ----------
    units : tuple of Unit
        The units of the clip; the strongest one leads, and it alone arrives exactly at the apex.
    before, after : int
        Frames from onset to apex and from apex to offset (the apex is in neither).
    rng : Draw
        Draws when each unit starts and when it has arrived.
    phase_difference : float
        :math:`p` in [0, 1]. With 0 every unit's fall is the time-mirror of its rise. With 1 some
        units let go at once and entirely, while others hold on, let go late and keep a part at
        the offset, so that strengths and timing differ clearly between the phases.
    emotion : str
        Which one the clip shows: a key of `emotions.PROTOTYPES`, or anything else, a mixture.
    fall_information : float
        :math:`f` in [0, 1], how much the fall says of the class beyond the rise, as far as the
        phases differ. With 0 a unit lets go as its number says, whatever the class: who has
        seen all of the rise learns nothing of the class from the fall. With 1 those of a
        mixture ("others") let go the other way round: what would hold on lets go at once.
    rise, fall : int, optional
        Frames that the whole rise and fall would take, where the clip shows only a part of
        one. Default: `before` and `after`.

    Notes
    -----
    With :math:`q` the distance from the far end of a phase (0 at onset or offset, 1 at the
    apex) and :math:`S` the smooth step, unit :math:`k` rises as
    :math:`r_k(q) = S((q - a_k) / (b_k - a_k))` and falls as
    :math:`(1 - p)\, r_k(q) + p\, ((1 - g)\, e_k(q) + g\, l_k(q))`, where
    :math:`e_k(q) = S((q - c_k) / (1 - c_k))` lets go early,
    :math:`l_k(q) = \rho_k + (1 - \rho_k)\, S(q / d_k)` holds on, and :math:`g` is 0 for units
    that let go early and 1 for the others, but :math:`f` and :math:`1 - f` in a mixture.

    Examples
    --------
    >>> curve = activation((Unit(12),), 4, 4, Draw(0), phase_difference=0.0)[0]
    >>> bool(np.allclose(curve, curve[::-1])), float(curve[4])
    (True, 1.0)
    """
    q_rise = 1 - np.arange(before, -1, -1) / max(rise or before, 1)
    q_fall = 1 - np.arange(1, after + 1) / max(fall or after, 1)
    lead = int(np.argmax([unit.intensity for unit in units]))
    curves = []
    for k, unit in enumerate(units):
        start, arrive = rng.uniform(0.0, 0.3), rng.uniform(0.7, 0.95)
        early = unit.number in EARLY_RELEASE
        jitter = rng.uniform(-0.08, 0.08)
        keep = rng.uniform(0.4, 0.7)
        if k == lead:
            start, arrive = 0.0, 1.0
        mirrored = _step(q_fall, start, arrive)
        lets_go = _step(q_fall, 0.5 + jitter, 1.0)
        holds_on = keep + (1 - keep) * _step(q_fall, 0.0, 0.55 + jitter)
        other_way = 0.0 if emotion in PROTOTYPES else fall_information
        held = other_way if early else 1 - other_way
        own = (1 - held) * lets_go + held * holds_on
        falling = (1 - phase_difference) * mirrored + phase_difference * own
        curves.append(np.concatenate([_step(q_rise, start, arrive), falling]))
    return np.asarray(curves, dtype=np.float64)


def _step(q: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the smooth step from 0 at `low` to 1 at `high`."""
    s = np.clip((q - low) / (high - low), 0.0, 1.0)
    return s * s * (3 - 2 * s)
