"""The session that a chapter runs in: where its checkout is, and which parameters it was given.

`prepare` runs when a notebook imports the first module of its chapter. Where the store is empty,
a cell is offered that computes what the chapter needs in its smallest form (`smallest`).
"""

from __future__ import annotations

import ast
import os
import re
import sys
import warnings
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from companion.records import OURS, home
from mer_utils.errors import MerError
from mer_utils.files import BUILD_SETTING, checkout
from mer_utils.machine import setting
from mer_utils.registry import unknown

if TYPE_CHECKING:
    from mer_utils.experiments import Workspace

#: How the cell begins that papermill injects after the one tagged ``parameters``.
_INJECTED = "# Parameters"


def book_file(name: str) -> Path:
    """Return a file of the book's folder, of the checkout one stands in or else of our own."""
    return home() / "book" / name


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
    if setting(BUILD_SETTING) is None and checkout() is None and (OURS / "_config.yml").is_file():
        os.environ[BUILD_SETTING] = str(OURS / "build")
    # Of a bar in colours that nobody asked for, where packages import one.
    warnings.filterwarnings("ignore", "IProgress not found")
    shell.events.register("post_run_cell", _offer)
    shell.events.register("post_run_cell", _name_faces)
    _refuse_unknown(shell.user_ns.get("In", []))


def smallest(*tables: str, data_root: str | Path = "", store: str | Path = "") -> str:
    """Compute tables in their smallest form, here and now, with a bar; return the profile's name.

    Parameters
    ----------
    *tables : str
    data_root, store : str or Path
        As the parameters of a chapter.
    """
    from tqdm import tqdm

    from mer_utils import experiments, runs

    profile = "smoke"
    workspace = experiments.open_workspace(profile, data_root, store, progress=True)
    if not all(map(workspace.is_synthetic, workspace.data)):  # these may be of any size
        profile += f" --subjects {workspace.profile.subjects}"
        workspace = experiments.open_workspace(profile, data_root, store, progress=True)
    specs = [spec for table in tables for spec in workspace.specs(table)]
    for job in tqdm(workspace.missing(list({s.key: s for s in specs}.values())), "folds"):
        if failed := runs.run([job], workspace.context).failed:
            raise MerError(
                "folds failed",
                f"{job.spec.model.name}, held out {job.held_out}: {failed[0].error}",
                "every fold of the smallest form",
                "mend the cause, and run the cell again: what is done is kept",
            )
    return profile


def faces() -> Workspace | None:
    """Return the workspace that the notebook has opened, None before that and elsewhere."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    found = shell.user_ns.get("workspace") if shell is not None else None
    return found if hasattr(found, "is_synthetic") else None


def _name_faces(_: Any) -> None:
    """Call twins by that name, from the cell after the one that opens the workspace on."""
    if (workspace := faces()) is not None:
        from mer_utils.plotting.words import name_twins

        name_twins(name for name in workspace.data if workspace.is_synthetic(name))


def _offer(result: Any) -> None:
    """Offer, after a cell that lacked results, to compute them: in words, and as the next cell."""
    error = result.error_in_exec
    if not isinstance(error, MerError) or error.kind != "no results":
        return
    command = re.search(r"mer run ([\w ]+?) --profile", error.remedy)
    tables = ", ".join(repr(name) for name in (command[1] if command else "").split())
    if not tables:
        return
    print(
        "Or compute it here, in its smallest form, in about a minute: run the cell below, then "
        "this one and those before it again, but for the parameters."
    )
    sys.modules["IPython"].get_ipython().set_next_input(
        "from companion.chapters import session\n\n"
        f"profile = session.smallest({tables}, data_root=data_root, store=store)"
    )


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
