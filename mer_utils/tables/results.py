"""Scores and differences between settings, from predictions, and the numbers quoted of them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mer_utils import stats
from mer_utils.experiments import DATASETS, SETTINGS
from mer_utils.models import MODELS

CONTROL, BASELINE, TREATMENT = "matched single", "single", "dual"


def scores(predictions: pd.DataFrame, test_view: str = "full") -> pd.DataFrame:
    """Score every data set, model and setting, with intervals over subjects.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows with the column ``setting``.
    test_view : str
        The view that was tested.

    Returns
    -------
    DataFrame
        Tidy: dataset, scheme, model, setting, metric, value, low, high, and the counts
        clips, subjects, seeds; see :func:`mer_utils.stats.intervals`.
    """
    tested = predictions[predictions["test_view"] == test_view]
    found = stats.intervals(tested).rename(
        columns={
            "estimate": "value",
            "n_clips": "clips",
            "n_subjects": "subjects",
            "n_seeds": "seeds",
        }
    )
    return _in_order(found)


def differences(predictions: pd.DataFrame, test_view: str = "full") -> pd.DataFrame:
    """Compare dual with matched single, the control, and with single.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows with the column ``setting``.
    test_view : str
        The view that was tested.

    Returns
    -------
    DataFrame
        One row a data set, model, metric and comparison: value, low, high, relative, and
        the p values of :func:`mer_utils.stats.compare`. Comparisons of which a setting
        is missing are absent.
    """
    tested = predictions[predictions["test_view"] == test_view]
    parts = []
    for baseline in (CONTROL, BASELINE):
        groups = tested[tested["setting"].isin((baseline, TREATMENT))]
        both = groups.groupby(["dataset", "model"])["setting"].transform("nunique") == 2
        if both.any():
            part = stats.compare(groups[both], baseline, TREATMENT)
            parts.append(part.assign(comparison=f"{TREATMENT} minus {baseline}"))
    if not parts:
        return pd.DataFrame(columns=["dataset", "model", "comparison", "metric", "value"])
    found = pd.concat(parts, ignore_index=True).rename(columns={"difference": "value"})
    return _in_order(found)


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
                "model": _title(str(model)),
                "setting": setting,
                "accuracy": by_metric.loc["accuracy_pooled", "value"],
                "UF1": by_metric.loc["uf1_pooled", "value"],
                "UAR": uar["value"],
                "UAR, 95 % interval": _interval(uar),
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
            "model": compared["model"].map(_title),
            "comparison": compared["comparison"],
            "difference": compared["value"],
            "relative": compared["relative"],
            "95 % interval": [_interval(row) for _, row in compared.iterrows()],
            "p (Holm)": compared["p_bootstrap_holm"].map(_p_value),
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
        For each data set: the best score, whose it is and its interval; mean score of
        each setting over the models. Over all: how many differences of dual and the
        control there are, how many have an interval without zero on either side, and how
        many stay below 0.05 after Holm's correction.
    """
    numbers: dict[str, Any] = {}
    chosen = tidy[tidy["metric"] == metric]
    for dataset, part in chosen.groupby("dataset"):
        best = part.iloc[int(part["value"].to_numpy().argmax())]
        numbers |= {
            f"{dataset}_best": float(best["value"]),
            f"{dataset}_best_interval": _interval(best),
            f"{dataset}_best_model": _title(best["model"]),
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


def _interval(row: pd.Series) -> str:
    # Fewer than two subjects that differ leave nothing to resample.
    return "undefined" if pd.isna(row["low"]) else f"{row['low']:.2f} to {row['high']:.2f}"


def _p_value(p: float) -> str:
    if pd.isna(p):
        return "undefined"
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def _title(model: str) -> str:
    return MODELS[model].title if model in MODELS else model


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    orders: dict[str, list[str]] = {
        "dataset": list(DATASETS),
        "model": list(MODELS),
        "setting": list(SETTINGS),
    }

    def rank(column: pd.Series) -> pd.Series:
        known = orders.get(str(column.name), [])
        return column.map(lambda value: known.index(value) if value in known else len(known))

    keys = [name for name in orders if name in frame]
    return frame.sort_values(keys, key=rank, kind="stable", ignore_index=True)
