"""Spreadsheets that can be read in two ways: an error or a finding, and the option that decides."""

from __future__ import annotations

import datetime
import zipfile

import pytest
from helpers import findings, raises
from made_data import (
    CASME2_HEADER,
    CASME2_NAME,
    casme2_row,
    jpeg,
    write_casme2,
    write_csv,
    write_xlsx,
)
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner

from mer_utils import datasets
from mer_utils.cli.main import app
from mer_utils.datasets import rows, sheets

pytestmark = pytest.mark.scenario("G")

CLIPS = [
    casme2_row(s, clip, 46, 59, 86, emotion)
    for s in (1, 2)
    for clip, emotion in (("EP02_01f", "happiness"), ("EP03_02", "surprise"))
]
MAIN = [CASME2_HEADER, *CLIPS]
PILOT = [CASME2_HEADER, casme2_row(1, "EP02_01f", 46, 60, 86, "disgust")]


@pytest.fixture
def root(tmp_path):
    return write_casme2(tmp_path / "data", CLIPS)


def write_book(root, **worksheets):
    """Write worksheets in this order; a name that ends in "hidden" is hidden."""
    book = Workbook()
    book.remove(book.active)
    for name, table in worksheets.items():
        sheet = book.create_sheet(name)
        for row in table:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name.endswith("hidden") else "visible"
    if all(sheet.sheet_state == "hidden" for sheet in book.worksheets):
        book.create_sheet("Empty")
    book.save(root / CASME2_NAME)


def said(root, **options):
    """Return what is said of the sheet itself."""
    found = findings(datasets.Casme2(root, **options))
    kinds = ("odd sheet", "note rows")
    return [(p.severity, p.kind, p.message) for p in found if p.kind in kinds]


@pytest.mark.parametrize("pilot", ["Pilot", "hidden"])
def test_two_worksheets_that_fit_are_an_error_until_one_is_named(root, pilot, monkeypatch):
    write_book(root, **{pilot: PILOT, "Main": MAIN})
    with raises("several sheets", pilot, "Main", "(4 rows)", f"{CASME2_NAME}:{pilot}"):
        datasets.Casme2(root).clips()
    for sheet in (f"{CASME2_NAME}:Main", ":Main"):
        assert len(datasets.Casme2(root, sheet=sheet).clips()) == 4
    assert len(datasets.Casme2(root, sheet=f":{pilot}").clips()) == 1
    with raises("unknown name", "Mian", "Main"):
        datasets.Casme2(root, sheet=":Mian").clips()
    check = ["check", "casme2", str(root)]
    assert CliRunner().invoke(app, check).exit_code == 1
    assert CliRunner().invoke(app, [*check, "--sheet", f"{CASME2_NAME}:Main"]).exit_code == 0
    monkeypatch.setenv("MER_CASME2_SHEET", ":Main")
    assert CliRunner().invoke(app, check).exit_code == 0


def test_a_worksheet_in_front_that_is_no_sheet_does_no_harm(root):
    write_book(root, Notes=[["CASME II"], ["see the manual"]], Main=MAIN)
    assert len(datasets.Casme2(root).clips()) == 4
    write_book(root, Template=[CASME2_HEADER], Main=MAIN, Copy=MAIN)
    assert len(datasets.Casme2(root).clips()) == 4


def test_a_main_worksheet_that_lacks_a_column_is_said(root):
    renamed = [title if title != "ApexFrame" else "Peak" for title in CASME2_HEADER]
    write_book(root, Pilot=PILOT, Main=[renamed, *CLIPS])
    (warning,) = said(root)
    assert warning[:2] == ("warning", "odd sheet")
    assert "'Main' is not read: it has no column for apex" in warning[2]
    chosen = datasets.Casme2(root, sheet=":Main", columns=("apex=Peak",))
    assert set(chosen.clips()["apex"]) == {59}


def test_the_one_sheet_being_hidden_is_said(root):
    write_book(root, hidden=MAIN)
    ((severity, kind, message),) = said(root)
    assert (severity, kind) == ("note", "odd sheet")
    assert "hidden" in message


@pytest.mark.parametrize("title", ["Apex", "ApexFrame", "apex frame", "ＡＰＥＸ"])
def test_two_columns_that_fit_one_field(root, title, monkeypatch):
    header = [*CASME2_HEADER, title]
    write_xlsx(root / CASME2_NAME, [header, *([*row, 60] for row in CLIPS)])
    with raises("ambiguous column", "E ('ApexFrame')", f"J ({title!r})", "--column apex=E"):
        datasets.Casme2(root).clips()
    for column, apex in (("E", 59), ("J", 60)):
        assert set(datasets.Casme2(root, columns=(f"apex={column}",)).clips()["apex"]) == {apex}
    check = ["check", "casme2", str(root)]
    assert CliRunner().invoke(app, check).exit_code == 1
    assert CliRunner().invoke(app, [*check, "--column", "apex=J"]).exit_code == 0
    monkeypatch.setenv("MER_CASME2_COLUMNS", "apex=J, emotion=I")
    assert CliRunner().invoke(app, check).exit_code == 0
    write_xlsx(root / CASME2_NAME, [header, *([*row, 59] for row in CLIPS)])
    assert set(datasets.Casme2(root).clips()["apex"]) == {59}


def test_one_field_has_one_column_and_one_column_one_field(root):
    with raises("invalid option", "apex=E", "apex=F"):
        datasets.Casme2(root, columns=("apex=E", "apex=F")).clips()
    with raises("ambiguous column", "'OnsetFrame'", "onset and apex"):
        datasets.Casme2(root, columns=("apex=D",)).clips()
    assert list(datasets.Casme2(root, columns=("apex=e",)).clips()["apex"]) == [59] * 4


@pytest.mark.parametrize("choice", ["action_units=Units", "action_units=Z"])
def test_a_column_that_is_chosen_and_is_not_there(root, choice):
    """Though the sheet may lack it: what was asked for would be left undone without a word."""
    fields = sheets.Fields(sheets.HEADERS, ("action_units",), (choice,))
    with raises("missing column", choice.partition("=")[2]):
        sheets.read_sheet(root / CASME2_NAME, fields)


def test_a_row_that_only_letters_make_a_header_is_said(tmp_path):
    """A table without a header would lose its first row."""
    for number in "123":
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(int(number)))
    (tmp_path / "x.csv").write_text("a,1,glad,1.jpg\nb,1,glad,2.jpg\nc,2,sad,3.jpg\n")
    letters = ("subject=A", "clip=B", "label=C", "image=D")
    data = datasets.Manifest(tmp_path / "x.csv", columns=letters)
    assert len(data.ledger()) == 2
    assert any(
        "row 1 is taken for the header" in p.message and "1.jpg" in p.message for p in data.check()
    )


@pytest.mark.parametrize("choice", ["apex", "apex=", "peak=E"])
def test_a_column_that_is_no_choice(root, choice):
    with pytest.raises(Exception, match=r"unknown|names no column"):
        datasets.Casme2(root, columns=(choice,)).clips()


def test_a_second_header_below_the_first(root):
    write_xlsx(root / CASME2_NAME, [*MAIN[:3], CASME2_HEADER, *MAIN[3:]])
    assert len(datasets.Casme2(root).clips()) == 4
    assert "row 4 repeats the header" in " ".join(message for *_, message in said(root))
    swapped = list(CASME2_HEADER)
    swapped[3], swapped[4] = swapped[4], swapped[3]
    write_xlsx(root / CASME2_NAME, [*MAIN[:3], swapped, *MAIN[3:]])
    with raises("ambiguous column", "row 4"):
        datasets.Casme2(root).clips()


def test_a_formula_without_its_value_is_no_blank(root):
    book = load_workbook(root / CASME2_NAME)
    book.active["E2"] = "=D2+13"
    book.save(root / CASME2_NAME)
    with raises("odd cell", "apex is a formula without its computed value", "row 2"):
        datasets.Casme2(root).clips()


@pytest.mark.parametrize(
    ("cell", "kind", "named"),
    [
        (datetime.datetime(1900, 2, 28), "odd cell", "apex is the date 1900-02-28"),
        ("#REF!", "odd cell", "apex is the error value #REF!"),
        ("46/59", "bad frame number", "'46/59' is not a frame number, but several"),
        ("46-59", "bad frame number", "several"),
        ("46, 59", "bad frame number", "several"),
        ("46_59", "bad frame number", "several"),
        ("46\n59", "bad frame number", "several"),
        ("12.000", "bad frame number", "thousands"),
        ("1e2", "bad frame number", "'1e2' is not a frame number; expected"),
        ("５９", "bad frame number", "５９"),
    ],
)
def test_a_cell_that_holds_something_else_than_one_number(root, cell, kind, named):
    write_xlsx(root / CASME2_NAME, [MAIN[0], [*CLIPS[0][:4], cell, *CLIPS[0][5:]], *CLIPS[1:]])
    with raises(kind, named):
        datasets.Casme2(root).clips()


@pytest.mark.parametrize("cell", [59, 59.0, "59", " 59 ", "59.0", "59.00"])
def test_numbers_as_numbers_or_text_are_the_same(cell):
    assert rows.frame(cell) == 59


def test_merged_cells(root):
    book = load_workbook(root / CASME2_NAME)
    book.active.merge_cells("A2:A3")
    book.save(root / CASME2_NAME)
    assert len(datasets.Casme2(root).clips()) == 4
    assert "1 areas of merged cells are filled downwards" in said(root)[0][2]
    book.active.merge_cells("D4:E4")  # the apex vanishes behind the onset
    book.save(root / CASME2_NAME)
    with raises("odd cell", "apex is merged with another cell", "row 4"):
        datasets.Casme2(root).clips()


def test_hidden_rows_blank_rows_and_totals_are_said(root):
    write_xlsx(root / CASME2_NAME, [*MAIN[:3], [], *MAIN[3:], ["Total", 4], [None, "mean", 1]])
    book = load_workbook(root / CASME2_NAME)
    book.active.row_dimensions[2].hidden = True
    book.active.column_dimensions.group("D", "E", hidden=True)
    book.active.cell(2, 70).value = "a note"
    book.save(root / CASME2_NAME)
    assert len(datasets.Casme2(root).clips()) == 4
    words = " ".join(message for *_, message in said(root))
    assert "1 hidden rows are read" in words
    assert "2 hidden columns are read" in words
    assert "1 cells beyond column 64 are not read" in words
    assert "2 rows are no clips, and left out: 7, 8" in words
    lines = datasets.Casme2(root).ledger()
    assert (lines["status"] == "used").sum() == 4


def test_rows_after_a_thousand_blank_ones_are_read(root):
    write_xlsx(root / CASME2_NAME, [*MAIN[:3], *[[]] * 1500, *MAIN[3:]])
    assert len(datasets.Casme2(root).clips()) == 4


# --- text


def text(root, content, encoding="utf-8"):
    (root / CASME2_NAME).unlink(missing_ok=True)
    (root / "sheet.csv").write_bytes(content.encode(encoding))
    return datasets.Casme2(root)


def test_cells_too_far_to_the_right_are_said(root):
    rows = [[*row, *[""] * (69 - len(row)), "a note" * (row is MAIN[1])] for row in MAIN]
    content = "\n".join(";".join(map(str, row)) for row in rows)
    assert len(text(root, content).clips()) == 4
    assert "1 cells beyond column 64 are not read" in " ".join(m for *_, m in said(root))


def lines(delimiter=","):
    header = delimiter.join(cell or "" for cell in CASME2_HEADER)
    body = [delimiter.join("" if c is None else str(c) for c in row) for row in CLIPS]
    return [header, *body]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_and_encodings(root, delimiter, encoding):
    data = text(root, "sep=" + delimiter + "\r\n" + "\r\n".join(lines(delimiter)), encoding)
    assert list(data.clips()["apex"]) == [59] * 4


def test_an_encoding_that_is_guessed_is_said(root):
    text(root, "\n".join([*lines(), "Köln,,,,,,,,"]), "cp1252")
    assert any("Windows-1252" in message for *_, message in said(root))


def test_a_row_cut_short_is_refused_where_a_field_is_absent(root):
    whole = lines()
    with raises("odd cell", "absent: the row is cut short", "row 3"):
        text(root, "\n".join([*whole[:2], "1,EP03_02,,131,161,181", *whole[3:]])).clips()
    notes = "\n".join([*whole, "* others: see the manual"])
    assert len(text(root, notes).clips()) == 4


def test_a_comma_within_a_cell_shifts_nothing_in_silence(root):
    whole = lines()
    with raises("odd cell", "row 3 has 10 cells, the header 9"):
        text(root, "\n".join([*whole[:2], whole[2].replace(",12,", ",4,12,"), *whole[3:]])).clips()


def test_a_quotation_mark_left_open_swallows_no_rows(root):
    samm = "{},{},1,46,59,86,41,Micro,4+7,{},1,{}"
    notes = ["", '"soft focus', "", 'said "so"', ""]
    table = ["Subject,Filename,Inducement Code,Onset,Apex,Offset,Duration,Micro,AU,Emotion,O,Notes"]
    table += [samm.format("006", f"006_1_{n}", "Anger", note) for n, note in enumerate(notes)]
    (root / CASME2_NAME).unlink()
    (root / "sheet.csv").write_text("\n".join(table))
    with raises("unreadable sheet", "sheet.csv"):
        datasets.Samm(root).clips()
    table[4] = samm.format("006", "006_1_3", "Anger", '"closed here"')
    (root / "sheet.csv").write_text("\n".join(table))
    with raises("unreadable sheet", "quotation mark"):
        datasets.Samm(root).clips()


def test_a_file_beside_the_sheet_that_cannot_be_read_is_said(root):
    write_csv(root / "pilot.csv", PILOT)
    (root / CASME2_NAME).write_bytes(b"PK broken")
    ((severity, kind, message),) = said(root)
    assert (severity, kind) == ("warning", "odd sheet")
    assert CASME2_NAME in message
    write_book(root, One=MAIN, Two=PILOT)
    with raises("several sheets", "pilot.csv", CASME2_NAME):
        datasets.Casme2(root).clips()


# --- formats


@pytest.mark.scenario("J")
def test_an_encrypted_workbook_and_an_old_one_are_told_apart(root):
    old = b"\xd0\xcf\x11\xe0" + b"\0" * 600
    (root / CASME2_NAME).write_bytes(old + "EncryptedPackage".encode("utf-16-le"))
    with raises("unreadable sheet", "password"):
        datasets.Casme2(root).clips()
    (root / CASME2_NAME).write_bytes(old + "Workbook".encode("utf-16-le"))
    with raises("unreadable sheet", ".xls format"):
        datasets.Casme2(root).clips()


@pytest.mark.scenario("J")
def test_strict_open_xml_is_named(root):
    path = root / CASME2_NAME
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    transitional = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    strict = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content.replace(transitional, strict))
    with raises("unreadable sheet", "Strict", "Excel Workbook"):
        datasets.Casme2(root).clips()


def test_fields_by_letter_beyond_z():
    fields = sheets.Fields({"apex": ("Apex",)}, chosen=("apex=AB",))
    assert fields.places(["x"] * 30) == {"apex": [27]}
    assert fields.places(["x"] * 3) == {}
