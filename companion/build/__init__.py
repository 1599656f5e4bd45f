"""The book: Jupytext notebooks -> papermill -> Jupyter Book, and what goes with it.

| module | what it does |
|---|---|
| `pipeline` | `build`: the whole road, in order |
| `fingerprint` | SHA-256 of files, folders and values |
| `prepare` | Markdown notebooks read and checked, not yet run |
| `execute` | notebooks run in parallel, only where something changed |
| `normalise` | what differs from run to run taken out of an executed notebook |
| `banner` | the line on every page that says which data and profile made it |
| `contents` | the table of contents against the pages at hand |
| `attachments` | files inside a notebook's outputs, put beside the pages |
| `stage` | the source folder that Jupyter Book reads |
| `render` | a cold Jupyter Book build, swapped in when it is complete |
| `provenance` | versions, commit and run times, for the Status page |
| `numbered` | a Sphinx extension: tables made in cells are numbered and referred to |
| `accessible` | a Sphinx extension: wide content scrolls in a named, focusable box |
| `serve`, `pdf` | the site over http, the whole book as one PDF |
| `check`, `lint` | notebooks in a plain Jupyter session; their style |
"""

from companion.build.banner import banner
from companion.build.pipeline import build

__all__ = ["banner", "build"]
