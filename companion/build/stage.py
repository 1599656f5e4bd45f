"""The source folder that Jupyter Book reads: pages, executed notebooks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import nbformat

from companion.build import attachments, scenarios
from companion.build.banner import FILE as BANNER
from companion.build.banner import MARKS
from companion.build.executed import Executed, with_prose_of
from companion.build.normalise import normalise
from companion.build.prepare import Notebook

#: Files of the repository's root that pages may include or link to.
ROOT_FILES = ("CITATION.cff", "LICENSE")
#: What the site has at its root besides pages; named in ``_config.yml``.
EXTRA = "_extra"


def stage(
    repository: Path,
    notebooks: list[Notebook],
    executed: Executed,
    target: Path,
    line: str,
    marks: Mapping[str, str],
) -> None:
    """Assemble the source folder afresh.

    Parameters
    ----------
    repository : Path
        Holds ``book``, ``notebooks`` and ``tests``.
    notebooks : list of Notebook
        Every notebook; all have been executed.
    executed : Executed
        Where the executed notebooks are.
    target : Path
        The folder to make; what was there is removed.
    line : str
        The banner that goes below every title, see `banner`.
    marks : mapping of str to str
        What goes below it, by page.
    """
    shutil.rmtree(target, ignore_errors=True)
    book = repository / "book"
    shutil.copytree(book, target, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "_build"))
    (target / BANNER).write_text(line, "utf-8")
    (target / MARKS).write_text(json.dumps(marks, sort_keys=True), "utf-8")
    (target / scenarios.FILE).write_text(scenarios.table(repository / "tests"), "utf-8")
    for name in ROOT_FILES:
        if (repository / name).exists():
            shutil.copy(repository / name, target / name)
    (target / EXTRA).mkdir()
    _stage_notebooks(repository / "notebooks", notebooks, executed, target / "notebooks")


def _stage_notebooks(
    source: Path, notebooks: list[Notebook], executed: Executed, target: Path
) -> None:
    """Write every executed notebook and its files, and copy what lies beside the sources."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.md", ".ipynb_checkpoints"))
    files: dict[str, bytes] = {}
    for notebook in notebooks:
        ran = nbformat.read(executed.notebook(notebook.name), as_version=4)
        node = normalise(with_prose_of(notebook.node, ran))
        attachments.detach(node, f"notebooks/{notebook.name}", files)
        nbformat.write(node, target / f"{notebook.name}.ipynb")
    attachments.write(files, target.parent / EXTRA / attachments.FOLDER)

