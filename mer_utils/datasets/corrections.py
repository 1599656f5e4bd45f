"""Corrections of the sheets, as data: ``corrections.csv`` beside this module, and the user's own.

A row names data set, subject and clip, the field (onset, apex, offset, emotion or
action_units), the value that the sheet has (`old`), the value to use (`new`), the reason and
the source. It is applied by key, never by row number, and only where the sheet still says
`old`, so that a corrected edition of the sheet is left alone. A blank or ``/`` in `new` makes
an apex missing, and the rule for a missing apex then decides. A row is whole or refused: one
cut short does not make anything blank.

The file that comes with the package has no rows yet: sheets with wrong values are known (in
some copies of SAMM's, the apex of 028_4_1 and of 032_3_1 lies outside onset..offset), but no
source that we have read states the true values, and none are made up here. `load` names such
clips; a user who has looked at the frames passes a file of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from mer_utils.datasets.dataset import DATASETS
from mer_utils.datasets.problems import Problem, Severity, raise_errors
from mer_utils.datasets.rows import BLANKS, CELL_FIELDS, Row, frame, oddity, text
from mer_utils.datasets.sheets import Fields, read_sheet
from mer_utils.errors import MerError
from mer_utils.frames.layout import printable


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


COLUMNS = tuple(column.name for column in fields(Correction))
_FIELDS = Fields({column: (column,) for column in COLUMNS})


def packaged() -> list[Correction]:
    """Return the corrections that come with the package."""
    with resources.as_file(resources.files("mer_utils.datasets") / "corrections.csv") as path:
        return read(path)[0]


def read(path: str | Path, dataset: str = "") -> tuple[list[Correction], list[Problem]]:
    """Read a corrections file: a spreadsheet or text.

    Parameters
    ----------
    path : path
    dataset : str
        The name of the data set that is to be corrected, known beside the registered ones.

    Returns
    -------
    corrections : list of Correction
    problems : list of Problem
        What was guessed to read it, and how many corrections are of other data sets.

    Raises
    ------
    MerError
        ``bad corrections file``, if it cannot be read, lacks a column, or has a row that is not
        whole, contradicts another or names an unknown data set or field.
    """
    name = printable(path)
    expected, remedy = f"a CSV file with the columns {', '.join(COLUMNS)}", "mend the file"
    try:
        sheet = read_sheet(Path(path), _FIELDS)
        raise_errors(sheet.problems)
    except MerError as error:
        what = f"corrections file {name}: {error.what}"
        remedy = error.remedy if error.kind == "unreadable sheet" else remedy
        raise MerError("bad corrections file", what, expected, remedy, name) from error
    known = [*dict.fromkeys([*(n for n, kind in DATASETS.items() if kind.published), dataset])]
    found: dict[tuple[str, ...], int] = {}
    read_rows = []
    for number, cells in sheet.rows:
        correction = Correction(*(text(cells[column]) for column in COLUMNS))
        odd = [f"{column} {why}" for column in COLUMNS if (why := oddity(cells[column]))]
        first = found.setdefault(_key(correction), number)
        wrong = odd[0] if odd else _fault(correction, known)
        if not wrong and first != number:
            wrong = f"row {first} corrects the same field of the same clip"
        if wrong:
            raise MerError(
                "bad corrections file",
                f"row {number} of corrections file {name}: {wrong}",
                "whole rows, one for each field corrected",
                "correct the row",
                name,
            )
        read_rows.append(correction)
    problems, others = list(sheet.problems), [c.dataset for c in read_rows if c.dataset != dataset]
    if dataset and others:
        said = f"{len(others)} of the corrections are of {', '.join(sorted(set(others)))}: none "
        said += f"of them is applied to {dataset}"
        problems.append(
            Problem("note", "correction not applied", said, "none needed if that is meant")
        )
    return read_rows, problems


def _key(correction: Correction) -> tuple[str, ...]:
    return correction.dataset, correction.subject, correction.clip, correction.field


def _fault(correction: Correction, known: list[str]) -> str:
    """Return what is wrong with a row, "" if nothing is."""
    for column in ("dataset", "subject", "clip", "field", "reason", "source"):
        if not getattr(correction, column):
            return f"{column} is blank"
    if correction.dataset not in known:
        close = get_close_matches(correction.dataset.lower(), known, 1)
        hint = f"{close[0]!r} is close" if close else f"known are {', '.join(filter(None, known))}"
        return f"the data set {correction.dataset!r} is unknown; {hint}"
    if correction.field not in CELL_FIELDS:
        return f"the field {correction.field!r} is none of {', '.join(CELL_FIELDS)}"
    if correction.field in ("onset", "offset", "emotion") and correction.new.lower() in BLANKS:
        return f"new is blank, and a clip needs its {correction.field}"
    if not correction.new:  # left empty by oversight, it would take an annotation away
        return f"new is blank; / says that there is no {correction.field}"
    if correction.field in ("onset", "apex", "offset"):
        try:
            frame(correction.new)
        except ValueError as error:
            return f"new: {error}"
    if _same(correction.old, correction.new):
        return f"old and new are both {correction.old!r}"
    return ""


def _same(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    if one == other or (one in BLANKS and other in BLANKS):
        return True
    try:
        return frame(one) == frame(other)
    except ValueError:
        return False


def apply(rows: list[Row], dataset: str, corrections: list[Correction]) -> list[Problem]:
    """Apply the corrections of `dataset` to the cells of `rows`, in order.

    Returns
    -------
    list of Problem
        A note for every correction that found another value than `old`, a warning for one that
        found no clip.
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
        if changed:
            continue
        severity: Severity = "note"
        remedy = "none needed if the sheet is already right; otherwise mend the corrections row"
        if matching:
            has = matching[0].cells.get(correction.field)
            found = f"the sheet has {has!r}, not {correction.old!r}"
        else:
            severity, remedy = "warning", "name subject and clip as the ledger does"
            close = get_close_matches(clip, [" ".join(key) for key in by_key], 1)
            found = "the sheet has no such clip" + (f"; {close[0]!r} is close" if close else "")
        said = f"clip {clip}: the correction of {correction.field} was not applied: {found}"
        problems.append(Problem(severity, "correction not applied", said, remedy, clip))
    return problems
