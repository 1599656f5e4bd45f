"""The built site in a real browser: whole, local, readable on a phone, open to everybody.

`MER_SITE` names another site than build/html, `MER_AXE` another axe-core script than
the one in node_modules. Without a browser or a site these tests are skipped, except
where `CI` is set: there that is a failure.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import nbformat
import pandas as pd
import pytest
from PIL import Image

from companion.build import serve

ROOT = Path(__file__).parents[3]
SITE = Path(os.environ.get("MER_SITE", ROOT / "build" / "html"))
AXE = Path(os.environ.get("MER_AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = (390, 1280, 1920)
# Pages that Sphinx makes beside the book's own.
MADE = {"genindex.html", "search.html", "py-modindex.html", "_modules/index.html"}
ALL = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if "_static" not in path.parts
    and "vendor" not in path.parts
    # index.html may do no more than lead to the first page
    and 'http-equiv="Refresh"' not in path.read_text("utf-8")
)
#: Folders of what every page uses, which a browser loads once.
SHARED = {"_static", "_sphinx_design_static", "vendor"}
#: Sources of modules, with one of them that stands for all where each page takes time.
SOURCES = [page for page in ALL if page.startswith("_modules/") and page not in MADE]
PAGES = [page for page in ALL if page not in SOURCES[1:]]
OWN = [page for page in ALL if page not in MADE and page not in SOURCES]
pytestmark = pytest.mark.browser


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{what}; CI must have it", pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Address of the site, served for these tests."""
    if not ALL:
        _missing(f"{SITE} holds no site (run make book)")
    with serve.server(SITE) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://{serve.HOST}:{httpd.server_address[1]}/"
        httpd.shutdown()


@pytest.fixture(scope="module")
def chromium():
    api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        _missing("Chromium is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A browser window that keeps what went wrong in it."""

    def __init__(self, browser, site: str, width: int, **options: object) -> None:
        self.site = site
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._request)
        self.page.on(
            "response", lambda r: r.status >= 400 and self.errors.append(f"{r.status} {r.url}")
        )

    def _request(self, request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and not request.url.startswith(self.site):
            self.errors.append(f"request to another host: {request.url}")

    def open(self, page: str) -> None:
        self.page.goto(self.site + page, wait_until="load")
        self.page.evaluate("() => document.fonts.ready.then(() => true)")


@pytest.fixture(params=WIDTHS[:2], ids=lambda width: f"{width}px")
def visit(request, chromium, site) -> Iterator[Visit]:
    window = Visit(chromium, site, request.param)
    yield window
    window.context.close()


def test_index_is_or_leads_to_the_first_page(chromium, site: str) -> None:
    window = Visit(chromium, site, 1440)
    window.page.goto(site + "index.html", wait_until="load")
    window.page.wait_for_selector("article h1", timeout=5_000)
    assert window.page.url.removeprefix(site) in [*OWN, "index.html"]
    assert window.errors == []
    window.context.close()


# What reaches beyond the right edge and is not inside something that scrolls or clips.
BEYOND = """() => {
  const edge = document.documentElement.clientWidth + 1;
  const boxed = e => {
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
      if (getComputedStyle(p).overflowX !== 'visible') return true;
    return false;
  };
  const found = [...document.querySelectorAll('.bd-article *')].filter(e => {
    const r = e.getBoundingClientRect();
    return r.width > 0 && r.right > edge && !boxed(e);
  }).map(e => e.outerHTML.slice(0, 120));
  if (document.documentElement.scrollWidth > edge)
    found.push('the page scrolls sideways: ' + document.documentElement.scrollWidth);
  return found.slice(0, 5);
}"""


# Tables and code that are wider than their place, but for what a program lays out in columns.
SCROLLING = """() => [...document.querySelectorAll('.bd-article .wide, .bd-article pre')]
  .filter(e => !e.closest('.highlight-text'))
  .filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1)
  .map(e => `${e.getAttribute('aria-label') || e.innerText.slice(0, 60)}: ${e.scrollWidth}`)"""
# Paragraphs and cells in which Markdown was not read as such, outside of code and formulas; and
# letters for icons, before links, that no font of the page has.
UNREAD = r"""() => [...document.querySelectorAll('.bd-article :is(p, li, td, figcaption, caption)')]
  .map(e => {
    const copy = e.cloneNode(true);
    copy.querySelectorAll('code, pre, script, math, .math').forEach(c => c.remove());
    return copy.textContent;
  })
  .concat([...document.querySelectorAll('.bd-article a')]
    .map(e => getComputedStyle(e, '::before').content))
  .filter(t => /[\ue000-\uf8ff]|^\s*\||(^|\s)\*\w[^*]*\*|\]\(|\{[a-z:-]+\}`|`\w/.test(t))
  .map(t => t.slice(0, 100))"""


# Words of a page that somebody would read aloud: no code, no control, nothing folded.
WORDS = """() => {
  const page = document.querySelector('.bd-article').cloneNode(true);
  const silent = 'script, style, template, pre, svg, .mer-figure, details, [hidden]';
  page.querySelectorAll(silent + ', .prev-next-footer').forEach(e => e.remove());
  const words = [];
  const walk = document.createTreeWalker(page, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) words.push(...walk.currentNode.data.split(/\\s+/).filter(Boolean));
  return words.length;
}"""


# On paper a stacked row would take as many lines as it has columns, and a shadow makes a picture
# of its page.
UNPRINTABLE = """() => [...document.querySelectorAll('.bd-article *')].filter(e => {
  const style = getComputedStyle(e);
  return style.boxShadow !== 'none' || (e.matches('.stacked td') && style.display === 'flex');
}).map(e => e.outerHTML.slice(0, 100)).slice(0, 5)"""


# Sizes of headings, by name.
HEADINGS = """() => [...document.querySelectorAll('.bd-article :is(h1, h2, h3)')]
  .map(h => [h.tagName, parseFloat(getComputedStyle(h).fontSize)])"""
# Widths of vector figures, as a share of the width that they were drawn at.
FIGURES = """() => Promise.all([...document.querySelectorAll(".bd-article figure img[src$='.svg']")]
  .map(async i => {
    i.loading = 'eager';
    await i.decode();
    return [i.getAttribute('src'), i.clientWidth / i.naturalWidth];
  }))"""
UNFOLD = "() => document.querySelectorAll('details').forEach(d => { d.open = true; })"
# One element of each style in which there are words, and that no page showed before: what is behind
# it, as far as the page, decides how its colour stands out.
STYLES = """before => {
  const grounds = new Map([[null, '']]), seen = new Set(before), fresh = [];
  const ground = e => {
    if (grounds.has(e)) return grounds.get(e);
    const s = getComputedStyle(e);
    const own = [s.backgroundColor, s.backgroundImage, s.opacity, s.position, s.filter].join();
    const plain = own === 'rgba(0, 0, 0, 0),none,1,static,none';
    const all = ground(e.parentElement) + (plain ? '' : '/' + own);
    grounds.set(e, all);
    return all;
  };
  document.querySelectorAll('[data-style]').forEach(e => e.removeAttribute('data-style'));
  for (const e of document.body.querySelectorAll('*')) {
    const words = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!(words || e.matches('a, input, select, textarea')) || !e.checkVisibility()) continue;
    const s = getComputedStyle(e), around = e.parentElement;
    const key = [ground(e), s.color, s.fontSize, s.fontWeight, s.textShadow, e.disabled,
      e.matches('a') && [s.textDecorationLine, s.display, getComputedStyle(around).color,
        around.textContent.trim() !== e.textContent.trim()]].join('|');
    if (seen.has(key)) continue;
    seen.add(key);
    fresh.push(key);
    e.setAttribute('data-style', '');
  }
  return fresh;
}"""
VIOLATIONS = """async ([context, options]) => (await axe.run(context ?? document,
  {preload: false, resultTypes: ['violations'], ...options})).violations
  .filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => [v.id, v.nodes.length, v.nodes[0].target.join(' '), v.nodes[0].html.slice(0, 120)]
    .join(' | '))"""
COLOURS = ["color-contrast", "link-in-text-block"]
# What can be scrolled, as it must be from the keyboard too.
SCROLLERS = """() => [...document.querySelectorAll('*')]
  .filter(e => e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight)
  .filter(e => /auto|scroll/.test(getComputedStyle(e).overflow))
  .map(e => e.outerHTML.slice(0, 300))"""


# What answers another width has done so.
SETTLED = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"


class Tour:
    """A window in which pages are opened one after the other, and each made as wide as asked."""

    def __init__(self, chromium, site: str) -> None:
        self.window = Visit(chromium, site, WIDTHS[0])
        self.page = self.window.page
        self.styles: set[str] = set()
        self.scrollers: set[str] = set()
        self.window.context.add_init_script(path=AXE)
        self.window.open(OWN[0])
        self.sizes = {w: dict(self.page.evaluate(HEADINGS)) for w in self.widths()}

    def open(self, page: str) -> None:
        self.window.errors.clear()
        self.page.emulate_media(media="screen", color_scheme="light")
        self.window.open(page)
        # A colour that is on its way is not the page's colour.
        self.page.add_style_tag(
            content="* { animation: none !important; transition: none !important; }"
        )

    def widths(self) -> Iterator[int]:
        """Make the window as wide as each of the widths, in turn."""
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.evaluate(SETTLED)
            yield width

    def show_in(self, scheme: str) -> None:
        self.page.emulate_media(color_scheme=scheme)
        self.page.wait_for_selector(f"html[data-theme={scheme}]", state="attached")

    def barriers(self, width: int) -> list[str]:
        """What keeps somebody out, but for colours."""
        # The rule region takes a fifth of the time, and what it finds is never serious.
        rules = {"rules": {name: {"enabled": False} for name in (*COLOURS, "region")}}
        scrollers, before = set(self.page.evaluate(SCROLLERS)), self.scrollers
        self.scrollers = scrollers
        # The style sheets know no width beyond 1200 pixels: only what there is room for differs.
        if width == WIDTHS[-1] and scrollers <= before:
            return []
        return self.page.evaluate(VIOLATIONS, [None, rules])

    def faint(self) -> list[str]:
        """Words whose colour does not stand out, of styles that no page showed before."""
        fresh = self.page.evaluate(STYLES, list(self.styles))
        self.styles.update(fresh)
        shown = {"include": [["[data-style]"]]}
        return fresh and self.page.evaluate(VIOLATIONS, [shown, {"runOnly": COLOURS}])

    def headings(self, width: int) -> list[str]:
        """Headings of another size than those of the first page."""
        sizes = self.sizes[width]
        assert sizes["H1"] > sizes["H2"] > sizes.get("H3", 0)
        shown = self.page.evaluate(HEADINGS)
        return [
            f"{name}: {size} px" for name, size in shown if sizes.setdefault(name, size) != size
        ]


@pytest.fixture(scope="module")
def tour(chromium, site) -> Tour:
    if not AXE.exists():
        _missing(f"axe-core is not at {AXE} (npm install axe-core)")
    return Tour(chromium, site)


def small_type(window: Visit, page: str) -> list[str]:
    """Type below 11 pixels, to rounding; matplotlib writes a glyph's size as its scale."""
    small = []
    for source, share in window.page.evaluate(FIGURES):
        svg = (SITE / page).parent.joinpath(source).read_text("utf-8")
        scales = [float(s) for s in re.findall(r"scale\((0\.\d+) -\1\)", svg)]
        least = 100 * min(scales, default=1) * 96 / 72 * share
        if share and least < 10.95:
            small.append(f"{source}: {least:.1f} px")
    return small


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_and_open_to_everybody(tour: Tour, page: str) -> None:
    """It is opened once; whatever is seen of it at a width is seen on that visit."""
    wrong: dict[tuple[str, int], object] = {}
    tour.open(page)
    see = tour.page.evaluate
    for width in tour.widths():
        wrong["does not fit", width] = see(BEYOND)
        wrong["axe", width] = tour.barriers(width)
        wrong["faint", width] = tour.faint()
        if page in OWN:
            wrong["size of headings", width] = tour.headings(width)
            if width == WIDTHS[0]:
                wrong["small type", width] = small_type(tour.window, page)
                # At 150 words a minute; the reference of the library is looked up.
                words = 0 if page.startswith("reference/") else see(WORDS)
                wrong["longer than ten minutes", width] = words > 1500 and words
    tour.show_in("dark")
    see(UNFOLD)
    for width in tour.widths():
        wrong["faint in the dark", width] = tour.faint()
        if page in OWN:
            wrong["scrolls", width] = see(SCROLLING)
            wrong["markup is left", width] = see(UNREAD)
    if page in OWN:
        width = next(tour.widths())  # the narrowest, at which tables are stacked
        tour.page.emulate_media(media="print")
        wrong["cannot be printed", width] = see(UNPRINTABLE)
    wrong["console", width] = [*tour.window.errors]
    assert {what: found for what, found in wrong.items() if found} == {}


def test_a_link_to_what_is_folded_opens_it(chromium, site: str) -> None:
    """From another page and from the same one; what only folds below its name opens too."""
    visit = Visit(chromium, site, 1280)
    anchors = {
        "notebooks/14_claims.html": ("c03", "tab-editions"),
        "notebooks/assumptions.html": ("a62",),
        "run_on_your_data.html": ("sec-night", "images-of-optical-flow"),
    }
    for page, names in anchors.items():
        for name in names:
            own = f"#{name} > details, #{name}:empty ~ details, details:has(#{name})"
            shut = f"() => !document.querySelector('{own}').open"
            visit.open(f"{page}#{name}")
            assert not visit.page.evaluate(shut), name
            visit.open(page)
            assert visit.page.evaluate(shut), name
            visit.page.evaluate(f"location.hash = '{name}'")
            visit.page.wait_for_function(shut.replace("!", ""))
    visit.page.emulate_media(media="print")
    shut = "all => all.filter(p => !p.offsetHeight).length"
    assert visit.page.eval_on_selector_all(".bd-article details > p", shut) == 0
    visit.context.close()


class _Links(HTMLParser):
    """Collect a page's ids, links, and what it loads by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for key in ("id", "name"):
            if given.get(key):
                self.ids.add(str(given[key]))
        for key in ("href", "src"):
            if given.get(key) and tag != "base":
                self.links.add(str(given[key]))
                if key == "src" or tag == "link":
                    self.loaded.add(str(given[key]))


def own_weight(site: Path, page: str) -> int:
    """Return the bytes of a page and of what it loads, without files that all pages share."""
    loaded = _Links((site / page).read_text("utf-8")).loaded
    paths = {unquote(urlsplit(urljoin(page, x)).path) for x in loaded if not urlsplit(x).scheme}
    own = {p for p in paths if p.split("/")[0] not in SHARED and (site / p).suffix != ".html"}
    return sum((site / p).stat().st_size for p in {page, *own} if (site / p).is_file())


def test_every_internal_link_and_anchor_resolves(site: str) -> None:
    parsed = {page: _Links((SITE / page).read_text("utf-8")) for page in ALL}
    broken = []
    for page, links in parsed.items():
        for link in sorted(links.links):
            if urlsplit(link).scheme or link.startswith("//"):
                continue
            address, anchor = urldefrag(urljoin(page, link))
            target = unquote(urlsplit(address).path) or page
            if not (SITE / target).is_file():
                broken.append(f"{page}: {link}")
            elif anchor and target in parsed and unquote(anchor) not in parsed[target].ids:
                broken.append(f"{page}: {link} (no such anchor)")
    assert broken == []


def test_pages_and_the_whole_site_are_light(site: str) -> None:
    """Nobody waits long, and the site fits wherever it is put."""
    heavy = {}
    for page in ALL:
        limit = 4_000_000 if "mer-phase-viewer" in (SITE / page).read_text("utf-8") else 1_500_000
        if (weight := own_weight(SITE, page)) > limit:
            heavy[page] = f"{weight:,} of at most {limit:,} bytes"
    assert heavy == {}
    assert sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file()) <= 60_000_000


def test_what_all_pages_share_is_light(site: str) -> None:
    """Scripts, styles and fonts, without a page's own pictures: below 600 kB."""
    for page in OWN:
        loaded = _Links((SITE / page).read_text("utf-8")).loaded
        paths = {unquote(urlsplit(urljoin(page, x)).path) for x in loaded if not urlsplit(x).scheme}
        shared = {p for p in paths if p.split("/")[0] in SHARED and (SITE / p).is_file()}
        assert sum((SITE / p).stat().st_size for p in shared) < 600_000, page
    sources = [path.name for path in (SITE / "_sources").rglob("*") if path.is_file()]
    assert len(sources) == len(set(sources))


def test_every_notebook_can_be_taken_away(site: str) -> None:
    """The download buttons of a page lead to a notebook that is one, without its outputs."""
    for page in OWN:
        if not page.startswith("notebooks/"):
            continue
        links = _Links((SITE / page).read_text("utf-8")).links
        (found,) = {link for link in links if "_sources/" in link and link.endswith(".ipynb")}
        node = nbformat.read((SITE / page).parent / found, as_version=4)
        nbformat.validate(node)
        assert node.cells, page
        assert not any(cell.get("outputs") for cell in node.cells), page


def test_explorer_answers_mouse_and_keyboard_and_every_score_can_be_saved(visit: Visit) -> None:
    """The files hold what stands on the page; a mark leads to its runs."""
    visit.open("notebooks/all_results.html")
    page, marks = visit.page, visit.page.locator("g.mer-mark")
    shown = page.locator(".mer-results-explorer tbody tr").count()
    assert shown > 0
    for kind, read in (("csv", partial(pd.read_csv, comment="#")), ("parquet", pd.read_parquet)):
        with page.expect_download() as caught:
            page.locator(f"a[download='all-results.{kind}']").click()
        frame = read(caught.value.path())
        assert {"table", "dataset", "model", "setting", "metric", "value"} <= set(frame.columns)
        assert {"source", "profile"} <= set(frame.columns)
        assert len(frame) == shown
    before, reading = marks.count(), page.locator(".mer-results-explorer [data-part=read]")
    page.get_by_label("Setting").select_option(label="dual")
    assert 0 < marks.count() < before
    idle = reading.inner_text()
    marks.first.hover()
    assert "interval" in reading.inner_text()
    assert "subjects: " in reading.inner_text()
    page.keyboard.press("Escape")
    marks.nth(1).focus()
    assert reading.inner_text() != idle
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.mer-dialog[open]")
    dialog.wait_for()
    assert "seed" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert visit.errors == []


def test_phase_viewer_answers_mouse_and_keyboard(visit: Visit) -> None:
    pages = [p for p in OWN if "mer-phase-viewer" in (SITE / p).read_text("utf-8")]
    assert pages
    visit.open(pages[0])
    viewer = visit.page.locator(".mer-phase-viewer").first
    apex = viewer.locator("input[type=range][id$=-apex]")
    value = int(apex.input_value())
    apex.focus()
    visit.page.keyboard.press("ArrowRight")
    assert int(apex.input_value()) == value + 1
    status = viewer.locator("[data-part=out-frame]")
    frame = status.inner_text()
    viewer.locator("[data-part=play]").click()
    visit.page.wait_for_timeout(400)
    assert status.inner_text() != frame
    assert visit.errors == []


def test_a_number_leads_to_its_runs(visit: Visit) -> None:
    """By mouse or keyboard: specification, keys, environment, command and rows."""
    visit.open("notebooks/07_table4_phases.html")
    page = visit.page
    page.locator("details:has(button.mer-number) > summary").first.click()
    number = page.locator("details button.mer-number").first
    number.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.mer-dialog[open]")
    dialog.wait_for()
    said = dialog.inner_text()
    assert number.inner_text() in said
    for part in ("seed", "folds", "key", "computed with", "mer run table4", "--only"):
        assert part in said
    with page.expect_download() as caught:
        dialog.locator("a[download]").first.click()
    with open(caught.value.path()) as file:
        assert "; profile " in file.readline()
        rows = pd.read_csv(file)
    assert {"run", "seed", "subject", "clip", "y_true", "y_pred"} <= set(rows.columns)
    assert f"Its {len(rows)} predictions" in said
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.evaluate("document.activeElement.className") == "mer-number"
    assert visit.errors == []


def test_every_number_that_leads_somewhere_leads_to_runs(site: str) -> None:
    known: dict[str, set[str]] = {}
    for path in (SITE / "downloads").glob("runs-*.js"):
        said = json.loads(path.read_text("utf-8").split("=", 2)[2].strip().rstrip(";"))
        known[path.stem.removeprefix("runs-")] = set(said["variants"])
    assert known
    for page in OWN:
        for name in set(re.findall(r"mer-t-([\w-]+)", (SITE / page).read_text("utf-8"))):
            assert name in known[name.rpartition("-")[0]], f"{page}: {name}"


def test_every_file_says_whose_faces_it_is_about(site: str) -> None:
    for path in (SITE / "downloads").glob("*.csv"):
        said, heads = path.read_text("utf-8").splitlines()[:2]
        assert said.startswith(f"# {path.stem}: "), path
        assert "profile" in said, path
        assert {"source", "profile"} <= set(heads.split(",")), path


def test_a_term_is_explained_beside_its_link(visit: Visit) -> None:
    visit.open("notebooks/05_table2_dual_phase.html")
    card, term = visit.page.locator("#mer-card"), visit.page.locator(".bd-article a:has(.std-term)")
    term.first.focus()
    assert term.first.inner_text().split()[0].lower()[:5] in card.inner_text().lower()
    assert term.first.get_attribute("aria-describedby") == "mer-card"
    visit.page.keyboard.press("Escape")
    assert card.is_hidden()
    source = visit.page.locator('.bd-article a[href*="bibliography.html#"]').first
    source.hover()
    card.wait_for(state="visible")
    assert len(card.inner_text()) > 40
    assert visit.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_stand_on_the_ground_of_the_page(chromium, site: str, scheme: str) -> None:
    """The corner of a figure has the page's colour, whichever way the theme was chosen."""
    for chosen in ("system", "button"):
        window = Visit(chromium, site, 1440, color_scheme=scheme if chosen == "system" else None)
        window.open("notebooks/07_table4_phases.html")
        window.page.evaluate("scheme => document.documentElement.dataset.theme = scheme", scheme)
        figure = window.page.locator(".bd-article figure img").first
        figure.scroll_into_view_if_needed()
        figure.evaluate("picture => picture.decode()")
        picture = Image.open(io.BytesIO(figure.screenshot())).convert("RGB")
        ground = window.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb({}, {}, {})".format(*picture.getpixel((2, 2)))
        assert ("255" in ground) == (scheme == "light")
        window.context.close()


def test_a_shared_link_says_what_it_leads_to(site: str) -> None:
    for page in OWN:
        head = (SITE / page).read_text("utf-8").split("</head>")[0]
        assert 'property="og:title"' in head, page
        assert 'property="og:image"' in head, page
        title = head.split("<title>")[1].split("</title>")[0]
        assert len(title) > 10
        assert title != "Contents"


def test_search_finds_a_term(visit: Visit) -> None:
    title = (SITE / OWN[0]).read_text("utf-8").split("<title>")[1].split("</title>")[0]
    term = max(title.split("&#8212;")[0].split("—")[0].split(), key=len).strip(".,:;")
    visit.open(f"search.html?q={term}")
    visit.page.wait_for_selector("#search-results ul.search li a", timeout=10_000)
    targets = visit.page.eval_on_selector_all(
        "#search-results ul.search li a", "links => links.map(a => new URL(a.href).pathname)"
    )
    assert f"/{OWN[0]}" in targets
    assert visit.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_follows_the_colour_scheme(chromium, site: str, scheme: str) -> None:
    window = Visit(chromium, site, 1440, color_scheme=scheme)
    window.open(OWN[0])
    assert window.page.get_attribute("html", "data-theme") == scheme
    channels = window.page.evaluate(
        "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert (sum(channels[:3]) / 3 > 127) == (scheme == "light")
    window.context.close()


def test_reduced_motion_is_respected(chromium, site: str) -> None:
    window = Visit(chromium, site, 1440, reduced_motion="reduce")
    window.open(OWN[0])
    slow = window.page.evaluate(
        """() => [...document.querySelectorAll('*')].filter(e => {
          const style = getComputedStyle(e);
          const seconds = s => Math.max(...s.split(',').map(parseFloat));
          const both = [style.transitionDuration, style.animationDuration].map(seconds);
          return Math.max(...both) > 0.01;
        }).map(e => e.outerHTML.slice(0, 80)).slice(0, 5)"""
    )
    assert slow == []
    window.context.close()


def test_the_keyboard_reaches_a_code_box_as_soon_as_it_scrolls(chromium, site: str) -> None:
    window = Visit(chromium, site, 1920)
    scrolls = 0
    for page in OWN:
        if "highlight-text" not in (SITE / page).read_text("utf-8"):
            continue  # other code is wrapped
        window.open(page)
        found = window.page.evaluate(
            """() => new Promise(done => {
              document.querySelector('article').style.width = '12rem';
              document.querySelectorAll('details').forEach(fold => { fold.open = true; });
              requestAnimationFrame(() => requestAnimationFrame(() => done(
                [...document.querySelectorAll('article pre')]
                  .filter(e => e.scrollWidth > e.clientWidth && e.clientWidth)
                  .map(e => [e.tabIndex, e.textContent.slice(0, 80)]))));
            })"""
        )
        assert [text for index, text in found if index != 0] == [], page
        scrolls += len(found)
    assert scrolls
    window.context.close()


def test_focus_is_visible_from_the_keyboard(visit: Visit) -> None:
    visit.open(OWN[0])
    hidden = []
    for _ in range(12):
        visit.page.keyboard.press("Tab")
        tag, style, width = visit.page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [e.outerHTML.slice(0, 80), s.outlineStyle, parseFloat(s.outlineWidth)]; }"""
        )
        if not tag.startswith("<body") and (style == "none" or width < 2):
            hidden.append(tag)
    assert hidden == []
