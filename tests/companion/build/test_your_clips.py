"""The page "Any clips": each of its commands runs, in a folder with a space in its name."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from made_data import write_clip_table, write_frames, write_xlsx

import companion.build
from mer_utils import datasets, protocol, views
from mer_utils.cli.main import main
from mer_utils.experiments import Workspace

PAGE = (Path(__file__).parents[3] / "book" / "your_clips.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with what the page names, in which networks are left out."""
    folder = tmp_path / "a folder"
    write_clip_table(folder / "my clips")
    write_frames(folder / "my folders/ann/glad/c1", 1, 4)
    header = ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units"]
    rows = [[*header, "Estimated Emotion"], [1, "c1", 1, 2, 4, "12", "happiness"]]
    write_xlsx(folder / "my MMEW/sheet.xlsx", rows)
    write_frames(folder / "my MMEW/happiness/c1", 1, 4)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MER_BUILD", str(folder / "build"))
    specs = Workspace.specs
    monkeypatch.setattr(
        Workspace,
        "specs",
        lambda self, table: [
            spec
            for spec in (specs(self, table) if table == "table2" else [])
            if spec.model.name == "svm_hog" and spec.setting in ("single", "dual")
        ],
    )
    return folder


def test_every_command_runs(here, monkeypatch):
    built = {}
    monkeypatch.setattr("companion.build.pipeline.build", lambda **said: built.update(said) or here)
    monkeypatch.setattr("companion.cli.repository", lambda: Path(__file__).parents[3])
    commands = [line for block in blocks("bash") for line in block.splitlines()]
    assert len(commands) >= 9
    for command in commands:
        words = shlex.split(command)
        with monkeypatch.context() as settings:
            while "=" in words[0]:
                settings.setenv(*words.pop(0).split("=", 1))
            settings.setenv("MER_DATA", "")  # mer book sets it for its notebooks
            assert words[0] == "mer"
            if words[1] in ("run", "book"):
                words += ["--workers", "1"]
            with pytest.raises(SystemExit) as done:
                main(words[1:])
        assert done.value.code == 0, command
    assert built["lacking"] == ["CASME II", "SAMM"]
    assert built["data_title"] == "clips of the table clips.csv"
    assert (here / "my folders/clips.csv").exists()


def test_the_map_of_the_page_is_one(here):
    (toml,) = blocks("toml")
    Path("my_map.toml").write_text(toml)
    assert datasets.ColumnMap.read(Path("my_map.toml")).title == "My data set"
    named = set(re.findall(r"^\| `([a-z0-9]+)` \|.*megc-3", PAGE, re.MULTILINE))
    assert named == set(datasets.MAPS)


def test_the_columns_of_the_page_are_those_that_are_read(here):
    first = PAGE.split("## The table")[1].split("```")[0]
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", first, re.MULTILINE))))
    assert named == set(datasets.clips.HEADERS)


def test_its_program_runs(here):
    (program,) = blocks("python")
    names: dict = {}
    exec(program, names)
    assert len(names["x"]) == len(names["y"]) > 0
    assert {names["datasets"], names["protocol"], names["views"]} == {datasets, protocol, views}
