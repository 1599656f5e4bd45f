"""A tiny book of three notebooks, built once, that each test may copy and change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from companion.build import pipeline
from companion.build.pipeline import build

ROOT = Path(__file__).parents[3]
PARAMETERS_CELL = """\
```{code-cell} ipython3
:tags: [parameters]

profile = "smoke"
data_root = "../build/data"
store = "../build/store"
```
"""
DOWNLOAD_CELL = """\
```{code-cell} ipython3
from companion.chapters import page

page.download(pd.DataFrame({"value": [0.25, 0.5]}), "two-values", ["csv", "parquet"])
```
"""
ALPHA = f"""\
(sec-alpha)=
# Alpha

{PARAMETERS_CELL}

```{{code-cell}} ipython3
import sys

print(profile, data_root, object())
print("noise", file=sys.stderr)
```
"""
BETA = f"""\
# Beta

{PARAMETERS_CELL}

```{{code-cell}} ipython3
from IPython.display import HTML
from myst_nb import glue

glue("answer", 6 * 7, display=False)
HTML("<table><tr><th>wide</th></tr></table>")
```

```{{code-cell}} ipython3
import pandas as pd

from companion.chapters.page import show

show(pd.DataFrame({{"n_clips": [3]}}), "Clips & classes.", name="tab-clips")
```

{DOWNLOAD_CELL}
"""
STATUS = f"""\
# Status

{PARAMETERS_CELL}

```{{code-cell}} ipython3
from companion.build import provenance

made = provenance.load()
provenance.notebooks_table(made)
```
"""
TOC = """\
format: jb-book
root: intro
chapters:
  - file: notebooks/alpha
  - file: notebooks/beta
  - file: notebooks/status
"""
INTRO = """\
# Tiny book

The answer is {glue:text}`notebooks/beta.md::answer:d`, see {ref}`sec-alpha`.
The clips are in {numref}`tab-clips`.

$$
a = b
$$
"""


def write_book(root: Path) -> Path:
    """Write the tiny book's sources, with the repository's own configuration and style."""
    shutil.copytree(ROOT / "book" / "_static", root / "book" / "_static")
    shutil.copy(ROOT / "_config.yml", root)
    (root / "notebooks").mkdir()
    (root / "book" / "references.bib").write_text("")
    (root / "book" / "_toc.yml").write_text(TOC)
    (root / "book" / "intro.md").write_text(INTRO)
    for name, text in {"alpha": ALPHA, "beta": BETA, "status": STATUS}.items():
        (root / "notebooks" / f"{name}.md").write_text(text)
    return root


class Book:
    """A copy of the tiny book, with what its last build said."""

    download_cell = DOWNLOAD_CELL

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log: list[str] = []

    @property
    def site(self) -> Path:
        return self.root / "build" / "html"

    def notebook(self, name: str) -> Path:
        return self.root / "notebooks" / f"{name}.md"

    def add(self, name: str, text: str) -> None:
        """Put a notebook at the end of the book."""
        self.notebook(name).write_text(text)
        toc = self.root / "book" / "_toc.yml"
        toc.write_text(f"{toc.read_text()}  - file: notebooks/{name}\n")

    def remove(self, name: str) -> None:
        """Take a notebook out of the book."""
        self.notebook(name).unlink()
        toc = self.root / "book" / "_toc.yml"
        toc.write_text(toc.read_text().replace(f"  - file: notebooks/{name}\n", ""))

    def build(self, **changed: object) -> Path:
        self.log = []
        root = self.root
        arguments: dict[str, object] = {
            "repository": root,
            "build": root / "build",
            "parameters": {
                "profile": "demo",
                "data_root": root / "build" / "data",
                "store": root / "build" / "store",
            },
            "inputs": {"lock": "one"},
            "workers": 1,
            "log": self.log.append,
            "profile": "demo (6 networks)",
            "data_title": "made <clips>",
        }
        return build(**{**arguments, **changed})  # type: ignore[arg-type]

    def executed(self) -> set[str]:
        """Names of the notebooks that the last build ran."""
        return {line.split()[1] for line in self.log if line.startswith("executed")}


@pytest.fixture(autouse=True)
def _fixed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the package's fingerprint out: its sources may be edited while tests run."""
    monkeypatch.setattr(pipeline, "package_fingerprint", lambda: "package")


@pytest.fixture
def sources(tmp_path: Path) -> Book:
    """The tiny book, never built."""
    return Book(write_book(tmp_path))


@pytest.fixture(scope="session")
def _built(shared: Path) -> Book:
    """The tiny book, built once for all the processes that share the tests."""
    root = shared / "tiny-book"
    with FileLock(shared / "tiny-book.lock"), pytest.MonkeyPatch.context() as patch:
        if (root / "build" / "html.json").exists():
            return Book(root)
        shutil.rmtree(root, ignore_errors=True)
        patch.setattr(pipeline, "package_fingerprint", lambda: "package")
        Book(write_book(root)).build()
    return Book(root)


@pytest.fixture
def book(_built: Book, tmp_path: Path) -> Book:
    """A copy of the built tiny book."""
    shutil.copytree(_built.root, tmp_path, dirs_exist_ok=True)
    return Book(tmp_path)
