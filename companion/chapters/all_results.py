"""Every table at once: what of it is computed, and its scores."""

from __future__ import annotations

import pandas as pd

from companion.chapters import results
from companion.chapters.ablations import ABLATIONS, prepared, variant_scores
from companion.chapters.page import interval
from mer_utils import models
from mer_utils.datasets import title as dataset_title
from mer_utils.errors import MerError
from mer_utils.experiments import TABLES, Workspace
from mer_utils.plotting.words import table_of

#: Columns of `scores`, in order.
COLUMNS = ["table", "dataset", "scheme", "model", "setting", "metric", "value", "low", "high"]
COUNTS = ["clips", "subjects", "seeds"]


def coverage(workspace: Workspace) -> pd.DataFrame:
    """Count the folds of every table that the store holds.

    Parameters
    ----------
    workspace : Workspace

    Returns
    -------
    DataFrame
        One row a table: table (its name), title, runs, folds, computed, missing, and the
        command that computes the missing ones, empty where none is missing.
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
                "command": f"mer run {name} --profile {workspace.profile.name}" if missing else "",
            }
        )
    return pd.DataFrame(rows)


def scores(workspace: Workspace) -> pd.DataFrame:
    """Score every table of which the store holds at least one fold.

    Parameters
    ----------
    workspace : Workspace

    Returns
    -------
    DataFrame
        Tidy: table, dataset, scheme, model, setting, metric, value, low, high, clips,
        subjects, seeds. ``setting`` spells out whatever a table varies besides the model,
        as in "dual, flip".

    Raises
    ------
    MerError
        If the store holds no fold of any table.
    """
    known = coverage(workspace)
    there = known.loc[known["computed"] > 0, "table"]
    if there.empty:
        raise MerError(
            "no results",
            f"the store {workspace.context.store} holds no result of any table",
            "at least one computed fold",
            f"compute them with mer run --profile {workspace.profile.name}",
        )
    parts = [_scores_of(workspace, name).assign(table=name) for name in there]
    return pd.concat(parts, ignore_index=True)[COLUMNS + COUNTS]


def _scores_of(workspace: Workspace, table: str) -> pd.DataFrame:
    if table in ABLATIONS:
        rows = prepared(workspace, table)
        # In the order of the chapters, not by name: ±2, ±4, ±8, ±16.
        order = list(dict.fromkeys(rows["variant"]))
        return variant_scores(rows, order).rename(columns={"variant": "setting"})
    return results.scores(results.on_view(workspace.predictions(table)))


def table_title(name: str) -> str:
    """Return a table's name as a reader says it.

    Examples
    --------
    >>> table_title("table2")
    'Table 2: Dual-phase augmentation'
    """
    return f"{table_of(name)}: {TABLES[name].title}" if name in TABLES else name


def wide(tidy: pd.DataFrame) -> pd.DataFrame:
    """Lay out one table's scores for print: a row a data set, model and setting.

    Parameters
    ----------
    tidy : DataFrame
        Rows of one table, as `scores` returns them.

    Returns
    -------
    DataFrame
        Columns data set, model, setting, accuracy, UF1, UAR, each score with its interval,
        and clips, subjects, seeds.
    """
    rows = []
    keys = ["dataset", "scheme", "model", "setting"]
    for (dataset, _, model, setting), group in tidy.groupby(keys, sort=False):
        row = {
            "data set": _unbroken(dataset_title(str(dataset))),
            "model": models.title(str(model)),
            "setting": setting,
        }
        for metric, value, low, high in zip(
            group["metric"], group["value"], group["low"], group["high"], strict=True
        ):
            word = str(metric).removesuffix("_pooled")
            word = word if word == "accuracy" else word.upper()
            row[word] = _unbroken(f"{value:.3f} ({interval({'low': low, 'high': high})})")
        rows.append(row | {name: int(group[name].iloc[0]) for name in COUNTS})
    return pd.DataFrame(rows)


def _unbroken(words: str) -> str:
    """Keep words on one line: on a phone the table scrolls anyway, and its rows stay low."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")
