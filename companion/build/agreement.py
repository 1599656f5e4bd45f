"""Whether the results of a book are those that were recorded, for its pages and its last line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.display import HTML
from pandas.io.formats.style import Styler

from companion.chapters import page
from mer_utils.errors import MerError
from mer_utils.experiments import PAPER, TABLES, Workspace
from mer_utils.experiments.recorded import RECORDED, licensed
from mer_utils.experiments.verification import (
    DIFFERENT,
    VERDICTS,
    computed,
    open_reference,
    reference_path,
    score_changes,
    verify,
)
from mer_utils.machine import setting
from mer_utils.plotting.words import table_of
from mer_utils.runs import RunStore, merge

if TYPE_CHECKING:
    from companion.build.prepare import Notebook

#: Scores are printed with three decimals: what is nearer reads the same.
_AS_PRINTED = 0.0005
_FOLDER = "recorded"
NOT_COMPARED: Mapping[str, Any] = MappingProxyType(
    {"line": "Nothing was compared", "tables": (), "next": "mer book compares."}
)


def recorded_store(source: str, profile: str, build: Path) -> Path:
    """Return the folder of a store of recorded results, made anew in the build folder.

    Parameters
    ----------
    source : str
        "reference", or the path of an archive.
    profile : str
    build : Path
    """
    path = reference_path(profile) if source == "reference" else Path(source).expanduser()
    with open_reference(path) as reference:
        reference.require(profile)
        shutil.rmtree(build / _FOLDER, ignore_errors=True)
        merge(RunStore(build / _FOLDER), reference.store)
    return build / _FOLDER


def data_names(store: Path) -> list[str] | None:
    """Return how to name the paper's data, if a store holds licensed ones that are not at hand."""
    held = licensed(store)
    away = [name for name in PAPER if name in held and not setting(f"MER_{name.upper()}_ROOT")]
    return [RECORDED * (name in away) + name for name in PAPER] if away else None


def require_whole(workspace: Workspace, source: str) -> None:
    """Refuse recorded results that are not all of the tables'."""
    specs = [spec for table in TABLES for spec in workspace.specs(table)]
    if missing := workspace.missing(specs):
        raise MerError(
            "no results",
            f"{source} lacks {len(missing):,} fold(s) of the tables of {workspace.profile.name}",
            "recorded results of this profile, data and release",
            "build without --from (make book without FROM): what is missing is computed",
        )


def agreement(workspace: Workspace, source: str = "") -> dict[str, Any]:
    """Return how the results of a workspace agree with those recorded for its profile.

    ``line`` says it; where there is nothing to compare with, it says why, ``tables`` is empty and
    ``next`` says what to do.
    """
    path = reference_path(workspace.profile.name)
    if source:
        line = f"Recorded results, from {Path(source).name}: nothing was computed here"
        anew = "make book without FROM computes them anew and compares."
        return {"line": line, "tables": [], "next": anew}
    try:
        with open_reference(path) as reference:
            folds = reference.folds(workspace)
            chosen = computed(workspace.store, folds)
            done = verify(reference, workspace.store, chosen, len(folds), "all")
            scores = score_changes(reference, workspace.store, chosen)
    except MerError as error:
        if error.kind not in ("no results", "other code", "other data"):
            raise
        # The line stands on a page, which names no folder of this machine.
        what = error.what.replace(str(path), f"{path.parent.name}/{path.name}")
        line = f"Not compared with recorded results: {what}"
        return {"line": line, "tables": [], "next": f"Remedy: {error.remedy}."}
    scores["change"] = (scores["here"] - scores["recorded"]).abs().fillna(0)
    tables = []
    for name, part in done.found.groupby("table", sort=False):
        changes = scores.loc[scores["table"] == name, "change"]
        tables.append(
            {
                "table": str(name),
                **{v: int((part["verdict"] == v).sum()) for v in VERDICTS},
                "scores": len(changes),
                "scores that agree": int((changes < _AS_PRINTED).sum()),
                "largest difference": float(changes.max()) if len(changes) else 0.0,
            }
        )
    return {
        "line": done.line,
        "machine": str(done.about.get("machine", "not stated")),
        "differs": {what: list(values) for what, values in done.differs.items()},
        "tables": tables,
    }


def marks(notebooks: list[Notebook], agreed: Mapping[str, Any], source: str = "") -> dict[str, str]:
    """Return a quiet line for each page that shows scores, by page; ``""`` is every other page."""
    if source:
        return {"": _mark(agreed["line"])}
    known = {row["table"]: row for row in agreed["tables"]}
    found = {}
    for notebook in notebooks:
        code = "\n".join(c.source for c in notebook.node.cells if c.cell_type == "code")
        every = "all_results." in code  # which reads them all and names none
        shown = [t for t in TABLES if every or re.search(rf"[\"']{t}[\"']", code)]
        if rows := [known[t] for t in shown if t in known]:
            folds = sum(row[v] for row in rows for v in VERDICTS)
            same = folds - sum(row[DIFFERENT] for row in rows)
            found[f"notebooks/{notebook.name}"] = _mark(f"{same:,} of {folds:,} folds as recorded")
    return found


def _mark(text: str) -> str:
    return f'<p class="made-with as-recorded" role="note">{escape(text)}.</p>'


def compared(agreed: Mapping[str, Any]) -> Styler | HTML:
    """Return the agreement of each table for a page, or what to do where nothing is compared."""
    if not agreed["tables"]:
        return HTML(f"<p>{escape(agreed['next'])}</p>")
    rows = [{**row, "table": table_of(row["table"])} for row in agreed["tables"]]
    # JSON keeps the names in the order of the alphabet.
    columns = ["table", *VERDICTS, "scores", "scores that agree", "largest difference"]
    return page.show(
        pd.DataFrame(rows)[columns],
        "Folds compared with the recorded ones, and their runs' scores.",
        {"largest difference": "{:.3f}"},
        name="tab-as-recorded",
    )


def differing(agreed: Mapping[str, Any]) -> Styler | None:
    """Return what differs between where results were recorded and here, if anything is compared."""
    if not agreed["tables"]:
        return None
    rows = [(what, str(a), str(b)) for what, (a, b) in agreed["differs"].items()]
    return page.show(
        pd.DataFrame(rows or [("nothing", "", "")], columns=["what", "recorded", "here"]),
        f"What differs between the machine of the record ({agreed['machine']}) and this one.",
        name="tab-differing-machines",
    )
