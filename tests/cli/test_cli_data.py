"""``mer synth`` and ``mer check``, run as a user runs them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

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
