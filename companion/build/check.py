"""Every notebook in a plain Jupyter session, with its default parameters.

``python -m companion.build.check [NAME ...]`` in the repository's root.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from companion.build import prepare
from companion.build.prepare import Notebook
from mer_utils.errors import MerError


def check(folder: Path, names: Sequence[str] = (), log: Callable[[str], None] = print) -> None:
    """Run notebooks as a reader would who opens them in Jupyter and runs all cells.

    Parameters
    ----------
    folder : Path
        The notebooks' folder, in which they run.
    names : sequence of str
        Only these; by default all.
    log : callable
        Takes one line for each notebook.

    Raises
    ------
    MerError
        Naming every notebook and cell that failed.
    """
    notebooks = prepare.read_all(folder)
    unknown = sorted(set(names) - {notebook.name for notebook in notebooks})
    if unknown:
        raise MerError(
            "TODO", f"there is no notebook {', '.join(unknown)}",
            f"one of {', '.join(n.name for n in notebooks)}",
            "correct the name",
        )
    failures = []
    for notebook in notebooks:
        if names and notebook.name not in names:
            continue
        start = time.perf_counter()
        failure = _run(notebook, folder)
        seconds = time.perf_counter() - start
        log(f"FAILED   {failure}" if failure else f"ran      {notebook.name} in {seconds:.1f} s")
        if failure:
            failures.append(failure)
    if failures:
        raise MerError("TODO", "; ".join(failures), "every cell to run", "mend the cells named above")


def _run(notebook: Notebook, folder: Path) -> str | None:
    """Run one notebook with nbclient; return None, or which cell failed and how."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    node = notebook.node
    client = NotebookClient(
        node,
        timeout=None,
        kernel_name="python3",
        startup_timeout=120,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        for position, cell in enumerate(node.cells):
            if any(output.output_type == "error" for output in cell.get("outputs", [])):
                return f"{notebook.where(position)}: {error.ename}: {error.evalue}"
        return f"{notebook.source.name}: {error.ename}: {error.evalue}"
    except Exception as error:  # a kernel that died: reported with its notebook
        return f"notebooks/{notebook.source.name}: {type(error).__name__}: {error}"
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Check ``notebooks`` of the current folder; return 1 if one fails."""
    try:
        check(Path("notebooks").absolute(), sys.argv[1:] if arguments is None else arguments)
    except MerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
