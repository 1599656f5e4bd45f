"""The page "Work in the notebooks": its commands run, from a folder with a space in its name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest
import yaml

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "book" / "work_in_notebooks.md").read_text("utf-8")


def test_the_loop_makes_a_notebook_and_trains_a_fold_in_ten_lines(tmp_path, twins):
    folder = tmp_path / "a folder"
    (folder / "build").mkdir(parents=True)
    (folder / "build" / "data").symlink_to(twins)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    more = {"PATH": path, "BOOK": str(ROOT), "MER_BUILD": str(folder / "build")}
    more |= {"PYTHONPATH": str(ROOT), "JUPYTER_ALLOW_INSECURE_WRITES": "1"}
    (loop,) = [b for b in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) if "papermill" in b]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", loop.replace("01_clips assumptions", "train_a_fold")],
        cwd=folder, env=os.environ | more, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    made = nbformat.read(folder / "train_a_fold.ipynb", 4)
    assert all(cell.get("execution_count") for cell in made.cells if cell.cell_type == "code")
    (cell,) = [cell for cell in made.cells if "shown.training_set" in cell.source]
    assert cell.outputs == []
    assert len(cell.source.splitlines()) == 10
    said = "".join(o.get("text", "") for c in made.cells for o in c.get("outputs", []))
    assert re.search(r"training loss from [\d.]+ to [\d.]+", said)


@pytest.mark.parametrize("wrong", [{"profile": "smok"}, {"profle": "smoke"}])
def test_a_wrong_parameter_is_our_error_and_no_traceback(wrong, tmp_path, monkeypatch):
    """As the command papermill shows it, which prints what is raised here."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    node = jupytext.read(ROOT / "notebooks" / "assumptions.md")
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        papermill.execute_notebook(
            node, None, wrong, kernel_name="python3", cwd=tmp_path, progress_bar=False
        )
    shown = str(stopped.value)
    assert "Error (unknown name)" in shown
    assert "Remedy: choose one of them; 'smoke' is close" in shown or "'profile' is close" in shown
    assert 'File "' not in shown.split("Error (")[0].rsplit("Exception encountered", 1)[-1]


def test_the_recipe_for_continuous_integration_is_valid_and_names_chapters():
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    job = yaml.safe_load(text)["jobs"]["chapters"]
    for chapter in job["strategy"]["matrix"]["chapter"]:
        assert (ROOT / "notebooks" / f"{chapter}.md").is_file()
    assert any("mer run" in step.get("run", "") for step in job["steps"])
