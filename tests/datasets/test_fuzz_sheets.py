"""Fuzzing the sheet reader: whatever a file holds, it is read or refused with a remedy."""

from __future__ import annotations

import csv
import io
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import CASME2_HEADER, CASME2_NAME, CASME2_ROWS, casme2_row, write_casme2, write_xlsx

from mer_utils import datasets
from mer_utils.datasets import schema, sheets, spreadsheets
from mer_utils.errors import MerError

SETTINGS = settings(max_examples=50, deadline=None)

ODD_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
CELLS = st.one_of(
    st.none(),
    st.integers(-(10**12), 10**12),
    st.floats(),
    st.booleans(),
    st.sampled_from(["/", "EP02_01f", "../..", "happiness", "Subject", "12", "46", "4+L10", " "]),
    ODD_TEXT,
)
NEAR = st.one_of(
    st.integers(0, 12), CELLS
)  # frame numbers near the made ones, so that valid rows occur
ROWS = st.lists(
    st.builds(
        casme2_row,
        st.one_of(st.integers(1, 2), CELLS),
        st.one_of(st.sampled_from(["EP02_01f", "EP03_02"]), CELLS),
        NEAR,
        NEAR,
        NEAR,
        st.one_of(st.sampled_from(["happiness", "fear", "Others"]), CELLS),
        CELLS,
    ),
    max_size=6,
)


@cache
def folder() -> Path:
    """Return a root whose two clips have frames 0..12; kept for the whole test run."""
    holder = tempfile.TemporaryDirectory()
    folder.holder = holder  # type: ignore[attr-defined]
    rows = [casme2_row(1, "EP02_01f", 0, 5, 12, "x"), casme2_row(2, "EP03_02", 0, 5, 12, "x")]
    root = write_casme2(Path(holder.name), rows)
    (root / CASME2_NAME).unlink()
    return root


def assert_accounted_for(root: Path) -> None:
    """Assert that check never fails, load succeeds exactly without errors, the ledger adds up."""
    found = datasets.Casme2(root).check()
    datasets.to_json(found).encode("utf-8")
    try:
        table = datasets.Casme2(root).clips()
    except MerError:
        assert datasets.worst(found) == "error"
        return
    assert datasets.worst(found) != "error"
    schema.clip_schema().validate(table)
    lines = datasets.Casme2(root).ledger()
    assert (lines["status"] == "used").sum() == len(table)
    assert datasets.reasons(lines)["rows"].sum() == len(lines)
    assert all(Path(place).is_relative_to(root) for place in table["frames_dir"])


@SETTINGS
@given(ROWS)
@pytest.mark.scenario("G")
def test_any_cells_in_a_text_sheet(rows):
    root = folder()
    with open(root / "sheet.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([CASME2_HEADER, CASME2_ROWS[0], CASME2_ROWS[0], *rows])
    assert_accounted_for(root)
    with open(root / "sheet.csv", "w", newline="", encoding="utf-8") as file:
        good = casme2_row(1, "EP02_01f", 0, 5, 12, "happiness")
        csv.writer(file).writerows([CASME2_HEADER, good, *rows])
    assert_accounted_for(root)
    (root / "sheet.csv").unlink()


@SETTINGS
@given(st.binary(max_size=400) | ODD_TEXT.map(str.encode))
@pytest.mark.scenario("G")
def test_any_bytes(content):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / CASME2_NAME
        path.write_bytes(content)
        for read in (spreadsheets.read_tables, sheets.read_sheet):
            with suppress(MerError):  # any other exception fails the test
                read(path)
        assert datasets.worst(datasets.Casme2(name).check()) == "error"


@cache
def workbook() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        return write_xlsx(Path(name) / "x.xlsx", [CASME2_HEADER, *CASME2_ROWS]).read_bytes()


@SETTINGS
@given(st.data())
@pytest.mark.scenario("G")
def test_a_damaged_workbook(data):
    content = bytearray(workbook())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(content)))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / CASME2_NAME
        path.write_bytes(bytes(content[:cut]))
        with suppress(MerError):  # any other exception fails the test
            sheet = sheets.read_sheet(path)
            assert all(set(cells) == set(sheets.HEADERS) for _, cells in sheet.rows)


@SETTINGS
@given(st.lists(st.lists(ODD_TEXT, max_size=4), max_size=4), st.sampled_from(",;\t"))
def test_text_tables_are_those_of_the_csv_module(rows, delimiter):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter).writerows([["marker"], *rows])
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "x.csv"
        path.write_bytes(buffer.getvalue().encode("utf-8"))
        tables = spreadsheets.read_tables(path)
    expected = list(csv.reader(io.StringIO(buffer.getvalue(), newline=""), delimiter=delimiter))
    assert expected in [table.rows for table in tables]


FIELDS = [*sheets.HEADERS, "apx", ""]
COLUMNS = [
    "A",
    "B",
    "D",
    "E",
    "F",
    "H",
    "I",
    "ZZ",
    "ApexFrame",
    "Onset Frame",
    " i ",
    "",
    "=",
    "\0",
]


@SETTINGS
@given(
    st.lists(st.tuples(st.sampled_from(FIELDS), st.sampled_from(COLUMNS) | ODD_TEXT), max_size=4),
    st.none() | st.sampled_from([CASME2_NAME, ":Sheet", ":", "x:y:z", "../x", "\0", "x" * 300]),
)
@pytest.mark.scenario("G")
def test_any_choice_of_sheet_and_columns(chosen, sheet):
    rows = [casme2_row(s, f"EP0{s + 1}_0{s}", 0, 5, 12, "happiness") for s in (1, 2)]
    root = folder()
    write_xlsx(root / CASME2_NAME, [CASME2_HEADER, *rows])
    options = {"columns": tuple(map("=".join, chosen)), "sheet": sheet}
    with suppress(MerError):  # any other exception fails the test
        table = datasets.Casme2(root, **options).clips()
        assert datasets.worst(datasets.Casme2(root, **options).check()) != "error"
        # What is named is what is read: letters by their column, titles by their name.
        cells = dict(zip("ABCDEFGHI", rows[0], strict=True))
        frames = {field: cells.get(c) for field, c in chosen if field in ("onset", "offset")}
        for field, cell in frames.items():
            assert cell is None or table[field].eq(cell).any()
    (root / CASME2_NAME).unlink()
