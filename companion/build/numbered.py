"""A Sphinx extension: tables made in cells are numbered, and ``{numref}`` refers to them."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

_CAPTION = re.compile(r"<caption>(.*?)</caption>", re.DOTALL)
_NAME = re.compile(r'<table[^>]* data-name="([^"]+)"')
_OWN_NUMBER = re.compile(r"(\d+) ")
FIGTYPE = "table"


class CellTable(nodes.General, nodes.Element):
    """A cell's output that is a table with a caption; it lasts until the page is written."""


def caption_of(html: str) -> str:
    """Return the words of a table's caption, empty where there is none.

    Examples
    --------
    >>> caption_of("<table><caption>Clips &amp; <b>classes</b>.</caption></table>")
    'Clips & classes.'
    """
    found = _CAPTION.search(html)
    return unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""


class FindTables(SphinxTransform):
    """Wrap each output that `companion.chapters.page.show` made, named by its ``data-name``.

    Tables within a picture, such as that of the explorer, belong to the picture.
    """

    default_priority = 500

    def apply(self, **_: Any) -> None:
        """Wrap them; those without a name are numbered too, but nothing can refer to them."""
        for raw in list(self.document.findall(nodes.raw)):
            html = raw.astext()
            if 'class="dataframe"' not in html or not caption_of(html):
                continue
            output = _output(raw)
            wrapped = CellTable("", caption=caption_of(html), docname=self.env.docname)
            output.replace_self(wrapped)
            wrapped += output
            name = _NAME.search(html)
            if name:
                wrapped["names"].append(name[1])
                self.document.note_explicit_target(wrapped)
            else:
                self.document.set_id(wrapped)


def _output(raw: nodes.raw) -> nodes.Element:
    """Return the output of which `raw` is one form among several, or `raw` itself."""
    above = raw.parent
    while above is not None and not isinstance(above, nodes.section):
        if above.get("nb_element") == "mime_bundle":
            return above
        above = above.parent
    return raw


def number_tables(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Count tables page by page, as in *Table 5.2*.

    The page's number is that of its title; pages without one get letters in their order.
    So no table of the book is called like a table of the paper.
    """
    counted = {doc: found[FIGTYPE] for doc, found in env.toc_fignumbers.items() if FIGTYPE in found}
    letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    for doc in sorted(counted, key=lambda doc: min(counted[doc].values())):
        own = _OWN_NUMBER.match(env.titles[doc].astext())
        page = own[1] if own else next(letters)
        order = sorted(counted[doc], key=counted[doc].__getitem__)
        # Sphinx joins them with dots and never counts with them.
        numbers: dict[str, Any] = {name: (page, n) for n, name in enumerate(order, 1)}
        env.toc_fignumbers[doc][FIGTYPE] = numbers
    return []


def write_numbers(app: Sphinx, doctree: nodes.document, _: str) -> None:
    """Put the number before each caption, and the output back in the wrapper's place."""
    for wrapped in list(doctree.findall(CellTable)):
        numbers = app.env.toc_fignumbers.get(wrapped["docname"], {}).get(FIGTYPE, {})
        number = numbers.get(wrapped["ids"][0])
        if number and app.builder.format == "html":
            label = app.config.numfig_format[FIGTYPE] % ".".join(map(str, number))
            before = f'<caption><span class="caption-number">{label} </span>'
            for raw in wrapped.findall(nodes.raw):
                raw.children = [nodes.Text(raw.astext().replace("<caption>", before, 1))]
        target = nodes.target("", "", ids=wrapped["ids"])
        wrapped.replace_self([target, *wrapped.children])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.add_enumerable_node(CellTable, FIGTYPE, lambda node: node["caption"])
    app.add_transform(FindTables)
    # After Sphinx has counted, and before the boxes take their names from the captions.
    app.connect("env-get-updated", number_tables, priority=900)
    app.connect("doctree-resolved", write_numbers, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
