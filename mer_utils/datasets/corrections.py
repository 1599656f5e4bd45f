"""Corrections of the sheets, as data: ``corrections.csv`` beside this module, and the user's own.

A row names data set, subject and clip, the field (onset, apex, offset, emotion or
action_units), the value that the sheet has (`old`), the value to use (`new`), the reason and
the source. It is applied by key, never by row number, and only where the sheet still says
`old`, so that a corrected edition of the sheet is left alone. A blank or ``/`` in `new` makes
an apex missing, and the rule for a missing apex then decides.

The file that comes with the package has no rows yet: sheets with wrong values are known (in
some copies of SAMM's, the apex of 028_4_1 and of 032_3_1 lies outside onset..offset), but no
source that we have read states the true values, and none are made up here. `load` names such
clips; a user who has looked at the frames passes a file of their own.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from mer_utils.datasets.problems import Problem
from mer_utils.datasets.rows import BLANKS, CELL_FIELDS, Row
from mer_utils.errors import MerError
from mer_utils.frames.layout import printable

COLUMNS = ("dataset", "subject", "clip", "field", "old", "new", "reason", "source")


@dataclass(frozen=True)
class Correction:
    """One row of a corrections file; the fields are its columns."""

    dataset: str
    subject: str
    clip: str
    field: str
    old: str
    new: str
    reason: str
    source: str


def _parse(content: str, name: str) -> list[Correction]:
    reader = csv.DictReader(io.StringIO(content, newline=""))
    header = tuple((title or "").strip() for title in reader.fieldnames or ())
    lacking = [column for column in COLUMNS if column not in header]
    if lacking:
        raise MerError(
            "bad corrections file",
            f"corrections file {name} lacks the column(s) {', '.join(lacking)}",
            f"the columns {', '.join(COLUMNS)}",
            "add them",
            name,
        )
    reader.fieldnames = list(header)
    found = []
    for number, cells in enumerate(reader, start=2):
        correction = Correction(*((cells[column] or "").strip() for column in COLUMNS))
        if correction.field not in CELL_FIELDS:
            raise MerError(
                "bad corrections file",
                f"row {number} of corrections file {name} names the field {correction.field!r}",
                f"one of {', '.join(CELL_FIELDS)}",
                "correct the row",
                name,
            )
        found.append(correction)
    return found


def packaged() -> list[Correction]:
    """Return the corrections that come with the package."""
    file = resources.files("mer_utils.datasets") / "corrections.csv"
    return _parse(file.read_text("utf-8"), "corrections.csv")


def read(path: str | Path) -> list[Correction]:
    """Read a corrections file of the user's.

    Raises
    ------
    MerError
        If it cannot be read, lacks a column or names an unknown field.
    """
    name = printable(path)
    try:
        content = Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MerError(
            "bad corrections file",
            f"corrections file {name} cannot be read ({error})",
            f"a UTF-8 CSV file with the columns {', '.join(COLUMNS)}",
            "name an existing file",
            name,
        ) from error
    return _parse(content, name)


def _same(one: str, other: str) -> bool:
    one, other = one.strip().lower(), other.strip().lower()
    return one == other or (one in BLANKS and other in BLANKS)


def apply(rows: list[Row], dataset: str, corrections: list[Correction]) -> list[Problem]:
    """Apply the corrections of `dataset` to the cells of `rows`, in order.

    Returns
    -------
    list of Problem
        A note for every correction that found no clip or another value than `old`.
    """
    by_key: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_key.setdefault((row.subject, row.clip), []).append(row)
    problems = []
    for correction in corrections:
        if correction.dataset != dataset:
            continue
        clip = f"{correction.subject} {correction.clip}"
        matching = by_key.get((correction.subject, correction.clip), [])
        changed = False
        for row in matching:
            if _same(row.cells.get(correction.field, ""), correction.old):
                row.cells[correction.field] = correction.new
                row.rules.append(f"correction:{correction.field}")
                changed = True
        if not changed:
            found = (
                f"the sheet has {matching[0].cells.get(correction.field)!r}, not {correction.old!r}"
                if matching
                else "the sheet has no such clip"
            )
            problems.append(
                Problem(
                    "note",
                    "correction not applied",
                    f"clip {clip}: the correction of {correction.field} was not applied: {found}",
                    "none needed if the sheet is already right; otherwise mend the corrections row",
                    clip,
                )
            )
    return problems
