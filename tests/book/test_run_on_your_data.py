"""The page "Run it on your data": its example runs, and says what it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mer_utils import annotations, execution, experiments, synthetic
from mer_utils.cli import app
from mer_utils.experiments.grids import run_spec

PAGE = (Path(__file__).parents[2] / "book" / "run_on_your_data.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Run the page's Python in an empty folder, as far as it needs no results."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "build"))
    names: dict = {}
    exec(blocks("python")[0], names)
    return tmp_path / "build/manifest_example/manifest.csv"


def test_the_example_writes_what_the_page_shows(example, capsys):
    shown = next(block for block in blocks("text") if block.startswith("subject,clip,label"))
    assert example.read_text().startswith(shown)
    exec(blocks("python")[1], {})
    assert capsys.readouterr().out in blocks("text")
    checked = CliRunner().invoke(app, ["check", "manifest", str(example)])
    assert checked.exit_code == 0
    assert "No problem found" in checked.output


def test_the_example_is_scored_as_the_page_says(example, capsys):
    workspace = experiments.open_workspace(
        "smoke", store="build/manifest_results", datasets=[f"manifest:{example}"]
    )
    spec = run_spec(workspace.profile, workspace.data["manifest:manifest"], "learnet")
    jobs = workspace.jobs([spec])
    assert execution.run(jobs, workspace.context).done == len(jobs) == 4
    exec(blocks("python")[2], {})
    assert re.search(r"learnet +single", capsys.readouterr().out)


def test_the_corrections_that_are_shown_have_the_right_columns(tmp_path, twins):
    (shown,) = [block for block in blocks("text") if block.startswith("dataset,subject,clip")]
    (tmp_path / "mine.csv").write_text(shown)
    root = twins / "casme2-smoke"
    found = annotations.check("casme2", root, corrections=tmp_path / "mine.csv")
    kinds = {problem.kind for problem in found}
    assert "bad corrections file" not in kinds
    assert annotations.worst(found) != "error"


def test_every_command_of_the_page_exists():
    commands = re.findall(r"^mer (\w+)(.*?)(?<!\\)$", "\n".join(blocks("bash")), re.M | re.DOTALL)
    assert {"synth", "check", "di", "plan", "run", "status", "book"} <= {c for c, _ in commands}
    for command, rest in commands:
        helped = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "300"})
        assert helped.exit_code == 0, command
        for option in re.findall(r"(?<=\s)--?[a-z-]+", rest):
            assert option in helped.output, (command, option)


def test_nothing_is_left_to_fill_in():
    assert "GLUE" not in PAGE


def test_the_small_twin_gives_the_two_notes_that_the_page_names(tmp_path):
    assert "mer synth casme2 build/try/casme2 --subjects 4 --seed 1\n" in PAGE
    # The size of the frames changes neither the sheet nor which frames there are.
    root = synthetic.write("casme2", tmp_path / "t", subjects=4, seed=1, frame_size=(32, 32))
    found = annotations.check("casme2", root)
    assert sorted((p.severity, p.kind) for p in found) == [
        ("note", "degenerate phase"),
        ("note", "missing apex"),
    ]
