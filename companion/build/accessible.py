"""A Sphinx extension: wide tables scroll in a named box, and controls have their visible names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

from companion.build.numbered import caption_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx

OPEN = '<div class="wide" role="region" tabindex="0" aria-label="{label}">'

#: Where the theme gives a control another name than the one it shows, the visible one
#: is kept (WCAG 2.5.3, label in name); its icons are decoration. The entries of a
#: bibliography are the items of its list.
MENDED = [
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    (re.compile(r'<summary>(?=<span class="toctree-toggle")'), '<summary aria-label="Its pages">'),
    # viewcode's list of modules has lists between the items of lists.
    (re.compile(r"(?<=</li>)\n<ul>(?=<li>)"), "\n"),
    (re.compile(r"</ul>(?=<li>)"), ""),
    (re.compile(r"(</ul>\s*){2,}"), "</ul>\n"),
    (re.compile(r'role="doc-biblioentry"'), 'role="listitem"'),
    # Works are cited by author and year.
    (re.compile(r'(?<=role="listitem">)\s*<span class="label">.*?</span>\d+<span.*?</span></span>'), ""),
    (
        re.compile(
            r'(<button class="btn search-button-field[^>]*?) title="Search" aria-label="\w+"'
        ),
        r"\1",
    ),
    (re.compile(r'<i (class="theme-switch [^>]*?)\s+title="[^"]*"'), r'<i aria-hidden="true" \1'),
    # Thebe would run code on a remote server; it is not used, and its scripts clash.
    (re.compile(r"<script[^>]*sphinx-thebe\.js[^>]*></script>\s*"), ""),
    (re.compile(r"<script>const THEBE_JS_URL[^<]*</script>\s*"), ""),
]


def _raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def _label(node: nodes.Element, number: int) -> str:
    """Return the table's caption where it has one, otherwise its number on the page."""
    titles = [title.astext() for title in node.findall(nodes.title)]
    text = titles[0] if titles else caption_of(node.astext()) or f"Table {number} of this page"
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def box_tables(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Wrap every table, and every HTML output that holds one, in a scrolling box."""
    if app.builder.format != "html":
        return
    wide: list[nodes.Element] = list(doctree.findall(nodes.table))
    wide += [node for node in doctree.findall(nodes.raw) if "<table" in node.astext()]
    for number, node in enumerate(wide, 1):
        if node.parent is None:
            continue
        index = node.parent.index(node)
        box = [_raw(OPEN.format(label=_label(node, number))), node, _raw("</div>")]
        node.parent[index : index + 1] = box


def mend_names(app: Sphinx, exception: Exception | None) -> None:
    """Replace the theme's hidden names in every page."""
    if exception is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        for old, new in MENDED:
            html = old.sub(new, html)
        page.write_text(html, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("doctree-resolved", box_tables)
    app.connect("build-finished", mend_names)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
