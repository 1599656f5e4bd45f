"""Tables that people write, of clips or of images, one row each: found, and their rows read.

What the columns mean, `clips` and `manifest` say.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from mer_utils.datasets import schema
from mer_utils.datasets.plausible import Key
from mer_utils.datasets.problems import Problem
from mer_utils.datasets.rows import Row, oddity, text
from mer_utils.datasets.sheets import Fields, pick
from mer_utils.datasets.spreadsheets import read_tables
from mer_utils.errors import MerError
from mer_utils.frames import layout
from mer_utils.frames.layout import printable

SUFFIXES = (".csv", ".tsv", ".xlsx", ".parquet")
#: What programs write for a value that is not there; no name of anything.
NO_VALUE = ("", "nan", "nat", "null", "<na>")
#: What stands for an unknown person, and would make one subject of all of them; a label may be so.
_NOBODY = ("none", "n/a", "-", "/", "?")


def find(root: str | os.PathLike[str]) -> Path:
    """Return the file of a table: `root` itself, or the only table in that folder.

    Raises
    ------
    MerError
        ``missing sheet`` or ``several sheets``.
    """
    path = Path(root)
    if path.is_file():
        return path
    found = []
    if path.is_dir():
        found = [file for file in sorted(path.iterdir()) if file.suffix.lower() in SUFFIXES]
    if len(found) == 1:
        return found[0]
    raise MerError(
        "several sheets" if found else "missing sheet",
        f"folder {printable(path)} holds {len(found)} files that may be the table"
        if path.is_dir()
        else f"the table {printable(path)} does not exist",
        "one CSV, Excel or Parquet file",
        "name the table's file itself",
        printable(path),
    )


def read(
    path: Path,
    headers: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, str],
    place: str,
    worksheet: str = "",
    columns: tuple[str, ...] = (),
) -> tuple[list[Row], list[Problem]]:
    """Read the rows of a table, and say what was guessed to read them.

    Parameters
    ----------
    path : Path
    headers : mapping of str to tuple of str
        For each column the titles that name it.
    optional : mapping of str to str
        The columns that a table may lack, and what a row has without them.
    place : str
        The column of paths, which are relative to the table's folder.
    worksheet : str
        To read, where the file holds several; or the delimiter of a text file.
    columns : tuple of str
        The user's ``FIELD=COLUMN``.

    Raises
    ------
    MerError
        If the file cannot be read, or lacks a column or any row.
    """
    tables = read_tables(path)
    worksheet = worksheet.removeprefix(path.name).removeprefix(":")
    sheet = pick(path, tables, Fields(headers, tuple(optional), columns), worksheet)
    problems = list(sheet.problems)
    there = sheet.rows[0][1].keys() if sheet.rows else headers.keys()
    titles = [str(cell) for table in tables for cells in table.rows[:1] for cell in cells]
    for name in (name for name in optional if name not in there):
        for title in get_close_matches(name, titles, 1, 0.75):
            said = f"the column {title!r} is not read; is it {name}?"
            remedy = f"call it {name}, or rename it if it is something else"
            problems.append(Problem("warning", "odd sheet", said, remedy, printable(path)))
    rows = []
    for number, cells in sheet.rows:
        values = {name: text(cell) for name, cell in cells.items()}
        if isinstance(cells[place], str):  # a file's name may hold several spaces in a row
            values[place] = cells[place].strip()
        if not any(values.values()):
            continue
        filled = dict.fromkeys(headers, "") | dict(optional)
        filled |= {name: value for name, value in values.items() if value}
        dataset, subject, clip = (filled.pop(name) for name in schema.KEY)
        row = Row(number, subject, clip, filled, dataset=dataset)
        for name, cell in cells.items():
            if why := oddity(cell):
                row.odd_cell(name, why)
            elif name == "dataset" and not values[name]:
                row.fault("blank cell", f"{name} is blank", "a value", "fill in the cell")
        rows.append(row)
    if not rows:
        raise MerError(
            "empty sheet",
            f"the table {printable(path)} has a header but no row",
            "one row for each clip or image",
            "write the table again",
            printable(path),
        )
    if slashed := sum(_slash(row, place, path.parent) for row in rows):
        said = f"{slashed} paths are written with backslashes, read as slashes"
        problems.append(Problem("note", "odd sheet", said, "none needed", printable(path)))
    for name, default in optional.items():
        blank = sum(name in cells and not text(cells[name]) for _, cells in sheet.rows)
        if blank and default and name != "dataset":
            said = f"{blank} cells of {name} are blank, and taken for {default}"
            remedy = f"none needed if {default} is what they mean"
            problems.append(Problem("note", "odd sheet", said, remedy, printable(path)))
    return rows, problems


def _slash(row: Row, place: str, folder: Path) -> bool:
    """Read backslashes in a path as slashes, if that finds what it names."""
    name, slashed = row.cells[place], row.cells[place].replace("\\", "/")
    if slashed == name or os.path.exists(folder / name) or not os.path.exists(folder / slashed):
        return False
    row.cells[place] = slashed
    return True


def judge_blanks(row: Row, required: Iterable[str]) -> None:
    """Note the cells of a row that hold no value, in the key and in the `required` columns."""
    key = {"dataset": row.dataset, "subject": row.subject, "clip": row.clip}
    for name, value in (key | {name: row.cells[name] for name in required}).items():
        if value.lower() in (*NO_VALUE, *_NOBODY * (name == "subject")):
            row.fault("blank cell", f"{name} is {value or 'blank'}", "a value", "fill in the cell")


def judge_place(row: Row, name: str, folder: Path) -> Path | None:
    """Return where the column `name` of paths leads, None if that is no place inside `folder`."""
    path = folder / row.cells[name]
    if "\0" not in row.cells[name] and layout.is_inside(path, folder):
        return path
    row.fault(
        "name leaves the root",
        f"{name} {row.cells[name]!r} lies outside {printable(folder)}",
        "a path inside the table's folder",
        f"put the table into a folder above all its {name}",
    )
    return None


def joined_names(keys: Iterable[Key], path: Path) -> list[Problem]:
    """Return the error for two subjects who have one name once the data set's stands before it."""
    names = {key[:2] for key in keys}
    if len({name for name, _ in names}) < 2 or len(names) == len({"-".join(n) for n in names}):
        return []
    said = "two subjects have one name once the data set's stands before it"
    remedy = "rename one of the data sets or subjects"
    return [Problem("error", "near-duplicate names", said, remedy, printable(path))]
