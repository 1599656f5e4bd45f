"""``mer synth`` and ``mer check``, run as a user runs them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from mer_utils import synthetic
from mer_utils.cli import app
from mer_utils.cli.main import main


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
    arguments = synthetic.describe(tmp_path / "twin")["arguments"]
    assert arguments == {
        "dataset": "casme2", "seed": 3, "subjects": 1, "clips_per_subject": 1,
        "phase_difference": 0.0, "noise": 0.0, "frame_size": [160, 120], "layout": "raw",
    }  # fmt: skip
    assert mer("check", "casme2", tmp_path / "twin").exit_code == 0


def test_check_of_a_manifest_names_row_and_remedy(tmp_path):
    (tmp_path / "flow.csv").write_text("subject,clip,label,image\ns1,c1,glad,../a.png\n")
    found = mer("check", "manifest", tmp_path / "flow.csv", "--format", "json")
    assert found.exit_code == 1
    (problem,) = json.loads(found.output)["problems"]
    assert problem["kind"] == "name leaves the root"
    assert "row 2" in problem["message"]
    assert problem["remedy"]


def test_check_lists_every_problem_and_fails(twins, tmp_path):
    import shutil

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


def test_an_error_is_one_message_and_exit_code_1(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["mer", "check", "casme3", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    message = capsys.readouterr().err
    assert message.count("Error:") == 1
    assert "casme3" in message
    assert "Remedy:" in message
    assert "Traceback" not in message
