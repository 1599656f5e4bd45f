"""The rows of the ablations: scores of variants, and each one beside what it is compared with.

A *variant* is what a table varies besides data set and model, in words: "dual, flip". A
comparison is a pair of variants, "dual, flip" against "dual, none", on the clips they share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML
from pandas.io.formats.style import Styler

from companion.chapters.results import interval_words, scores
from companion.chapters.style import show
from mer_utils import models, stats
from mer_utils.experiments import TABLES, Workspace
from mer_utils.experiments.datasets import dataset_title

Comparison = tuple[str, str]


def add_variant(predictions: pd.DataFrame, words: Sequence[str]) -> pd.DataFrame:
    """Add the column ``variant``: the words in these columns, joined.

    Examples
    --------
    >>> rows = pd.DataFrame({"setting": ["dual"], "spatial": ["flip"]})
    >>> add_variant(rows, ["setting", "spatial"])["variant"].tolist()
    ['dual, flip']
    """
    joined = predictions[list(words)].astype(str).agg(", ".join, axis=1)
    return predictions.assign(variant=joined)


def variant_scores(predictions: pd.DataFrame, order: Sequence[str] = ()) -> pd.DataFrame:
    """Score every data set, model and variant, with intervals over subjects.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows with the column ``variant``, one a clip and run.
    order : sequence of str
        Variants in the order of the result; others follow as found.

    Returns
    -------
    DataFrame
        As `scores`, with ``variant`` in place of ``setting``.
    """
    return _ordered(scores(predictions, by=("variant",)), "variant", order)


def variant_differences(
    predictions: pd.DataFrame, comparisons: Iterable[Comparison]
) -> pd.DataFrame:
    """Compare variants in pairs, on the clips that both predict.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows with the column ``variant``, one a clip and run.
    comparisons : iterable of (str, str)
        A variant and what it is compared with.

    Returns
    -------
    DataFrame
        One row a data set, model, comparison and metric: comparison ("A minus B"), value, low,
        high, relative and the p values of :func:`mer_utils.stats.compare`; Holm's correction
        (``p_bootstrap_holm``) is over all comparisons here, metric by metric. Comparisons of
        which a side is missing are absent.
    """
    parts = []
    for treatment, baseline in comparisons:
        part = stats.compare(predictions, baseline, treatment, column="variant", missing="skip")
        if len(part):
            parts.append(part.assign(comparison=f"{treatment} minus {baseline}"))
    if not parts:
        columns = ["dataset", "model", "comparison", "metric", "value", "low", "high"]
        return pd.DataFrame(columns=[*columns, "relative", "p_bootstrap", "p_bootstrap_holm"])
    found = pd.concat(parts, ignore_index=True).rename(columns={"difference": "value"})
    adjusted = found.groupby("metric")["p_bootstrap"].transform(lambda p: stats.holm(p.to_numpy()))
    return _ordered(found.assign(p_bootstrap_holm=adjusted), "comparison", ())


def wide_variants(tidy: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Lay out one data set's variants: a row a model and variant, a column a score.

    Parameters
    ----------
    tidy : DataFrame
        As `variant_scores` returns it.
    dataset : str

    Returns
    -------
    DataFrame
        Columns model, variant, accuracy, UF1, UAR, ``UAR, 95 % interval`` and clips.
    """
    rows = []
    part = tidy[tidy["dataset"] == dataset]
    order = list(dict.fromkeys(part["model"]))
    part = part.sort_values("model", key=lambda names: names.map(order.index), kind="stable")
    for (model, variant), group in part.groupby(["model", "variant"], sort=False):
        value = group.set_index("metric")["value"]
        uar = group[group["metric"] == "uar_pooled"].iloc[0]
        rows.append(
            {
                "model": models.title(str(model)),
                "variant": variant,
                "accuracy": value["accuracy_pooled"],
                "UF1": value["uf1_pooled"],
                "UAR": value["uar_pooled"],
                "UAR, 95 % interval": interval_words(uar),
                "clips": int(uar["clips"]),
            }
        )
    return pd.DataFrame(rows)


def facts(differences: pd.DataFrame, metric: str = "uar_pooled") -> dict[str, Any]:
    """Return what sentences say of many differences, by name.

    Parameters
    ----------
    differences : DataFrame
        As `variant_differences` returns them.
    metric : str

    Returns
    -------
    dict
        How many differences there are, how many have an interval wholly above or below zero,
        how many 95 % intervals would miss zero if nothing differed, how many stay below 0.05
        after Holm's correction, their mean, the mean width of an interval; the largest and the
        smallest, each with its name. Of no difference the counts are 0 and the rest is
        "undefined".
    """
    chosen = differences[differences["metric"] == metric]
    found: dict[str, Any] = {
        "n_differences": len(chosen),
        "n_above_zero": int((chosen["low"] > 0).sum()),
        "n_below_zero": int((chosen["high"] < 0).sum()),
        "n_by_chance": f"{0.05 * len(chosen):.1f}",
        "n_after_holm": int((chosen["p_bootstrap_holm"] < 0.05).sum()),
    }
    words = ("mean_difference", "mean_width", "largest", "smallest")
    if chosen.empty:
        return found | dict.fromkeys((*words, "largest_name", "smallest_name"), "undefined")
    value = chosen["value"].astype(float).reset_index(drop=True)
    extremes = {"largest": int(value.argmax()), "smallest": int(value.argmin())}
    return (
        found
        | {
            "mean_difference": f"{value.mean():+.3f}",
            "mean_width": f"{(chosen['high'] - chosen['low']).mean():.2f}",
        }
        | {name: f"{value[at]:+.3f}" for name, at in extremes.items()}
        | {f"{name}_name": _name(chosen.iloc[at]) for name, at in extremes.items()}
    )


def missing_runs(workspace: Workspace, table: str) -> pd.DataFrame:
    """Return the runs of a table of which the store lacks folds, and what computes them.

    Returns
    -------
    DataFrame
        One row a run: data set, model, what it varies, folds missing, and the command. Empty
        where the table is complete.
    """
    rows: dict[str, dict[str, Any]] = {}
    for job in workspace.missing(workspace.specs(table)):
        columns = job.spec.columns
        varied = [str(columns[name]) for name in TABLES[table].columns if name in columns]
        row = rows.setdefault(
            job.spec.key,
            {
                "data set": columns["dataset"],
                "model": models.title(columns["model"]),
                "variant": ", ".join([columns["train_views"], *varied]),
                "seed": columns["seed"],
                "folds missing": 0,
                "command": f"mer run {table} --profile {workspace.profile.name}",
            },
        )
        row["folds missing"] += 1
    return pd.DataFrame(rows.values())


def missing_note(workspace: Workspace, table: str) -> HTML | Styler:
    """Say that a table is complete, or show which of its runs lack folds and what fills them."""
    missing = missing_runs(workspace, table)
    if missing.empty:
        folds = len(workspace.jobs(workspace.specs(table)))
        return HTML(f'<p class="mer-note">All {folds:,} folds of this table are in the store.</p>')
    return show(missing, "Runs of this table that lack folds: what is shown rests on the others.")


def _name(row: pd.Series) -> str:
    return f"{row['comparison']}, {models.title(row['model'])}, {dataset_title(row['dataset'])}"


def _ordered(frame: pd.DataFrame, column: str, order: Sequence[str]) -> pd.DataFrame:
    """Sort by data set, by the order given (then as found), and by model as found."""
    known = list(dict.fromkeys([*order, *frame[column]]))
    keys = frame.assign(_place=frame[column].map(known.index))
    groups = {name: list(dict.fromkeys(frame[name])) for name in ("dataset", "model")}
    for name, names in groups.items():
        keys[name] = keys[name].map(names.index)
    places = keys.sort_values(["dataset", "_place", "model"], kind="stable").index
    return frame.loc[places].reset_index(drop=True)
