"""What dynamic images (DIs) make of motion that is known, as only that of synthetic twins is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from companion.chapters.ground_truth import as_view, true_magnitude, truth_of
from mer_utils import dynamic_image as di
from mer_utils.datasets import Dataset, load_clip
from mer_utils.frames import SPOTTERS, spot_apex, spotting
from mer_utils.phases import PHASES, midpoint_apex

#: How an apex can be had, by the column of `measure` that holds its frame number.
APEX_RULES = {
    "noted_apex": "the sheet",
    "middle": "the middle of the clip",
    **{f"by_{name}": f"spotted by {name}" for name in SPOTTERS},
}
#: A pixel of skin counts as moved from here on, in pixels of the frame.
MOVED_PX = 0.5


def measure(dataset: Dataset, image_size: int) -> pd.DataFrame:
    """Set what was drawn in each clip of a twin beside what its frames and its DIs say.

    Returns
    -------
    DataFrame
        One row per clip: the key, ``fps``, ``true_apex``, and the frame numbers that
        `APEX_RULES` give; ``rise_ms`` and ``fall_ms``, true durations; ``amplitude_px`` of the
        strongest unit and ``left``, its share at the offset; ``moved``, the share of pixels
        displaced by `MOVED_PX` or more; ``drift_px`` of the head; and for each phase the
        correlation over pixels of the DI's magnitude and the true displacement, at the frame's
        own size (``full``, ...) and at a view's, `image_size` (``full_view``, ...). ``full_wrong``
        is that with the truth of another clip, of another class where there is one: what
        correlates because every face has its eyes and mouth in the same place.

    Notes
    -----
    The magnitude of a DI is the mean over colours of its absolute value. The correlation is
    Pearson's. Halves begin and end at the apex of the clip table, as everywhere else.
    """
    rows = list(dataset.clips().itertuples())
    return pd.DataFrame(
        [
            _measure_clip(dataset, row, _other(rows[i + 1 :] + rows[:i], row), image_size)
            for i, row in enumerate(rows)
        ]
    )


def _measure_clip(dataset: Dataset, clip: Any, other: Any, size: int) -> dict[str, Any]:
    frames, apex = load_clip(clip)
    truth, moved = truth_of(dataset, clip), true_magnitude(dataset, clip)
    strongest = int(np.argmax(truth["amplitude_px"]))
    found: dict[str, Any] = {
        "dataset": str(clip.dataset),
        "subject": str(clip.subject),
        "clip": str(clip.clip),
        "label": str(clip.label),
        "fps": float(clip.fps),
        "true_apex": int(truth["true_apex"]),
        "noted_apex": int(clip.apex) if clip.apex_source == "annotated" else None,
        "middle": midpoint_apex(int(clip.onset), int(clip.offset)),
        **{
            f"by_{name}": int(clip.onset) + spot_apex(frames, f"{spotting.RULE}:{name}")
            for name in SPOTTERS
        },
        "rise_ms": 1000 * (truth["true_apex"] - truth["onset"]) / clip.fps,
        "fall_ms": 1000 * (truth["offset"] - truth["true_apex"]) / clip.fps,
        "amplitude_px": float(truth["amplitude_px"][strongest]),
        "left": float(truth["left_at_offset"][strongest]),
        "moved": float((moved >= MOVED_PX).mean()),
        "drift_px": float(np.hypot(truth["drift_x_px"], truth["drift_y_px"])),
    }
    small = as_view(moved, dataset, clip, size)
    for phase, image in di.phase_dynamic_images(frames, apex).items():
        strength = np.abs(image).reshape(*image.shape[:2], -1).mean(axis=-1)
        found[phase] = correlation(strength, moved)
        found[f"{phase}_view"] = correlation(as_view(strength, dataset, clip, size), small)
        if phase == "full":
            wrong = true_magnitude(dataset, other)
            fits = wrong.shape == strength.shape
            found["full_wrong"] = correlation(strength, wrong) if fits else np.nan
    return found


def _other(rest: list[Any], clip: Any) -> Any:
    """Return another clip of the same data set, of another class if there is one."""
    same = [row for row in rest if row.dataset == clip.dataset] or [clip]
    return next((row for row in same if row.label != clip.label), same[0])


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Pearson's correlation over pixels; not a number where one does not vary.

    Examples
    --------
    >>> ramp = np.arange(6.0).reshape(2, 3)
    >>> correlation(ramp, 5 - 2 * ramp)
    -1.0
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1].round(12))


def apex_errors(measured: pd.DataFrame) -> pd.DataFrame:
    """Return how far each rule's apex is from the true one, one row per clip and rule.

    ``frames`` is rule minus truth; a clip without a noted apex has no row for the sheet.
    """
    long = measured.melt(
        ["dataset", "fps", "true_apex"], list(APEX_RULES), var_name="rule", value_name="apex"
    ).dropna(subset="apex")
    frames = long["apex"].astype(int) - long["true_apex"]
    return pd.DataFrame(
        {
            "dataset": long["dataset"],
            "rule": long["rule"].map(APEX_RULES),
            "frames": frames,
            "ms": 1000 * frames / long["fps"],
        }
    ).reset_index(drop=True)


def apex_error_table(errors: pd.DataFrame) -> pd.DataFrame:
    """Summarise `apex_errors`: clips, median and mean absolute difference by rule."""
    grouped = errors.groupby(["dataset", "rule"], sort=False)["frames"]
    summary = pd.DataFrame(
        {
            "clips": grouped.size(),
            "median": grouped.median(),
            "mean": grouped.mean(),
            "mean absolute": grouped.apply(lambda frames: frames.abs().mean()),
            "largest": grouped.apply(lambda frames: int(frames.abs().max())),
        }
    )
    return summary.reset_index().rename(columns={"dataset": "data set"})


def agreement_table(measured: pd.DataFrame) -> pd.DataFrame:
    """Summarise how well DIs follow the truth: mean correlation of each data set and phase."""
    rows = [
        {
            "data set": dataset,
            "phase": phase,
            "clips": int(part[phase].notna().sum()),
            "at the frame's size": part[phase].mean(),
            "at a view's size": part[f"{phase}_view"].mean(),
        }
        for dataset, part in measured.groupby("dataset", sort=False)
        for phase in PHASES
        if phase in part
    ]
    return pd.DataFrame(rows)


def _noted(measured: pd.DataFrame, errors: pd.DataFrame) -> str:
    if errors.empty:
        return "no sheet notes an apex"
    return (
        "the sheet notes the true apex wherever it notes one, which no coder could do: the "
        f"difference is {errors['frames'].abs().mean():.0f} frames for every clip, and "
        f"{measured['noted_apex'].isna().sum()} clips have none noted"
    )


def quoted(measured: pd.DataFrame) -> dict[str, int | float | str]:
    """Return the numbers that the chapter's sentences quote, by name."""
    errors = apex_errors(measured)
    by_rule = {key: errors[errors["rule"] == rule] for key, rule in APEX_RULES.items()}
    numbers = {
        "clips": len(measured),
        "amplitude_median": measured["amplitude_px"].median(),
        "amplitude_least": measured["amplitude_px"].min(),
        "amplitude_most": measured["amplitude_px"].max(),
        "moved_mean": measured["moved"].mean(),
        "drift_median": measured["drift_px"].median(),
        "left_mean": measured["left"].mean(),
        "noted_said": _noted(measured, by_rule["noted_apex"]),
        **{f"{key}_off": float(part["frames"].abs().mean()) for key, part in by_rule.items()},
        **{f"{key}_shift": float(part["frames"].mean()) for key, part in by_rule.items()},
        **{f"agreement_{phase}": measured[phase].mean() for phase in PHASES},
        "agreement_view": measured["full_view"].mean(),
        "agreement_wrong": measured["full_wrong"].mean(),
        "agreement_least": measured["full"].min(),
        "agreement_most": measured["full"].max(),
        "rank_amplitude": _rank(measured, "amplitude_px"),
        "rank_drift": _rank(measured, "drift_px"),
    }
    # Plain numbers: the page formats what their text says.
    return {name: n if isinstance(n, int | str) else float(n) for name, n in numbers.items()}


def _rank(measured: pd.DataFrame, column: str) -> float:
    """Return Spearman's correlation of the full DI's agreement with a column."""
    known = measured.dropna(subset=["full", column])
    return float(stats.spearmanr(known["full"], known[column]).statistic)
