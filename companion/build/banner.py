"""A Sphinx extension: the line on every page that says which data and which profile made it."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: Holds the line, in the staged source folder.
FILE = "made_with.html"
#: Holds further lines by page, beside it; that of "" is of every page without its own.
MARKS = "as_recorded.json"


def banner(profile: str, data_title: str) -> str:
    """Return the line as HTML; what `profile` says in brackets stands behind its name.

    Examples
    --------
    >>> banner("demo", "synthetic twins")
    '<p class="made-with" role="note">Profile <strong>demo</strong>. Data: synthetic twins.</p>'
    """
    name, bracket, sizes = profile.partition(" (")
    return (
        '<p class="made-with" role="note">'
        f"Profile <strong>{escape(name)}</strong>{escape(bracket + sizes)}. "
        f"Data: {escape(data_title.rstrip('.'))}.</p>"
    )


def below_title(app: Sphinx, doctree: nodes.document) -> None:
    """Put the line below a page's title."""
    title = next(iter(doctree.findall(nodes.title)), None)
    if title is not None and title.parent is not None:
        line = (Path(app.srcdir) / FILE).read_text("utf-8")
        marks = json.loads((Path(app.srcdir) / MARKS).read_text("utf-8"))
        line += marks.get(app.env.docname, marks.get("", ""))
        title.parent.insert(title.parent.index(title) + 1, nodes.raw("", line, format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("doctree-read", below_title)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
