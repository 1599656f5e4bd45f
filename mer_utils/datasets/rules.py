"""The named rules for what the annotations leave open, one function each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mer_utils.datasets.layout import frame_files, printable
from mer_utils.datasets.problems import DataProblem, fail
from mer_utils.errors import MerError

MISSING_APEX = ("skip_view", "drop", "midpoint")
DEGENERATE_PHASE = ("skip_view", "drop_clip")
MISSING_FRAMES = ("error", "drop_clip", "nearest")


def require_option(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise `MerError` unless `value` is one of `allowed`."""
    if value not in allowed:
        raise MerError(
            "TODO",
            f"{name} {value!r} is unknown",
            f"one of {', '.join(allowed)}",
            "choose one of them",
        )


def missing_numbers(onset: int, offset: int, available: Iterable[int]) -> list[int]:
    """Return the frame numbers of onset..offset, both inclusive, that are not available."""
    there = set(available)
    return [number for number in range(onset, offset + 1) if number not in there]


def nearest_numbers(wanted: Iterable[int], available: Sequence[int]) -> list[int]:
    """Return for each wanted frame number the nearest available one, the earlier of two.

    Examples
    --------
    >>> nearest_numbers([1, 2, 3, 9], [1, 3, 4])
    [1, 1, 3, 4]
    """
    numbers = sorted(available)
    chosen = []
    for number in wanted:
        right = bisect_left(numbers, number)
        around = numbers[max(0, right - 1) : right + 1]
        chosen.append(min(around, key=lambda there: (abs(there - number), there)))
    return chosen


@dataclass(frozen=True)
class ClipFrames:
    """The frame files of one clip, onset to offset.

    Parameters
    ----------
    paths : list of Path
        One file a frame number of onset..offset, both inclusive, in order.
    apex : int or None
        Index into `paths` (from 0) of the apex frame.
    """

    paths: list[Path]
    apex: int | None


def _field(row: Any, name: str) -> Any:
    return row[name] if hasattr(row, "keys") else getattr(row, name)


def clip_frames(clip_row: Any, missing_frames: str = "error") -> ClipFrames:
    """Return the frame files of one row of the clip table.

    Parameters
    ----------
    clip_row : Series, mapping or named tuple
        One row of the clip table.
    missing_frames : {"error", "nearest", "drop_clip"}
        ``nearest`` lets the nearest existing frame of onset..offset stand in for a missing
        one, so that the number of frames and the apex keep their places. ``drop_clip`` is
        carried out by `load`; here it means ``error``.

    Raises
    ------
    MerError
        If frames are missing, the folder is missing, or two files claim one number.
    """
    require_option("missing_frames", missing_frames, MISSING_FRAMES)
    onset, offset = int(_field(clip_row, "onset")), int(_field(clip_row, "offset"))
    apex, folder = _field(clip_row, "apex"), _field(clip_row, "frames_dir")
    files = frame_files(folder)
    inside = [number for number in files if onset <= number <= offset]
    missing = missing_numbers(onset, offset, inside)
    if missing and (missing_frames != "nearest" or not inside):
        raise missing_frames_problem(folder, onset, offset, missing)
    numbers = nearest_numbers(range(onset, offset + 1), inside)
    index = None if pd.isna(apex) else int(apex) - onset
    return ClipFrames([files[number] for number in numbers], index)


def missing_frames_problem(
    folder: object, onset: int, offset: int, missing: list[int]
) -> DataProblem:
    """Return the error for frames of onset..offset that have no file."""
    shown = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
    return fail(
        "missing frames",
        f"{len(missing)} of the {offset - onset + 1} frames {onset}..{offset} are missing "
        f"from {printable(folder)}: {shown}",
        "a file for every frame from onset to offset",
        "copy the frames again; or choose missing_frames='drop_clip' or 'nearest', in commands "
        "MER_MISSING_FRAMES=drop_clip",
        printable(folder),
    )
