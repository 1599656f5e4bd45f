"""Results: a table's predictions, their scores and their comparisons, as typed columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mer_utils import stats
from mer_utils.augment import SPATIAL
from mer_utils.datasets import DATASETS
from mer_utils.dynamic_image import KINDS, SCALINGS
from mer_utils.experiments.questions import chosen
from mer_utils.experiments.tables import (
    ALL,
    CHOSEN_EPOCH,
    HALVES,
    REVERSED_ALL,
    REVERSED_HALVES,
    TABLES,
    Table,
)
from mer_utils.frames.spotting import all_rules
from mer_utils.metrics import average_views
from mer_utils.metrics.predictions import each_group
from mer_utils.models import MODELS, are_networks
from mer_utils.phases import TRAINING_SETS, VIEWS
from mer_utils.protocol import EVALUATIONS

if TYPE_CHECKING:
    from mer_utils.experiments.workspace import Workspace

#: What tells the rows of every table apart, beside the table's own columns.
GROUPS = ("dataset", "scheme", "phase_difference", "noise", "fall_information", "model")


def on_view(predictions: pd.DataFrame, view: str = "full") -> pd.DataFrame:
    """Return the predictions on one view."""
    return predictions[predictions["test_view"] == view].reset_index(drop=True)


def read(workspace: Workspace, name: str) -> pd.DataFrame:
    """Return a table's predictions as it compares them, one row per clip, run and variant.

    A table that varies ``tested`` has the rows of every view, and of the averages of views; one
    that varies ``evaluation`` those of the epoch chosen on the test subject too, of its own runs
    and of those of the main table. All others are tested on the full view.

    Raises
    ------
    MerError
        Of the kind ``no results`` if none of the table's folds is in the store.
    """
    table = TABLES[name]
    if "tested" in table.columns:
        return in_order(every_view(workspace.predictions(name)), table.columns)
    if "evaluation" in table.columns:
        return in_order(_every_mistake(workspace, name), table.columns)
    return in_order(on_view(workspace.predictions(name)), table.columns)


def scores(predictions: pd.DataFrame, columns: Sequence[str] = ("setting",)) -> pd.DataFrame:
    """Score every data set, model and variant, with intervals over subjects.

    Parameters
    ----------
    predictions : DataFrame
        Rows of one view, or as `read` returns them.
    columns : sequence of str
        What tells the scores of one model apart, such as ``Table.columns``.

    Returns
    -------
    DataFrame
        Tidy: `GROUPS`, `columns`, metric, value, low, high, and the counts clips, subjects and
        seeds, see :func:`mer_utils.stats.intervals`; ``p_chance``, by which the UAR of a model
        and variant is above chance, and ``above_chance``, whether at 1 %.
    """
    by = [c for c in (*GROUPS, *columns) if c in predictions]
    names = {"estimate": "value", "n_clips": "clips", "n_subjects": "subjects", "n_seeds": "seeds"}
    found = stats.intervals(predictions, by).rename(columns=names)
    p = {tuple(map(str, k.values())): stats.chance_p(g) for k, g in each_group(predictions, by)}
    found["p_chance"] = [p[tuple(map(str, key))] for key in found[by].itertuples(index=False)]
    found["above_chance"] = found["p_chance"] < stats.FLOOR_ALPHA
    return in_order(found, columns)


def differences(predictions: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Make every comparison of a table, on the clips that both sides predict.

    Parameters
    ----------
    predictions : DataFrame
        As `read` returns them.
    table : Table

    Returns
    -------
    DataFrame
        One row per data set, model, comparison and metric: `GROUPS`; question; for each of the
        table's columns its value, and the baseline's as ``base_`` and its name; value
        (treatment minus baseline), low, high, relative, baseline_score, treatment_score and the
        p values of :func:`mer_utils.stats.compare`, ``p_bootstrap_holm`` over a family of
        ``family`` comparisons: those of the table (of a question, where it has several families)
        with networks, or with baselines. Comparisons of which a side is missing are absent.
    """
    columns = list(table.columns)
    by = [c for c in GROUPS if c in predictions]
    variants = predictions[columns].drop_duplicates()
    parts = []
    for question in table.questions:
        for treatment, baseline, learners in question.comparisons(variants):
            rows = _of_learners(predictions, learners)
            rows = rows[chosen(rows, treatment) | chosen(rows, baseline)]
            if rows.empty:
                continue
            part = stats.compare(rows, baseline, treatment, by=by, missing="skip")
            parts.append(part.assign(question=question.name))
    if not parts:
        head = [*by, "question", *columns, *(f"base_{c}" for c in columns)]
        return pd.DataFrame(
            columns=[
                *head,
                "metric",
                "value",
                "low",
                "high",
                "relative",
                "p_bootstrap_holm",
                "family",
            ]
        )
    found = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    found = found.rename(columns={"difference": "value"})
    # Networks and baselines are families of their own: the most frequent class never differs.
    family = [are_networks(found["model"]), *([] if table.one_family else ["question"]), "metric"]
    p = found.groupby(family)["p_bootstrap"]
    found["p_bootstrap_holm"] = p.transform(lambda values: stats.holm(values.to_numpy()))
    found["family"] = p.transform("count")
    places = {name: place for place, name in enumerate(found["question"].drop_duplicates())}
    return found.sort_values(
        ["dataset", "question", *columns, "model"],
        key=lambda c: c.map(places) if c.name == "question" else _rank(c),
        kind="stable",
        ignore_index=True,
    )


def chosen_epoch(predictions: pd.DataFrame) -> pd.DataFrame:
    """Choose each fold's epoch by the accuracy on the very subject that it tests: a mistake.

    Parameters
    ----------
    predictions : DataFrame
        Rows of every epoch, on one view.

    Returns
    -------
    DataFrame
        Of each run and subject the rows of the epoch with the best accuracy, the first of
        equals.
    """
    if predictions.empty:
        return predictions
    fold = ["run", "subject"]
    right = predictions["y_true"].eq(predictions["y_pred"])
    accuracy = right.groupby([predictions[c] for c in [*fold, "epoch"]]).mean()
    best = accuracy.groupby(level=fold).idxmax().map(lambda at: at[-1]).rename("best")
    rows = predictions.merge(best.reset_index(), on=fold)
    return rows[rows["epoch"] == rows["best"]].drop(columns="best").reset_index(drop=True)


def in_order(frame: pd.DataFrame, columns: Iterable[str] = ("setting",)) -> pd.DataFrame:
    """Sort by data set, model and `columns`, each in the order in which its values are listed.

    Values of no list follow as found; numbers ascend, missing ones first.
    """
    keys = [c for c in dict.fromkeys((*GROUPS, *columns)) if c in frame and c != "scheme"]
    return frame.sort_values(keys, key=_rank, kind="stable", ignore_index=True)


def _orders() -> dict[str, list[str]]:
    return {
        "dataset": list(DATASETS),
        "model": list(MODELS),
        "setting": list(TRAINING_SETS),
        "spatial": list(SPATIAL),
        "source": ["rank_pooling", "apex_difference"],
        "kind": list(KINDS),
        "scaling": list(SCALINGS),
        "cut": ["apex", "midpoint", *all_rules(), "random"],
        "tested": [*VIEWS, HALVES, ALL, REVERSED_HALVES, REVERSED_ALL],
        "evaluation": ["loso", CHOSEN_EPOCH, *EVALUATIONS],
        "missing_apex": ["own", "skip_view", "midpoint", *all_rules(), "drop"],
        "degenerate_phase": ["skip_view", "drop_clip"],
    }


def _rank(column: pd.Series) -> pd.Series:
    """Return the place of each value of a column; of a number itself, a missing one first."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype("float64").fillna(-np.inf)
    order = list(dict.fromkeys([*_orders().get(str(column.name), []), *column.unique()]))
    return column.map({value: place for place, value in enumerate(order)})


def _of_learners(predictions: pd.DataFrame, learners: str) -> pd.DataFrame:
    if learners == "all":
        return predictions
    network = are_networks(predictions["model"])
    return predictions[network if learners == "networks" else ~network]


def every_view(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of every view, and of averages of views, named in the column ``tested``."""
    tested = rows.groupby("run")["test_view"].agg(frozenset)
    averaged: list[Any] = []
    for words in (HALVES, ALL, REVERSED_HALVES, REVERSED_ALL):
        views = words.split("+")
        part = rows[rows["run"].map(tested).map(frozenset(views).issubset).astype(bool)]
        if len(part):
            averaged.append(average_views(part, views, missing="drop").assign(tested=words))
    both = pd.concat([rows.assign(tested=rows["test_view"]), *averaged], ignore_index=True)
    return both.drop(columns="n_views", errors="ignore")


def _every_mistake(workspace: Workspace, name: str) -> pd.DataFrame:
    # All networks of the main table predicted after every epoch: choosing one costs no training.
    specs = [*workspace.specs(name), *workspace.specs("table2")]
    every = on_view(workspace.store.predictions(specs, every_epoch=True))
    epochs = every.groupby("run")["epoch"]
    last = every[every["epoch"] == epochs.transform("max")]
    honest = every["evaluation"].eq("loso") & (epochs.transform("nunique") > 1)
    best = chosen_epoch(every[honest]).assign(evaluation=CHOSEN_EPOCH)
    own = {spec.key for spec in workspace.specs(name)}
    shown = last[last["run"].isin(own | set(every.loc[honest, "run"]))]
    return pd.concat([shown, best], ignore_index=True)
