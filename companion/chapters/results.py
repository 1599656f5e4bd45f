"""Scores and differences between settings, from predictions, and the numbers quoted of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML
from pandas.io.formats.style import Styler

from companion.chapters.page import interval, p_value, show
from mer_utils import models, stats
from mer_utils.errors import MerError
from mer_utils.experiments import COMPARED, PAPER, PARTS, TABLES, Workspace

CONTROL, BASELINE, TREATMENT = "matched single", "single", "dual"


def scores(predictions: pd.DataFrame, by: Sequence[str] = ("setting",)) -> pd.DataFrame:
    """Score every data set, model and setting, with intervals over subjects.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows of one view, with the columns of `by`; see `on_view`.
    by : sequence of str
        Columns that tell the scores apart, beside data set, scheme and model.

    Returns
    -------
    DataFrame
        Tidy: dataset, scheme, model, the columns of `by`, metric, value, low, high, and the
        counts clips, subjects, seeds; see :func:`mer_utils.stats.intervals`.
    """
    found = stats.intervals(predictions, ("dataset", "scheme", "model", *by)).rename(
        columns={
            "estimate": "value",
            "n_clips": "clips",
            "n_subjects": "subjects",
            "n_seeds": "seeds",
        }
    )
    return in_order(found)


def on_view(predictions: pd.DataFrame, view: str = "full") -> pd.DataFrame:
    """Return the predictions on one view."""
    return predictions[predictions["test_view"] == view].reset_index(drop=True)


def differences(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compare dual with matched single, the control, and with single.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows of one view, with the column ``setting``; see `on_view`.

    Returns
    -------
    DataFrame
        One row a data set, model, metric and comparison: value, low, high, relative, and
        the p values of :func:`mer_utils.stats.compare`. Comparisons of which a setting
        is missing are absent.
    """
    parts = [
        stats.compare(predictions, baseline, TREATMENT, missing="skip").assign(
            comparison=f"{TREATMENT} minus {baseline}"
        )
        for baseline in (CONTROL, BASELINE)
    ]
    found = pd.concat(parts, ignore_index=True).rename(columns={"difference": "value"})
    return in_order(found)


def chance(workspace: Workspace) -> float:
    """Return the UAR of a predictor that knows nothing: one over the number of classes.

    Raises
    ------
    MerError
        "invalid option" if the paper's data sets have different numbers of classes: the pages
        name one number.
    """
    # What else a workspace holds may have classes of its own and stands on no page with these.
    names = [name for name in workspace.data if name in PAPER] or list(workspace.data)
    counts = {name: len(workspace.clips(name)["label"].cat.categories) for name in names}
    if len(set(counts.values())) != 1:
        raise MerError(
            "invalid option",
            f"the data sets have different numbers of classes ({counts})",
            "one number of classes, hence one level of chance, in a book",
            "make one book for each label scheme",
        )
    return 1 / next(iter(counts.values()))


def wide_scores(tidy: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Lay out one data set's scores: a row a model and setting, a column a metric.

    Parameters
    ----------
    tidy : DataFrame
        As `scores` returns it.
    dataset : str

    Returns
    -------
    DataFrame
        Columns model, setting, accuracy, UF1, UAR, and ``UAR, 95 % interval``.
    """
    rows = []
    part = tidy[tidy["dataset"] == dataset]
    for (model, setting), group in part.groupby(["model", "setting"], sort=False):
        by_metric = group.set_index("metric")
        uar = group[group["metric"] == "uar_pooled"].iloc[0]
        rows.append(
            {
                "model": models.title(str(model)),
                "setting": setting,
                "accuracy": by_metric.loc["accuracy_pooled", "value"],
                "UF1": by_metric.loc["uf1_pooled", "value"],
                "UAR": uar["value"],
                "UAR, 95 % interval": interval(uar),
            }
        )
    return pd.DataFrame(rows)


def wide_differences(compared: pd.DataFrame) -> pd.DataFrame:
    """Lay out differences for reading.

    Parameters
    ----------
    compared : DataFrame
        Rows of one metric, as `differences` returns them.

    Returns
    -------
    DataFrame
        Columns data set, model, comparison, difference, relative, ``95 % interval`` and
        ``p (Holm)``.
    """
    return pd.DataFrame(
        {
            "data set": compared["dataset"],
            "model": compared["model"].map(models.title),
            "comparison": compared["comparison"],
            "difference": compared["value"],
            "relative": compared["relative"],
            "95 % interval": [interval(row) for _, row in compared.iterrows()],
            "p (Holm)": compared["p_bootstrap_holm"].map(p_value),
        }
    )


def quoted(
    tidy: pd.DataFrame, compared: pd.DataFrame, metric: str = "uar_pooled"
) -> dict[str, Any]:
    """Return the numbers that the sentences about table 2 quote, by name.

    Parameters
    ----------
    tidy, compared : DataFrame
        As `scores` and `differences` return them.
    metric : str

    Returns
    -------
    dict
        For each data set: the best score of a network, whose it is and its interval; the best
        score of a baseline and whose; mean score of each setting over the networks. Over all:
        how many differences of dual and the control there are, how many have an interval
        without zero on either side, and how many stay below 0.05 after Holm's correction.
    """
    numbers: dict[str, Any] = {}
    chosen = tidy[tidy["metric"] == metric]
    network = models.are_networks(chosen["model"])
    for dataset, part in chosen[~network].groupby("dataset"):
        best = part.iloc[int(part["value"].to_numpy().argmax())]
        numbers[f"{dataset}_baseline"] = float(best["value"])
        numbers[f"{dataset}_baseline_name"] = f"{models.title(best['model'])}, {best['setting']}"
    for dataset, part in chosen[network].groupby("dataset"):
        best = part.iloc[int(part["value"].to_numpy().argmax())]
        numbers |= {
            f"{dataset}_best": float(best["value"]),
            f"{dataset}_best_interval": interval(best),
            f"{dataset}_best_model": models.title(best["model"]),
            f"{dataset}_best_setting": best["setting"],
            f"{dataset}_clips": int(best["clips"]),
            f"{dataset}_subjects": int(best["subjects"]),
        }
        for setting, mean in part.groupby("setting")["value"].mean().items():
            numbers[f"{dataset}_mean_{str(setting).replace(' ', '_')}"] = float(mean)
    control = compared[
        (compared["metric"] == metric) & (compared["comparison"] == f"{TREATMENT} minus {CONTROL}")
    ]
    return numbers | {
        "n_differences": len(control),
        "n_above_zero": int((control["low"] > 0).sum()),
        "n_below_zero": int((control["high"] < 0).sum()),
        "n_after_holm": int((control["p_bootstrap_holm"] < 0.05).sum()),
        "mean_difference": float(control["value"].mean()),
        "mean_width": float((control["high"] - control["low"]).mean()),
    }


def missing_runs(workspace: Workspace, table: str) -> pd.DataFrame:
    """Return the runs of a table of which the store lacks folds, and what computes them."""
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


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Sort by data set, model and setting in the order in which they are listed."""
    orders: dict[str, list[str]] = {
        "dataset": list(PAPER),
        "model": list(models.MODELS),
        "setting": [*COMPARED, *PARTS],
    }

    def rank(column: pd.Series) -> pd.Series:
        known = orders.get(str(column.name), [])
        return column.map(lambda value: known.index(value) if value in known else len(known))

    keys = [name for name in orders if name in frame]
    return frame.sort_values(keys, key=rank, kind="stable", ignore_index=True)
