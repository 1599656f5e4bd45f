"""What has gone wrong once and is held by a test: the scenarios, counted from the tests' source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import prod
from pathlib import Path

from mer_utils.registry import unknown

#: The file of the table in the staged source folder, which a page includes.
FILE = "scenarios.txt"
#: What a user would say of each kind. Tests name it: ``@pytest.mark.scenario("A")``.
KINDS = {
    "A": "A picture or a video is not what it seems: more than 8 bits, transparent, cut short; "
    "another face than the one meant",
    "B": "Weights fit the network in part, or not at all",
    "C": "A training ends in numbers that are none",
    "D": "Something was changed, and the result from before is still at hand",
    "E": "A file may not be read now, or is damaged: which of the two?",
    "F": "A table reads well and cannot be right: one class, lone subjects, a picture twice, names "
    "that differ in a letter's case",
    "G": "A spreadsheet can be read in two ways",
    "H": "A cell is absent, which is not the same as empty; a correction does not apply",
    "I": "A result says where it comes from, and that is wrong",
    "J": "An option, a setting or a name is odd; an advice does not help",
    "K": "The machine is another one: its GPUs, its processor, its network, its file system, its "
    "queue; or a process dies",
}


def counted(tests: Path) -> dict[str, int]:
    """Return the number of scenarios of each kind, and of all of them together under ``""``.

    Parameters
    ----------
    tests : Path
        A folder of tests. A marked test counts once for each value that its parameters list.
    """
    found = dict.fromkeys([*KINDS, ""], 0)
    for path in sorted(tests.rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        everywhere = {
            kind
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
            for kind in _kinds(node.value)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                kinds = everywhere.union(*map(_kinds, node.decorator_list))
                times = prod(map(_values, node.decorator_list))
                for kind in kinds and {*kinds, ""}:
                    if kind not in found:
                        raise unknown(f"kind of scenario in {path.name}", kind, KINDS)
                    found[kind] += times
    return found


def table(tests: Path) -> str:
    """Return the table of the kinds in Markdown."""
    found = counted(tests)
    rows = [f"| {kind} | {words} | {found[kind]:,} |" for kind, words in KINDS.items()]
    head = ["| | What goes wrong | Scenarios |", "|---|---|---:|"]
    said = f"All together these are {found['']:,}; one of two kinds is listed under both."
    return "\n".join([*head, *rows, "", said, ""])


def _calls(node: ast.AST, mark: str) -> Iterator[ast.Call]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == f"pytest.mark.{mark}":
            yield call


def _kinds(node: ast.AST) -> set[str]:
    # Of A2, a kind of its own in a list of faults, a reader would say the same as of A.
    return {
        str(kind.value)[0]
        for call in _calls(node, "scenario")
        for kind in call.args
        if isinstance(kind, ast.Constant)
    }


def _values(decorator: ast.AST) -> int:
    """Return how many values a decorator lists; 1 if it lists none, or computes them."""
    for call in _calls(decorator, "parametrize"):
        if len(call.args) > 1 and isinstance(call.args[1], ast.List | ast.Tuple):
            return len(call.args[1].elts)
    return 1
