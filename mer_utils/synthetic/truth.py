"""What is true of a twin's clips: what was drawn, and where the skin has gone.

Only tests and one chapter of the book read it: nothing that is trained may.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from mer_utils.datasets import SYNTHETIC_MARK, made_at
from mer_utils.errors import MerError
from mer_utils.frames import clip_fingerprint
from mer_utils.synthetic import clips
from mer_utils.synthetic.population import ClipPlan
from mer_utils.synthetic.settings import GENERATOR_VERSION, Settings, curves_of, face_key

GROUND_TRUTH = "ground_truth.parquet"


def ground_truth(root: str | Path) -> pd.DataFrame:
    """Return what was drawn in each clip of a twin, one row per clip.

    Returns
    -------
    DataFrame
        Columns dataset, subject, clip (the key), emotion (the sheet's word), shown (the
        emotion that was drawn), onset, true_apex, offset (frame numbers), action_unit, side,
        intensity, amplitude_px, left_at_offset (one value per unit; an amplitude is the largest
        displacement on either side, in pixels of the frame at the true apex) and the head's
        drift at the true apex.

    Raises
    ------
    MerError
        ``other twin``, if `root` holds none, or not what was written there.
    """
    _settings_of(root)
    path = Path(root) / GROUND_TRUTH
    if clip_fingerprint([path]) != (made_at(root) or {})["sha256"].get(GROUND_TRUTH):
        raise MerError(
            "other twin",
            f"{path} was changed after the twin was drawn",
            "the file that mer synth wrote",
            "make the twin again",
            str(path),
        )
    return pd.read_parquet(path)


def true_displacement(
    root: str | Path, subject: str, clip: str, action_unit: int | None = None
) -> np.ndarray:
    """Return where the skin of a clip has gone at the true apex, without head drift.

    Parameters
    ----------
    root : path
        A complete twin.
    subject, clip : str
        The clip's key, as in its ground truth.
    action_unit : int, optional
        Only what this unit moved; zero everywhere if the clip does not show it.

    Returns
    -------
    ndarray, shape (h, w, 2), float32
        Displacement (right, down) in pixels: the apex frame shows at ``p`` what the resting
        face shows at ``p`` minus the displacement.
    """
    settings = _settings_of(root)
    row = _plans(settings).get((subject, clip))
    if row is None:
        raise MerError(
            "unknown name",
            f"{root} has no clip {clip!r} of subject {subject!r}",
            f"a key of {GROUND_TRUTH}",
            "choose one from that file",
        )
    strength = curves_of(row, settings)[:, row.apex - row.onset]
    if action_unit is not None:
        strength = strength * [unit.number == action_unit for unit in row.units]
    return clips.true_field(face_key(row, settings), row.units, strength, settings.stage)


@lru_cache(maxsize=8)
def _plans(settings: Settings) -> dict[tuple[str, str], ClipPlan]:
    return {(row.subject, row.clip): row for row in settings.plans()}


def _settings_of(root: str | Path) -> Settings:
    found = made_at(root)
    if found is None:
        raise MerError(
            "other twin",
            f"{root} holds no {SYNTHETIC_MARK}",
            "the root of a synthetic twin",
            "write one with `synthetic.write`",
        )
    settings = Settings.from_json(found["arguments"])
    if found.get("key") != settings.key:
        raise MerError(
            "other twin",
            f"{root} holds a twin of another version of the generator",
            f"one of version {GENERATOR_VERSION}",
            "make the twin again",
        )
    return settings
