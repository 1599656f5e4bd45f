"""The whole book as one PDF: a single HTML page, printed by Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from companion.build import contents
from companion.build.banner import FILE as BANNER
from companion.build.render import jupyter_book
from mer_utils import __version__
from mer_utils.errors import MerError
from mer_utils.files import atomic_write

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: Headless, and silent towards the network.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
    "--virtual-time-budget=20000",
]


def browser() -> str | None:
    """Return Chromium's path, or None where it is not installed."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def bind(html: str, line: str) -> str:
    """Put a title page and the contents before the first chapter of a book on one page.

    Parameters
    ----------
    html : str
        With a mark where each document begins, as Sphinx leaves it; the rooms of the reference
        stand under its first page.
    line : str
        The banner, as HTML.
    """
    heading = r'<span id="document-([^"]+)"></span>.*?<h\d>(.*?)<a class="headerlink" href="(#[^"]+)"'
    links = "".join(
        f'<li><a href="{anchor}">{re.sub("<[^>]+>", "", title).strip()}</a></li>'
        for name, title, anchor in re.findall(heading, html, re.DOTALL)
        if not re.fullmatch("reference/(?!index).*", name)
    )
    # To the first page by its name, and to files beside the site, which a PDF has not.
    html = re.sub(r'href="[^":#]*#', 'href="#', html)
    html = re.sub(r'(<a\b[^>]*?) href="(?!#|[a-z]+:)[^"]*"', r"\1", html)
    title = re.search(r'property="og:site_name" content="([^"]+)"', html)
    cover = (
        f'<div class="mer-cover"><p class="mer-title">{title[1] if title else ""}</p>{line}'
        f"<p>Version {__version__}</p></div>"
        f'<div class="mer-contents"><p class="mer-title">Contents</p><ol>{links}</ol></div>'
    )
    return re.sub(r"(<article[^>]*>)", lambda found: found[1] + cover, html, count=1)


def pdf(
    *, repository: Path, build: Path, log: Callable[[str], None] = print, timeout: float = 300
) -> Path:
    """Print the book that was last built and return the file, ``build/book.pdf``.

    Parameters
    ----------
    repository : Path
        Holds ``_config.yml``.
    build : Path
        The build folder of `book.build`.
    log : callable
        Takes one line at a time.
    timeout : float
        Seconds that Chromium may take.

    Raises
    ------
    MerError
        ``missing program`` without Chromium, ``failed render`` if it fails, ``not built``.
    """
    program = browser()
    if program is None:
        raise MerError(
            "missing program",
            "Chromium was not found",
            f"one of {', '.join(BROWSERS)} on the PATH",
            "install it (Debian: apt-get install chromium), or print pages from your browser",
        )
    build = build.absolute()
    source = build / "src"
    if not (build / "html" / "index.html").exists() or not source.exists():
        raise MerError("not built", f"{build} holds no book", "a finished build", "run make book first")
    log("rendering the book as one page, then printing it (about a minute)")
    scratch = build / "printing"
    folder = jupyter_book(source, repository.absolute() / "_config.yml", scratch, "singlehtml")
    page = folder / f"{contents.pages(source)[0]}.html"
    html = page.read_text("utf-8")
    # Its pictures and styles are named from there, wherever the first chapter lies.
    page = folder / "book.html"
    page.write_text(bind(html, (source / BANNER).read_text("utf-8")), "utf-8")
    target = build / "book.pdf"
    with tempfile.TemporaryDirectory() as profile, atomic_write(target) as part:
        command = [program, *FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={part}"]
        try:
            done = subprocess.run(
                [*command, page.as_uri()],
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
            reason = done.stderr.strip()[-500:]
        except subprocess.TimeoutExpired:
            reason = f"no end after {timeout:.0f} s"
        if part.read_bytes()[:5] != b"%PDF-":
            raise MerError(
                "failed render",
                f"Chromium printed no PDF ({reason})",
                "a PDF file",
                "open the site and print it there",
            )
    shutil.rmtree(scratch, ignore_errors=True)
    log(f"printed: {target} ({target.stat().st_size / 1e6:.1f} MB)")
    return target
