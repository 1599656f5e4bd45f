"""Annotation sheets: the one in a folder found, and its header located by content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mer_utils.datasets.spreadsheets import Cells, read_tables
from mer_utils.errors import MerError
from mer_utils.frames.layout import is_inside, printable

#: Those of spreadsheet files; the likelier ones first, as only `MAX_SHEETS` files are read.
SHEET_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".tsv", ".txt")
MAX_HEADER_ROW = 100
MAX_SHEETS = 50

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
    """The rows below the header of one spreadsheet: number in the file (from 1), cells by field."""

    path: Path
    rows: list[tuple[int, dict[str, Any]]]


def normalised(cell: Any) -> str:
    """Return a cell's text in lower case, letters and digits only.

    Examples
    --------
    >>> normalised(" Onset Frame ")
    'onsetframe'
    """
    return "".join(character for character in str(cell).lower() if character.isalnum())


#: The same, normalised: header text to field.
FIELDS = {normalised(header): field for field, all_ in HEADERS.items() for header in all_}


def header_columns(cells: Cells) -> dict[str, int]:
    """Return the column index (from 0) of every field that this row of cells names."""
    found: dict[str, int] = {}
    for index, cell in enumerate(cells):
        field = FIELDS.get(normalised(cell)) if isinstance(cell, str) else None
        if field is not None:
            found.setdefault(field, index)
    return found


def read_sheet(path: Path) -> Sheet:
    """Read the first table of the file that has a header with every field of `HEADERS`.

    The header is found by content among the first rows, so notes above it do no harm.
    Rows without any cell are passed over.

    Raises
    ------
    MerError
        If the file cannot be read, or no row holds the whole header.
    """
    best: dict[str, int] = {}
    for table in read_tables(path):
        for index, cells in enumerate(table[:MAX_HEADER_ROW]):
            columns = header_columns(cells)
            if len(columns) == len(HEADERS):
                rows = [
                    (number, {f: row[i] if i < len(row) else None for f, i in columns.items()})
                    for number, row in enumerate(table[index + 1 :], start=index + 2)
                    if any(cell is not None and str(cell).strip() for cell in row)
                ]
                return Sheet(path, rows)
            best = max(best, columns, key=len)
    lacking = [TITLES[field] for field in HEADERS if field not in best]
    raise MerError(
        "missing column",
        f"{printable(path)} has no header row with the column"
        f"{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}",
        f"a row with the titles {', '.join(TITLES.values())}",
        "restore the header of the original sheet, or copy that sheet there if this is no sheet",
        printable(path),
    )


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


def find_sheet(root: Path, title: str, example: str, sheet: str | Path | None = None) -> Sheet:
    """Read the one spreadsheet in `root` that has an annotation sheet's header.

    `title` and `example` name the data set and its original sheet in messages; `sheet` is the
    file to read, where `root` holds several, and relative to it.

    Raises
    ------
    MerError
        ``missing sheet``, ``several sheets``, or why the only ones cannot be read.
    """
    if sheet is not None:
        named = root / sheet
        if not is_inside(named, root):
            raise MerError(
                "name leaves the root",
                f"sheet {printable(sheet)} lies outside {printable(root)}",
                "a file inside the root",
                "copy the sheet into the root",
                printable(sheet),
            )
        return read_sheet(named)
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
            readable.append(read_sheet(path))
        except MerError as failure:
            failures.append(failure)
    if len(readable) > 1:
        names = ", ".join(printable(found.path.name) for found in readable)
        raise MerError(
            "several sheets",
            f"{len(readable)} annotation sheets lie in {printable(root)}: {names}",
            "one annotation sheet",
            "move all but one out of the folder; to read one of them all the same, name it "
            "(mer check --sheet, or the argument sheet of load)",
            printable(root),
        )
    if readable:
        return readable[0]
    # The most telling failure: a sheet that lacks columns rather than some stray text file.
    raise min(failures, key=lambda failure: failure.kind != "missing column")
