"""A cold Jupyter Book build in a scratch folder, swapped in when it is complete."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from companion.build import fingerprint
from mer_utils.errors import MerError
from mer_utils.files import atomic_write

#: Rendering, like execution, must not depend on who builds, or when.
ENVIRONMENT = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "315532800", "LC_ALL": "C.UTF-8"}
_SHOWN = 20


def jupyter_book(source: Path, config: Path, scratch: Path, builder: str = "html") -> Path:
    """Build `source` cold, warnings being errors, and return the folder with the pages.

    Always cold: an incremental build keeps old numbers on pages that did not change,
    and forgets the warnings of the build before.

    Parameters
    ----------
    source : Path
        The staged source folder.
    config : Path
        ``_config.yml``.
    scratch : Path
        Made afresh; holds everything that the build writes.
    builder : str
        ``html`` or ``singlehtml``.

    Raises
    ------
    MerError
        ``failed render``, with the warnings.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    arguments = ["-W", "-n", "--keep-going", "-q", "--builder", builder]
    program = "import sys, companion.build; from jupyter_book.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "build", str(source), *arguments]
    command += ["--config", str(config), "--path-output", str(scratch)]
    done = subprocess.run(
        command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False
    )
    folder = scratch / "_build" / builder
    if done.returncode != 0 or not any(folder.glob("*.html")):
        raise MerError(
            "failed render",
            f"the book did not render: {_complaints(done.stderr + done.stdout, source)}",
            "a build without warnings",
            "mend the pages named above and build again; the last good site is as it was",
        )
    return folder


def _finish_index(page: Path) -> None:
    """Make a whole page of the bare redirect that Jupyter Book leaves as the first page.

    Without a link to an icon a browser asks the host for one that is not there.
    """
    redirect = page.read_text(encoding="utf-8").strip() if page.exists() else ""
    target = re.fullmatch(r'<meta http-equiv="Refresh" content="0; url=([^"]+)" />', redirect)
    if target:
        first = (page.parent / target[1]).read_text("utf-8")
        page.write_text(
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f"{redirect}"
            f'<link rel="icon" href="_static/favicon.svg"><title>{_title(first)}</title></head>'
            f'<body><p><a href="{target[1]}">To the first page</a></p></body></html>\n',
            encoding="utf-8",
        )


def _title(page: str) -> str:
    """Return a page's title, as it stands in its head."""
    found = re.search("<title>(.*?)</title>", page, re.DOTALL)
    return found[1] if found else "To the first page"


def _complaints(output: str, source: Path) -> str:
    """Return the warnings and errors of a build, naming the pages as their writers do."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", output).replace(f"{source.absolute()}/", "")
    text = re.sub(r"(notebooks/[\w.-]+)\.ipynb", r"\1.md", text)
    text = re.sub(r"(^|\s)(?!notebooks/)([\w/.-]+\.md)", r"\1book/\2", text, flags=re.MULTILINE)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"WARNING|ERROR|CRITICAL|Error:", line)]
    shown = list(dict.fromkeys(telling)) or lines[-_SHOWN:]
    more = f" (and {len(shown) - _SHOWN} more)" if len(shown) > _SHOWN else ""
    return "; ".join(shown[:_SHOWN]) + more


class Site:
    """The finished site ``html`` in the build folder, and what is known of it.

    ``html.json`` holds the fingerprints of the staged source and of the site it gave,
    and how long that took.
    """

    def __init__(self, build: Path) -> None:
        self.folder = build / "html"
        self.previous = build / "html.previous"
        self.record = build / "html.json"

    def recover(self) -> None:
        """Put the last good site back if a swap was cut off between its two renames."""
        if not self.folder.exists() and self.previous.exists():
            os.replace(self.previous, self.folder)

    def known(self) -> dict[str, object]:
        """Return the record, empty where there is none."""
        try:
            return dict(json.loads(self.record.read_text("utf-8")))
        except (FileNotFoundError, ValueError):
            return {}

    def is_current(self, staged: str) -> bool:
        """Tell whether the site at hand is, file for file, what `staged` was rendered to."""
        known = self.known()
        return (
            known.get("staged") == staged
            and (self.folder / "index.html").exists()
            and known.get("site") == fingerprint.of_tree(self.folder)
        )

    def replace(self, complete: Path, staged: str, seconds: float) -> None:
        """Swap a complete site in; until then the last good one stays in its place."""
        self.record.unlink(missing_ok=True)
        shutil.rmtree(self.previous, ignore_errors=True)
        if self.folder.exists():
            os.replace(self.folder, self.previous)
        os.replace(complete, self.folder)
        shutil.rmtree(self.previous, ignore_errors=True)
        known = {
            "staged": staged,
            "site": fingerprint.of_tree(self.folder),
            "seconds": round(seconds, 1),
        }
        with atomic_write(self.record) as part:
            part.write_text(json.dumps(known), "utf-8")


def render(source: Path, config: Path, build: Path, state: dict[str, str]) -> tuple[Path, bool]:
    """Render the staged source unless the site at hand came from the very same.

    Parameters
    ----------
    source : Path
        The staged source folder.
    config : Path
        ``_config.yml``.
    build : Path
        The build folder; the site ends at ``html`` in it.
    state : dict of str to str
        Fingerprints of what else decides the rendering: the lock, the package.

    Returns
    -------
    Path
        The site's folder.
    bool
        Whether it was rendered now.
    """
    site = Site(build)
    site.recover()
    staged = fingerprint.of_value([fingerprint.of_tree(source), fingerprint.of_file(config), state])
    if site.is_current(staged):
        return site.folder, False
    start = time.perf_counter()
    scratch = build / "rendering"
    complete = jupyter_book(source, config, scratch)
    _finish_index(complete / "index.html")
    site.replace(complete, staged, time.perf_counter() - start)
    shutil.rmtree(scratch, ignore_errors=True)
    return site.folder, True
