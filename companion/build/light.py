"""A Sphinx extension: the site without what no page of it uses.

The theme draws a dozen icons and brings two thousand, by a script of 1.5 MB on every page. Its
style sheet draws them too, from a font, so the script goes and the font keeps the icons in use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fontTools import subset
from fontTools.ttLib import TTFont

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_SCRIPT = re.compile(r'\s*<script[^>]*src="[^"]*scripts/fontawesome\.js[^"]*"[^>]*></script>')
_ICON = re.compile(r'((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:"(\\?[^"]+)"\}')
_FACE = re.compile(r"@font-face\{[^}]*Font Awesome[^}]*\}")
_USED = re.compile(r"\bfa-[a-z-]+")
_FONT = "fa-solid-900"
_NEW_FACE = (
    "@font-face{font-display:block;font-family:Font Awesome\\ 6 Free;font-style:normal;"
    'font-weight:900;src:url(../vendor/fontawesome/icons.woff) format("woff")}'
)


def icons(css: str, used: Iterable[str]) -> tuple[str, set[int]]:
    r"""Return the theme's style sheet with the rules of the icons in use, and their characters.

    Examples
    --------
    >>> icons('.fa-sun:before{content:"\\f185"}.fa-moon:before{content:"\\f186"}', ["fa-sun"])
    ('.fa-sun:before{content:"\\f185"}', {61829})
    """
    used, found = set(used), set()

    def keep(rule: re.Match[str]) -> str:
        if not used.intersection(_USED.findall(rule[1])):
            return ""
        found.add(int(rule[2][1:], 16) if rule[2].startswith("\\") else ord(rule[2]))
        return rule[0]

    return _ICON.sub(keep, css), found


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Take the icon script, unused icons and source maps out of the site; strip its sources."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    used: set[str] = set()
    for page in out.rglob("*.html"):
        html = _SCRIPT.sub("", page.read_text("utf-8"))
        used.update(_USED.findall(" ".join(re.findall(r'class="([^"]*)"', html))))
        page.write_text(html, "utf-8")
    for script in (out / "_static").rglob("*.js"):
        if script.name == "fontawesome.js":
            script.unlink()
        else:
            used.update(_USED.findall(script.read_text("utf-8")))
    for path in (out / "_static").rglob("*.map"):
        path.unlink()
    _subset(out / "_static", used)
    for notebook in (out / "_sources").rglob("*.ipynb"):
        _strip(notebook)


def _subset(static: Path, used: set[str]) -> None:
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    css, characters = icons(sheet.read_text("utf-8"), used)
    faces = iter([_NEW_FACE])
    sheet.write_text(_FACE.sub(lambda _: next(faces, ""), css), "utf-8")
    folder = static / "vendor" / "fontawesome"
    font = TTFont(folder / "webfonts" / f"{_FONT}.ttf", recalcTimestamp=False)
    cut = subset.Subsetter()
    cut.populate(unicodes=characters)
    cut.subset(font)
    font.flavor = "woff"
    font.save(folder / "icons.woff")
    for path in (folder / "webfonts").iterdir():
        path.unlink()
    (folder / "webfonts").rmdir()


def _strip(path: Path) -> None:
    """Take the outputs out of a notebook: the page beside it shows them."""
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("build-finished", lighten)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
