"""The page "If it goes wrong": every finding is on it, and what it quotes is still said."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import mer_utils

PACKAGE = Path(mer_utils.__path__[0])
PAGE = (PACKAGE.parent / "book" / "if_it_goes_wrong.md").read_text(encoding="utf-8")
#: Where a function that reports a finding takes its kind.
PLACES = {"fail": 0, "fault": 0, "Problem": 1, "_damaged": 2}


def words(node: ast.AST) -> set[str]:
    """Return the strings among which an expression chooses."""
    if isinstance(node, ast.IfExp):
        return words(node.body) | words(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def kinds() -> set[str]:
    """Return every kind of finding that the annotations report."""
    found: set[str] = set()
    for path in sorted((PACKAGE / "annotations").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in PLACES and len(node.args) > PLACES[name]:
                    found |= words(node.args[PLACES[name]])
            elif isinstance(node, ast.Tuple) and len(node.elts) == 5:
                # The findings about one folder stand in a list of tuples.
                first = words(node.elts[0])
                found |= words(node.elts[1]) if first & {"note", "warning", "error"} else set()
            elif isinstance(node, ast.FunctionDef) and "kind" in [a.arg for a in node.args.args]:
                found |= set().union(*map(words, node.args.defaults))
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("kind"):
                found |= words(node.value)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("(kind"):
                found |= words(next(iter(getattr(node.value, "elts", [])), node.value))
    return found - {""}


def test_every_kind_of_finding_is_explained():
    found = kinds()
    assert {"missing sheet", "clutter", "degenerate phase", "damaged frame"} <= found
    table = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))
    assert sorted(kind for kind in found if f"`{kind}`" not in table) == []


def test_no_kind_is_explained_that_is_not_reported():
    section = PAGE[PAGE.index("| Kind |") : PAGE.index("A frame that *cannot")]
    first = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    explained = {kind for cell in first for kind in re.findall(r"`([^`]+)`", cell)}
    assert sorted(explained - kinds()) == []


@cache
def said() -> str:
    """Return the package's strings, each hole in one written as a dot dot dot."""
    pieces = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    str(part.value) if isinstance(part, ast.Constant) else "…"
                    for part in node.values
                ]
                pieces.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                pieces.append(node.value)
    return "\n".join(pieces)


QUOTED = re.findall(r"^\| \*([^*|]+)\* \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("quoted", QUOTED)
def test_what_is_quoted_is_still_said(quoted):
    text = said()
    holes = [part.strip() for part in re.split(r"…|1|MER_[A-Z_]+", quoted) if part.strip(" ,()s")]
    assert holes
    assert [part for part in holes if part not in text] == []


def test_every_setting_is_named():
    settings = set(re.findall(r"\"(MER_[A-Z0-9_]+)\"", said_sources()))
    assert {"MER_CROP", "MER_NO_FACE", "MER_WEIGHTS", "MER_SMIC_ROOT"} <= settings
    assert sorted(name for name in settings if name not in PAGE) == []


def said_sources() -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py")))
