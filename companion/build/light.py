"""A Sphinx extension: the site without what no page of it uses.

The theme draws a dozen icons and brings two thousand, by a script of 1.5 MB on every page. Its
style sheet draws them too, from a font, so the script goes and the font keeps the icons in use.
A page is drawn before its scripts and distant pictures are there, from one style sheet, not ten.
"""

from __future__ import annotations

import hashlib
import json
import os
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
_USED = re.compile(r"\b(?:fa|sd)-[\w-]+")
_DESIGN = re.compile(r"([^{}]*\.sd-[^{}]*)\{[^{}]*\}")
# All but the first: scripts in the page read what it sets.
_WAITING = re.compile(r"<script(?=[^>]* src=)(?![^>]*(?: defer|documentation_options))")
_SHEET = re.compile(r'<link [^>]*href="([^"?]+\.css)[^"]*"[^>]*>\s*')
_LOCAL = re.compile(r"url\((?![\"']?data:)[\"']?([^)\"']+)[\"']?\)")
_PICTURE = re.compile(r'<img (?=[^>]*src="([^"]*_images/[^"]+\.svg)")')
_SIZE = re.compile(r'<svg [^>]*\bwidth="([\d.]+)pt" height="([\d.]+)pt"')
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
    if app.builder.name == "html":
        _one_sheet(out, used)
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


def _one_sheet(out: Path, used: set[str]) -> None:
    """Join the style sheets that pages load, in their order, and let pictures and scripts wait.

    Of cards, grids and folds (``sd-``), the rules stay that have to do with a class in `used`.
    """
    joined: dict[tuple[Path, ...], str] = {}
    for page in out.rglob("*.html"):
        html = page.read_text("utf-8")
        folder = page.parent
        sheets = tuple((folder / name).resolve() for name in _SHEET.findall(html))
        if not sheets or out / "_static" in page.parents:
            continue
        if sheets not in joined:
            css = "\n".join(map(sheet_text, sheets))
            css = re.sub(r"/\*.*?\*/|(?<=\n)\s+", "", css, flags=re.DOTALL)
            css = _DESIGN.sub(lambda r: r[0] if used & set(_USED.findall(r[1])) else "", css)
            # By its content, so that no browser shows a page in the style of an older one.
            joined[sheets] = f"_static/book-{hashlib.sha256(css.encode()).hexdigest()[:8]}.css"
            (out / joined[sheets]).write_text(css, "utf-8")
        link = f'<link rel="stylesheet" href="{os.path.relpath(out / joined[sheets], folder)}" />\n'
        html = _SHEET.sub("", html).replace("<title>", f"{link}<title>", 1)
        html = _WAITING.sub("<script defer", html)
        html = _PICTURE.sub(lambda found: f"<img {_sized(folder / found[1])}", html)
        page.write_text(html, "utf-8")
    for sheet in {sheet for sheets in joined for sheet in sheets} | {out / "_static" / "basic.css"}:
        sheet.unlink()


def sheet_text(sheet: Path) -> str:
    """Return a style sheet with those that it imports, as it stands in ``_static``."""
    css = sheet.read_text("utf-8").removeprefix('@charset "UTF-8";')
    static = next(above for above in sheet.parents if above.name == "_static")
    css = _LOCAL.sub(lambda u: f"url({os.path.relpath(sheet.parent / u[1], static)})", css)
    return re.sub(r'@import "([^"]+)";', lambda name: sheet_text(sheet.parent / name[1]), css)


def _sized(picture: Path) -> str:
    """Return the attributes by which a picture keeps its place until it is near."""
    found = _SIZE.search(picture.read_text("utf-8")[:1000])
    width, height = (round(float(points) * 4 / 3) for points in found.groups()) if found else (0, 0)
    return 'loading="lazy" ' + (f'width="{width}" height="{height}" ' if found else "")


def _strip(path: Path) -> None:
    """Take the outputs out of a notebook: the page beside it shows them."""
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    # The theme writes a style sheet at that time too.
    app.connect("build-finished", lighten, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
