"""The page "If it goes wrong" has every kind of error, and the code uses no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from companion.build.reference import entries
from mer_utils.errors import kinds

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "book" / "if_it_goes_wrong.md").read_text("utf-8")
SOURCES = {
    path: path.read_text("utf-8")
    for folder in ("mer_utils", "companion")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
TOPICS = {kind.topic for kind in kinds().values()}


def test_the_page_has_every_topic_and_every_topic_its_kinds():
    shown = re.findall(r"^```\{error-kinds\} (.+)$", PAGE, re.MULTILINE)
    assert sorted(shown) == sorted(TOPICS)
    rows = "\n".join(entries(topic) for topic in shown)
    assert [name for name in kinds() if f"<code>{name}</code>" not in rows] == []


def test_every_kind_that_is_raised_is_registered():
    unregistered = {
        (path.name, leaf.value)
        for path, source in SOURCES.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MerError" and node.args
        for leaf in ast.walk(node.args[0])
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) and leaf.value not in kinds()
    }
    assert unregistered == set()


def test_every_kind_on_the_page_is_used():
    text = "\n".join(SOURCES.values())
    assert [name for name in kinds() if f'"{name}"' not in text] == []


def test_every_setting_is_named():
    settings = set(re.findall(r"\"(MER_[A-Z0-9_]+)\"", "\n".join(SOURCES.values())))
    assert {"MER_CROP", "MER_NO_FACE", "MER_WEIGHTS"} <= settings
    assert sorted(name for name in settings if name not in PAGE) == []
