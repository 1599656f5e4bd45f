"""Spreadsheet files as tables of raw cells, whatever program saved them.

Reads .xlsx (Excel, LibreOffice, openpyxl; cells merged downwards filled in), Parquet and delimited
text (comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252). The format is told by content, not by
suffix. What was guessed or filled in is said, and a cell that holds no value of its own is `Odd`.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.frames.layout import printable

MAX_BYTES = 50_000_000
MAX_UNPACKED = 300_000_000
MAX_COLUMNS = 64
_FAR = f"cells beyond column {MAX_COLUMNS} are not read"
#: Areas merged beyond this number of cells are decoration.
MAX_MERGED = 10_000
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}

Cells = list[Any]


@dataclass(frozen=True)
class Odd:
    """Stands in a cell that has no value of its own, and says why; as text it is blank."""

    why: str

    def __str__(self) -> str:
        return ""


@dataclass
class Table:
    """One worksheet, or a text file under one delimiter.

    `remarks` say what was guessed or filled in; `ragged` means that rows end where they were
    written, as those of text do; `fault` says why the table must not be used.
    """

    name: str
    rows: list[Cells]
    hidden: bool = False
    ragged: bool = False
    remarks: list[str] = field(default_factory=list)
    fault: str = ""


def unreadable(
    path: Path, why: str, remedy: str = "open it in a spreadsheet program and save it as .xlsx"
) -> MerError:
    """Make the error for a file that is no sheet, and why."""
    return MerError(
        "unreadable sheet",
        f"{printable(path)} cannot be read as a spreadsheet ({why})",
        "an .xlsx or .csv file",
        remedy,
        printable(path),
    )


def _workbook_tables(path: Path, content: bytes) -> Iterator[Table]:
    from openpyxl import load_workbook

    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MAX_UNPACKED:
            raise unreadable(path, f"it unpacks to more than {MAX_UNPACKED} bytes")
        names = packed.namelist()
        if "mimetype" in names:
            raise unreadable(path, "it is an OpenDocument file")
        if any(b"purl.oclc.org/ooxml" in packed.read(n) for n in names if n.endswith("book.xml")):
            raise unreadable(
                path,
                "it is a Strict Open XML workbook",
                "save it as Excel Workbook (.xlsx), not as Strict Open XML Spreadsheet",
            )
        sheets = [name for name in names if "worksheets/" in name and name.endswith(".xml")]
        calculated = any(re.search(rb"<(\w+:)?f[ >/]", packed.read(name)) for name in sheets)
    book = load_workbook(io.BytesIO(content), data_only=True)
    formulas = load_workbook(io.BytesIO(content)) if calculated else None
    for sheet in book.worksheets:
        cells = {at: cell.value for at, cell in sheet._cells.items() if cell.value is not None}
        if formulas is not None:
            for at, cell in formulas[sheet.title]._cells.items():
                # Of type "str" is a formula whose value is known to be the empty text.
                if cell.data_type == "f" and sheet._cells[at].data_type != "str":
                    cells.setdefault(at, Odd("is a formula without its computed value"))
        yield _worksheet(sheet, cells)


def _worksheet(sheet: Any, cells: dict[tuple[int, int], Any]) -> Table:
    filled = 0
    for area in sheet.merged_cells.ranges:
        if area.size["rows"] * area.size["columns"] > MAX_MERGED:
            continue
        top = cells.get((area.min_row, area.min_col))
        downwards = area.min_col == area.max_col
        filled += downwards and top is not None
        for row in range(area.min_row, area.max_row + 1):
            for column in range(area.min_col, area.max_col + 1):
                if (row, column) != (area.min_row, area.min_col):
                    cells[row, column] = top if downwards else Odd("is merged with another cell")
    by_row: dict[int, dict[int, Any]] = {}
    for (row, column), value in cells.items():
        if column <= MAX_COLUMNS and value is not None:
            by_row.setdefault(row, {})[column] = value
    width = max((max(found) for found in by_row.values()), default=0)
    blank: Cells = [None] * width
    rows = [
        [by_row[row].get(column) for column in range(1, width + 1)] if row in by_row else blank
        for row in range(1, max(by_row, default=0) + 1)
    ]
    folded = [range(d.min, d.max + 1) for d in sheet.column_dimensions.values() if d.hidden]
    counts = {
        "areas of merged cells are filled downwards": filled,
        "hidden rows are read like the others": sum(
            bool(sheet.row_dimensions[row].hidden) for row in by_row
        ),
        "hidden columns are read like the others": sum(
            any(column in columns for columns in folded) for column in range(1, width + 1)
        ),
        _FAR: sum(
            column > MAX_COLUMNS and value is not None for (_, column), value in cells.items()
        ),
    }
    remarks = [f"{n} {what}" for what, n in counts.items() if n]
    return Table(sheet.title, rows, sheet.sheet_state != "visible", remarks=remarks)


def _parquet_tables(path: Path, content: bytes) -> Iterator[Table]:
    import pandas as pd

    require("pyarrow", "stats")
    frame = pd.read_parquet(io.BytesIO(content))
    if any(frame.index.names):
        frame = frame.reset_index()
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    yield Table("parquet", [list(frame.columns), *rows])


def _decoded(path: Path, content: bytes) -> tuple[str, list[str]]:
    """Return the text, and what was guessed to read it."""
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16"), []
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise unreadable(
            path, "it is neither UTF-8 nor Windows-1252", "save it as CSV UTF-8, or as .xlsx"
        ) from error
    return text, ["the text is no UTF-8 and is read as Windows-1252"]


def _text_tables(path: Path, content: bytes) -> Iterator[Table]:
    text, remarks = _decoded(path, content)
    if "\0" in text:
        raise unreadable(path, "it is neither a workbook nor text")
    for name, delimiter in DELIMITERS.items():
        fault = ""
        try:
            try:
                rows = _split(text, delimiter, strict=True)
            except csv.Error as error:  # of a delimiter that is not the file's, perhaps
                fault, rows = str(error), _split(text, delimiter)
        except csv.Error as error:
            raise unreadable(path, str(error)) from error
        # An open quotation mark makes one cell of the lines down to the next mark.
        torn = [n for n, row in enumerate(rows, start=1) if any(_torn(c, delimiter) for c in row)]
        if torn:
            fault = fault or f"the quotation mark in row {torn[0]} is not closed"
        far = sum(bool(cell.strip()) for row in rows for cell in row[MAX_COLUMNS:])
        said = [*remarks, f"{far} {_FAR}"] if far else list(remarks)
        rows = [row[:MAX_COLUMNS] for row in rows]
        yield Table(name, rows, ragged=True, remarks=said, fault=fault)


def _split(text: str, delimiter: str, strict: bool = False) -> list[Cells]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict))


def _torn(cell: str, delimiter: str) -> bool:
    return "\n" in cell and cell.count(delimiter) >= 3


def read_tables(path: Path) -> list[Table]:
    """Return every table in a spreadsheet file as rows of raw cells.

    A workbook gives one table a worksheet; a text file gives one a delimiter.

    Raises
    ------
    MerError
        If the file is missing, too large, or no spreadsheet.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise unreadable(path, f"it is larger than {MAX_BYTES} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(
            path, error.strerror or str(error), "name a file that is there and may be read"
        ) from error
    if not content.strip():
        raise unreadable(path, "it is empty", "copy it again")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in content:
            remedy = "open it with its password and save a copy without one"
            raise unreadable(path, "it is encrypted with a password", remedy)
        raise unreadable(path, "it is in the old .xls format")
    binary = {b"PK": _workbook_tables, b"PAR1": _parquet_tables}
    tables = next((read for start, read in binary.items() if content.startswith(start)), None)
    if tables is None:
        return list(_text_tables(path, content))
    try:
        return list(tables(path, content))
    except MerError:
        raise
    except Exception as error:  # openpyxl and pyarrow raise almost anything on a damaged file
        raise unreadable(path, f"{type(error).__name__}: {error}") from error
