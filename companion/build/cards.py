"""A Sphinx extension: each page carries the entries of the glossary that it links to.

A script shows them beside the links (`book/_static/cards.js`), also where pages are files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

GLOSSARY = "glossary"
_LINK = re.compile(rf'href="[^"]*?\b{GLOSSARY}\.html#([^"]+)"')
# An entry beside a link holds no link and no target of its own, and is in no list.
_BARE = re.compile(r'</?(?:a|dd)\b[^>]*>|\s(?:id|role)="[^"]*"')


def bare(html: str) -> str:
    """Return HTML without links and ids.

    Examples
    --------
    >>> bare('<p id="x">A mean <a href="#y">recall</a>.</p>')
    '<p>A mean recall.</p>'
    """
    return _BARE.sub("", html).strip()


def find_entries(app: Sphinx, env: Any) -> list[str]:
    """Render the entries of the glossary once, by their ids."""
    found: dict[str, str] = {}
    if app.builder.name == "html" and GLOSSARY in env.found_docs:
        found = _entries(app, env.get_and_resolve_doctree(GLOSSARY, app.builder))
    # Where the page of each term finds them; mypy knows an application's own attributes only.
    app.mer_cards = found  # type: ignore[attr-defined]
    return []


def _entries(app: Sphinx, page: nodes.document) -> dict[str, str]:
    def html(node: nodes.Node) -> str:
        # Of the builder for HTML, which the caller has made sure of.
        return bare(app.builder.render_partial(node)["fragment"])  # type: ignore[attr-defined]

    found = {}
    for item in page.findall(nodes.definition_list_item):
        for term in item.findall(nodes.term):
            name = f"<p><strong>{term.astext()}</strong></p>"
            for anchor in term["ids"]:
                found[anchor] = name + "".join(map(html, item.findall(nodes.definition)))
    return found


def add_cards(app: Sphinx, _name: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """Append to a page the entries that it links to."""
    known = getattr(app, "mer_cards", {})
    body = context.get("body") or ""
    linked = dict.fromkeys(_LINK.findall(body))
    cards = [f'<template data-card="{a}">{known[a]}</template>' for a in linked if a in known]
    context["body"] = body + "".join(cards)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("env-updated", find_entries)
    app.connect("html-page-context", add_cards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
