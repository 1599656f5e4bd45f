"""What an advice names is there: commands, options, targets of make, settings, Python's names."""

from __future__ import annotations

import ast
import csv
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

import mer_utils
from mer_utils.cli.main import app
from mer_utils.datasets import DATASETS
from mer_utils.machine import OF_DATA, SETTINGS

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.scenario("J")
#: Options of other programs that advices name.
OTHERS = {"--nthreads", "--nworkers", "--resources"}


def _commands(group, before: str = "") -> dict:
    """Return every command by its words, such as ``store export``."""
    found = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= _commands(command, f"{before}{name} ") if inner else {before + name: command}
    return found


COMMANDS = _commands(get_command(app))


def texts(node: ast.AST) -> str:
    """Return the words of an expression, each computed part as X."""
    if isinstance(node, ast.JoinedStr):
        return "".join(texts(part) for part in node.values)
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.FormattedValue):
        return "X"
    return " ".join(texts(child) for child in ast.iter_child_nodes(node))


@cache
def advices() -> dict[str, str]:
    """Return what every error and finding says, by where it stands."""
    found = {}
    for room in ("mer_utils", "companion"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                name = getattr(getattr(node, "func", None), "id", "")
                if isinstance(node, ast.Call) and name in ("MerError", "Problem"):
                    found[f"{path.name}:{node.lineno}"] = " | ".join(map(texts, node.args))
    with open(ROOT / "mer_utils" / "error_kinds.csv", newline="", encoding="utf-8") as file:
        found |= {f"error_kinds.csv: {row['name']}": row["remedy"] for row in csv.DictReader(file)}
    for page in ("if_it_goes_wrong.md", "run_on_your_data.md", "run_on_a_cluster.md"):
        found[page] = (ROOT / "book" / page).read_text("utf-8")
    for page in ("README.md", "CONTRIBUTING.md"):
        found[page] = (ROOT / page).read_text("utf-8")
    return found


def named(pattern: str) -> set[tuple[str, str]]:
    return {
        (word, place) for place, said in advices().items() for word in re.findall(pattern, said)
    }


def test_every_command_that_is_named_exists():
    found = named(r"(?<![\w-])mer ([a-z]+)\b(?!-)")
    assert len(found) > 10
    words = {"or", "and", "is", "says", "may"}  # `mer` itself is spoken of
    firsts = {command.split()[0] for command in COMMANDS}
    assert [(c, place) for c, place in found if c not in {*firsts, *words}] == []


def test_every_option_that_is_named_exists_and_stands_with_its_command():
    options = {o for command in COMMANDS.values() for p in command.params for o in p.opts}
    found = {(o, place) for o, place in named(r"(?<![\w-])(--[a-z][a-z-]+)") if ".md" not in place}
    assert len(found) > 8
    assert [(o, place) for o, place in found if o not in options | OTHERS] == []
    for line, place in named(r"(?<![\w-])mer [a-z]+[^|\n`;]*--[^|\n`;]*"):
        rest = line.removeprefix("mer ").split()
        command = " ".join(rest[:2]) if " ".join(rest[:2]) in COMMANDS else rest[0]
        if command in COMMANDS:
            known = {o for p in COMMANDS[command].params for o in p.opts} | {"--help"}
            used = {w.strip(",.()'\"") for w in rest if w.startswith("--")}
            assert used - OTHERS <= known, (line, place)


def test_every_target_of_make_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    found = {word for word, _ in named(r"(?:`|^|\brun |\n)make ([a-z-]+)")}
    assert "book" in found
    assert found - targets == set()


def test_every_setting_that_is_named_exists():
    own = {f"MER_{name.upper()}{what}" for name in DATASETS for what in OF_DATA}
    known = {*SETTINGS, *own}
    # Examples of misspelt ones, and of a data set of one's own.
    found = named(r"\b(MER_[A-Z0-9_]+)\b")
    assert {n for n, _ in found} - known <= {"MER_CASME_ROOT", "MER_MINE_ROOT", "MER_NAME_ROOT"}


def test_every_name_of_the_library_that_is_named_exists():
    rooms = "|".join(path.stem for path in Path(mer_utils.__path__[0]).iterdir())
    found = named(rf"\b((?:{rooms})\.[a-z]\w+)\b(?![./])")
    assert ("protocol.loso", "error_kinds.csv: leak") in found
    endings = {"py", "csv", "md", "toml", "parquet", "json", "jpg"}
    for name, place in found:
        room, _, thing = name.partition(".")
        if thing not in endings:
            assert hasattr(import_module(f"mer_utils.{room}"), thing), (name, place)
