"""``mer synth`` and ``mer check``, run as a user runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mer_utils import datasets
from mer_utils.cli.main import app, main
from mer_utils.datasets import made_at
from mer_utils.frames import Face
from mer_utils.frames.layout import frame_files

LONE = Face((0, 0, 9, 9), ((2, 3), (6, 3)))


def mer(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_synth_writes_a_twin_that_check_finds_healthy(tmp_path):
    made = mer(
        "synth", "samm", tmp_path / "twin", "--subjects", 2, "--clips-per-subject", 2,
        "--workers", 1,
    )  # fmt: skip
    assert made.exit_code == 0
    assert "not evidence" in made.output
    checked = mer("check", "samm", tmp_path / "twin", "--decode", "--format", "json")
    assert checked.exit_code == 0
    assert json.loads(checked.output)["counts"]["error"] == 0


def test_synth_passes_every_option_on(tmp_path):
    made = mer(
        "synth", "casme2", tmp_path / "twin", "--subjects", 1, "--clips-per-subject", 1,
        "--phase-difference", 0, "--noise", 0, "--layout", "raw", "--frame-size", 160, 120,
        "--workers", 1, "--seed", 3,
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    arguments = made_at(tmp_path / "twin")["arguments"]
    assert arguments == {
        "dataset": "casme2", "seed": 3, "subjects": 1, "clips_per_subject": 1,
        "phase_difference": 0.0, "noise": 0.0, "frame_size": [160, 120], "layout": "raw",
        "fall_information": 0.0,
    }  # fmt: skip
    assert mer("check", "casme2", tmp_path / "twin").exit_code == 0


def test_check_of_a_manifest_names_row_and_remedy(tmp_path):
    (tmp_path / "flow.csv").write_text("subject,clip,label,image\ns1,c1,glad,../a.png\n")
    found = mer("check", "manifest", tmp_path / "flow.csv", "--format", "json")
    assert found.exit_code == 1
    problem, small = json.loads(found.output)["problems"]
    assert problem["kind"] == "name leaves the root"
    assert small["kind"] == "too few subjects"
    assert "row 2" in problem["message"]
    as_elsewhere = mer("check", f"manifest:{tmp_path}/flow.csv", "--format", "json")
    assert as_elsewhere.output == found.output
    for places in ([], [tmp_path]):
        where = f":{tmp_path}" if places else ""
        assert mer("check", f"casme2{where}", *places).exception.kind == "invalid option"
    assert problem["remedy"]


def test_check_lists_every_problem_and_fails(twins, tmp_path):
    root = tmp_path / "broken"
    shutil.copytree(twins / "casme2-smoke", root)
    folders = sorted(root.glob("Cropped/sub01/*"))
    for frame in folders[0].iterdir():
        frame.unlink()
    next(iter(sorted(folders[1].iterdir()))).write_bytes(b"")
    found = mer("check", "casme2", root, "--format", "json")
    assert found.exit_code == 1
    problems = json.loads(found.output)["problems"]
    named = " ".join(p["message"] for p in problems if p["severity"] == "error")
    assert folders[0].name in named
    assert folders[1].name in named
    assert all(p["remedy"] for p in problems)
    table = mer("check", "casme2", root)
    assert table.exit_code == 1
    assert "remedy" in table.output


@pytest.fixture
def broken(twins, tmp_path):
    """A twin in which one clip of a used class ends too early and a frame of another is cut."""
    root = tmp_path / "broken"
    shutil.copytree(twins / "casme2-smoke", root)
    used = datasets.Casme2(root).clips()
    first, second = (Path(clip) for clip in used["frames_dir"][:2])
    frame_files(first)[int(used["offset"][0])].unlink()
    cut = list(frame_files(second).values())[3]
    cut.write_bytes(cut.read_bytes()[:-40])
    return root, first, cut


def test_the_table_names_file_expectation_and_remedy(broken, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    root, folder, cut = broken
    said = mer("check", "casme2", root).output
    for words in (
        str(folder), "expected: a file for every frame from onset to offset", "copy the frames",
        str(cut), "expected: a whole image file", "copy the file again",
    ):  # fmt: skip
        assert words in said
    assert "--format json lists" not in said
    cut.with_name("again.lnk").touch()
    (folder / "again.lnk").touch()
    assert "--format json lists every finding" in mer("check", "casme2", root).output


@pytest.mark.parametrize("by_setting", [False, True])
def test_check_applies_the_rules_that_a_run_would(broken, monkeypatch, tmp_path, by_setting):
    root, folder, _ = broken
    row = datasets.Casme2(root, missing_frames="drop_clip").ledger().set_index("clip")
    subject = row.loc[folder.name, "subject"]
    mine = tmp_path / "mine.csv"
    mine.write_text(
        "dataset,subject,clip,field,old,new,reason,source\n"
        f"casme2,{subject},{folder.name},onset,nothing,3,r,s\n"
    )
    options = {"missing-frames": "drop_clip", "corrections": mine}
    said = [f"--{name}={value}" for name, value in options.items()]
    if by_setting:
        said = []
        for name, value in options.items():
            monkeypatch.setenv(f"MER_{name.replace('-', '_').upper()}", str(value))
    found = mer("check", "casme2", root, "--format", "json", *said)
    assert found.exit_code == 0, found.output
    problems = {p["kind"]: p["severity"] for p in json.loads(found.output)["problems"]}
    assert problems["missing frames"] == problems["damaged frame"] == "warning"
    assert problems["correction not applied"] == problems["clips left out"] == "note"
    assert "left out: 1 for" in found.output


def test_settings_about_frames_do_not_concern_a_manifest(monkeypatch, tmp_path):
    (tmp_path / "flow.csv").write_text("subject,clip,label,image\ns1,c1,glad,../a.png\n")
    monkeypatch.setenv("MER_MISSING_FRAMES", "drop_clip")
    found = mer("check", "manifest", tmp_path, "--format", "json")
    kinds = [p["kind"] for p in json.loads(found.output)["problems"]]
    assert kinds == ["name leaves the root", "too few subjects"]
    stopped = mer("check", "manifest", tmp_path, "--missing-frames", "drop_clip")
    assert stopped.exception.kind == "unknown name"


def test_check_reads_the_sheet_that_is_named(twins, tmp_path):
    root = tmp_path / "two"
    shutil.copytree(twins / "casme2-smoke", root)
    (sheet,) = root.glob("*.xlsx")
    shutil.copy(sheet, root / "newer.xlsx")
    found = mer("check", "casme2", root, "--format", "json")
    assert [p["kind"] for p in json.loads(found.output)["problems"]] == ["several sheets"]
    assert mer("check", "casme2", root, "--sheet", "newer.xlsx").exit_code == 0


def test_an_unknown_format_is_refused(tmp_path):
    stopped = mer("check", "casme2", tmp_path, "--format", "yaml")
    assert "'yaml' is unknown; expected one of table, json" in str(stopped.exception)


def test_an_error_is_one_message_and_exit_code_1(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["mer", "check", "casme3", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    message = capsys.readouterr().err
    assert message.count("Error (") == 1
    assert "casme3" in message
    assert "Remedy:" in message
    assert "Traceback" not in message


@pytest.mark.scenario("K")
def test_a_check_that_decodes_says_where_several_faces_or_none_were_seen(twins, monkeypatch):
    faces = iter([Face((0, 0, 9, 9), ((2, 3), (6, 3)), others=2), None])
    monkeypatch.setattr("mer_utils.frames.known_faces.find_face", lambda *a: next(faces, LONE))
    arguments = ("check", "casme2", twins / "casme2-smoke", "--format", "json")
    monkeypatch.setenv("MER_CROP", "casme2")
    found = json.loads(mer(*arguments, "--decode").output)["problems"]
    about = [(p["severity"], p["kind"]) for p in found if p["kind"].endswith(("face", "faces"))]
    assert about == [("error", "no face"), ("warning", "several faces")]
    (message,) = [p["message"] for p in found if p["kind"] == "several faces"]
    assert "3 faces on the onset frame: the one nearest its middle is taken" in message
    # Without decoding no face is looked for.
    assert mer(*arguments).exit_code == 0
    faces = iter([None])
    monkeypatch.setenv("MER_NO_FACE", "drop_clip")
    found = json.loads(mer(*arguments, "--decode").output)["problems"]
    assert [p["severity"] for p in found if p["kind"] == "no face"] == ["warning"]


@pytest.mark.scenario("J")
def test_a_check_of_faces_without_a_detector_is_no_success(twins, monkeypatch):
    monkeypatch.setenv("MER_CROP", "casme2:detector=os.getcwd")
    found = mer("check", "casme2", twins / "casme2-smoke", "--format", "json", "--decode")
    assert found.exit_code == 1
    assert "unknown name" in [p["kind"] for p in json.loads(found.output)["problems"]]


@pytest.mark.scenario("J")
def test_check_counts_clips_and_subjects_by_scheme_beside_the_published_numbers(twins, tmp_path):
    found = mer("check", "casme2", twins / "casme2-smoke", "--format", "json")
    clips = datasets.Casme2(twins / "casme2-smoke").clips()
    by_scheme = {row["scheme"]: row for row in json.loads(found.output)["clips"]}
    five, three = by_scheme["casme2-5"], by_scheme["megc-3"]
    assert (five["clips"], five["subjects"]) == (len(clips), clips["subject"].nunique())
    assert (five["published_clips"], five["published_subjects"]) == (246, 26)
    assert (three["published_clips"], three["published_subjects"]) == (145, 24)
    samm = datasets.Samm(twins / "samm-smoke").counts().set_index("scheme")
    published = samm[["published_clips", "published_subjects"]]
    assert published.loc[["samm-5", "megc-3"]].to_numpy().tolist() == [[136, 27], [133, 28]]
    shown = mer("check", "casme2", twins / "casme2-smoke").output
    assert "published clips" in " ".join(shown.split())


@pytest.mark.scenario("J")
def test_remedies_of_what_needs_no_action_say_so(twins, tmp_path):
    root = tmp_path / "odd"
    shutil.copytree(twins / "casme2-smoke", root)
    from openpyxl import load_workbook

    (sheet,) = root.glob("*.xlsx")
    book = load_workbook(sheet)
    column = [cell.value for cell in book.active[1]].index("Action Units") + 1
    book.active.cell(2, column).value = "AU12 or so"
    book.save(sheet)
    found = json.loads(mer("check", "casme2", root, "--format", "json").output)["problems"]
    (units,) = [p for p in found if p["kind"] == "unread action units"]
    assert units["remedy"].startswith("none needed")
