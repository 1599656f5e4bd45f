"""Executed notebooks on disk: the notebook, its record, and the key of what made it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mer_utils.book import fingerprint
from mer_utils.book.prepare import Notebook
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
    """

    seconds: float
    finished: str


class Executed:
    """The folder of executed notebooks: NAME.ipynb, NAME.json (its record) and NAME.key."""

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
        path = self.folder / f"{name}.key"
        return (
            self.notebook(name).exists()
            and self.record(name) is not None
            and path.exists()
            and path.read_text("utf-8") == key
        )

    def store(self, name: str, key: str, scratch: Path, seconds: float) -> None:
        """Move a finished notebook in; the key goes last, so that it never lies."""
        (self.folder / f"{name}.key").unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        os.replace(scratch, self.notebook(name))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with atomic_write(self.folder / f"{name}.json") as part:
            part.write_text(json.dumps({"seconds": round(seconds, 2), "finished": now}), "utf-8")
        with atomic_write(self.folder / f"{name}.key") as part:
            part.write_text(key, "utf-8")

    def forget_all_but(self, names: set[str]) -> None:
        """Remove what belongs to notebooks that no longer exist."""
        for path in self.folder.glob("*"):
            if path.stem not in names and not path.name.startswith("."):
                path.unlink()


def key_of(notebook: Notebook, parameters: Mapping[str, Any], state: Mapping[str, str]) -> str:
    """Return the key of a run: cells and metadata, parameters, and everything they rest on.

    Parameters
    ----------
    notebook : Notebook
        The prepared notebook.
    parameters : mapping
        What is injected into it.
    state : mapping of str to str
        Fingerprints of the package, the lock, the data, the results.
    """
    cells = [[cell.cell_type, cell.source, cell.metadata] for cell in notebook.node.cells]
    python = list(sys.version_info[:3])
    return fingerprint.of_value([cells, dict(parameters), dict(state), python])
