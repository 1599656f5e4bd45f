"""The session that a chapter runs in: where its checkout is, and which parameters it was given.

`prepare` runs when a notebook imports the first module of its chapter.
"""

from __future__ import annotations

import ast
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from mer_utils.files import BUILD_SETTING, checkout
from mer_utils.machine import setting
from mer_utils.registry import unknown

_OURS = Path(__file__).parents[2]
#: How the cell begins that papermill injects after the one tagged ``parameters``.
_INJECTED = "# Parameters"


def book_file(name: str) -> Path:
    """Return a file of the book's folder, of the checkout one stands in or else of our own."""
    return (checkout() or _OURS) / "book" / name


def prepare() -> None:
    """Make a notebook independent of the folder it is run from, and refuse unknown parameters.

    Run from elsewhere, by papermill for instance, it uses the build folder of its own checkout and
    makes no second one.

    Raises
    ------
    MerError
        ``unknown name``, for a parameter that the notebook does not declare.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    if setting(BUILD_SETTING) is None and checkout() is None and (_OURS / "_config.yml").is_file():
        os.environ[BUILD_SETTING] = str(_OURS / "build")
    _refuse_unknown(shell.user_ns.get("In", []))


def _refuse_unknown(cells: list[Any]) -> None:
    """Raise for a name that an injected cell assigns and the cell before it does not."""
    for declaring, injected in pairwise(cells):
        if str(injected).startswith(_INJECTED):
            declared = _assigned(declaring)
            for name in _assigned(injected):
                if name not in declared:
                    raise unknown("parameter", name, declared)


def _assigned(cell: str) -> list[str]:
    return [
        target.id
        for statement in ast.parse(cell).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
