"""How heavy and how fast the built book is, and how long it takes to build it again.

    python benchmarks/pages.py [--site build/html] [--rebuild]

For each page: its own weight (without the files that all pages share) and the time to the
first contentful paint, opened from the local disk in headless Chromium, the median of five.
With `--rebuild` the checkout is copied and built three times there: once to settle, once
with nothing changed, once with one sentence of one notebook changed. Run it on a quiet
machine, after `make book`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from companion.build import provenance

ROOT = Path(__file__).parents[1]
SHARED = ("_static", "_sphinx_design_static", "vendor")
PAINTED = """() => new Promise(done => new PerformanceObserver(list => {
  const found = list.getEntriesByName('first-contentful-paint')[0];
  if (found) done(found.startTime);
}).observe({type: 'paint', buffered: true}))"""
REPEATS = 5


def measure(site: Path) -> list[tuple[str, int, float]]:
    """Return each page with its own bytes and its milliseconds to the first paint."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("Chromium was not found. Remedy: install it (Debian: apt-get install chromium)")
    pages = sorted(
        path
        for path in site.rglob("*.html")
        if not set(SHARED) & set(path.relative_to(site).parts)
        and 'http-equiv="Refresh"' not in path.read_text("utf-8")
    )
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for path in pages:
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
            own = [f for f in files if f.is_file() and not _is_shared(f, site)]
            weight = sum(f.stat().st_size for f in own)
            rows.append((path.relative_to(site).as_posix(), weight, statistics.median(times)))
        browser.close()
    return rows


def _is_shared(file: Path, site: Path) -> bool:
    return file.is_relative_to(site) and file.relative_to(site).parts[0] in SHARED


def rebuild(build: Path, profile: str) -> list[tuple[str, float]]:
    """Return what was built in a copy of the checkout, and its wall-clock seconds."""
    command = [sys.executable, "-c", "from mer_utils.cli.main import main; main()"]
    with tempfile.TemporaryDirectory(prefix="mer-pages-") as folder:
        copy = Path(folder) / "checkout"
        left_out = shutil.ignore_patterns(".venv", ".git", "node_modules", "build", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=left_out)
        shutil.copytree(build, copy / "build")
        environment = {**os.environ, "PYTHONPATH": str(copy), "MER_BUILD": str(copy / "build")}

        def timed() -> float:
            start = time.perf_counter()
            subprocess.run(
                [*command, "book", "--profile", profile],
                cwd=copy,
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            return time.perf_counter() - start

        rows = [("in a fresh copy of the checkout", timed()), ("nothing changed", timed())]
        notebook = copy / "notebooks" / "05_table2_dual_phase.md"
        notebook.write_text(notebook.read_text("utf-8") + "\nOne more sentence.\n", "utf-8")
        return [*rows, ("prose of one notebook changed", timed())]


def main() -> None:
    """Measure and print; exit with 1 if a page or the site is beyond its limit."""
    parser = argparse.ArgumentParser(description="weight and speed of the built book")
    parser.add_argument("--site", type=Path, default=ROOT / "build" / "html")
    parser.add_argument("--rebuild", action="store_true", help="time three builds in a copy")
    given = parser.parse_args()
    site = given.site.absolute()
    if not (site / "index.html").exists():
        sys.exit(f"{site} holds no site. Remedy: run make book first")
    late = False
    print(f"{'page':48} {'own kB':>8} {'first paint, ms':>16}")
    for name, weight, painted in measure(site):
        late |= painted > 1000
        print(f"{name:48} {weight / 1000:8.0f} {painted:16.0f}")
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    print(f"whole site: {size / 1e6:.1f} MB")
    if given.rebuild:
        os.environ["MER_BUILD"] = str(site.parent)
        for what, seconds in rebuild(site.parent, provenance.load()["profile"]):
            print(f"{what}: {seconds:.1f} s")
    if late:
        sys.exit("a page is painted later than 1 s after it was opened")


if __name__ == "__main__":
    main()
