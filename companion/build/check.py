"""Every notebook with its default parameters: ``python -m companion.build.check [NAME ...]``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from companion.build import prepare
from companion.build.execute import run_one
from mer_utils.errors import MerError
from mer_utils.registry import unknown


def check(folder: Path, names: Sequence[str] = (), log: Callable[[str], None] = print) -> None:
    """Run notebooks as a reader would who opens them in Jupyter and runs all cells.

    Parameters
    ----------
    folder : Path
        The notebooks' folder, in which they run.
    names : sequence of str
        Only these; by default all.
    log : callable
        Takes one line per notebook.

    Raises
    ------
    MerError
        ``failed notebook``, naming every notebook and cell that failed.
    """
    notebooks = {notebook.name: notebook for notebook in prepare.read_all(folder)}
    for name in names:
        if name not in notebooks:
            raise unknown("notebook", name, notebooks)
    failures = []
    with tempfile.TemporaryDirectory(prefix="mer-") as private:
        for name in names or notebooks:
            target = Path(private) / "executed.ipynb"
            seconds, failure = run_one(notebooks[name], target, {}, f"{private}/kernel-{name}")
            log(f"FAILED   {failure}" if failure else f"ran      {name} in {seconds:.1f} s")
            failures += [failure] if failure else []
    if failures:
        raise MerError(
            "failed notebook", "; ".join(failures), "every cell to run", "mend the cells named above"
        )


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
