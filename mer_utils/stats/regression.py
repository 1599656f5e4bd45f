"""A marginal model of single predictions, beside the comparison of pooled scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mer_utils.metrics.predictions import complete, number_groups
from mer_utils.stats.counts import side_of


def odds_ratio(
    predictions: pd.DataFrame, baseline: Mapping[str, Any], treatment: Mapping[str, Any]
) -> dict[str, float]:
    """Estimate how the treatment changes the odds that a clip is predicted rightly.

    Parameters
    ----------
    predictions : DataFrame
        As of `pooled_differences`.
    baseline, treatment : mapping of str to scalar

    Returns
    -------
    dict
        ``odds_ratio``, its 95 % interval ``low`` and ``high``, ``p``, ``subjects`` and ``rows``;
        NaN with fewer than two subjects, or where a model is always or never right.

    Notes
    -----
    Generalised estimating equations (statsmodels): logit link, one term for each model on each
    data set and one for the treatment, subjects as clusters, independence as working
    correlation, robust errors. The share of seeds that are right is the response; every class
    of a data set weighs the same, as in the UAR.
    """
    # Imported here: it takes a second, and one page needs it.
    from statsmodels.genmod import families
    from statsmodels.genmod.generalized_estimating_equations import GEE

    rows = complete(predictions, ["model", *baseline])
    arm = side_of(rows, [baseline, treatment])
    rows = rows.assign(_arm=arm, _right=(rows["y_true"] == rows["y_pred"]).astype(float))
    key = ["dataset", "model", "subject", "clip", "y_true", "_arm"]
    clips = rows[arm >= 0].groupby(key, observed=True, sort=True)["_right"].mean().reset_index()
    subjects = number_groups(clips, ["dataset", "subject"])
    found = dict.fromkeys(("odds_ratio", "low", "high", "p"), np.nan)
    found |= {"subjects": int(subjects.max(initial=-1)) + 1, "rows": len(clips)}
    cell = number_groups(clips, ["dataset", "model"])
    share = clips.groupby([cell, "_arm"])["_right"].mean()
    if found["subjects"] < 2 or share.isin([0.0, 1.0]).any() or len(share) != 2 * (cell.max() + 1):
        return found
    size = clips.groupby(["dataset", "model", "_arm", "y_true"])["_right"].transform("size")
    design = np.column_stack([np.eye(cell.max() + 1)[cell], clips["_arm"]])
    weights = (1 / size).to_numpy() * len(clips) / (1 / size).sum()
    order = np.argsort(subjects, kind="stable")
    fit = GEE(
        clips["_right"].to_numpy()[order],
        design[order],
        groups=subjects[order],
        family=families.Binomial(),
        weights=weights[order],
    ).fit()
    low, high = fit.conf_int()[-1]
    ends = {"odds_ratio": np.exp(fit.params[-1]), "low": np.exp(low), "high": np.exp(high)}
    return (
        found | {name: float(value) for name, value in ends.items()} | {"p": float(fit.pvalues[-1])}
    )
