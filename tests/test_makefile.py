"""`make` before anything is installed: which Python it takes, and where it works."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.scenario("J"),
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed"),
]
OLD = '#!/bin/sh\ncase "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac\n'
#: Makes an environment whose every program writes down how it was called.
GOOD = """#!/bin/sh
test "$2" = venv || exit 0
mkdir -p "$3/bin"
for name in python mer; do
    printf '#!/bin/sh\\necho "$0 $@" >> "$CALLS"\\n' > "$3/bin/$name"
    chmod +x "$3/bin/$name"
done
"""


@pytest.fixture
def make(tmp_path):
    """Run make in a checkout whose folder has a space and brackets in its name."""
    folder = tmp_path / "a checkout [1]"
    folder.mkdir()
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)

    def make(*arguments: str, **environment: str) -> tuple[int, str]:
        calls = {"CALLS": str(tmp_path / "calls"), **environment}
        done = subprocess.run(
            [shutil.which("make"), *arguments],
            cwd=folder, env=os.environ | calls, capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return make


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_python_that_is_too_old_is_named_before_anything_is_installed(make, tmp_path):
    old = program(tmp_path / "python3.9", OLD)
    code, shown = make("book", f"PYTHON={old}")
    assert code == 2
    assert f"{old} (Python 3.9.2)" in shown
    assert "Expected: Python 3.11 or newer" in shown
    assert "pip" not in shown


@pytest.mark.parametrize("python", ["python9.9", ""])
def test_a_python_that_is_not_there_is_said(make, python):
    code, shown = make("book", f"PYTHON={python}")
    assert code == 2
    assert "Expected: Python 3.11 or newer" in shown
    assert "Remedy: install it" in shown


def test_a_book_is_made_in_a_folder_with_a_space_in_its_name(make, tmp_path):
    good = program(tmp_path / "a python", GOOD)
    code, shown = make("book", f"PYTHON={good}", "PROFILE=smoke")
    assert code == 0, shown
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[-1] == ".venv/bin/mer book --profile smoke"
    assert any("--require-hashes" in call for call in calls)
    # What is installed is installed once.
    (tmp_path / "calls").unlink()
    assert make("book", f"PYTHON={good}")[0] == 0
    assert (tmp_path / "calls").read_text().splitlines() == [".venv/bin/mer book --profile demo"]


def test_help_lists_the_targets_there_too(make):
    code, shown = make("help")
    assert code == 0
    assert "check-notebooks" in shown
