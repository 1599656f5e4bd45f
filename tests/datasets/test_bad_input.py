"""Bad input: each kind gives a finding in check, and an error in load where it concerns a clip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import raises
from made_data import (
    CASME2_HEADER,
    CASME2_NAME,
    CASME2_ROWS,
    JPEG,
    SAMM_NAME,
    SAMM_ROWS,
    casme2_row,
    write_casme2,
    write_csv,
    write_frames,
    write_samm,
    write_xlsx,
)

from mer_utils import datasets
from mer_utils.datasets import integrity, sheets
from mer_utils.errors import MerError
from mer_utils.frames.layout import find_base, frame_files, is_plain_name

GOOD = casme2_row(1, "EP02_01f", 46, 59, 86, "happiness")
CLIP = "Cropped/sub01/EP02_01f"


@pytest.fixture
def root(tmp_path):
    return write_casme2(tmp_path / "data", [GOOD])


def kinds(root, severity=None, **options):
    found = datasets.Casme2(root, **options).check()
    assert all(p.message and p.remedy and p.place for p in found)
    json.loads(datasets.to_json(found))
    return [p.kind for p in found if severity in (None, p.severity)]


def refused(root, kind, match, **options):
    """Assert that check finds an error of this kind and load stops with a matching message."""
    assert kind in kinds(root, "error", **options)
    with pytest.raises(MerError, match=match) as caught:
        datasets.Casme2(root, **options).clips()
    assert caught.value.expected
    assert caught.value.remedy


def rewrite(root, *rows):
    write_xlsx(root / CASME2_NAME, [CASME2_HEADER, *rows])


def test_healthy_data_gives_no_finding(root):
    assert datasets.Casme2(root).check() == []
    assert datasets.worst([]) is None


def test_missing_root_or_file_as_root(root, tmp_path):
    refused(tmp_path / "nowhere", "missing root", "nowhere, does not exist")
    refused(root / CASME2_NAME, "missing root", "is not a folder")


def test_a_root_whose_name_is_not_utf8(root):
    odd = Path(os.fsdecode(os.fsencode(root) + b"\xff"))
    try:
        os.rename(root, odd)
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    refused(odd, "bad name", r"data\\xff, is not UTF-8")


def test_a_root_that_may_not_be_read(root, monkeypatch):
    # Root may read everything, so the answer of the system is put in its mouth.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != root)
    refused(root, "missing root", "may not be read; expected a folder that you may read")


def test_missing_sheet(root):
    (root / CASME2_NAME).unlink()
    refused(root, "missing sheet", "no spreadsheet lies in .*CASME2-coding-20140508.xlsx")


def test_a_root_too_high_names_the_folder_with_the_sheet(root):
    high = root.parent
    os.rename(write_samm(high / "data_of_samm", SAMM_ROWS), high / "a")
    refused(
        high, "missing sheet", f"lies deeper, in {root}, not in {high}; .*the root at {root}[.]$"
    )
    (high / "README.txt").write_text("where the data came from")
    refused(high, "missing sheet", f"point the root at {root}[.]$")
    (root / CASME2_NAME).unlink()
    refused(high, "missing column", "README.txt has no header row")


@pytest.mark.parametrize("level", ["Cropped", "Cropped/sub01", CLIP])
def test_a_root_too_low_points_upwards(root, level):
    refused(root / level, "missing sheet", "only frames; .*the folder above that holds the sheet")


def test_an_empty_root(tmp_path):
    refused(tmp_path, "missing sheet", "no spreadsheet lies in .*copy the sheet into")
    with pytest.raises(MerError, match="unpack SMIC-HS there"):
        datasets.Smic(tmp_path).clips()


def test_a_subject_folder_that_may_not_be_read(root, monkeypatch):
    real = os.scandir

    def scandir(folder):
        if "sub01" in str(folder):
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    refused(root, "missing frame folder", r"EP02_01f cannot be read \(Permission denied\)")


def test_missing_column_is_named(root):
    header = [cell if cell != "ApexFrame" else "Peak" for cell in CASME2_HEADER]
    write_xlsx(root / CASME2_NAME, [header, GOOD])
    refused(root, "missing column", "no header row with the column ApexFrame")


def test_sheet_of_the_wrong_data_set(root, tmp_path):
    write_samm(tmp_path / "samm", SAMM_ROWS)
    (root / CASME2_NAME).unlink()
    os.rename(tmp_path / "samm" / SAMM_NAME, root / SAMM_NAME)
    refused(root, "sheet of the wrong data set", "is a sheet of SAMM")
    other = write_casme2(tmp_path / "other", CASME2_ROWS)
    with pytest.raises(MerError, match="is a sheet of CASME II"):
        datasets.Samm(other).clips()


def test_sheet_of_an_unknown_data_set(root):
    rewrite(root, casme2_row(1, "anger1_1", 1, 2, 3, "happiness"))
    refused(root, "sheet of the wrong data set", "names its clips like no sheet known")


def test_header_without_rows(root):
    rewrite(root)
    refused(root, "empty sheet", "has a header but no clip")


def test_two_sheets_in_one_folder(root):
    write_csv(root / "newer.csv", [CASME2_HEADER, GOOD])
    refused(root, "several sheets", "2 annotation sheets.*CASME2-coding-20140508.xlsx, newer.csv")
    assert len(datasets.Casme2(root, sheet="newer.csv").clips()) == 1


def test_stray_spreadsheets_are_not_mistaken_for_the_sheet(root):
    write_csv(root / "shopping.csv", [["milk", "bread"], ["1", "2"]])
    (root / f"~${CASME2_NAME}").write_bytes(b"lock file")
    assert len(datasets.Casme2(root).clips()) == 1


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04 cut short", "BadZipFile"),
        (b"\xd0\xcf\x11\xe0 old", "old .xls format"),
        (b"\x00\x01\x02\x03", "neither a workbook nor text"),
    ],
)
def test_unreadable_sheet(root, content, match):
    (root / CASME2_NAME).write_bytes(content)
    refused(root, "unreadable sheet", match)


def test_open_document_is_named(root):
    import zipfile

    (root / CASME2_NAME).unlink()
    with zipfile.ZipFile(root / "sheet.ods", "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    refused(root, "unreadable sheet", "OpenDocument.*save it as .xlsx")


def test_sheet_outside_the_root(root, tmp_path):
    write_xlsx(tmp_path / "outside.xlsx", [CASME2_HEADER, GOOD])
    refused(root, "name leaves the root", "lies outside", sheet="../outside.xlsx")


@pytest.mark.parametrize(
    ("frames", "kind", "match"),
    [
        ((86, 59, 46), "onset after offset", "sub01 EP02_01f.*onset 86, apex 59, offset 46"),
        ((46, 46, 46), "clip of one frame", "onset 46"),
        ((46, 45, 86), "apex outside the clip", "apex 45.*corrections row for apex"),
        ((46, 87, 86), "apex outside the clip", "apex 87"),
        ((-46, 59, 86), "bad frame number", "onset frame number -46 is negative"),
        ((46.5, 59, 86), "bad frame number", "onset frame number 46.5 is fractional"),
        ((46, "59?", 86), "bad frame number", "apex '59\\?' is not a frame number"),
        ((46, 59, 10**12), "bad frame number", "offset"),
        ((46, 59, "nan"), "missing frame number", "offset is blank"),
        (("/", 59, 86), "missing frame number", "onset is blank"),
        ((True, 59, 86), "bad frame number", "onset 'True'"),
    ],
)
def test_bad_frame_numbers(root, frames, kind, match):
    rewrite(root, casme2_row(1, "EP02_01f", *frames, "happiness"))
    refused(root, kind, match)


def test_a_bad_row_that_the_scheme_leaves_out_is_only_a_warning(root):
    rewrite(root, GOOD, casme2_row(1, "EP07_01", 9, 8, 7, "fear"))
    assert kinds(root) == ["onset after offset"]
    assert kinds(root, "warning") == ["onset after offset"]
    assert len(datasets.Casme2(root).clips()) == 1


def test_unknown_emotion_stops_rather_than_dropping_the_clip(root):
    rewrite(root, GOOD, casme2_row(1, "EP07_01", 7, 8, 9, "hapiness"))
    refused(root, "unknown emotion", "'hapiness' is not one of CASME II's; 'happiness' is close")


def test_repeated_row_is_left_out_and_said(root):
    rewrite(root, GOOD, GOOD)
    assert kinds(root) == ["repeated row"]
    lines = datasets.Casme2(root).ledger()
    assert list(lines["reason"]) == ["", "repeats row 2"]
    assert len(datasets.Casme2(root).clips()) == 1


def test_contradicting_rows(root):
    rewrite(root, GOOD, casme2_row(1, "EP02_01f", 46, 60, 86, "happiness"))
    refused(root, "contradicting rows", r"EP02_01f \(row 3\): row 2 says something else")


@pytest.mark.parametrize("name", ["EP02/../../x", "EP../..", "EP02_01f/..", "EP\\..\\x"])
def test_clip_names_that_try_to_leave_the_root(root, name):
    rewrite(root, GOOD, GOOD, casme2_row(1, name, 46, 59, 86, "happiness"))
    found = [p for p in datasets.Casme2(root).check() if p.severity == "error"]
    assert [p.kind for p in found] in (["name leaves the root"], ["bad name"])
    with pytest.raises(MerError, match="is not the name of a folder"):
        datasets.Casme2(root).clips()


@pytest.mark.parametrize(
    "name", ["..", "../..", "/etc", "C:\\x", "", "a\0b", "a/b", ".hidden", "a\x07"]
)
def test_names_that_are_not_one_component(name):
    assert not is_plain_name(name)


def test_missing_name_and_missing_subject(root):
    rewrite(root, GOOD, GOOD, casme2_row(1, None, 46, 59, 86, "happiness"))
    refused(root, "bad name", "Filename '' is not the name")
    rewrite(root, GOOD, casme2_row(None, "EP03_01", 46, 59, 86, "happiness"))
    refused(root, "bad name", "Subject '' is not the name")


def test_missing_frame_folder_names_a_neighbour(root):
    os.rename(root / CLIP, root / "Cropped/sub01/EP02_1f")
    refused(root, "missing frame folder", "EP02_01f cannot be read.*'EP02_1f' lies beside it")


def test_a_moved_clip_is_not_taken_for_its_neighbour(root):
    rewrite(root, GOOD, casme2_row(1, "EP02_02f", 46, 59, 86, "happiness"))
    write_frames(root / "Cropped/sub01/EP02_02f", 46, 86)
    os.rename(root / CLIP, root / "Cropped/EP02_01f")
    refused(root, "missing frame folder", r"EP02_01f cannot be read \([^;]*\); expected")
    (note,) = [p for p in datasets.Casme2(root).check() if p.severity == "note"]
    assert note.kind == "folders of no subject"
    assert "1 folders that belong to no subject (EP02_01f)" in note.message


def test_a_misspelt_subject_is_named(root):
    rewrite(root, GOOD, casme2_row(2, "EP02_01f", 46, 59, 86, "happiness"))
    write_frames(root / "Cropped/sub02/EP02_01f", 46, 86)
    os.rename(root / "Cropped/sub01", root / "Cropped/Sub01")
    said = "so is the folder of the subject, 'sub01'; a folder 'Sub01' lies beside it"
    refused(root, "missing frame folder", said)
    assert "folders of no subject" in kinds(root, "note")


def test_a_subject_that_the_sheet_does_not_name(root):
    write_frames(root / "Cropped/sub09/EP01_01", 1, 2)
    assert kinds(root) == ["folders of no subject"]
    assert len(datasets.Casme2(root).clips()) == 1


def test_no_frames_at_all(root):
    os.rename(root / "Cropped/sub01", root / "Cropped/subject one")
    refused(root, "missing frame folder", "no folder of a subject of CASME II")


def test_missing_frame(root):
    (root / CLIP / "reg_img60.jpg").unlink()
    refused(root, "missing frames", "1 of the 41 frames 46..86 are missing.*: 60")


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 600 + b"IEND\xaeB`\x82"
BMP = b"BM" + (100).to_bytes(4, "little") + b"\0" * 94


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", r"reg_img60.jpg is empty \(0 bytes\)"),
        (JPEG[:-2], "reg_img60.jpg is cut short"),
        (PNG[:-20], "cut short"),
        (BMP[:-1], "cut short"),
        (b"<html>not found</html>", "is not a JPEG"),
        (b"\xff", "is not a JPEG"),
    ],
)
def test_damaged_frames(root, content, match):
    (root / CLIP / "reg_img60.jpg").write_bytes(content)
    refused(root, "damaged frame", match)
    assert "damaged frame" in kinds(root, "warning", missing_frames="drop_clip")
    assert len(datasets.Casme2(root, missing_frames="drop_clip").clips()) == 0


@pytest.mark.parametrize("content", [PNG, BMP, JPEG + b"\0" * 20, b"II*\0tiff"])
def test_whole_images_of_any_kind_pass(root, content):
    (root / CLIP / "reg_img60.jpg").write_bytes(content)
    assert kinds(root) == []


def test_frames_outside_the_clip_are_not_looked_at(root):
    (root / CLIP / "reg_img45.jpg").write_bytes(b"")
    assert kinds(root) == []


def test_every_frame_of_the_clip_is_decoded_if_asked_for(root, monkeypatch):
    write_frames(root / CLIP, 40, 45)
    seen = []

    def decode(path):
        seen.append(path.name)
        return "cannot be decoded" if path.name == "reg_img70.jpg" else None

    monkeypatch.setattr(integrity, "decoding_problem", decode)
    assert (datasets.Casme2(root).check(), seen) == ([], [])
    found = datasets.Casme2(root).check(decode=True)
    assert seen == [f"reg_img{number}.jpg" for number in range(46, 87)]
    assert [(p.severity, p.kind) for p in found] == [("error", "undecodable frame")]
    assert "reg_img70.jpg cannot be decoded" in found[0].message


def test_two_files_for_one_frame(root):
    (root / CLIP / "img60.png").write_bytes(PNG)
    refused(root, "doubled frame", "frame 60 .* has 2 files: img60.png, reg_img60.jpg")
    with pytest.raises(MerError, match="has 2 files"):
        frame_files(root / CLIP)


def test_links_out_of_the_root_are_refused(root, tmp_path):
    outside = write_frames(tmp_path / "outside", 46, 86)
    frame = root / CLIP / "reg_img60.jpg"
    frame.unlink()
    frame.symlink_to(outside / "reg_img60.jpg")
    refused(root, "missing frames", ": 60")
    assert "refused entries" in kinds(root, "warning")
    for file in (root / CLIP).iterdir():
        file.unlink()
    (root / CLIP).rmdir()
    (root / CLIP).symlink_to(outside)
    refused(root, "link leaves the root", "leads out of")


@pytest.mark.parametrize("beside", [False, True])
def test_no_rule_for_missing_frames_forgives_a_link_out_of_the_root(root, tmp_path, beside):
    """Such a clip is not loaded, so that nothing that reads it later follows the link."""
    outside = write_frames(tmp_path / "outside", 46, 86)
    if not beside:
        (root / CLIP / "reg_img60.jpg").unlink()
    (root / CLIP / f"{'other_' * beside}reg_img60.jpg").symlink_to(outside / "reg_img60.jpg")
    refused(root, "link leaves the root", "leads out of" if beside else "60")
    assert len(datasets.Casme2(root, missing_frames="drop_clip").clips()) == 0


def test_links_inside_the_root_are_followed(root):
    frame = root / CLIP / "reg_img60.jpg"
    os.rename(frame, root / "store.jpg")
    frame.symlink_to("../../../store.jpg")
    assert len(datasets.Casme2(root).clips()) == 1


def test_looping_links(root):
    (root / "Cropped/loop").symlink_to(root)
    (root / "Cropped/self").symlink_to("self")
    (root / CLIP / "around").symlink_to("..")
    (root / CLIP / "reg_img100.jpg").symlink_to("reg_img100.jpg")
    assert len(datasets.Casme2(root).clips()) == 1
    assert kinds(root, "warning") == ["refused entries"] * 2


def test_a_used_frame_or_clip_that_loops(root):
    frame = root / CLIP / "reg_img60.jpg"
    frame.unlink()
    frame.symlink_to("reg_img60.jpg")
    refused(root, "missing frames", "1 of the 41 frames.*: 60")
    assert "refused entries" in kinds(root, "warning")
    os.rename(root / CLIP, root / "away")
    (root / CLIP).symlink_to("EP02_01f")
    refused(root, "missing frame folder", "EP02_01f cannot be read")


def test_a_sheet_that_loops(root):
    (root / CASME2_NAME).unlink()
    (root / CASME2_NAME).symlink_to(CASME2_NAME)
    refused(root, "missing sheet", "no spreadsheet lies in")


def test_nothing_outside_the_root_is_read_or_written(root, tmp_path):
    """Whatever the names and links say, no file or folder outside the root is opened."""
    outside = write_frames(tmp_path / "outside/EP02_01f", 46, 86)
    write_xlsx(tmp_path / "outside.xlsx", [CASME2_HEADER, GOOD])
    (root / "newer.xlsx").symlink_to(tmp_path / "outside.xlsx")
    (root / "Cropped/sub02").symlink_to(outside.parent)
    (root / "Cropped/sub01/EP03_01").symlink_to(outside)
    (root / CLIP / "reg_img60.jpg").unlink()
    (root / CLIP / "reg_img60.jpg").symlink_to(outside / "reg_img60.jpg")
    rewrite(
        root,
        GOOD,
        casme2_row(1, "EP03_01", 46, 59, 86, "happiness"),
        casme2_row(2, "EP02_01f", 46, 59, 86, "happiness"),
        casme2_row(1, "../../../outside/EP02_01f", 46, 59, 86, "happiness"),
        casme2_row("../../outside", "EP02_01f", 46, 59, 86, "happiness"),
    )
    # In a process of its own: an audit hook cannot be taken away again.
    code = f"""
import os, sys
from mer_utils import datasets
from mer_utils.errors import MerError
import openpyxl, pandera.pandas, lark
datasets.Casme2({str(root)!r}).check()
opened = []
def watch(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes)):
        opened.append(os.fsdecode(arguments[0]))
    elif event in ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink"):
        opened.append(event)
sys.addaudithook(watch)
datasets.Casme2({str(root)!r}).check()
for rule in ("error", "drop_clip"):
    try:
        datasets.Casme2({str(root)!r}, missing_frames=rule).clips()
        print("loaded")
    except MerError:
        pass
print(*sorted(set(opened)), sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seen = [line for line in done.stdout.splitlines() if line.startswith(str(tmp_path))]
    assert str(root / CASME2_NAME) in seen  # the watch does see what is read
    assert any(line.endswith("reg_img59.jpg") for line in seen)
    real = [os.path.realpath(line) for line in seen]
    assert [path for path in real if not path.startswith(str(root))] == []
    code_only = tuple({sys.prefix, sys.base_prefix, str(Path(datasets.__file__).parents[2])})
    others = [line for line in done.stdout.splitlines() if line not in seen]
    assert [line for line in others if not line.startswith(code_only)] == []


def test_search_for_frames_ends_in_a_web_of_links(tmp_path):
    for name in "abc":
        (tmp_path / name).mkdir()
        for other in "abc":
            (tmp_path / name / f"to_{other}").symlink_to(tmp_path / other)
    assert find_base(tmp_path, lambda name: name == "sub01", depth=50) is None


def test_sheet_through_a_link_out_of_the_root_is_not_read(root, tmp_path):
    os.rename(root / CASME2_NAME, tmp_path / CASME2_NAME)
    (root / CASME2_NAME).symlink_to(tmp_path / CASME2_NAME)
    refused(root, "missing sheet", "no spreadsheet")


def test_ten_thousand_unexpected_files_are_one_finding(root):
    for number in range(10_000):
        os.close(os.open(root / f"junk{number}", os.O_CREAT))
    (root / CLIP / "Thumbs.db").touch()
    found = datasets.Casme2(root).check()
    assert {(p.severity, p.kind) for p in found} == {
        ("note", "unexpected files"),
        ("note", "clutter"),
    }
    assert "10000" in " ".join(p.message for p in found)
    assert len(datasets.Casme2(root).clips()) == 1


def test_no_number_of_other_folders_hides_the_frames(root):
    for number in range(10_000):
        (root / f"A{number}").mkdir()
    assert len(datasets.Casme2(root).clips()) == 1
    found = datasets.Casme2(root).check()
    assert [p.severity for p in found] == []


def test_no_number_of_text_files_hides_the_sheet(root):
    for number in range(sheets.MAX_SHEETS + 10):
        (root / f"A{number}.txt").write_text("a remark")
    assert len(datasets.Casme2(root).clips()) == 1
    assert kinds(root) == ["unexpected files"]


def test_names_that_are_not_utf8(root):
    name = os.fsencode(root / CLIP) + b"/reg_img\xff60.jpg"
    try:
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    assert kinds(root) == ["refused entries"]
    message = datasets.Casme2(root).check()[0].message
    message.encode("utf-8")
    assert "\\xff60" in message
    assert len(datasets.Casme2(root).clips()) == 1


def test_a_used_frame_or_clip_whose_name_is_not_utf8(root):
    try:
        os.rename(root / CLIP / "reg_img60.jpg", os.fsencode(root / CLIP) + b"/reg_img\xff60.jpg")
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    refused(root, "missing frames", "1 of the 41 frames.*: 60")
    assert "refused entries" in kinds(root, "warning")
    os.rename(root / CLIP, os.fsencode(root / CLIP) + b"\xff")
    refused(root, "missing frame folder", r"'EP02_01f\\+xff' lies beside it")


def test_unreadable_action_units_are_a_warning(root):
    rewrite(root, casme2_row(1, "EP02_01f", 46, 59, 86, "happiness", "12 oder 13"))
    assert kinds(root) == ["unread action units"]
    assert len(datasets.Casme2(root).clips()) == 1


def test_clips_that_the_sheet_does_not_name(root):
    write_frames(root / "Cropped/sub01/EP99_01", 1, 2)
    assert kinds(root) == ["clips not in the sheet"]


def test_peculiar_clips_are_noted(tmp_path):
    root = write_casme2(tmp_path, CASME2_ROWS)
    assert kinds(root, "note") == ["missing apex", "degenerate phase"]
    assert kinds(root, "error") == []


@pytest.mark.parametrize(
    ("dataset", "options", "kind", "named"),
    [
        ("casme3", {}, "unknown name", ["casme3", *datasets.DATASETS]),
        ("casme2", {"scheme": "samm-5"}, "invalid option", ["samm-5", "casme2-5, megc-3"]),
        ("casme2", {"scheme": "megc-4"}, "unknown name", ["megc-4", *datasets.SCHEMES]),
        ("casme2", {"misspelt": 1}, "unknown name", ["misspelt", "missing_apex"]),
        ("manifest", {"missing_apex": "drop"}, "unknown name", ["missing_apex", "scheme"]),
        *(
            ("casme2", {rule: "guess"}, "unknown name", [rule, "guess", *known])
            for rule, known in datasets.RULES.items()
        ),
    ],
)
def test_unknown_arguments(root, dataset, options, kind, named):
    with raises(kind, *named):
        datasets.open(dataset, root, **options)


def test_several_errors_are_counted_in_one_message(root):
    rewrite(
        root,
        casme2_row(1, "EP02_01f", 86, 59, 46, "happiness"),
        casme2_row(1, "EP03_01f", 86, 59, 46, "happiness"),
    )
    with pytest.raises(MerError, match="and 1 more error"):
        datasets.Casme2(root).clips()


def test_grouping_counts_and_orders(root):
    rewrite(
        root,
        casme2_row(1, "EP02_01f", 86, 59, 46, "happiness"),
        casme2_row(1, "EP03_01f", 86, 59, 46, "happiness"),
        casme2_row(1, "EP04_01f", 86, 59, 46, "fear", "AU12"),
    )
    found = datasets.Casme2(root).check()
    table = datasets.grouped(found)
    assert list(zip(table["severity"], table["kind"], table["count"], strict=True)) == [
        ("error", "onset after offset", 2),
        ("warning", "onset after offset", 1),
        ("warning", "unread action units", 1),
    ]
    assert table["count"].sum() == len(found)
    assert datasets.worst(found) == "error"
    parsed = json.loads(datasets.to_json(found))
    assert parsed["counts"] == {"error": 2, "warning": 2, "note": 0}
    assert set(parsed["problems"][0]) == {
        "severity",
        "kind",
        "message",
        "remedy",
        "place",
        "expected",
    }


def test_errors_survive_being_sent_to_another_process(root):
    import pickle

    with pytest.raises(MerError) as caught:
        datasets.Casme2(root / "nowhere").clips()
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


def test_a_sheet_far_down_or_far_right_is_still_bounded(root):
    from openpyxl import load_workbook

    book = load_workbook(root / CASME2_NAME)
    book.active.cell(900_000, 5000).value = "lost"
    book.save(root / CASME2_NAME)
    assert len(sheets.read_sheet(root / CASME2_NAME).rows) == 1


@pytest.mark.parametrize("place", ["subject", "clip"])
def test_names_longer_than_a_file_system_takes(root, place):
    # Found by fuzzing: asking the system about such a name is an error of its own.
    name = "é" * 300
    subject, clip = (name, "EP02_01f") if place == "subject" else (1, name)
    rewrite(root, CASME2_ROWS[0], casme2_row(subject, clip, 46, 59, 86, "disgust"))
    found = datasets.Casme2(root).check()
    assert datasets.worst(found) == "error"
    with pytest.raises(MerError):
        datasets.Casme2(root).clips()
