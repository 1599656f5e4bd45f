"""The page "Work in the notebooks": its commands run, from a folder with a space in its name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "book" / "work_in_notebooks.md").read_text("utf-8")


@pytest.fixture
def shell(tmp_path, twins):
    """Run bash in a folder with a space in its name, with the programs of this environment."""
    folder = tmp_path / "a folder"
    (folder / "build").mkdir(parents=True)
    (folder / "build" / "data").symlink_to(twins)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    more = {"PATH": path, "BOOK": str(ROOT), "MER_BUILD": str(folder / "build")}
    more |= {"PYTHONPATH": str(ROOT), "JUPYTER_ALLOW_INSECURE_WRITES": "1"}

    def shell(script: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=os.environ | more,
            capture_output=True,
            text=True,
        )
        return folder, done

    return shell


def loop() -> str:
    (found,) = [b for b in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) if "papermill" in b]
    return found


def test_the_loop_makes_a_notebook_of_every_chapter_and_trains_a_fold_in_ten_lines(shell):
    folder, done = shell(loop().replace("01_clips assumptions", "assumptions train_a_fold"))
    assert done.returncode == 0, done.stderr[-3000:]
    for chapter in ("assumptions", "train_a_fold"):
        made = nbformat.read(folder / f"{chapter}.ipynb", 4)
        assert all(cell.get("execution_count") for cell in made.cells if cell.cell_type == "code")
    (cell,) = [cell for cell in made.cells if "shown.training_set" in cell.source]
    assert cell.outputs == []
    assert len(cell.source.splitlines()) == 10
    said = "".join(o.get("text", "") for c in made.cells for o in c.get("outputs", []))
    assert re.search(r"training loss from [\d.]+ to [\d.]+", said)


@pytest.mark.parametrize(("parameter", "kind"), [("-p profile hug", "unknown name"), ("-p x 1", "")])
def test_a_wrong_parameter_is_our_error_and_no_traceback(parameter, kind, shell):
    script = loop().replace("01_clips assumptions", "assumptions").replace("-p store", f"{parameter} -p store")
    script = script.replace("-p profile smoke", "") if "profile" in parameter else script
    _, done = shell(script)
    assert done.returncode != 0
    assert f"Error ({kind or 'unknown name'})" in done.stderr
    assert "Remedy: choose one of them" in done.stderr
    assert 'File "' not in done.stderr.split("Error (")[0].rsplit("Exception encountered", 1)[-1]


def test_the_recipe_for_continuous_integration_is_valid_and_names_chapters():
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    job = yaml.safe_load(text)["jobs"]["chapters"]
    for chapter in job["strategy"]["matrix"]["chapter"]:
        assert (ROOT / "notebooks" / f"{chapter}.md").is_file()
    assert any("mer run" in step.get("run", "") for step in job["steps"])
