"""What the site ships of the theme's icons."""

from __future__ import annotations

import re

from fontTools.ttLib import TTFont

from companion.build.light import icons, sheet_text

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
    (sheet,) = static.rglob("*.css")
    css = sheet.read_text("utf-8")
    assert '[data-theme="dark"] .highlight' in css
    font = TTFont(static / "vendor" / "fontawesome" / "icons.woff")
    code = {name: int(c, 16) for names, c in re.findall(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\(\w+)"', css)
            for name in re.findall(r"fa-[\w-]+", names)}  # fmt: skip
    assert used
    assert {code[name] for name in used} <= set(font.getBestCmap())
    assert not list(static.rglob("*.map"))


def test_a_page_waits_for_one_style_sheet_and_for_no_script(book) -> None:
    for page in book.site.rglob("*.html"):
        head = page.read_text("utf-8").partition("</head>")[0]
        if "_static" in page.parts or 'http-equiv="Refresh"' in head:
            continue
        (sheet,) = re.findall(r'href="([^"]+\.css)', head)
        assert (page.parent / sheet).is_file(), page
        scripts = re.findall(r"<script ([^>]*src=[^>]*)>", head)
        assert {s for s in scripts if "defer" not in s and "options.js" not in s} == set(), page


def test_a_joined_style_sheet_finds_what_each_of_its_parts_did(tmp_path) -> None:
    (tmp_path / "_static" / "styles").mkdir(parents=True)
    (tmp_path / "_static" / "basic.css").write_text("ul{background:url(file.png)}")
    inner = tmp_path / "_static" / "styles" / "theme.css"
    inner.write_text('@charset "UTF-8";@import "../basic.css";a{src:url(../a.woff)}b{src:url(data:x)}')
    assert sheet_text(inner) == "ul{background:url(file.png)}a{src:url(a.woff)}b{src:url(data:x)}"
