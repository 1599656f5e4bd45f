"""Markup: SVG and HTML strings that a notebook shows as pictures.

SVG drawings sit on a card of their own, which is dark on a dark page of the book.
"""

from __future__ import annotations

import re
from html import escape
from importlib import resources

from mer_utils.errors import MerError
from mer_utils.plotting.style import INK, PAPER, in_the_dark


class Markup(str):
    """A string of SVG or HTML; a notebook displays it instead of printing it."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def number(value: float) -> str:
    """Return `value` with at most one decimal: short, and the same on every machine."""
    return f"{value:.1f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def text(
    x: float,
    y: float,
    content: str,
    *,
    size: float = 13,
    anchor: str = "middle",
    weight: str = "normal",
    fill: str = INK,
) -> str:
    """Return an SVG text element whose baseline middle is near (`x`, `y`)."""
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" '
        f'text-anchor="{anchor}" font-weight="{weight}" fill="{fill}" '
        f'dominant-baseline="central">{escape(content, quote=False)}</text>'
    )


def box(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    fill: str = PAPER,
    stroke: str = INK,
    radius: float = 6,
    css_class: str = "",
) -> str:
    """Return an SVG rectangle with its top left corner at (`x`, `y`)."""
    name = f' class="{css_class}"' if css_class else ""
    return (
        f'<rect{name} x="{number(x)}" y="{number(y)}" width="{number(width)}" '
        f'height="{number(height)}" rx="{number(radius)}" fill="{fill}" stroke="{stroke}" '
        'stroke-width="1.2"/>'
    )


def arrow(points: list[tuple[float, float]], *, colour: str = INK, width: float = 1.4) -> str:
    """Return a line through `points` with a head at its end (its last leg is axis-parallel)."""
    (x0, y0), (x1, y1) = points[-2:]
    dx, dy = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
    # The line stops inside the head, so that its blunt end does not show.
    path = " ".join(
        f"{number(x)},{number(y)}" for x, y in [*points[:-1], (x1 - 4 * dx, y1 - 4 * dy)]
    )
    head = [(x1, y1)] + [
        (x1 - 7 * dx + side * 3.6 * dy, y1 - 7 * dy + side * 3.6 * dx) for side in (1, -1)
    ]
    tip = " ".join(f"{number(x)},{number(y)}" for x, y in head)
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
        f'stroke-linejoin="round"/><polygon points="{tip}" fill="{colour}"/>'
    )


def drawing(
    element_id: str,
    width: float,
    height: float,
    title: str,
    description: str,
    parts: list[str],
    *,
    max_width: str = "36rem",
) -> Markup:
    """Return one SVG on a white card, as wide as its column, with a name for screen readers."""
    check_id(element_id)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{element_id}" class="mer-drawing" role="img" '
        f'aria-labelledby="{element_id}-title {element_id}-desc" '
        f'viewBox="0 0 {number(width)} {number(height)}" '
        f'style="display:block;width:100%;max-width:{max_width};height:auto;margin:0 auto" '
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif">'
        f'<title id="{element_id}-title">{escape(title, quote=False)}</title>'
        f'<desc id="{element_id}-desc">{escape(description, quote=False)}</desc>'
    )
    # The theme frames HTML output on a light ground of its own; the card is enough.
    style = (
        '<style>html[data-theme="dark"] .bd-content div.cell_output '
        ".text_html:has(> svg.mer-drawing) { background: transparent; padding: 0; }"
        f"{_dark_rules(element_id, parts)}</style>"
    )
    card = f'<rect width="{number(width)}" height="{number(height)}" rx="10" fill="{PAPER}"/>'
    return Markup("\n".join([head, style, card, *parts, "</svg>"]))


def _dark_rules(element_id: str, parts: list[str]) -> str:
    """Return the rules by which the colours of a drawing turn on a dark page."""
    used = dict.fromkeys([PAPER, *re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', "".join(parts))])
    return "".join(
        f'html[data-theme="dark"] #{element_id} [{part}="{colour}"]{{{part}:{in_the_dark(colour)}}}'
        for colour in used
        for part in ("fill", "stroke")
    )


def check_id(element_id: str) -> None:
    """Raise unless `element_id` can stand in HTML and CSS unquoted."""
    if not re.fullmatch(r"[A-Za-z][\w-]*", element_id):
        raise MerError(
            "bad name",
            f"element id {element_id!r} cannot be used in a page",
            "a letter followed by letters, digits, '-' or '_'",
            "choose another element_id, one for each figure on the page",
        )


def script(name: str) -> str:
    """Return the text of a script or style sheet that ships beside this module."""
    source = resources.files("mer_utils.plotting").joinpath(name).read_text(encoding="utf-8")
    return source.replace("</script", r"<\/script")
