"""A Sphinx extension: what other programs say of a page, such as where its link is shared."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: Shown beside a shared link.
PICTURE = "_static/phases.jpg"
_LONGEST = 200


def description(page: nodes.document) -> str:
    """Return the first words of a page: its first paragraph, cut at the end of a word."""
    first = next(iter(page.findall(nodes.paragraph)), None)
    text = " ".join(first.astext().split()) if first is not None else ""
    if len(text) <= _LONGEST:
        return text
    return text[:_LONGEST].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def add_metadata(
    app: Sphinx, name: str, _template: str, context: dict[str, Any], page: nodes.document | None
) -> None:
    """Add title, description and picture to a page's head."""
    if page is None:
        return
    said = {
        "og:type": "article",
        "og:site_name": app.config.html_title,
        "og:title": app.env.titles[name].astext() if name in app.env.titles else name,
        "og:description": description(page),
        "og:image": context["pathto"](PICTURE, resource=True),
    }
    tags = [f'<meta property="{k}" content="{escape(v)}" />' for k, v in said.items() if v]
    if said["og:description"]:
        tags.append(f'<meta name="description" content="{escape(said["og:description"])}" />')
    context["metatags"] = context.get("metatags", "") + "\n" + "\n".join(tags)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("html-page-context", add_metadata)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
