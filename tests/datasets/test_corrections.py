"""Corrections are data: applied by key, only where the sheet still says the old value."""

from __future__ import annotations

import pytest
from helpers import raises
from made_data import CASME2_HEADER, CASME2_NAME, casme2_row, write_casme2, write_xlsx

from mer_utils import datasets
from mer_utils.datasets import corrections

HEADER = "dataset,subject,clip,field,old,new,reason,source\n"


@pytest.fixture
def root(tmp_path):
    return write_casme2(
        tmp_path / "data",
        [
            casme2_row(1, "EP01", 10, 5, 30, "happiness"),
            casme2_row(2, "EP01", 10, 5, 30, "fear"),
        ],
    )


def file(tmp_path, *rows, header=HEADER):
    path = tmp_path / "mine.csv"
    path.write_text(header + "".join(row + "\n" for row in rows))
    return path


def test_packaged_file_reads_and_is_well_formed():
    for correction in corrections.packaged():
        assert correction.dataset in ("casme2", "samm", "smic")
        assert correction.old != correction.new
        assert correction.reason
        assert correction.source


def test_correction_is_applied_by_key_and_recorded(root, tmp_path):
    with raises("apex outside the clip", "apex 5"):
        datasets.Casme2(root).clips()
    mine = file(tmp_path, "casme2,sub01,EP01,apex,5,15,seen in the frames,me")
    assert datasets.Casme2(root, corrections=mine).clips().loc[0, "apex"] == 15
    lines = datasets.Casme2(root, corrections=mine).ledger()
    assert list(lines["rules"]) == ["correction:apex", ""]


@pytest.mark.scenario("H")
def test_correction_is_not_applied_where_the_sheet_says_something_else(root, tmp_path):
    mine = file(
        tmp_path,
        "casme2,sub01,EP01,apex,7,15,r,s",
        "casme2,sub09,EP01,apex,5,15,r,s",
        "samm,006,006_1_1,apex,5,15,r,s",
    )
    with raises("apex outside the clip", "apex 5"):
        datasets.Casme2(root, corrections=mine).clips()
    found = datasets.Casme2(root, corrections=mine).check()
    said = [(p.severity, p.message) for p in found if p.kind == "correction not applied"]
    start = "the correction of apex was not applied: the sheet has"
    assert said == [
        ("warning", f"clip sub09 EP01: {start} no such clip; 'sub02 EP01' is close"),
        ("note", "1 of the corrections are of samm: none of them is applied to casme2"),
        ("note", f"clip sub01 EP01: {start} '5', not '7'"),
    ]


@pytest.mark.scenario("H")
def test_an_apex_can_be_declared_missing_and_a_bad_cell_mended(root, tmp_path):
    write_xlsx(
        root / CASME2_NAME,
        [CASME2_HEADER, casme2_row(1, "EP01", 10.5, 5, 30, "hapiness", "1.2")],
    )
    mine = file(
        tmp_path,
        "casme2,sub01,EP01,apex,5,/,r,s",
        "casme2,sub01,EP01,onset,10.5,10,r,s",
        "casme2,sub01,EP01,emotion,hapiness,happiness,r,s",
        "casme2,sub01,EP01,action_units,1.2,1+2,r,s",
    )
    from made_data import write_frames

    write_frames(root / "Cropped/sub01/EP01", 10, 30)
    row = datasets.Casme2(root, corrections=mine).clips().iloc[0]
    assert (row["onset"], row["apex_source"], row["emotion"]) == (10, "missing", "happiness")
    assert row["action_units"] == "1+2"


@pytest.mark.parametrize(
    ("header", "row", "named"),
    [
        ("dataset,subject\n", "casme2,sub01", ["clip, field"]),
        (HEADER, "casme2,sub01,EP01,label,5,15,r,s", ["row 2", "'label'"]),
        # Each of these was once read with blanks in the place of what is absent.
        (HEADER, "casme2,sub01", ["row 2", "clip is absent"]),
        (HEADER, "casme2,sub01,EP01,apex,5", ["row 2", "new is absent"]),
        (HEADER, "casme2,sub01,EP01,apex,5,,,", ["row 2", "reason is blank"]),
        (HEADER, "casme2,sub01,EP01,apex,5,15,r,s,more", ["row 2", "9 cells"]),
        (HEADER, "casme2,sub01,EP01,onset,10,,r,s", ["row 2", "new is blank"]),
        (HEADER, "casme2,sub01,EP01,apex,10,,r,s", ["row 2", "new is blank; / says"]),
        (HEADER, "casme2,sub01,EP01,action_units,12, ,r,s", ["row 2", "new is blank; / says"]),
        (HEADER, "casme2,sub01,EP01,apex,5,5.0,r,s", ["row 2", "both '5'"]),
        (HEADER, "casme2,sub01,EP01,apex,5,46.5,r,s", ["row 2", "new", "46.5 is fractional"]),
        (HEADER, "casme2,sub01,EP01,apex,5,٤٦,r,s", ["row 2", "new", "not a frame number"]),
        (HEADER, "casme 2,sub01,EP01,apex,5,15,r,s", ["row 2", "'casme2' is close"]),
        (HEADER, "manifest,sub01,EP01,apex,5,15,r,s", ["row 2", "'manifest' is unknown"]),
        (
            HEADER,
            "casme2,sub01,EP01,apex,5,15,r,s\ncasme2,sub01,EP01,apex,5,16,r,s",
            ["row 3", "row 2 corrects the same field"],
        ),
        (HEADER.replace("new", "old"), "casme2,sub01,EP01,apex,5,15,r,s", ["new"]),
        (HEADER.replace("source", "new"), "casme2,sub01,EP01,apex,5,15,r,16", ["source"]),
    ],
)
@pytest.mark.scenario("H")
def test_bad_corrections_file(root, tmp_path, header, row, named):
    mine = file(tmp_path, row, header=header)
    with raises("bad corrections file", *named):
        datasets.Casme2(root, corrections=mine).clips()
    found = datasets.Casme2(root, corrections=mine).check()
    assert [p.kind for p in found] == ["bad corrections file"]


@pytest.mark.scenario("H")
def test_a_corrections_file_as_a_spreadsheet_program_saves_it(root, tmp_path):
    path = tmp_path / "mine.csv"
    row = "casme2;sub01;EP01;apex;5.0;15;Bärbel looked;me\n"
    path.write_text(HEADER.replace(",", ";") + row, encoding="cp1252")
    assert datasets.Casme2(root, corrections=path).clips().loc[0, "apex"] == 15
    said = [p.message for p in datasets.Casme2(root, corrections=path).check()]
    assert any("Windows-1252" in message for message in said)


@pytest.mark.scenario("H")
def test_missing_corrections_file(root, tmp_path):
    with raises("bad corrections file", "nowhere.csv", "name a file that is there"):
        datasets.Casme2(root, corrections=tmp_path / "nowhere.csv").clips()


@pytest.mark.scenario("J")
@pytest.mark.parametrize(
    ("field", "old", "new", "kind"),
    [
        ("apex", "5", "9999", "apex outside the clip"),
        ("emotion", "happiness", "joy", "unknown emotion"),
    ],
)
def test_a_wrong_correction_is_not_laid_on_the_sheet(root, tmp_path, field, old, new, kind):
    mine = file(tmp_path, f"casme2,sub01,EP01,{field},{old},{new},r,s")
    with raises(kind, f"mend the corrections row of {field}"):
        datasets.Casme2(root, corrections=mine).clips()
