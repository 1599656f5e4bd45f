"""What was found before in a frame or a clip, so that nothing is searched for twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from mer_utils.files import atomic_write

T = TypeVar("T")
_folder: Path | None = None


def remember(folder: Path | None) -> None:
    """Keep the faces and apexes found from now on, in this process, in a folder; None keeps none.

    One small file for each, named by a fingerprint of what was searched and how, so that any number
    of processes may share the folder. It can be removed at any time.
    """
    global _folder
    _folder = folder


def found(kind: str, key: str, search: Callable[[], Any], read: Callable[[Any], T]) -> T:
    """Return what is known, or what a search finds now.

    Parameters
    ----------
    kind, key : str
        What it is, and a fingerprint of all that it depends on.
    search : callable
        Returns it in terms of JSON.
    read : callable
        Makes of these terms what is returned; raises ValueError, TypeError or KeyError for what
        is damaged, which is searched for anew.
    """
    known = None if _folder is None else _folder / kind / f"{key}.json"
    if known is not None:
        try:
            return read(json.loads(known.read_text("utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            pass
    terms = search()
    if known is not None:
        with atomic_write(known) as temporary:
            temporary.write_text(json.dumps(terms), "utf-8")
    return read(terms)
