"""Fingerprints: SHA-256 of files, folders and plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: Left out everywhere: made by the interpreter or an editor, not part of any state.
IGNORED = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}


def of_value(value: Any) -> str:
    """Return the fingerprint of a value that JSON can hold.

    Examples
    --------
    >>> of_value({"a": 1, "b": 2}) == of_value({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def of_file(path: Path) -> str:
    """Return the fingerprint of a file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def files_in(folder: Path) -> list[Path]:
    """Return every file below `folder` that counts, in a fixed order."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not IGNORED.intersection(path.relative_to(folder).parts)
    )


def of_tree(folder: Path, files: Iterable[Path] | None = None) -> str:
    """Return one fingerprint over relative paths and contents.

    Parameters
    ----------
    folder : Path
        Paths are taken relative to this folder, so that moving it changes nothing.
    files : iterable of Path, optional
        The files that count; by default every file below `folder`.
    """
    listed = files_in(folder) if files is None else sorted(files)
    return of_value([[path.relative_to(folder).as_posix(), of_file(path)] for path in listed])
