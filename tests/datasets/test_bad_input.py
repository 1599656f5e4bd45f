"""Bad input: each kind gives a finding in check, and an error in load where it concerns a clip."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import findings, raises
from made_data import (
    CASME2_HEADER,
    CASME2_NAME,
    CASME2_ROWS,
    JPEG,
    SAMM_NAME,
    SAMM_ROWS,
    casme2_row,
    jpeg,
    write_casme2,
    write_csv,
    write_frames,
    write_samm,
    write_xlsx,
)

from mer_utils import datasets
from mer_utils.datasets import integrity, sheets
from mer_utils.errors import MerError
from mer_utils.frames import Picture
from mer_utils.frames.layout import find_base, frame_files, is_plain_name

GOOD = casme2_row(1, "EP02_01f", 46, 59, 86, "happiness")
CLIP = "Cropped/sub01/EP02_01f"
FRAME = f"{CLIP}/reg_img60.jpg"
TIFF = cv2.imencode(".tif", np.zeros((4, 5), np.uint8))[1].tobytes()
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 600 + b"IEND\xaeB`\x82"
BMP = b"BM" + (100).to_bytes(4, "little") + b"\0" * 94


@pytest.fixture
def root(tmp_path):
    return write_casme2(tmp_path / "data", [GOOD])


def kinds(root, severity=None, **options):
    found = findings(datasets.Casme2(root, **options))
    assert all(p.message and p.remedy and p.place for p in found)
    json.loads(datasets.to_json(found))
    return [p.kind for p in found if severity in (None, p.severity)]


def refused(root, kind, *named, **options):
    """Assert that check finds an error of this kind, and that no clip table is made."""
    assert kind in kinds(root, "error", **options)
    with raises(kind, *named) as caught:
        datasets.Casme2(root, **options).clips()
    assert caught.value.expected
    assert caught.value.remedy


def rewrite(root, *rows):
    write_xlsx(root / CASME2_NAME, [CASME2_HEADER, *rows])


def test_healthy_data_gives_no_finding(root):
    assert findings(datasets.Casme2(root)) == []
    assert datasets.worst([]) is None


# --- roots and sheets


def test_missing_root_or_file_as_root(root, tmp_path):
    refused(tmp_path / "nowhere", "missing root", "nowhere", "does not exist")
    refused(root / CASME2_NAME, "missing root", CASME2_NAME, "not a folder")


def test_a_root_whose_name_is_not_utf8(root):
    odd = Path(os.fsdecode(os.fsencode(root) + b"\xff"))
    try:
        os.rename(root, odd)
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    refused(odd, "bad name", r"data\xff")


def test_a_root_that_may_not_be_read(root, monkeypatch):
    # Root may read everything, so the answer of the system is put in its mouth.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != root)
    refused(root, "missing root", root, "may read")


def test_a_root_too_high_names_the_folder_with_the_sheet(root):
    high = root.parent
    os.rename(write_samm(high / "data_of_samm", SAMM_ROWS), high / "a")
    refused(high, "missing sheet", f"the root at {root}.")
    (high / "README.txt").write_text("where the data came from")
    refused(high, "missing sheet", f"the root at {root}.")
    (root / CASME2_NAME).unlink()
    refused(high, "missing column", "README.txt")


@pytest.mark.parametrize("level", ["Cropped", "Cropped/sub01", CLIP])
def test_a_root_too_low_points_upwards(root, level):
    refused(root / level, "missing sheet", "only frames", "the folder above")


def test_an_empty_root(tmp_path):
    refused(tmp_path, "missing sheet", tmp_path, CASME2_NAME)
    with raises("missing frame folder", tmp_path, "unpack SMIC-HS"):
        datasets.Smic(tmp_path).clips()


def test_a_subject_folder_that_may_not_be_read(root, monkeypatch):
    real = os.scandir

    def scandir(folder):
        if "sub01" in str(folder):
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    refused(root, "cannot read", "EP02_01f", "Permission denied")


@pytest.mark.scenario("E")
@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.ESTALE, errno.EIO])
@pytest.mark.parametrize("what", ["folder", "frame"])
def test_no_clip_is_dropped_for_what_cannot_be_read(root, monkeypatch, number, what):
    whole = datasets.Casme2(root, missing_frames="drop_clip").clips()
    folder = os.path.join(root, CLIP)

    def refuses(real):
        def call(path, *arguments, **options):
            if str(path).startswith(folder):
                raise OSError(number, os.strerror(number), str(path))
            return real(path, *arguments, **options)

        return call

    if what == "folder":
        monkeypatch.setattr(os, "scandir", refuses(os.scandir))
    else:
        monkeypatch.setattr("builtins.open", refuses(open))
    with raises("cannot read", CLIP, os.strerror(number)):
        datasets.Casme2(root, missing_frames="drop_clip").clips()
    assert "cannot read" in {p.kind for p in datasets.Casme2(root).check()}
    monkeypatch.undo()
    assert datasets.Casme2(root, missing_frames="drop_clip").clips().equals(whole)


def test_missing_column_is_named(root):
    header = [cell if cell != "ApexFrame" else "Peak" for cell in CASME2_HEADER]
    write_xlsx(root / CASME2_NAME, [header, GOOD])
    refused(root, "missing column", "ApexFrame")


def test_sheet_of_the_wrong_data_set(root, tmp_path):
    write_samm(tmp_path / "samm", SAMM_ROWS)
    (root / CASME2_NAME).unlink()
    os.rename(tmp_path / "samm" / SAMM_NAME, root / SAMM_NAME)
    refused(root, "sheet of the wrong data set", "SAMM")
    other = write_casme2(tmp_path / "other", CASME2_ROWS)
    with raises("sheet of the wrong data set", "CASME II"):
        datasets.Samm(other).clips()


def test_two_sheets_in_one_folder(root):
    write_csv(root / "newer.csv", [CASME2_HEADER, GOOD])
    refused(root, "several sheets", CASME2_NAME, "newer.csv")
    assert len(datasets.Casme2(root, sheet="newer.csv").clips()) == 1


def test_stray_spreadsheets_are_not_mistaken_for_the_sheet(root):
    write_csv(root / "shopping.csv", [["milk", "bread"], ["1", "2"]])
    (root / f"~${CASME2_NAME}").write_bytes(b"lock file")
    assert len(datasets.Casme2(root).clips()) == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 cut short", "BadZipFile"),
        (b"\xd0\xcf\x11\xe0 old", ".xls"),
        (b"\x00\x01\x02\x03", "neither a workbook nor text"),
    ],
)
def test_unreadable_sheet(root, content, why):
    (root / CASME2_NAME).write_bytes(content)
    refused(root, "unreadable sheet", CASME2_NAME, why)


def test_open_document_is_named(root):
    (root / CASME2_NAME).unlink()
    with zipfile.ZipFile(root / "sheet.ods", "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    refused(root, "unreadable sheet", "sheet.ods", "OpenDocument")


def test_sheet_outside_the_root(root, tmp_path):
    write_xlsx(tmp_path / "outside.xlsx", [CASME2_HEADER, GOOD])
    refused(root, "name leaves the root", "../outside.xlsx", sheet="../outside.xlsx")


# --- rows


def row(clip="EP02_01f", onset=46, apex=59, offset=86, emotion="happiness", subject=1):
    return casme2_row(subject, clip, onset, apex, offset, emotion)


@pytest.mark.parametrize(
    ("rows", "kind", "named"),
    [
        ([], "empty sheet", CASME2_NAME),
        ([row("anger1_1", 1, 2, 3)], "sheet of the wrong data set", "anger1_1"),
        ([row(onset=86, offset=46)], "onset after offset", "onset 86, apex 59, offset 46"),
        ([row(onset=46, apex=46, offset=46)], "clip of one frame", "onset 46"),
        ([row(apex=45)], "apex outside the clip", "old 45"),
        ([row(apex=87)], "apex outside the clip", "apex 87"),
        ([row(onset=-46)], "bad frame number", "onset frame number -46"),
        ([row(onset=46.5)], "bad frame number", "onset frame number 46.5"),
        ([row(apex="59?")], "bad frame number", "apex '59?'"),
        ([row(offset=10**12)], "bad frame number", "offset"),
        ([row(offset="nan")], "missing frame number", "offset"),
        ([row(onset="/")], "missing frame number", "onset"),
        ([row(onset=True)], "bad frame number", "onset 'True'"),
        ([GOOD, row("EP07_01", 7, 8, 9, "hapiness")], "unknown emotion", "'happiness' is close"),
        ([GOOD, row(apex=60)], "contradicting rows", "EP02_01f (row 3): row 2"),
        ([GOOD, GOOD, row(None)], "bad name", "Filename ''"),
        ([GOOD, row("EP03_01", subject=None)], "bad name", "Subject ''"),
        ([GOOD, GOOD, row("EP02/../../x")], "name leaves the root", "EP02/../../x"),
        ([GOOD, GOOD, row("EP../..")], "name leaves the root", "EP../.."),
        ([GOOD, GOOD, row("EP02_01f/..")], "name leaves the root", "EP02_01f/.."),
        ([GOOD, GOOD, row("EP\\..\\x")], "name leaves the root", "x"),
        # Found by fuzzing: asking the system about such a name is an error of its own.
        ([GOOD, GOOD, row("é" * 300)], "bad name", "é"),
        ([CASME2_ROWS[0], row(subject="é" * 300)], "bad name", "é"),
    ],
)
def test_bad_rows(root, rows, kind, named):
    rewrite(root, *rows)
    refused(root, kind, named)


def test_a_bad_row_that_the_scheme_leaves_out_is_only_a_warning(root):
    rewrite(root, GOOD, casme2_row(1, "EP07_01", 9, 8, 7, "fear"))
    assert kinds(root) == kinds(root, "warning") == ["onset after offset"]
    assert len(datasets.Casme2(root).clips()) == 1


def test_repeated_row_is_left_out_and_said(root):
    rewrite(root, GOOD, GOOD)
    assert kinds(root) == ["repeated row"]
    data = datasets.Casme2(root)
    assert list(data.ledger()["reason"]) == ["", "repeats row 2"]
    assert len(data.clips()) == 1


@pytest.mark.parametrize(
    "name", ["..", "../..", "/etc", "C:\\x", "", "a\0b", "a/b", ".hidden", "a\x07"]
)
def test_names_that_are_not_one_component(name):
    assert not is_plain_name(name)


# --- folders and frames


def test_missing_frame_folder_names_a_neighbour(root):
    os.rename(root / CLIP, root / "Cropped/sub01/EP02_1f")
    refused(root, "missing frame folder", "EP02_01f", "'EP02_1f' lies beside it")


def test_a_moved_clip_is_not_taken_for_its_neighbour(root):
    rewrite(root, GOOD, casme2_row(1, "EP02_02f", 46, 59, 86, "happiness"))
    write_frames(root / "Cropped/sub01/EP02_02f", 46, 86)
    os.rename(root / CLIP, root / "Cropped/EP02_01f")
    with raises("missing frame folder", "EP02_01f") as caught:
        datasets.Casme2(root).clips()
    assert "beside" not in str(caught.value)
    (note,) = [p for p in findings(datasets.Casme2(root)) if p.severity == "note"]
    assert note.kind == "folders of no subject"
    assert "EP02_01f" in note.message


def test_a_misspelt_subject_is_named(root):
    rewrite(root, GOOD, casme2_row(2, "EP02_01f", 46, 59, 86, "happiness"))
    write_frames(root / "Cropped/sub02/EP02_01f", 46, 86)
    os.rename(root / "Cropped/sub01", root / "Cropped/Sub01")
    refused(root, "missing frame folder", "'sub01'", "'Sub01' lies beside it")
    assert "folders of no subject" in kinds(root, "note")


def test_a_subject_that_the_sheet_does_not_name(root):
    write_frames(root / "Cropped/sub09/EP01_01", 1, 2)
    assert kinds(root) == ["folders of no subject"]
    assert len(datasets.Casme2(root).clips()) == 1


def test_no_frames_at_all(root):
    os.rename(root / "Cropped/sub01", root / "Cropped/subject one")
    refused(root, "missing frame folder", "CASME II")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (JPEG[:-2], "cut off"),
        (PNG[:-20], "cut off"),
        (BMP[:-1], "cut off"),
        (b"<html>not found</html>", "no JPEG"),
        (b"\xff", "no JPEG"),
        (PNG.replace(b"\r\n", b"\n", 1), "text mode"),
    ],
)
def test_damaged_frames(root, content, why):
    (root / FRAME).write_bytes(content)
    refused(root, "damaged frame", "reg_img60.jpg", why)
    assert "damaged frame" in kinds(root, "warning", missing_frames="drop_clip")
    assert len(datasets.Casme2(root, missing_frames="drop_clip").clips()) == 0


def test_what_decoding_alone_shows_is_an_error_of_a_check_as_it_is_of_a_run(root):
    picture = cv2.imencode(".jpg", np.add.outer(np.arange(40), np.arange(50)).astype(np.uint8))[1]
    for frame in (root / CLIP).iterdir():
        frame.write_bytes(picture.tobytes()[:-60] + b"\xff\xd9")
    for rule in ("error", "drop_clip"):
        data = datasets.Casme2(root, missing_frames=rule)
        assert len(data.clips()) == 1
        found = [p.kind for p in data.check(decode=True) if p.severity == "error"]
        assert set(found) == {"undecodable frame"}


@pytest.mark.parametrize("content", [PNG, BMP, JPEG + b"\0" * 20, TIFF])
def test_whole_images_of_any_kind_pass(root, content):
    (root / FRAME).write_bytes(content)
    assert kinds(root) == []


def test_frames_outside_the_clip_are_not_looked_at(root):
    (root / CLIP / "reg_img45.jpg").write_bytes(b"")
    assert kinds(root) == []


def test_every_frame_of_the_clip_is_decoded_if_asked_for(root, monkeypatch):
    write_frames(root / CLIP, 40, 45)
    seen = []

    def decode(path):
        seen.append(path.name)
        if path.name == "reg_img70.jpg":
            raise MerError("undecodable frame", f"{path} cannot be decoded", "an image", "copy it")
        return Picture(np.full((2, 2, 1), len(seen), np.uint8))

    monkeypatch.setattr(integrity, "read_picture", decode)
    assert (findings(datasets.Casme2(root)), seen) == ([], [])
    found = findings(datasets.Casme2(root), decode=True)
    assert seen == [f"reg_img{number}.jpg" for number in range(46, 87)]
    assert [(p.severity, p.kind) for p in found] == [("error", "undecodable frame")]
    assert "reg_img70.jpg cannot be decoded" in found[0].message


def draw_frames(root, numbers=range(46, 87), step=1):
    """Frames whose grey goes up by `step` with the number."""
    for number in numbers:
        image = np.full((8, 6), 30 + step * (number - 46), np.uint8)
        cv2.imwrite(str(root / CLIP / f"reg_img{number}.jpg"), image)


@pytest.mark.scenario("A")
def test_what_shows_in_decoded_frames_only(root):
    draw_frames(root)
    assert findings(datasets.Casme2(root), decode=True) == []
    cv2.imwrite(str(root / FRAME), np.zeros((8, 6, 3), np.uint8))
    (found,) = findings(datasets.Casme2(root), decode=True)
    assert (found.kind, found.severity) == ("bad frames", "error")
    assert "reg_img60.jpg has shape (8, 6, 3)" in found.message
    deep = cv2.imencode(".png", np.full((8, 6), 9000, np.uint16))[1].tobytes()
    (root / FRAME).write_bytes(deep)
    (found,) = findings(datasets.Casme2(root), decode=True)
    assert (found.kind, found.severity) == ("changed pictures", "warning")
    assert "1 of 41 frames: 16 bits" in found.message


@pytest.mark.scenario("K")
def test_a_clip_in_which_nothing_moves_is_an_error_once_it_is_decoded(root):
    draw_frames(root, step=0)
    (found,) = findings(datasets.Casme2(root), decode=True)
    assert (found.kind, found.severity) == ("no motion", "error")
    assert CLIP in found.message


@pytest.mark.scenario("J")
@pytest.mark.parametrize("first", [0, 1, 45])
def test_frames_under_other_numbers_are_told_from_missing_ones(root, first):
    for number in range(46, 87):  # upwards, to lower numbers: nothing is overwritten
        (root / CLIP / f"reg_img{number}.jpg").rename(
            root / CLIP / f"reg_img{number - 46 + first}.jpg"
        )
    for rule in ("error", "drop_clip"):
        refused(root, "renumbered frames", f"41 frames, {first}..", missing_frames=rule)
    problem = datasets.Casme2(root).check()[0]
    assert f"add {46 - first} to the number" in problem.remedy
    (root / CLIP / f"reg_img{first + 7}.jpg").unlink()
    refused(root, "missing frames", f"40 frames, {first}..")


def test_two_files_for_one_frame(root):
    (root / CLIP / "img60.png").write_bytes(PNG)
    refused(root, "doubled frame", "frame 60", "img60.png, reg_img60.jpg")
    with raises("doubled frame"):
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
    refused(root, "link leaves the root", CLIP)


@pytest.mark.parametrize("beside", [False, True])
def test_no_rule_for_missing_frames_forgives_a_link_out_of_the_root(root, tmp_path, beside):
    """Such a clip is not loaded, so that nothing that reads it later follows the link."""
    outside = write_frames(tmp_path / "outside", 46, 86)
    if not beside:
        (root / CLIP / "reg_img60.jpg").unlink()
    (root / CLIP / f"{'other_' * beside}reg_img60.jpg").symlink_to(outside / "reg_img60.jpg")
    assert "link leaves the root" in kinds(root, "error")
    with raises("link leaves the root" if beside else "missing frames", "60"):
        datasets.Casme2(root).clips()
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
    refused(root, "missing frames", "1 of the 41 frames", ": 60")
    assert "refused entries" in kinds(root, "warning")
    os.rename(root / CLIP, root / "away")
    (root / CLIP).symlink_to("EP02_01f")
    refused(root, "missing frame folder", "EP02_01f")


def test_a_sheet_that_loops(root):
    (root / CASME2_NAME).unlink()
    (root / CASME2_NAME).symlink_to(CASME2_NAME)
    refused(root, "missing sheet", root)


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
    assert find_base(tmp_path, lambda name: name == "sub01", depth=50).folder is None


def test_sheet_through_a_link_out_of_the_root_is_not_read(root, tmp_path):
    os.rename(root / CASME2_NAME, tmp_path / CASME2_NAME)
    (root / CASME2_NAME).symlink_to(tmp_path / CASME2_NAME)
    refused(root, "missing sheet", root)


def test_ten_thousand_unexpected_files_are_one_finding(root):
    for number in range(10_000):
        os.close(os.open(root / f"junk{number}", os.O_CREAT))
    (root / CLIP / "Thumbs.db").touch()
    found = findings(datasets.Casme2(root))
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
    found = findings(datasets.Casme2(root))
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
    message = findings(datasets.Casme2(root))[0].message
    message.encode("utf-8")
    assert "\\xff60" in message
    assert len(datasets.Casme2(root).clips()) == 1


def test_a_used_frame_or_clip_whose_name_is_not_utf8(root):
    try:
        os.rename(root / CLIP / "reg_img60.jpg", os.fsencode(root / CLIP) + b"/reg_img\xff60.jpg")
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    refused(root, "missing frames", "1 of the 41 frames", ": 60")
    assert "refused entries" in kinds(root, "warning")
    os.rename(root / CLIP, os.fsencode(root / CLIP) + b"\xff")
    refused(root, "missing frame folder", r"xff' lies beside it")


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
    with raises("onset after offset", "and 1 more error"):
        datasets.Casme2(root).clips()


def test_grouping_counts_and_orders(root):
    rewrite(
        root,
        casme2_row(1, "EP02_01f", 86, 59, 46, "happiness"),
        casme2_row(1, "EP03_01f", 86, 59, 46, "happiness"),
        casme2_row(1, "EP04_01f", 86, 59, 46, "fear", "AU12"),
    )
    found = findings(datasets.Casme2(root))
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
    assert set(parsed["problems"][0]) == {field.name for field in fields(datasets.Problem)}


def test_a_sheet_far_down_or_far_right_is_still_bounded(root):
    from openpyxl import load_workbook

    book = load_workbook(root / CASME2_NAME)
    book.active.cell(900_000, 5000).value = "lost"
    book.save(root / CASME2_NAME)
    assert len(sheets.read_sheet(root / CASME2_NAME).rows) == 1


@pytest.mark.scenario("A")
@pytest.mark.parametrize(
    ("suffix", "picture", "kind"),
    [
        (".png", np.full((8, 8), 4000, np.uint16), "undecodable frame"),
        (".tif", np.full((8, 8), 0.5, np.float32), "undecodable frame"),
        (".png", np.full((8, 8), 257 * 200, np.uint16), "changed pictures"),
        (".jpg", JPEG[:2] + b"\xff\xc1\0\x0b\x0c\0\x08" + JPEG[2:], "undecodable frame"),
    ],
)
def test_pictures_that_are_no_bytes_are_found_by_a_plain_check(root, suffix, picture, kind):
    (frame := root / FRAME).unlink()
    data = picture if isinstance(picture, bytes) else cv2.imencode(suffix, picture)[1].tobytes()
    frame.with_suffix(suffix).write_bytes(data)
    assert kinds(root, "error" if kind.startswith("undecodable") else "warning") == [kind]


@pytest.mark.scenario("G")
def test_two_folders_of_frames_are_not_chosen_from_in_silence(root):
    shutil.copytree(root / "Cropped", root / "cropped")
    refused(root, "several frame folders", "cropped")
    write_frames(root / "Cropped/sub05/EP01_01", 1, 2)
    assert ("warning", "several frame folders") in said(root)
    assert any("cropped" in p.message for p in datasets.Casme2(root).remarks)
    os.rename(root / "cropped", root / "Raw")
    assert ("note", "several frame folders") in said(root)
    assert all(clip == root / "Cropped" for clip in _bases(root))


def said(root):
    return {(p.severity, p.kind) for p in findings(datasets.Casme2(root))}


def _bases(root):
    return [Path(place).parents[1] for place in datasets.Casme2(root).clips()["frames_dir"]]


@pytest.mark.scenario("G")
@pytest.mark.parametrize("twin", ["Cropped/Sub01", "Cropped/sub01/ep02_01F"])
def test_folders_that_differ_in_case_alone_are_a_finding(root, twin):
    write_frames(root / twin / ("EP02_01f" if twin.endswith("Sub01") else ""), 46, 86)
    assert kinds(root, "warning") == ["near-duplicate names"]


@pytest.mark.scenario("J")
def test_a_clip_with_one_frame_more_than_all_others_is_named(tmp_path):
    clips = [casme2_row(1, f"EP02_{n:02d}", 10, 12, 14, "happiness") for n in range(1, 13)]
    root = write_casme2(tmp_path / "data", clips)
    folder = root / "Cropped/sub01/EP02_05"
    for number in range(14, 9, -1):  # copied under the next number, and the first one again
        os.rename(folder / f"reg_img{number}.jpg", folder / f"reg_img{number + 1}.jpg")
    (folder / "reg_img10.jpg").write_bytes(JPEG[:-2] + b"one more" + JPEG[-2:])
    (shifted,) = [p for p in findings(datasets.Casme2(root)) if p.severity == "warning"]
    assert shifted.kind == "renumbered frames"
    assert "EP02_05" in shifted.message
    for n in range(1, 13):  # where others hold more too, nothing can be told
        (root / f"Cropped/sub01/EP02_{n:02d}/reg_img15.jpg").write_bytes(jpeg(n))
    assert kinds(root, "warning") == []
