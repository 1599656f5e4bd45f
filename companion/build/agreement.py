"""Whether the results of a book are those that were recorded, for its pages and its last line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from companion.build.prepare import Notebook
from mer_utils.errors import MerError
from mer_utils.experiments import TABLES, Workspace
from mer_utils.experiments.verification import (
    DIFFERENT,
    VERDICTS,
    computed,
    open_reference,
    reference_path,
    score_changes,
    verify,
)
from mer_utils.plotting.words import table_of
from mer_utils.runs import RunStore, merge

#: Scores are printed with three decimals: what is nearer reads the same.
_AS_PRINTED = 0.0005
RECORDED = "recorded"
NOT_COMPARED: Mapping[str, Any] = MappingProxyType({"line": "Nothing was compared", "tables": ()})


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
        shutil.rmtree(build / RECORDED, ignore_errors=True)
        merge(RunStore(build / RECORDED), reference.store)
    return build / RECORDED


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

    ``line`` says it; where there is nothing to compare with, it says why, and ``tables`` is empty.
    """
    path = reference_path(workspace.profile.name)
    if source:
        return {"line": f"Recorded results, from {source}: nothing was computed here", "tables": []}
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
        return {"line": f"Not compared with recorded results: {what}", "tables": []}
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
    """Return a quiet line for each page that shows scores, by page."""
    if source:
        return {f"notebooks/{n.name}": _mark(agreed["line"]) for n in notebooks}
    known = {row["table"]: row for row in agreed["tables"]}
    found = {}
    for notebook in notebooks:
        code = "\n".join(c.source for c in notebook.node.cells if c.cell_type == "code")
        shown = [t for t in TABLES if re.search(rf"[\"']{t}[\"']", code)]
        if rows := [known[t] for t in shown if t in known]:
            folds = sum(row[v] for row in rows for v in VERDICTS)
            same = folds - sum(row[DIFFERENT] for row in rows)
            found[f"notebooks/{notebook.name}"] = _mark(f"{same:,} of {folds:,} folds as recorded")
    return found


def _mark(text: str) -> str:
    return f'<p class="made-with as-recorded" role="note">{escape(text)}.</p>'


def tables(agreed: Mapping[str, Any]) -> pd.DataFrame:
    """Return the agreement of each table as rows for a page."""
    nothing = {
        "table": "nothing was compared",
        **dict.fromkeys([*VERDICTS, "scores", "scores that agree"], 0),
        "largest difference": float("nan"),
    }
    named = [{**row, "table": table_of(row["table"])} for row in agreed["tables"]]
    return pd.DataFrame(named or [nothing])


def differences(agreed: Mapping[str, Any]) -> pd.DataFrame:
    """Return what differs between where results were recorded and here."""
    rows = [(what, str(a), str(b)) for what, (a, b) in agreed.get("differs", {}).items()]
    return pd.DataFrame(rows or [("nothing", "", "")], columns=["what", "recorded", "here"])
