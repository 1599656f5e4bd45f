"""The rows of a data set before any rule is applied."""

from __future__ import annotations

import datetime
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mer_utils.datasets.problems import Problem
from mer_utils.datasets.spreadsheets import Odd
from mer_utils.frames.layout import Listing

#: What the sheets write where no value was annotated.
BLANKS = frozenset({"", "/", "-", "nan", "none", "n/a"})
MAX_FRAME = 10**9
#: The cells of a row that describe the clip, and that a correction may change.
CELL_FIELDS = ("onset", "apex", "offset", "emotion", "action_units")
_RETYPE = "type the value itself into the cell of a copy of the sheet, as text"
_ERROR_VALUE = re.compile(r"#(REF!|N/A|DIV/0!|VALUE!|NAME\?|NULL!|NUM!|SPILL!|CALC!)")


@dataclass
class Row:
    """One row of a sheet (or one clip folder) on its way to the clip table.

    `number` counts rows of the sheet from 1. `cells` holds the text of `CELL_FIELDS`, corrections
    applied; a field is absent where the reader has already noted a fault in its place. `reason`
    says why the row is left out, and is empty for a used row; `rules` names the rules applied,
    `faults` what is wrong. Frame numbers are None where blank or unread; `shift` is what is added
    to those in the cells, where a table counts otherwise than the frames are numbered.
    """

    number: int
    subject: str = ""
    clip: str = ""
    cells: dict[str, str] = field(default_factory=dict)
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    emotion: str = ""
    action_units: str = ""
    apex_source: str = "annotated"
    label: str = ""
    frames_dir: Path | None = None
    reason: str = ""
    rules: list[str] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)
    dataset: str = ""
    fps: float = math.nan
    shift: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """Data set, subject and clip."""
        return self.dataset, self.subject, self.clip

    @property
    def place(self) -> str:
        """Name the clip for messages."""
        return f"clip {self.subject} {self.clip} (row {self.number})"

    def fault(self, kind: str, message: str, expected: str, remedy: str) -> None:
        """Note what is wrong with this row."""
        corrected = [rule.removeprefix("correction:") for rule in self.rules]
        corrected = [name for name in corrected if name in CELL_FIELDS and name in message]
        if corrected:
            remedy = f"mend the corrections row of {', '.join(corrected)}, or correct a copy of "
            remedy += "the sheet"
        self.faults.append(
            Problem("error", kind, f"{self.place}: {message}", remedy, self.place, expected)
        )

    def odd_cell(self, field: str, why: str) -> None:
        """Note a cell that does not say what was typed."""
        self.fault("odd cell", f"{field} {why}", "the value itself", _RETYPE)


@dataclass
class Source:
    """What was read of a data set.

    `place` is the sheet, or the folder where there is none; `base` the folder of the subjects'
    folders, None if not found; `listings` what the clip folders hold, as far as they are listed.
    `free` is true if the rows name where frames lie, so that other folders are nobody's.
    """

    rows: list[Row]
    place: Path
    base: Path | None
    problems: list[Problem] = field(default_factory=list)
    listings: dict[Path, Listing] = field(default_factory=dict)
    free: bool = False


def text(cell: Any) -> str:
    """Return a cell as text without outer spaces; whole numbers without a decimal point.

    Examples
    --------
    >>> text(12.0), text("  EP02_01f "), text(None)
    ('12', 'EP02_01f', '')
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split())


def oddity(cell: Any) -> str:
    """Return why a cell does not say what was typed, "" if it does.

    Examples
    --------
    >>> oddity(datetime.datetime(2014, 5, 8)), oddity("#REF!"), oddity("46")
    ('is the date 2014-05-08', 'is the error value #REF!', '')
    """
    if isinstance(cell, Odd):
        return cell.why
    if isinstance(cell, bytes | list | dict | set | tuple) or hasattr(cell, "shape"):
        return f"holds {type(cell).__name__}, neither text nor a number"
    if isinstance(cell, datetime.date | datetime.time | datetime.timedelta):
        return f"is the date {str(cell).removesuffix(' 00:00:00')}"
    if isinstance(cell, str) and _ERROR_VALUE.fullmatch(cell.strip()):
        return f"is the error value {cell.strip()}"
    return ""


def frame(cell: Any) -> int | None:
    """Return the frame number in a cell, None where the cell is blank.

    Raises
    ------
    ValueError
        If the cell holds anything but one whole number of 0 or more. ``12.000`` is refused: it
        is twelve in some countries and twelve thousand in others.

    Examples
    --------
    >>> frame(46.0), frame(" 46 "), frame("/")
    (46, 46, None)
    """
    written = text(cell)
    if written.lower() in BLANKS:
        return None
    number = re.fullmatch(r"([0-9]{1,12})(\.0{1,2})?", written)
    if number and not isinstance(cell, bool) and int(number[1]) <= MAX_FRAME:
        return int(number[1])
    if re.fullmatch(r"-[0-9.]+", written):
        raise ValueError(f"frame number {written[:40]} is negative")
    if re.fullmatch(r"[0-9]+\.[0-9]+", written):
        raise ValueError(f"frame number {written[:40]} is fractional, or has a thousands mark")
    several = sum(part.isdigit() for part in re.split(r"[\W_]+", written)) > 1  # 1e0 is one word
    raise ValueError(
        f"{written[:40]!r} is not a frame number" + (", but several" if several else "")
    )


def leave_few(rows: Iterable[Row], at_most: int | None) -> None:
    """Leave out the rows of all subjects but so many, those who have most rows in use."""
    used = [row for row in rows if not row.reason]
    counts = Counter(row.key[:2] for row in sorted(used, key=lambda row: row.key))
    kept = {subject for subject, _ in counts.most_common(at_most)}
    for row in used:
        if row.key[:2] not in kept:
            row.reason = f"not among the {at_most} subjects with most clips (at_most={at_most})"


def interpret(row: Row) -> None:
    """Fill in a row's frame numbers, emotion and action units from its cells, noting faults."""
    row.emotion = row.cells.get("emotion", "").lower()
    row.action_units = row.cells.get("action_units", "")
    for name in ("onset", "apex", "offset"):
        if name not in row.cells:  # the reader has said why
            continue
        remedy = f"correct the cell in a copy of the sheet, or add a corrections row for {name}"
        try:
            number = frame(row.cells[name])
        except ValueError as error:
            row.fault("bad frame number", f"{name} {error}", "a whole number of 0 or more", remedy)
            continue
        setattr(row, name, None if number is None else number + row.shift)
        if number is None and name != "apex":
            row.fault("missing frame number", f"{name} is blank", "a frame number", remedy)
