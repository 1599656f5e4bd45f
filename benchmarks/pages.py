"""How heavy and how fast the built book is, and how long it takes to build it again.

    python -m benchmarks.pages [--site build/html] [--rebuild]

For each page: its own weight (without the files that all pages share) and the time to the
first contentful paint, opened from the local disk in headless Chromium, the median of five.
With `--rebuild` the checkout is copied and built three times there: once to settle, once
with nothing changed, once with one sentence of one notebook changed. Run it on a quiet
machine, after `make book`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from benchmarks.clock import python, seconds
from companion.build import provenance

ROOT = Path(__file__).parents[1]
SHARED = {"_static", "_sphinx_design_static", "vendor"}
PAINTED = """() => new Promise(done => new PerformanceObserver(list => {
  const found = list.getEntriesByName('first-contentful-paint')[0];
  if (found) done(found.startTime);
}).observe({type: 'paint', buffered: true}))"""
REPEATS, LIMIT = 5, 1000


def measure(site: Path) -> list[tuple[str, int, float]]:
    """Return each page with its own bytes and its milliseconds to the first paint."""
    from playwright.sync_api import sync_playwright

    def shared(file: Path) -> bool:
        return file.is_relative_to(site) and file.relative_to(site).parts[0] in SHARED

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("Chromium was not found. Remedy: install it (Debian: apt-get install chromium)")
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for path in sorted(site.rglob("*.html")):
            if shared(path) or 'http-equiv="Refresh"' in path.read_text("utf-8"):
                continue
            times, names = [], set()
            for _ in range(REPEATS):
                # A context of its own, so that nothing is in the browser's memory.
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                page = context.new_page()
                page.on("request", lambda request, names=names: names.add(request.url))
                page.goto(path.as_uri(), wait_until="load")
                times.append(page.evaluate(PAINTED))
                context.close()
            # The page itself is among what it asked for.
            files = {Path(unquote(urlsplit(name).path)) for name in names}
            weight = sum(f.stat().st_size for f in files if f.is_file() and not shared(f))
            rows.append((path.relative_to(site).as_posix(), weight, statistics.median(times)))
        browser.close()
    return rows


def rebuild(build: Path, profile: str) -> dict[str, float]:
    """Return the seconds of three builds in a copy of the checkout."""
    main = "from mer_utils.cli.main import main; main()"
    with tempfile.TemporaryDirectory(prefix="mer-pages-") as folder:
        copy = Path(folder) / "checkout"
        left_out = shutil.ignore_patterns(".venv", ".git", "node_modules", "build", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=left_out)
        shutil.copytree(build, copy / "build")
        os.environ["MER_BUILD"] = str(copy / "build")
        sys.path.insert(0, str(copy))

        def book() -> None:
            if python("-c", main, "book", "--profile", profile, cwd=copy).wait():
                raise RuntimeError("mer book failed")

        took = {"in a fresh copy": seconds(book), "nothing changed": seconds(book)}
        with (copy / "notebooks" / "05_table2_dual_phase.md").open("a", encoding="utf-8") as page:
            page.write("\nOne more sentence.\n")
        return took | {"prose of one notebook changed": seconds(book)}


def main(
    site: Annotated[Path, typer.Option(help="the built site")] = ROOT / "build" / "html",
    again: Annotated[bool, typer.Option("--rebuild", help="time three builds in a copy")] = False,
) -> None:
    """Measure and print; exit with 1 if a page is beyond its limit."""
    site = site.absolute()
    if not (site / "index.html").exists():
        sys.exit(f"{site} holds no site. Remedy: run make book first")
    rows = measure(site)
    print(f"{'page':48} {'own kB':>8} {'first paint, ms':>16}")
    for name, weight, painted in rows:
        print(f"{name:48} {weight / 1000:8.0f} {painted:16.0f}")
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    print(f"whole site: {size / 1e6:.1f} MB")
    if again:
        os.environ["MER_BUILD"] = str(site.parent)
        for what, spent in rebuild(site.parent, provenance.load()["profile"]).items():
            print(f"{what}: {spent:.1f} s")
    if any(painted > LIMIT for *_, painted in rows):
        sys.exit(f"a page is painted later than {LIMIT} ms after it was opened")


if __name__ == "__main__":
    typer.run(main)
