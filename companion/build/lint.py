"""The notebooks' style: ``python -m companion.build.lint [--fix]`` in the repository's root."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat

from companion.build import prepare
from companion.build.prepare import Notebook
from mer_utils.errors import MerError

LONGEST_CELL = 10
#: Longer lines would be cut off on the page and in print.
_NARROW = ("--line-length", "76")


def lint(repository: Path) -> list[str]:
    """Return one line for each thing to mend in ``notebooks``, naming notebook and cell.

    Each notebook is valid Python and has one parameters cell; no code cell is longer
    than `LONGEST_CELL` lines, blank ones not counted; ``ruff check`` and ``ruff format``
    have nothing to say.

    Parameters
    ----------
    repository : Path
        Holds ``notebooks``, and ruff's settings in ``pyproject.toml``.
    """
    notebooks = [prepare.read(path) for path in sorted((repository / "notebooks").glob("*.md"))]
    found = [line for notebook in notebooks for line in prepare.problems(notebook)]
    if found:
        return found
    for notebook in notebooks:
        for position, cell in _code(notebook):
            length = sum(bool(line.strip()) for line in cell.source.splitlines())
            if length > LONGEST_CELL:
                found.append(
                    f"{notebook.where(position)}: {length} lines; expected at most"
                    f" {LONGEST_CELL}. Remedy: move the code into mer_utils, with a test"
                )
    return found + _style(notebooks, repository) + _format(notebooks, repository)


def fix(repository: Path) -> list[str]:
    """Format every notebook's code cells in place; return the names of those that changed."""
    changed = []
    for path in sorted((repository / "notebooks").glob("*.md")):
        notebook = prepare.read(path)
        formatted = _formatted(notebook, repository)
        if not formatted:
            continue
        text = path.read_text(encoding="utf-8")
        for position, source in formatted.items():
            text = text.replace(notebook.node.cells[position].source, source, 1)
        path.write_text(text, encoding="utf-8")
        changed.append(notebook.name)
    return changed


def _code(notebook: Notebook) -> list[tuple[int, nbformat.NotebookNode]]:
    return [(i, cell) for i, cell in enumerate(notebook.node.cells) if cell.cell_type == "code"]


def _style(notebooks: list[Notebook], repository: Path) -> list[str]:
    """Return what ``ruff check`` has to say about the prepared notebooks."""
    by_file = {}
    # Below the repository, so that ruff finds the settings in pyproject.toml by itself.
    with tempfile.TemporaryDirectory(prefix=".lint-", dir=repository) as folder:
        for notebook in notebooks:
            path = Path(folder) / f"{notebook.name}.ipynb"
            nbformat.write(notebook.node, path)
            by_file[path.resolve()] = notebook
        done = _ruff("check", *_NARROW, "--quiet", "--no-cache", "--output-format", "json", folder)
    if done.returncode > 1 or not done.stdout:
        raise MerError("TODO", f"ruff failed ({done.stderr.strip()})", "a run", "see its message")
    lines = []
    for item in json.loads(done.stdout):
        notebook = by_file[Path(item["filename"]).resolve()]
        # ruff counts all cells, from 1
        where = notebook.where(item["cell"] - 1) if item.get("cell") else notebook.source.name
        row = item["location"]["row"]
        lines.append(f"{where}, its line {row}: {item['code']} {item['message']}")
    return lines


def _format(notebooks: list[Notebook], repository: Path) -> list[str]:
    return [
        f"{notebook.where(position)}: ruff would format it otherwise."
        " Remedy: python -m companion.build.lint --fix"
        for notebook in notebooks
        for position in _formatted(notebook, repository)
    ]


def _formatted(notebook: Notebook, repository: Path) -> dict[int, str]:
    """Return the code cells that ``ruff format`` would change: position and new source."""
    with tempfile.TemporaryDirectory(prefix=".lint-", dir=repository) as folder:
        path = Path(folder) / f"{notebook.name}.ipynb"
        nbformat.write(notebook.node, path)
        done = _ruff("format", *_NARROW, "--quiet", "--no-cache", str(path))
        if done.returncode != 0:
            raise MerError("TODO", f"ruff failed ({done.stderr.strip()})", "a run", "see its message")
        node = nbformat.read(path, as_version=4)
    return {
        position: node.cells[position].source
        for position, cell in _code(notebook)
        if node.cells[position].source != cell.source
    }


def _ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments], capture_output=True, text=True, check=False
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Lint (or with ``--fix`` first format) the notebooks of the current folder."""
    given = sys.argv[1:] if arguments is None else arguments
    repository = Path.cwd()
    try:
        if "--fix" in given:
            for name in fix(repository):
                print(f"formatted {name}")
        found = lint(repository)
    except MerError as error:
        found = [str(error)]
    print("\n".join(found) or "notebooks: nothing to mend")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
