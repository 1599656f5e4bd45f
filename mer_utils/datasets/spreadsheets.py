"""Spreadsheet files as tables of raw cells, whatever program saved them.

Reads .xlsx (Excel, LibreOffice, openpyxl; merged cells filled in) and delimited text (comma,
semicolon or tab; UTF-8, UTF-16 or Windows-1252). The format is told by content, not by suffix.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mer_utils.errors import MerError
from mer_utils.frames.layout import printable

MAX_BYTES = 50_000_000
MAX_UNPACKED = 300_000_000
MAX_COLUMNS = 64
MAX_EMPTY_ROWS = 1000

Cells = list[Any]


def _unreadable(path: Path, why: str) -> MerError:
    return MerError(
        "unreadable sheet",
        f"{printable(path)} cannot be read as a spreadsheet ({why})",
        "an .xlsx or .csv file",
        "open it in a spreadsheet program and save it as .xlsx",
        printable(path),
    )


def _workbook_tables(path: Path, content: bytes) -> Iterator[list[Cells]]:
    from openpyxl import load_workbook

    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MAX_UNPACKED:
            raise _unreadable(path, f"it unpacks to more than {MAX_UNPACKED} bytes")
        if "mimetype" in packed.namelist():
            raise _unreadable(path, "it is an OpenDocument file")
    book = load_workbook(io.BytesIO(content), data_only=True)
    for sheet in book.worksheets:
        merged: dict[tuple[int, int], Any] = {}
        for area in sheet.merged_cells.ranges:
            # Only areas of a table's size: a merged million-row column is decoration.
            if area.size["rows"] * area.size["columns"] <= 10_000:
                top = sheet.cell(area.min_row, area.min_col).value
                merged |= {
                    (row, column): top
                    for row in range(area.min_row, area.max_row + 1)
                    for column in range(area.min_col, area.max_col + 1)
                    if area.min_col == area.max_col  # sideways merges are titles
                }
        table: list[Cells] = []
        empty = 0
        for number, values in enumerate(
            sheet.iter_rows(max_col=min(sheet.max_column, MAX_COLUMNS), values_only=True), start=1
        ):
            cells = [merged.get((number, i), value) for i, value in enumerate(values, start=1)]
            empty = 0 if any(cell is not None for cell in cells) else empty + 1
            if empty > MAX_EMPTY_ROWS:
                break
            table.append(cells)
        yield table


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _text_tables(path: Path, content: bytes) -> Iterator[list[Cells]]:
    text = _decoded(content)
    if "\0" in text:
        raise _unreadable(path, "it is neither a workbook nor text")
    for delimiter in ",;\t":
        try:
            yield [
                row[:MAX_COLUMNS]
                for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            ]
        except csv.Error as error:
            raise _unreadable(path, str(error)) from error


def read_tables(path: Path) -> list[list[Cells]]:
    """Return every table in a spreadsheet file as rows of raw cells.

    A workbook gives one table a worksheet; a text file gives one a delimiter.

    Raises
    ------
    MerError
        If the file is missing, too large, or no spreadsheet.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _unreadable(path, f"it is larger than {MAX_BYTES} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if not content.strip():
        raise _unreadable(path, "it is empty")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise _unreadable(path, "it is in the old .xls format")
    if not content.startswith(b"PK"):
        return list(_text_tables(path, content))
    try:
        return list(_workbook_tables(path, content))
    except MerError:
        raise
    except Exception as error:  # openpyxl raises almost anything on a damaged workbook
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error
