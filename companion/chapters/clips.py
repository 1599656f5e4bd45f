"""Data sets counted: subjects, clips, durations, action units."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from mer_utils import datasets, plotting
from mer_utils.datasets import DATASETS, action_units
from mer_utils.datasets.rules import cut
from mer_utils.experiments import Workspace
from mer_utils.frames.spotting import is_spotted
from mer_utils.phases import missing_phases
from mer_utils.plotting.markup import Markup
from mer_utils.plotting.words import dataset_title


def two_phased(clips: pd.DataFrame) -> pd.DataFrame:
    """Return the clips that have both phases, also by an apex that is spotted on the frames."""
    noted = (clips["onset"] < clips["apex"]) & (clips["apex"] < clips["offset"])
    return clips[noted.fillna(False) | clips["apex_source"].map(is_spotted)]


def viewer(clips: pd.DataFrame, element_id: str = "phase-viewer", **options: Any) -> Markup:
    """Return the viewer of a clip with both phases, of surprise if it can.

    Where no apex is known it stands halfway, and where no frame rate is, 25 are shown in a second;
    the title says so. `options` are those of `plotting.phase_viewer`.
    """
    both = two_phased(clips)
    some = both if len(both) else clips
    surprise = some[some["label"].astype(str) == "surprise"]
    # Of all such clips the one whose apex lies nearest its middle: both phases are seen best.
    likely = surprise if len(surprise) else some
    uneven = (2 * likely["apex"] - likely["onset"] - likely["offset"]).abs()
    clip = likely.iloc[int(uneven.fillna(0).to_numpy(dtype=float).argmin())]
    frames, apex = datasets.load_clip(clip)
    unknown = ["no apex is known; it stands halfway"] if apex is None else []
    unknown += ["no frame rate is known; taken for 25"] if pd.isna(clip["fps"]) else []
    return plotting.phase_viewer(
        frames,
        len(frames) // 2 if apex is None else apex,
        25.0 if pd.isna(clip["fps"]) else float(clip["fps"]),
        element_id,
        title=f"{str(clip['label']).capitalize()}: move onset, apex and offset"
        + (f" ({'; '.join(unknown)})" if unknown else ""),
        first_frame=int(clip["onset"]),
        **options,
    )


def shown_clips(workspace: Workspace) -> list[Any]:
    """Return rows of dynamic images: of each data set the first clip of each of three classes.

    Of those with both phases, if there are any.
    """
    rows = []
    for data in workspace.data.values():
        both = two_phased(data.clips)
        by_class = (both if len(both) else data.clips).drop_duplicates("label")
        for c in by_class.head(3).itertuples():
            rows.append(plotting.di_row(f"{c.subject}\n{c.label}", *datasets.load_clip(c)))
    return rows


def summary(clips: pd.DataFrame) -> pd.DataFrame:
    """Count and measure the clips of each data set, one row per data set.

    Parameters
    ----------
    clips : DataFrame
        Clip tables, one below the other.

    Returns
    -------
    DataFrame
        Lengths in frames, onset and offset included; how many clips lack an apex, a rise or a
        fall.
    """
    rows = []
    for dataset, part in clips.groupby("dataset", sort=True):
        per_subject, lengths = part.groupby("subject").size(), _lengths(part)
        lacking = [_missing(row) for row in part.itertuples()]
        rows.append(
            {
                "data set": dataset,
                "subjects": len(per_subject),
                "clips": len(part),
                "clips each": f"{per_subject.min()} to {per_subject.max()}",
                "frames, mean": lengths["frames per clip, mean"],
                "frames, sd": lengths["frames per clip, sd"],
                "onset to apex": lengths["onset to apex, mean"],
                "apex to offset": lengths["apex to offset, mean"],
                "no apex": int(part["apex"].isna().sum()),
                "no rise": sum("onset_apex" in phases for phases in lacking),
                "no fall": sum("apex_offset" in phases for phases in lacking),
            }
        )
    return pd.DataFrame(rows)


def against_published(clips: pd.DataFrame) -> pd.DataFrame:
    """Set published lengths of CASME II and SAMM beside those at hand, one row per quantity.

    The published numbers are of every clip of the sheet, whatever its label.
    """
    rows = []
    for dataset, part in clips.groupby("dataset", sort=True):
        published = DATASETS[str(dataset)].published if dataset in DATASETS else None
        if published is None or published.durations is None:
            continue
        found = _lengths(part)
        known = published.durations
        numbers = {
            "frames per clip, mean": known.mean,
            "frames per clip, sd": known.sd,
            "frames per clip, fewest": known.fewest,
            "frames per clip, most": known.most,
            "onset to apex, mean": known.rise and known.rise[0],
            "apex to offset, mean": known.fall and known.fall[0],
        }
        rows += [
            {
                "data set": dataset,
                "quantity": quantity,
                "published": float(number),
                "at hand": found[quantity],
            }
            for quantity, number in numbers.items()
            if number is not None
        ]
    return pd.DataFrame(rows)


def action_unit_counts(clips: pd.DataFrame) -> pd.DataFrame:
    """Count in how many clips of each emotion each action unit (AU) was coded.

    Returns
    -------
    DataFrame
        Columns emotion, action_unit, count, and clips, the number of the emotion's clips.
        Units that the coder was not certain of are counted too; strings that cannot be
        read are not.
    """
    rows = [
        (row.emotion, f"{unit}")
        for row in clips.itertuples()
        for unit in sorted({au.unit for au in action_units.parse(str(row.action_units)).units})
    ]
    counts = pd.DataFrame(rows, columns=["emotion", "action_unit"]).value_counts()
    found = counts.rename("count").reset_index()
    return found.assign(clips=found["emotion"].map(clips["emotion"].value_counts()))


def _lengths(part: pd.DataFrame) -> dict[str, float]:
    frames = part["offset"] - part["onset"] + 1
    found = {
        "frames per clip, mean": frames.mean(),
        "frames per clip, sd": frames.std(),
        "frames per clip, fewest": frames.min(),
        "frames per clip, most": frames.max(),
        "onset to apex, mean": (part["apex"] - part["onset"]).mean(),
        "apex to offset, mean": (part["offset"] - part["apex"]).mean(),
    }
    return {n: math.nan if pd.isna(value) else float(value) for n, value in found.items()}


def _missing(row: Any) -> tuple[str, ...]:
    apex = None if pd.isna(row.apex) else int(row.apex)
    onset, offset = int(row.onset), int(row.offset)
    return missing_phases(onset, cut(onset, apex, offset, row.apex_source), offset)


def said_of_durations(clips: pd.DataFrame) -> str:
    """Say how long rise and fall take: medians and middle halves, in milliseconds."""
    parts = []
    known = clips.dropna(subset=["apex", "fps"])
    for dataset, part in known.groupby("dataset", sort=True):
        words = []
        for name, frames in (
            ("the rise", part["apex"] - part["onset"]),
            ("the fall", part["offset"] - part["apex"]),
        ):
            low, middle, high = (1000 * frames / part["fps"]).quantile([0.25, 0.5, 0.75])
            words.append(f"{name} takes {middle:.0f} ms (half of them {low:.0f} to {high:.0f})")
        parts.append(f"{dataset_title(str(dataset))}: {' and '.join(words)}")
    if not parts:
        parts.append("no table states both the apex and the frame rate of a clip")
        if clips["apex_source"].map(is_spotted).any():
            parts.append("the apex is spotted on the frames where images are made of them")
    return f"{'; '.join(parts)}."
