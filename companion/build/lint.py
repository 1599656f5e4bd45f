"""The notebooks' style: ``python -m companion.build.lint [--fix]`` in the repository's root.

ruff does the work, on the notebooks as Jupytext reads them. ``jupytext --pipe`` and
``--check`` are not used: they write the Markdown anew, and wrap every caption.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat

from companion.build import prepare
from mer_utils.errors import MerError

#: Longer lines would be cut off on the page and in print.
_NARROW = ("--line-length", "76", "--quiet", "--no-cache")


def lint(repository: Path, fix: bool = False) -> list[str]:
    """Return what ruff says of ``notebooks``, one line for each thing to mend.

    Parameters
    ----------
    repository : Path
        Holds ``notebooks``, and ruff's settings in ``pyproject.toml``.
    fix : bool
        Format the code cells in place first; every other byte stays as it is.

    Raises
    ------
    MerError
        ``bad notebook``, naming every cell that is not Python.
    """
    notebooks = prepare.read_all(repository / "notebooks")
    # Below the repository, so that ruff finds the settings in pyproject.toml by itself.
    with tempfile.TemporaryDirectory(prefix=".lint-", dir=repository) as folder:
        for notebook in notebooks:
            nbformat.write(notebook.node, Path(folder) / f"{notebook.name}.ipynb")
        if fix:
            _ruff("format", *_NARROW, folder)
            for notebook in notebooks:
                _take_over(notebook, nbformat.read(Path(folder) / f"{notebook.name}.ipynb", 4))
        said = _ruff("check", *_NARROW, "--output-format", "concise", folder)
        said += _ruff("format", *_NARROW, "--diff", folder)
    return said.replace(f"{Path(folder).name}/", "notebooks/").splitlines()


def _take_over(notebook: prepare.Notebook, formatted: nbformat.NotebookNode) -> None:
    """Write the cells that were formatted into the notebook's source."""
    text = notebook.source.read_text("utf-8")
    for old, new in zip(notebook.node.cells, formatted.cells, strict=True):
        if old.cell_type == "code" and old.source != new.source:
            text = text.replace(old.source, new.source, 1)
    if text != notebook.source.read_text("utf-8"):
        notebook.source.write_text(text, "utf-8")


def _ruff(*arguments: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise MerError(
            "missing program", f"ruff failed ({done.stderr.strip()})", "a run", "see its message"
        )
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """Lint (or with ``--fix`` first format) the notebooks of the current folder."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        found = lint(Path.cwd(), "--fix" in given)
    except MerError as error:
        found = [str(error)]
    print("\n".join(found) or "notebooks: nothing to mend")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
