"""`mer doctor`: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import re
import shutil
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from companion import doctor
from mer_utils.cli.main import app

ROOT = Path(__file__).parents[2]


def said(*arguments) -> str:
    done = CliRunner().invoke(app, ["doctor", *map(str, arguments)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_it_names_machine_data_and_what_every_chapter_lacks(twins, tmp_path, monkeypatch):
    folder = tmp_path / "a folder"
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    shutil.copy(ROOT / "_config.yml", folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MER_SAMM_ROOT", str(twins / "samm-smoke"))
    shown = said("--profile", "smoke", "--data-root", twins, "--store", folder / "store")
    assert "torch" in shown
    assert re.search(r"train[ │]+installed", shown)
    assert re.search(rf"samm +in {twins / 'samm-smoke'}", shown)
    assert re.search(r"casme2 +synthetic twin in", shown)
    assert re.search(r"05_table2\w+[ │]+lacks \d+ folds of table2[ │]+mer run table2", shown)
    assert "01_clips" not in shown
    assert not (folder / "store").exists()


def test_outside_of_a_checkout_it_says_where_chapters_are(tmp_path, twins, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "checkout" in said("--profile", "smoke", "--data-root", twins)


def test_a_part_that_is_absent_is_named_with_the_command(monkeypatch):
    wanted = ["numpy", 'no_such_thing; extra == "faces"', "mer-utils[faces]; extra == 'book'"]
    monkeypatch.setattr(metadata, "requires", lambda _: wanted)
    assert list(doctor.extras()) == [
        ("core", "installed", ""),
        ("faces", "lacks no_such_thing", 'pip install "mer-utils[faces]"'),
    ]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_learns_the_commands(shell, monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    shown = CliRunner().invoke(app, ["--show-completion", shell], prog_name="mer").output
    assert "_MER_COMPLETE" in shown
