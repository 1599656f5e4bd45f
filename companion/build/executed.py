"""Executed notebooks on disk: the notebook, and the record of what made it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from companion.build import fingerprint
from companion.build.prepare import Notebook, tags
from mer_utils.files import atomic_write


@dataclass(frozen=True)
class Record:
    """What is known of a notebook's last successful run.

    Attributes
    ----------
    seconds : float
        Wall-clock time of that run, kernel start included.
    finished : str
        When it ended (UTC, ISO 8601).
    key : str
        Fingerprint of everything it was made from.
    """

    seconds: float
    finished: str
    key: str = ""


class Executed:
    """The folder of executed notebooks: NAME.ipynb and NAME.json, its record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def notebook(self, name: str) -> Path:
        """Return the path of an executed notebook."""
        return self.folder / f"{name}.ipynb"

    def record(self, name: str) -> Record | None:
        """Return the record of the last successful run, which may be out of date."""
        try:
            return Record(**json.loads((self.folder / f"{name}.json").read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def is_current(self, name: str, key: str) -> bool:
        """Tell whether the executed notebook was made from exactly what `key` stands for."""
        record = self.record(name)
        return record is not None and record.key == key and self.notebook(name).exists()

    def store(self, name: str, key: str, scratch: Path, seconds: float) -> None:
        """Move a finished notebook in; the record goes last, so that it never lies."""
        record = self.folder / f"{name}.json"
        record.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        os.replace(scratch, self.notebook(name))
        made = Record(round(seconds, 2), datetime.now(UTC).isoformat(timespec="seconds"), key)
        with atomic_write(record) as part:
            part.write_text(json.dumps(asdict(made)), "utf-8")

    def forget_all_but(self, names: set[str]) -> None:
        """Remove what belongs to notebooks that no longer exist."""
        for path in self.folder.glob("*"):
            if path.stem not in names and not path.name.startswith("."):
                path.unlink()


def with_prose_of(source: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """Return the executed notebook with the prose of its source as that is now.

    Parameters
    ----------
    source : NotebookNode
        The prepared notebook, with the same code cells in the same order.
    executed : NotebookNode
        What papermill made of it, perhaps when its prose was another; it holds one code
        cell more where parameters were injected.
    """
    ran = [cell for cell in executed.cells if cell.cell_type == "code"]
    merged = deepcopy(executed)
    merged.cells = []
    for cell in source.cells:
        if cell.cell_type != "code":
            merged.cells.append(deepcopy(cell))
            continue
        merged.cells.append(ran.pop(0))
        if ran and "injected-parameters" in tags(ran[0]):
            merged.cells.append(ran.pop(0))
    return merged


def key_of(notebook: Notebook, parameters: Mapping[str, Any], state: Mapping[str, str]) -> str:
    """Return the key of a run: code cells and metadata, parameters, everything they rest on.

    Prose is not in it: it changes no output, and `with_prose_of` brings it up to date.
    """
    code = [cell for cell in notebook.node.cells if cell.cell_type == "code"]
    cells = [[cell.source, cell.metadata] for cell in code]
    python = list(sys.version_info[:3])
    return fingerprint.of_value([cells, dict(parameters), dict(state), python])
