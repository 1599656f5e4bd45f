"""The page "Run it on your data": its example runs, and says what it does."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from mer_utils import datasets, experiments, frames, runs
from mer_utils.cli.main import app
from mer_utils.experiments import run_spec
from mer_utils.experiments.settings import PAPER, open_datasets

PAGE = (Path(__file__).parents[3] / "book" / "run_on_your_data.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def block(containing: str) -> str:
    """Return the one Python block of the page that holds these words."""
    (found,) = [text for text in blocks("python") if containing in text]
    return found


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Run the page's Python in an empty folder, as far as it needs no results."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "build"))
    names: dict = {}
    exec(block('manifest_example")'), names)
    return tmp_path / "build/manifest_example/manifest.csv"


def test_the_example_writes_what_the_page_shows(example, capsys):
    shown = next(block for block in blocks("text") if block.startswith("subject,clip,label"))
    assert example.read_text().startswith(shown)
    exec(block("protocol.loso"), {})
    assert capsys.readouterr().out in blocks("text")
    checked = CliRunner().invoke(app, ["check", "manifest", str(example)])
    assert checked.exit_code == 0
    assert "full view only" in checked.output


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """A folder in which the page's first commands were given, and what they said."""
    folder = tmp_path_factory.mktemp("tried")
    commands = next(b for b in blocks("bash") if b.startswith("mer synth")).splitlines()
    # Nothing that is said depends on the size of the frames.
    more = {"synth": ["--frame-size", "32", "32", "--workers", "1"], "check": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLUMNS", "74")
        said = [
            CliRunner().invoke(app, [*words, *more[words[0]]])
            for words in (line.split()[1:] for line in commands)
        ]
    return folder, said


def test_the_first_commands_answer_as_the_page_says(tried):
    _, said = tried
    assert [one.exit_code for one in said] == [0, 0]
    shown = next(b for b in blocks("text") if b.startswith("casme2 in build/try"))
    assert [line.rstrip() for line in said[1].output.splitlines()] == shown.splitlines()


def test_the_example_is_scored_as_the_page_says(example, capsys):
    workspace = experiments.open_workspace(
        "smoke", store="build/manifest_results", datasets=[f"manifest:{example}"]
    )
    spec = run_spec(workspace.profile, workspace.data["manifest:manifest"], "learnet")
    jobs = workspace.jobs([spec])
    assert runs.run(jobs, workspace.context).done == len(jobs) == 4
    exec(block("metrics.scores_by"), {})
    assert re.search(r"learnet +single", capsys.readouterr().out)


def test_the_corrections_that_are_shown_have_the_right_columns(tmp_path, twins):
    (shown,) = [block for block in blocks("text") if block.startswith("dataset,subject,clip")]
    (tmp_path / "mine.csv").write_text(shown)
    root = twins / "casme2-smoke"
    found = datasets.Casme2(root, corrections=tmp_path / "mine.csv").check()
    kinds = {problem.kind for problem in found}
    assert "bad corrections file" not in kinds
    assert datasets.worst(found) != "error"


def test_the_loader_by_itself_does_what_the_page_says(tried, monkeypatch, capsys):
    monkeypatch.chdir(tried[0])
    names: dict = {}
    exec(block(".check()"), names)
    first, agrees = capsys.readouterr().out.splitlines()
    clip = names["clips"].iloc[0]
    count = clip["offset"] - clip["onset"] + 1
    apex = None if pd.isna(clip["apex"]) else clip["apex"] - clip["onset"]
    assert first == f"{clip['subject']} {clip['clip']} {clip['label']} {count} {apex}"
    assert agrees == "True"
    assert all(f"`{column}`" in PAGE for column in clip.index)
    exec(block('missing_apex="drop"'), names)
    assert set(names["three"]["label"]) <= {"negative", "positive", "surprise"}
    assert names["three"]["apex"].notna().all()
    assert "left out" in capsys.readouterr().out


def test_the_detector_of_the_page_gives_faces(monkeypatch):
    class Network:
        """What YuNet returns: box, five points, score; the image's left eye first."""

        def setInputSize(self, size):
            assert size == (80, 60)

        def detect(self, image):
            assert (image[0, 0] == [3, 2, 1]).all()
            row = [10, 5, 40, 50, 20, 25, 40, 26, 30, 35, 22, 45, 38, 45, 0.9]
            return 1, np.array([row], np.float32)

    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *_: Network())
    names: dict = {}
    exec(block("FaceDetectorYN"), names)
    (face,) = names["yunet"]()(np.full((60, 80, 3), (1, 2, 3), np.uint8))
    assert face.box == (10, 5, 50, 55)
    assert face.eyes == ((20, 25), (40, 26))
    assert face.score == pytest.approx(0.9)


def test_the_settings_of_the_crop_that_are_shown_are_accepted(monkeypatch, tmp_path):
    shown = re.findall(r"MER_CROP=([^`\n]+)", PAGE)
    assert any("margin" in value for value in shown)
    (tmp_path / "my_faces.py").write_text(block("FaceDetectorYN"))
    monkeypatch.syspath_prepend(tmp_path)
    for value in shown:
        monkeypatch.setenv("MER_CROP", value)
        assert any(data.crops for data in open_datasets(PAPER, lambda name: tmp_path))
    table = {name for name in frames.CropOptions.model_fields if f"| `{name}` |" in PAGE}
    assert table == set(frames.CropOptions.model_fields) - {"own_code"}


def test_every_command_of_the_page_exists():
    commands = re.findall(r"^mer (\w+)(.*?)(?<!\\)$", "\n".join(blocks("bash")), re.M | re.DOTALL)
    assert {"synth", "check", "di", "plan", "run", "status", "book"} <= {c for c, _ in commands}
    for command, rest in commands:
        group = rest.split()[:1] if command == "store" else []
        helped = CliRunner().invoke(app, [command, *group, "--help"], env={"COLUMNS": "300"})
        assert helped.exit_code == 0, command
        for option in re.findall(r"(?<=\s)--?[a-z-]+", rest):
            assert option in helped.output, (command, option)


def test_nothing_is_left_to_fill_in():
    assert "GLUE" not in PAGE


def test_the_small_twin_gives_the_two_notes_that_the_page_names(tried):
    found = datasets.Casme2(tried[0] / "build/try/casme2").check()
    assert sorted((p.severity, p.kind) for p in found) == [
        ("note", "degenerate phase"),
        ("note", "missing apex"),
    ]
