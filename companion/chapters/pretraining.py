"""Whether ImageNet weights change the answer, as ``python -m benchmarks.pretraining`` found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from companion.chapters.page import signed
from companion.records import read_record
from mer_utils.stats import EVERY

#: Seen from the folder of the book.
RECORD = "../benchmarks/recorded/rules/pretraining.json"
COMMAND = "python -m benchmarks.pretraining"
COLUMNS = (
    *("base_setting", "base_weights", "of_setting", "of_weights", "dataset"),
    *("baseline_score", "treatment_score", "difference", "low", "high", "p"),
)
_STARTS = {"none": "from scratch", "imagenet": "from ImageNet weights"}


def read(file: str | Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the record's specification, and its comparisons on average over the data sets.

    Raises
    ------
    MerError
        ``bad register``, if it is none.
    """
    record = read_record(file, COMMAND, COLUMNS)
    rows = record["rows"]
    return record["specification"], rows[rows["dataset"] == EVERY].reset_index(drop=True)


def table(about: dict[str, Any], rows: pd.DataFrame) -> pd.DataFrame:
    """Return all differences: what the phases bring, what the weights, and both together."""
    same = rows["base_weights"] == rows["of_weights"]
    start = rows["of_weights"].map(_STARTS)
    phases = rows["of_setting"] + " minus " + rows["base_setting"] + ", " + start
    words = phases.where(same, "ImageNet weights minus scratch, " + rows["of_setting"])
    more = [
        {
            "comparison": f"{row['treatment']}'s gain, ImageNet weights minus scratch",
            "difference": row["more"],
            **{end: row[end] for end in ("low", "high")},
        }
        for row in about["changed"]
    ]
    shown = rows.assign(comparison=words)[["comparison", "difference", "low", "high"]]
    return pd.concat([shown, pd.DataFrame(more)], ignore_index=True)


def said(about: dict[str, Any], rows: pd.DataFrame) -> str:
    """Say what the weights add, and whether the phases bring more with them."""
    added = rows[rows["base_weights"] != rows["of_weights"]]
    control = added.iloc[0]
    parts = [
        f"ImageNet weights add {_with_interval(control)} to the UAR of "
        f"{control['of_setting']}, which is {control['baseline_score']:.2f} without them"
    ]
    alike = rows[rows["base_weights"] == rows["of_weights"]]
    for more in about["changed"]:
        own = alike[alike["of_setting"] == more["treatment"]].set_index("of_weights")["difference"]
        gains = " and ".join(f"{signed(own[k], '{:+.3f}')} {words}" for k, words in _STARTS.items())
        known = "shown" if more["low"] > 0 or more["high"] < 0 else "not shown"
        parts.append(
            f"{more['treatment']} gains {gains} over {control['of_setting']}: that the weights "
            f"change this is {known} ({_with_interval(more | {'difference': more['more']})})"
        )
    return "; ".join(parts) + "."


def _with_interval(row: Any) -> str:
    value, low, high = (signed(row[name], "{:+.3f}") for name in ("difference", "low", "high"))
    return f"{value} (95 % interval {low} to {high})"
