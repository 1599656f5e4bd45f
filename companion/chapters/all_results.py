"""Every table at once: what of it is computed, and its scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from companion.chapters import tables, trace
from companion.chapters.page import interval
from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.experiments import TABLES, Workspace
from mer_utils.plotting.words import dataset_title, in_words, table_of

COUNTS = ["clips", "subjects", "seeds"]
#: What tells rows apart beside the setting.
_KEY = ["dataset", "phase_difference", "noise", "fall_information", "scheme", "model"]
#: Columns of `scores`, in order.
COLUMNS = ["table", *_KEY, "setting", "metric", "value", "low", "high", "p_chance", *COUNTS]


def coverage(workspace: Workspace) -> pd.DataFrame:
    """Count the folds of every table that the store holds, a row per table.

    ``command`` computes what is missing; it is empty where nothing is.
    """
    rows = []
    for name, table in TABLES.items():
        specs = workspace.specs(name)
        folds, missing = len(workspace.jobs(specs)), len(workspace.missing(specs))
        rows.append(
            {
                "table": name,
                "title": table.title,
                "runs": len(specs),
                "folds": folds,
                "computed": folds - missing,
                "missing": missing,
                "command": workspace.command(name) if missing else "",
            }
        )
    return pd.DataFrame(rows)


def read(workspace: Workspace) -> dict[str, tables.Shown]:
    """Read every table of which the store holds at least one fold.

    Raises
    ------
    MerError
        "no results" if the store holds no fold of any table.
    """
    found = {}
    for name in TABLES:
        try:
            found[name] = tables.read(workspace, name)
        except MerError as error:
            if error.kind != "no results":
                raise
    if not found:
        raise MerError(
            "no results",
            f"the store {workspace.context.store} holds no result of any table",
            "at least one computed fold",
            f"compute them with {workspace.command()}",
        )
    return found


def scores(every: Mapping[str, tables.Shown]) -> pd.DataFrame:
    """Return the scores of every table of `read`, tidily: `COLUMNS`.

    ``setting`` is the words for whatever a table varies besides the model, as in "dual, flip".
    """
    parts = []
    for name, shown in every.items():
        words = in_words(shown.scores, shown.columns)
        parts.append(shown.scores.assign(table=name, setting=words)[COLUMNS])
    return pd.concat(parts, ignore_index=True)


def differences(every: Mapping[str, tables.Shown]) -> pd.DataFrame:
    """Return the comparisons of every table of `read`, tidily.

    ``comparison`` has the words for what a table compares; the rest is as
    :func:`mer_utils.experiments.differences` has it, p values included.
    """
    parts = []
    for name, shown in every.items():
        if len(shown.differences):
            words = in_words(shown.differences, shown.columns)
            varied = [*shown.columns, *(f"base_{c}" for c in shown.columns)]
            part = shown.differences.drop(columns=varied)
            parts.append(part.assign(table=name, comparison=words))
    if not parts:
        return pd.DataFrame(columns=["table", "comparison"])
    found = pd.concat(parts, ignore_index=True)
    first = ["table", "question", "comparison"]
    return found[[*first, *(c for c in found if c not in first)]]


def table_title(name: str) -> str:
    """Return a table's name as a reader says it.

    Examples
    --------
    >>> table_title("table2")
    'Table 2: Dual-phase augmentation'
    """
    return f"{table_of(name)}: {TABLES[name].title}" if name in TABLES else name


def wide(tidy: pd.DataFrame) -> pd.DataFrame:
    """Lay out one table's `scores` for print, each with its interval: a row per setting."""
    rows = []
    by = [*_KEY, "setting"]
    for _, group in tidy.groupby(by, sort=False, dropna=False):
        first = group.iloc[0]
        row: dict[str, Any] = {
            "data set": _unbroken(title_of(first)),
            "model": models.title(first["model"]),
            "setting": first["setting"],
        }
        for _, score in group.iterrows():
            metric = str(score["metric"]).removesuffix("_pooled")
            word = metric if metric == "accuracy" else metric.upper()
            row[word] = _unbroken(f"{score['value']:.3f} ({interval(score)})")
        rows.append(row | {name: int(first[name]) for name in COUNTS})
    return pd.DataFrame(rows)


def title_of(row: pd.Series) -> str:
    """Return the title of a score's data set, of a made variant with what it was made with."""
    name = dataset_title(str(row["dataset"]))
    if not TABLES[row["table"]].made:
        return name
    told = f", information {row['fall_information']:g}" * bool(row["fall_information"] > 0)
    made = f"{name.removesuffix(' twin')} twin"  # whatever the others are
    return f"{made}, difference {row['phase_difference']:g}, noise {row['noise']:g}{told}"


def marked(row: pd.Series) -> str:
    """Return the class of a score's cell, see `companion.chapters.trace`."""
    return f"mer-t-{trace.variant(row['table'], row, row['setting'])}"


def _unbroken(words: str) -> str:
    """Keep words on one line: on a phone the table scrolls anyway, and its rows stay low."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")
