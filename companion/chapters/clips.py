"""Data sets counted: subjects, classes, durations, action units."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mer_utils.datasets import action_units
from mer_utils.phases import missing_phases

# What is known of the original data sets' clips, in frames, onset and offset included.
# Read from the data sets' own sheets; the originals are not needed to show them.
_PUBLISHED = {
    "casme2": {
        "frames a clip, mean": 67.2,
        "frames a clip, sd": 22.6,
        "frames a clip, fewest": 24,
        "frames a clip, most": 141,
        "onset to apex, mean": 33.4,
        "apex to offset, mean": 32.9,
    },
    "samm": {
        "frames a clip, mean": 74.3,
        "frames a clip, sd": 19.0,
        "frames a clip, fewest": 30,
        "frames a clip, most": 101,
    },
}


def clip_summary(clips: pd.DataFrame) -> pd.DataFrame:
    """Count and measure the clips of each data set.

    Parameters
    ----------
    clips : DataFrame
        Clip tables, one below the other.

    Returns
    -------
    DataFrame
        One row a data set: subjects, clips, the fewest and most clips of a subject, mean
        and standard deviation of the frames from onset to offset (both included), mean
        frames from onset to apex and apex to offset, and how many clips lack the apex or
        one of the two halves.
    """
    rows = []
    for dataset, part in clips.groupby("dataset", sort=True):
        per_subject = part.groupby("subject").size()
        frames = part["offset"] - part["onset"] + 1
        lacking = [_missing(row) for row in part.itertuples()]
        rows.append(
            {
                "data set": dataset,
                "subjects": len(per_subject),
                "clips": len(part),
                "clips each": f"{per_subject.min()} to {per_subject.max()}",
                "frames, mean": float(frames.mean()),
                "frames, sd": float(frames.std()),
                "onset to apex": float((part["apex"] - part["onset"]).mean()),
                "apex to offset": float((part["offset"] - part["apex"]).mean()),
                "no apex": int(part["apex"].isna().sum()),
                "no rise": sum("onset_apex" in phases for phases in lacking),
                "no fall": sum("apex_offset" in phases for phases in lacking),
            }
        )
    return pd.DataFrame(rows)


def against_published(clips: pd.DataFrame) -> pd.DataFrame:
    """Set what is published about a data set beside what is at hand.

    Parameters
    ----------
    clips : DataFrame
        Clip tables of CASME II and SAMM, one below the other.

    Returns
    -------
    DataFrame
        One row a data set and quantity: ``published`` and ``at hand``. The published
        numbers are of every clip of the sheet, whatever its label.
    """
    rows = []
    for dataset, part in clips.groupby("dataset", sort=True):
        frames = part["offset"] - part["onset"] + 1
        found = {
            "frames a clip, mean": frames.mean(),
            "frames a clip, sd": frames.std(),
            "frames a clip, fewest": frames.min(),
            "frames a clip, most": frames.max(),
            "onset to apex, mean": (part["apex"] - part["onset"]).mean(),
            "apex to offset, mean": (part["offset"] - part["apex"]).mean(),
        }
        rows += [
            {
                "data set": dataset,
                "quantity": quantity,
                "published": float(known),
                "at hand": float(found[quantity]),
            }
            for quantity, known in _PUBLISHED[str(dataset)].items()
        ]
    return pd.DataFrame(rows)


def action_unit_counts(clips: pd.DataFrame) -> pd.DataFrame:
    """Count in how many clips of each emotion each action unit (AU) was coded.

    Parameters
    ----------
    clips : DataFrame
        Clip tables; used are ``emotion`` and ``action_units``.

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


def _missing(row: Any) -> tuple[str, ...]:
    apex = None if pd.isna(row.apex) else int(row.apex)
    return missing_phases(int(row.onset), apex, int(row.offset))
