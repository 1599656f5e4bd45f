"""The named rules for what the annotations leave open, and the frame files they lead to."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from mer_utils.errors import MerError
from mer_utils.frames import FrameFile, VideoFrame, is_video, read_clip, spotting
from mer_utils.frames.layout import Listing, frame_names, printable
from mer_utils.phases import midpoint_apex
from mer_utils.registry import unknown

#: For each rule, what may be chosen.
RULES = {
    "missing_apex": ("skip_view", "drop", "midpoint", spotting.RULE),
    "degenerate_phase": ("skip_view", "drop_clip"),
    "missing_frames": ("error", "drop_clip"),
    "no_face": ("error", "drop_clip"),
}


def require_rule(rule: str, chosen: str) -> str:
    """Return what was chosen for a rule, if it is one of `RULES`, with method and version."""
    if rule == "missing_apex" and spotting.is_spotted(chosen):
        return spotting.complete_rule(chosen)
    if chosen not in RULES[rule]:
        raise unknown(f"rule {rule}", chosen, RULES[rule])
    return chosen


def missing_numbers(onset: int, offset: int, available: Container[int]) -> list[int]:
    """Return the frame numbers of onset..offset, both inclusive, that are not available."""
    return [number for number in range(onset, offset + 1) if number not in available]


def cut(onset: int, apex: int | None, offset: int, source: str) -> int | None:
    """Return the apex; of one that is yet to be spotted, a frame that leaves phases as it will."""
    return midpoint_apex(onset, offset) if spotting.is_spotted(source) else apex


@dataclass(frozen=True)
class ClipFrames:
    """The frames of a clip, onset to offset inclusive, and the apex's index into them.

    Where the apex is yet to be spotted on them, `spotted` is the rule.
    """

    paths: Sequence[FrameFile]
    apex: int | None
    spotted: str = ""


def clip_frames(clip_row: Any, listed: Mapping[Path, Listing] = MappingProxyType({})) -> ClipFrames:
    """Return the frame files of one row of the clip table: a Series, mapping or named tuple.

    What a folder holds is `listed`, or looked at now.

    Raises
    ------
    MerError
        As `clip_files`.
    """
    row = clip_row if hasattr(clip_row, "keys") else clip_row._asdict()
    apex = None if pd.isna(row["apex"]) else int(row["apex"]) - int(row["onset"])
    source = str(row.get("apex_source", ""))
    files = clip_files(row, listed)
    paths = [Path(file) if isinstance(file, str) else file for file in files]
    return ClipFrames(paths, apex, source if spotting.is_spotted(source) else "")


def clip_files(row: Any, listed: Mapping[Path, Listing]) -> list[str | VideoFrame]:
    """Return the files of one row of the clip table, in the order of the frames.

    As text: a path of its own for each would take longer than the file's time of change.

    Raises
    ------
    MerError
        ``missing frames``, ``renumbered frames``, ``missing frame folder``, or ``doubled frame``
        where two files claim one number.
    """
    folder, numbers = Path(row["frames_dir"]), range(int(row["onset"]), int(row["offset"]) + 1)
    if is_video(folder) and not folder.is_dir():
        return [VideoFrame(folder, number) for number in numbers]
    names = frame_names(folder, listed.get(folder))
    if missing_numbers(numbers[0], numbers[-1], names):
        raise missing_frames(folder, numbers[0], numbers[-1], names)
    return [f"{folder}{os.sep}{names[number]}" for number in numbers]


def load_clip(clip_row: Any) -> tuple[np.ndarray, int | None]:
    """Return the decoded frames (t, h, w, c) of one row of the clip table, and the apex's index."""
    found = clip_frames(clip_row)
    frames = read_clip(found.paths)
    return frames, spotting.spot_apex(frames, found.spotted) if found.spotted else found.apex


def left_out(reasons: Iterable[object]) -> str:
    """Say how many rows a rule leaves out, of the reasons why rows are; empty if none."""
    dropped = Counter(str(why) for why in reasons if re.search(r"=drop(_clip)?\)$", str(why)))
    return ", ".join(f"{count} for {why}" for why, count in dropped.most_common())


def missing_frames(folder: object, onset: int, offset: int, available: Collection[int]) -> MerError:
    """Return the error for frames of onset..offset that have no file, given the numbers there are.

    ``renumbered frames`` where exactly as many follow each other under other numbers.
    """
    missing = missing_numbers(onset, offset, available)
    count, wanted = len(available), offset - onset + 1
    first, last = min(available, default=0), max(available, default=0)
    shown = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
    there = f"{count} frames, {first}..{last}" if available else "none"
    kind, place = "missing frames", printable(folder)
    remedy = "copy the frames again; or choose missing_frames='drop_clip', in commands "
    remedy += "MER_MISSING_FRAMES=drop_clip"
    if available and len(missing) == wanted:
        remedy += "; or, where a table of clips counts anew in each folder, say so in counted_from"
    if count == wanted == last - first + 1:
        kind = "renumbered frames"
        remedy = f"add {onset - first} to the number in every file's name, as the sheet counts; or "
        remedy += "correct onset, apex and offset in a copy of the sheet"
    return MerError(
        kind,
        f"{len(missing)} of the {wanted} frames {onset}..{offset} are missing from {place}: "
        f"{shown}; it holds {there}",
        "a file for every frame from onset to offset",
        remedy,
        place,
    )
