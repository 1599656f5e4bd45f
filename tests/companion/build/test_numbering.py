"""What carries a number is referred to or read out: every named figure, table and equation of the book."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("notebooks/*.md"), *ROOT.glob("book/*.md")])
}
# How each kind is named, and how it is referred to.
KINDS = {
    "figure": (r"^(?: +|:)name: (fig-[\w-]+)$", "numref"),
    "table": (r'(?:\bname="|^:name: )(tab-[\w-]+)', "numref"),
    "equation": (r"^:label: ([\w-]+)$", "eq"),
}


def named(pattern: str) -> list[str]:
    return [name for text in PAGES.values() for name in re.findall(pattern, text, re.MULTILINE)]


# Cells without prose between them, one of which says in words what the others show.
READ_OUT = re.compile(r"(?:^```\{code-cell\}.*?^```\n\s*)+", re.MULTILINE | re.DOTALL)


def read_out(pattern: str) -> list[str]:
    together = [cells for text in PAGES.values() for cells in READ_OUT.findall(text)]
    said = [cells for cells in together if re.search(r"\bhere\(", cells)]
    return [name for cells in said for name in re.findall(pattern, cells, re.MULTILINE)]


@pytest.mark.parametrize("kind", KINDS)
def test_everything_with_a_number_is_referred_to_or_read_out(kind: str) -> None:
    pattern, role = KINDS[kind]
    names = named(pattern)
    referred = set(named(rf"{{{role}}}`([\w-]+)`")) | set(read_out(pattern))
    assert names, f"no {kind} was found: has the way of naming them changed?"
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert sorted(set(names) - referred) == []


def test_every_figure_has_a_caption_and_every_drawing_an_alternative() -> None:
    for page, text in PAGES.items():
        for cell in re.findall(r"^---\n(.*?)^---\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            settings, code = cell
            if "figure:" not in settings:
                continue
            caption = re.search(r"caption: \|\n +(.+)", settings)
            assert caption, f"{page}: a figure without a caption\n{settings}"
            assert len(caption[1]) > 60, f"{page}: this caption states no finding: {caption[1]}"
            # Diagrams drawn as SVG carry their own title and description.
            assert "alt:" in settings or "_diagram(" in code, f"{page}: no alt text\n{settings}"


def test_every_table_of_a_chapter_has_a_name() -> None:
    for page, text in PAGES.items():
        for code in re.findall(r"^tables\.show\(.*?\)\n```", text, re.MULTILINE | re.DOTALL):
            assert 'name="tab-' in code, f"{page}: this table cannot be referred to\n{code}"
