"""The page "How it is built" is true: its rooms are the linter's layers, its paths exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "book" / "how_it_is_built.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_the_rooms_of_the_page_are_those_that_the_linter_holds():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    held = [set(layer.replace("mer_utils.", "").split(" : ")) for layer in reversed(layers)]
    table = PAGE[PAGE.index("| Room |") : PAGE.index("## Where things")]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == held


def test_every_path_that_is_named_exists():
    # Of a room, the path is written from mer_utils/ on, or from the room on.
    named = set(re.findall(r"(?<!\})`([\w.-]+/[\w./-]*)`", PAGE + CONTRIBUTING))
    named -= {"build/", "downloads/", "build/html", "build/html/index.html", "notebooks/NAME.md"}
    assert len(named) > 20
    roots = (ROOT, ROOT / "mer_utils")
    assert [path for path in named if not any((root / path).exists() for root in roots)] == []
