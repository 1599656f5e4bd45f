"""What the site ships of the theme's icons."""

from __future__ import annotations

import re

from fontTools.ttLib import TTFont

from companion.build.light import icons

CSS = (
    "body{color:#000}"
    '.fa-magnifying-glass:before,.fa-search:before{content:"\\f002"}'
    '.fa-plus:before{content:"+"}.fa-moon:before{content:"\\f186"}'
)


def test_rules_of_used_icons_stay_under_every_name_and_the_others_go() -> None:
    css, characters = icons(CSS, ["fa-search", "fa-plus", "fa-lg"])
    assert css == CSS[: CSS.index(".fa-moon")]
    assert characters == {0xF002, ord("+")}


def test_the_font_holds_the_icons_of_the_pages_and_no_script_draws_them(book) -> None:
    used = set()
    for page in book.site.rglob("*.html"):
        html = page.read_text("utf-8")
        assert "fontawesome.js" not in html, page
        used.update(re.findall(r'<i class="fa[a-z-]* (fa-[a-z-]+)', html))
    static = book.site / "_static"
    css = (static / "styles" / "pydata-sphinx-theme.css").read_text("utf-8")
    font = TTFont(static / "vendor" / "fontawesome" / "icons.woff")
    code = {name: int(c, 16) for names, c in re.findall(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\(\w+)"', css)
            for name in re.findall(r"fa-[\w-]+", names)}  # fmt: skip
    assert used
    assert {code[name] for name in used} <= set(font.getBestCmap())
    assert not list(static.rglob("*.map"))
