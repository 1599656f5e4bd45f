"""The clip table's columns, types and invariants, as a pandera schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from mer_utils.frames.spotting import is_spotted

if TYPE_CHECKING:
    import pandera.pandas as pa

    from mer_utils.datasets.rows import Row

KEY = ["dataset", "subject", "clip"]
COLUMNS = [
    *KEY,
    "onset",
    "apex",
    "offset",
    "apex_source",
    "emotion",
    "label",
    "action_units",
    "fps",
    "frames_dir",
]
FRAME_COLUMNS = ["onset", "apex", "offset"]
_TEXTS = ["apex_source", "emotion", "action_units"]
APEX_SOURCES = ["annotated", "midpoint", "missing"]  # or a rule by which it is spotted


def of_rows(rows: Sequence[Row], classes: Sequence[str], fps: Iterable[float]) -> pd.DataFrame:
    """Return the columns of the clip table for rows whose fate is decided, not yet sorted."""
    text = {name: [getattr(row, name) for row in rows] for name in (*KEY, *_TEXTS)}
    text["frames_dir"] = [str(row.frames_dir or "") for row in rows]
    numbers = {name: [getattr(row, name) for row in rows] for name in FRAME_COLUMNS}
    columns = {
        **{name: pd.Series(values, dtype="str") for name, values in text.items()},
        **{name: pd.Series(values, dtype="Int64") for name, values in numbers.items()},
        "label": pd.Categorical([row.label for row in rows], list(classes)),
        "fps": pd.Series(list(fps), dtype="float64"),
    }
    return pd.DataFrame(columns)[COLUMNS]


@cache
def clip_schema() -> pa.DataFrameSchema:
    """Return the schema of the clip table.

    Notes
    -----
    Clips with frames on disk have onset < offset, and onset <= apex <= offset where there is
    an apex. Clips of a manifest have images instead of frames: their frame numbers are
    missing and `frames_dir` is empty.
    """
    import pandera.pandas as pa  # loading pandera takes longer than reading a sheet

    def ordered(table: pd.DataFrame) -> pd.Series:
        inside = (table["onset"] <= table["apex"]) & (table["apex"] <= table["offset"])
        return inside.fillna(True)

    def has_frames_or_none(table: pd.DataFrame) -> pd.Series:
        from_frames = table["frames_dir"] != ""
        numbered = (table["onset"] < table["offset"]).fillna(False)
        blank = table[FRAME_COLUMNS].isna().all(axis=1)
        return (from_frames & numbered) | (~from_frames & blank)

    def frame() -> pa.Column:
        return pa.Column("Int64", pa.Check.ge(0), nullable=True)

    filled = pa.Check.str_length(min_value=1)
    return pa.DataFrameSchema(
        {
            "dataset": pa.Column(str, filled),
            "subject": pa.Column(str, filled),
            "clip": pa.Column(str, filled),
            "onset": frame(),
            "apex": frame(),
            "offset": frame(),
            "apex_source": pa.Column(
                str, pa.Check(lambda c: c.isin(APEX_SOURCES) | c.map(is_spotted))
            ),
            "emotion": pa.Column(str),
            "label": pa.Column("category", nullable=False),
            "action_units": pa.Column(str),
            "fps": pa.Column(float, pa.Check.gt(0), nullable=True),
            "frames_dir": pa.Column(str),
        },
        checks=[
            pa.Check(ordered, error="onset <= apex <= offset"),
            pa.Check(has_frames_or_none, error="onset < offset where there are frames"),
            pa.Check(
                lambda table: (
                    table["apex"].isna()
                    == (table["apex_source"].eq("missing") | table["apex_source"].map(is_spotted))
                ),
                error="apex_source is 'missing' or 'spotted' exactly where apex is missing",
            ),
        ],
        unique=KEY,
        name="clip table",
    )


def finished(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table sorted by its key, numbered from 0 and checked against `clip_schema`."""
    return clip_schema().validate(
        table.sort_values(KEY, kind="stable", ignore_index=True), lazy=True
    )


def prefixed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with subjects named ``dataset-subject``.

    Two data sets may use one subject name for two people; prefixed, no fold can mix them.
    """
    return table.assign(subject=(table["dataset"] + "-" + table["subject"]).astype("str"))
