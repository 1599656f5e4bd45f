"""Annotation sheets: the one in a folder found, and its header located by content."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from pathlib import Path
from typing import Any

from mer_utils.datasets.problems import Problem, Severity
from mer_utils.datasets.rows import text
from mer_utils.datasets.spreadsheets import Cells, Odd, Table, read_tables, unreadable
from mer_utils.errors import MerError
from mer_utils.frames.layout import is_inside, printable
from mer_utils.machine import setting
from mer_utils.registry import unknown

#: Those of spreadsheet files; the likelier ones first, as only `MAX_SHEETS` files are read.
SHEET_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".tsv", ".txt")
MAX_HEADER_ROW = 100
MAX_SHEETS = 50
#: What stands for the options of ``mer check`` in commands that have none.
_SHEET = "where a command has no such option, MER_CASME2_SHEET or the like does"
_COLUMNS = "where a command has no such option, MER_CASME2_COLUMNS or the like does"

#: For each field of a clip, the header texts that name it; the first is the sheets' own.
HEADERS = {
    "subject": ("Subject", "Subjects", "Subject ID", "Sub"),
    "clip": ("Filename", "Clip", "Clip Name"),
    "onset": ("OnsetFrame", "Onset"),
    "apex": ("ApexFrame", "Apex"),
    "offset": ("OffsetFrame", "Offset"),
    "action_units": ("Action Units", "Action Unit", "AUs", "AU"),
    "emotion": ("Estimated Emotion", "Emotion"),
}
TITLES = {field: headers[0] for field, headers in HEADERS.items()}


@dataclass(frozen=True)
class Sheet:
    """The rows below the header of one table: number in the file (from 1), cells by field.

    `problems` say what was guessed to find and read it.
    """

    path: Path
    rows: list[tuple[int, dict[str, Any]]]
    problems: list[Problem]


@dataclass(frozen=True)
class Fields:
    """What a table is read for: for each field the header texts that name it.

    `chosen` are the user's ``FIELD=COLUMN``: a header's text, or the letter of the column.
    """

    headers: Mapping[str, tuple[str, ...]]
    optional: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for choice in self.chosen:
            field, _, column = choice.partition("=")
            if sum(other.partition("=")[0] == field for other in self.chosen) > 1:
                raise MerError(
                    "invalid option",
                    f"several columns are named for {field}: {', '.join(self.chosen)}",
                    "one column for each field",
                    f"name {field} once",
                )
            if field not in self.headers:
                raise unknown("column", field, list(self.headers))
            if not column.strip():
                raise MerError(
                    "invalid option",
                    f"column {choice!r} names no column",
                    "FIELD=COLUMN, such as apex=ApexFrame or apex=E",
                    "write the column's title or its letter after the equals sign",
                )

    @cached_property
    def choices(self) -> dict[str, str]:
        """The columns that the user names, by field."""
        return dict(choice.split("=", 1) for choice in self.chosen)

    @cached_property
    def _known(self) -> dict[str, set[str]]:
        """The texts that name a field, as `normalised` makes them."""
        choices = {field: (name,) for field, name in self.choices.items()}
        wanted = {**self.headers, **choices}
        return {field: {*map(normalised, names)} - {""} for field, names in wanted.items()}

    @property
    def required(self) -> list[str]:
        """The fields without which a table is none."""
        return [field for field in self.headers if field not in self.optional]

    def places(self, cells: Cells, letters: bool = True) -> dict[str, list[int]]:
        """Return the columns (from 0) that name each field in this row; a letter fits any row."""
        titles = [normalised(cell) if isinstance(cell, str) else "" for cell in cells]
        found = {}
        for field, known in self._known.items():
            found[field] = [i for i, title in enumerate(titles) if title in known]
            letter = self.choices.get(field, "").strip().upper()
            if letters and not found[field] and re.fullmatch("[A-Z]{1,2}", letter):
                column = reduce(lambda n, c: 26 * n + ord(c) - 64, letter, 0) - 1
                found[field] = [column] if column < len(cells) else []
        return {field: places for field, places in found.items() if places}

    def locate(self, table: Table) -> tuple[int, dict[str, list[int]]]:
        """Return the index of the header row and its columns; -1 and the best ones without it."""
        best: dict[str, list[int]] = {}
        for index, cells in enumerate(table.rows[:MAX_HEADER_ROW]):
            places = self.places(cells)
            if places.keys() >= set(self.required):
                return index, places
            best = max(best, places, key=len)
        return -1, best


ANNOTATIONS = Fields(HEADERS)


def normalised(cell: Any) -> str:
    """Return a cell's text in lower case, letters and digits only.

    Examples
    --------
    >>> normalised(" Onset Frame ")
    'onsetframe'
    """
    return _normalised(str(cell))


@lru_cache(maxsize=10_000)  # a sheet's cells say the same few things
def _normalised(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).lower()
    return "".join(character for character in plain if character.isalnum())


def read_sheet(path: Path, fields: Fields = ANNOTATIONS, worksheet: str = "") -> Sheet:
    """Read the one table of a spreadsheet file that has a header with every field: see `pick`."""
    return pick(path, read_tables(path), fields, worksheet)


def pick(path: Path, tables: list[Table], fields: Fields, worksheet: str = "") -> Sheet:
    """Read the one of the tables of a file that has a header with every field.

    The header is found by content among the first rows, so notes above it do no harm.
    Rows without any cell are passed over.

    Parameters
    ----------
    path : Path
        Of the file, for messages.
    tables : list of Table
    fields : Fields
    worksheet : str
        The table to read: a worksheet, or the delimiter of a text file (comma, semicolon, tab).

    Raises
    ------
    MerError
        If the file cannot be read, no table has the header, several have it, two columns fit
        one field, or one that the user named is not there.
    """
    if worksheet:
        names = [table.name for table in tables]
        if worksheet not in names:
            raise unknown(f"worksheet of {printable(path)}", worksheet, names)
        tables = [tables[names.index(worksheet)]]
    located = [(table, *fields.locate(table)) for table in tables]
    whole = [found for found in located if found[1] >= 0]
    filled = [(t, i, p) for t, i, p in whole if any(map(_is_filled, t.rows[i + 1 :]))] or whole[:1]
    if not filled:
        raise _lacking(path, fields, max((places for *_, places in located), key=len, default={}))
    sheets = [_below(path, *found, fields) for found in filled]
    if any(sheet.rows != sheets[0].rows for sheet in sheets):
        pairs = zip(filled, sheets, strict=True)
        found = [f"{_name(table)} ({len(s.rows)} rows)" for (table, *_), s in pairs]
        raise MerError(
            "several sheets",
            f"{printable(path)} holds {len(found)} tables that fit: {', '.join(found)}",
            "one table with these columns",
            f"name the one to read with --sheet, as in {path.name}:{filled[0][0].name} ({_SHEET})",
            printable(path),
        )
    table, chosen = filled[0][0], sheets[0]
    if absent := fields.choices.keys() - filled[0][2].keys():
        raise _lacking(path, fields, filled[0][2], sorted(absent))
    if table.hidden:
        chosen.problems.append(_said(path, f"{_name(table)} is hidden, and is the one read"))
    for other, index, places in located:
        if index < 0 and 2 * len(places) > len(fields.required):
            lacking = ", ".join(f for f in fields.required if f not in places)
            said = f"{_name(other)} is not read: it has no column for {lacking}"
            chosen.problems.append(_said(path, said, "warning"))
    return chosen


def _name(table: Table) -> str:
    kind = "the text split at each" if table.ragged else "worksheet"
    return f"{kind} {table.name if table.ragged else repr(table.name)}" + (
        ", hidden" if table.hidden else ""
    )


def _said(path: Path, what: str, severity: Severity = "note") -> Problem:
    remedy = "none needed if that is what you mean; --sheet FILE:WORKSHEET names another table "
    remedy += f"({_SHEET})"
    return Problem(severity, "odd sheet", f"{printable(path)}: {what}", remedy, printable(path))


def _is_filled(cells: Cells) -> bool:
    return any(cell is not None and str(cell).strip() for cell in cells)


def _lacking(
    path: Path, fields: Fields, best: dict[str, list[int]], wanted: Iterable[str] = ()
) -> MerError:
    titles = {field: headers[0] for field, headers in fields.headers.items()} | fields.choices
    lacking = [titles[field] for field in wanted or fields.required if field not in best]
    return MerError(
        "missing column",
        f"{printable(path)} has no header row with the column"
        f"{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}",
        f"a row with the titles {', '.join(titles.values())}",
        f"restore the header, name the column with --column FIELD=TITLE ({_COLUMNS}), or copy the "
        "right file there",
        printable(path),
    )


def _below(
    path: Path, table: Table, index: int, places: dict[str, list[int]], fields: Fields
) -> Sheet:
    """Read the rows below a header."""
    if table.fault:
        raise unreadable(path, table.fault, "close every quotation mark, or save it as .xlsx")
    header = table.rows[index]
    width = max((i for i, cell in enumerate(header) if text(cell)), default=0) + 1
    titles, rows, repeated, faults = [normalised(c) for c in header[:width]], [], [], []
    for number, cells in enumerate(table.rows[index + 1 :], start=index + 2):
        if not _is_filled(cells):
            continue
        again = fields.places(cells, letters=False).keys() >= set(fields.required)
        same = [normalised(cell) for cell in cells[:width]] == titles
        if again or same:
            if not same and fields.places(cells) != places:
                said = f"row {number} of {_name(table)} is a second header, in another order"
                raise _ambiguous(path, said, "", "give each table a file or worksheet of its own")
            repeated.append(number)
            cells = [None] * len(cells)
        if table.ragged and any(map(text, cells[width:])):
            said = f"row {number} has {len(cells)} cells, the header {width}"
            remedy = "put quotation marks round the cell that holds the delimiter"
            where = f"{printable(path)}: {said}"
            faults.append(Problem("error", "odd cell", where, remedy, printable(path), "as many"))
        short = Odd("is absent: the row is cut short")
        rows.append((number, [*cells, *[short] * (width - len(cells))]))
    columns = {f: _one_column(path, header, rows, f, at) for f, at in places.items()}
    for field, column in columns.items():
        for other in (f for f, c in columns.items() if c == column and f != field):
            said = f"column {_letter(column)} ({header[column]!r}) is named for {field} and {other}"
            raise _ambiguous(path, said, "a column for each", "correct --column or the setting")
    remarks = list(table.remarks)
    lettered = [re.fullmatch("[A-Za-z]{1,2}", c.strip()) for c in fields.choices.values()]
    if all(lettered) and fields.choices.keys() >= set(fields.required):
        shown = ", ".join(text(cell) for cell in header)
        said = f"row {index + 1} is taken for the header, as letters fit any: {shown}"
        faults.append(_said(path, said, "warning"))
    if repeated:
        remarks.append(f"row {', '.join(map(str, repeated))} repeats the header, and is left out")
    problems = [*faults, *(_said(path, f"{_name(table)}: {remark}") for remark in remarks)]
    return Sheet(
        path, [(n, {f: cells[i] for f, i in columns.items()}) for n, cells in rows], problems
    )


def _one_column(
    path: Path, header: Cells, rows: list[tuple[int, Cells]], field: str, places: list[int]
) -> int:
    """Return the column of a field; two with the same cells are one."""
    first, *others = places
    for number, cells in rows:
        for other in others:
            if text(cells[first]) != text(cells[other]):
                named = " and ".join(f"{_letter(i)} ({header[i]!r})" for i in places)
                raise _ambiguous(
                    path,
                    f"columns {named} both fit {field}, and differ in row {number}",
                    f"one column for {field}",
                    f"name the one to read: --column {field}={_letter(first)} or "
                    f"{field}={_letter(other)} ({_COLUMNS})",
                )
    return first


def _letter(column: int) -> str:
    return (chr(64 + column // 26) if column >= 26 else "") + chr(65 + column % 26)


def _ambiguous(path: Path, said: str, expected: str, remedy: str) -> MerError:
    what = f"{printable(path)}: {said}"
    return MerError("ambiguous column", what, expected or "one header", remedy, printable(path))


def candidates(root: Path) -> list[Path]:
    """Return the spreadsheet files directly in `root`, workbooks before text, sorted by name."""
    try:
        entries = list(root.iterdir())
    except OSError:  # a folder below the root that may not be read
        return []
    found = (
        path
        for path in entries
        if path.suffix.lower() in SHEET_SUFFIXES
        and not path.name.startswith((".", "~$"))
        and path.is_file()
        and is_inside(path, root)
    )
    return sorted(found, key=lambda path: (SHEET_SUFFIXES.index(path.suffix.lower()), path.name))


def settings(name: str) -> dict[str, Any]:
    """Return which sheet and columns of a data set the user's environment names.

    ``MER_CASME2_SHEET`` is a file, ``FILE:WORKSHEET`` or ``:WORKSHEET``;
    ``MER_CASME2_COLUMNS`` lists ``FIELD=COLUMN``, separated by commas.
    """
    columns = setting(f"MER_{name.upper()}_COLUMNS") or ""
    chosen = {
        "sheet": setting(f"MER_{name.upper()}_SHEET"),
        "columns": tuple(word.strip() for word in columns.split(",") if word.strip()),
    }
    return {option: value for option, value in chosen.items() if value}


def split_name(root: Path, sheet: str | Path) -> tuple[str, str]:
    """Return the file and the worksheet that ``FILE``, ``FILE:WORKSHEET`` or ``:WORKSHEET`` name.

    Examples
    --------
    >>> split_name(Path("data"), "codes.xlsx:Final"), split_name(Path("data"), ":Final")
    (('codes.xlsx', 'Final'), ('', 'Final'))
    """
    name = str(sheet)
    if ":" not in name or (root / name).is_file():
        return name, ""
    file, _, worksheet = name.rpartition(":")
    return file, worksheet


def find_sheet(
    root: Path,
    title: str,
    example: str,
    sheet: str | Path | None = None,
    columns: tuple[str, ...] = (),
    fields: Fields | None = None,
) -> Sheet:
    """Read the one spreadsheet in `root` that has an annotation sheet's header.

    `title` and `example` name the data set and its original sheet in messages; `sheet` is the
    file to read (or file and worksheet), where `root` holds several, and relative to it;
    `columns` are the user's ``FIELD=COLUMN``; `fields` are others than those of the known sheets.

    Raises
    ------
    MerError
        ``missing sheet``, ``several sheets``, or why the only ones cannot be read.
    """
    fields = fields or Fields(HEADERS, chosen=columns)
    file, worksheet = ("", "") if sheet is None else split_name(root, sheet)
    if file:
        named = root / file
        if not is_inside(named, root):
            raise MerError(
                "name leaves the root",
                f"sheet {printable(file)} lies outside {printable(root)}",
                "a file inside the root",
                "copy the sheet into the root",
                printable(file),
            )
        return read_sheet(named, fields, worksheet)
    files = candidates(root)
    if not files:
        raise MerError(
            "missing sheet",
            f"no spreadsheet lies in {printable(root)}",
            f"the annotation sheet of {title}, such as {example}",
            f"copy the sheet into {printable(root)}, or point the root at the folder that holds it",
            printable(root),
        )
    readable: list[Sheet] = []
    failures: list[MerError] = []
    for path in files[:MAX_SHEETS]:
        try:
            readable.append(read_sheet(path, fields, worksheet))
        except MerError as failure:
            failures.append(failure)
    # A file that would be a sheet but for one decision is a second one.
    undecided = [f for f in failures if f.kind in ("several sheets", "ambiguous column")]
    if len(readable) + len(undecided) > 1:
        names = [found.path.name for found in readable] + [Path(f.place).name for f in undecided]
        raise MerError(
            "several sheets",
            f"{len(names)} annotation sheets lie in {printable(root)}: "
            + ", ".join(map(printable, names)),
            "one annotation sheet",
            f"name one with --sheet, as in {names[0]} ({_SHEET}), or move all but one out of the "
            "folder",
            printable(root),
        )
    if readable:
        (found,) = readable
        for beside in failures:
            if beside.kind != "missing column":
                found.problems.append(_said(found.path, f"beside it, {beside.what}", "warning"))
        return found
    # The most telling failure: an ambiguity, then a sheet that lacks columns; last some stray file.
    telling = ["several sheets", "ambiguous column", "missing column"]
    raise min(failures, key=lambda f: (f.kind not in telling, f.kind == "missing column"))
