"""Averaging the probabilities of several test views of a clip, or of several seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from mer_utils.errors import MerError
from mer_utils.metrics.predictions import CLIP_KEY, complete, probability_columns, refuse_repeats


def average_views(
    predictions: pd.DataFrame,
    views: Sequence[str],
    *,
    missing: Literal["error", "drop"] = "error",
) -> pd.DataFrame:
    """Average the class probabilities of several test views of each clip.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, with ``run``, ``dataset``, ``test_view`` and probabilities.
    views : sequence of str
        Test views to average. A clip that lacks some of them is averaged over those it has.
    missing : {"error", "drop"}
        What to do with a clip that was tested, but in none of `views` (a clip without an apex
        has no half): refuse, or leave it out, so that fewer clips are scored than elsewhere.

    Returns
    -------
    DataFrame
        One row per clip and run, columns as before and ``n_views``, the number of views
        averaged; ``test_view`` is the names joined by "+", ``y_pred`` the class of the largest
        mean probability (the first of equals).

    Raises
    ------
    MerError
        "bad predictions" if a view was never tested in a run, a clip has two predictions for
        one view, or has none of the views and `missing` is "error".

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "run": "r", "dataset": "casme2", "subject": "sub01", "clip": "a", "y_true": 1,
    ...     "test_view": ["onset_apex", "apex_offset"], "y_pred": [0, 1],
    ...     "p_0": [0.6, 0.2], "p_1": [0.4, 0.8]})
    >>> mean = average_views(rows, ["onset_apex", "apex_offset"])
    >>> mean[["test_view", "y_pred", "p_1", "n_views"]]
                    test_view  y_pred  p_1  n_views
    0  onset_apex+apex_offset       1  0.6        2
    """
    views, probabilities = list(views), probability_columns(predictions) or ["p_0"]
    predictions = complete(predictions, ["run", "test_view", *probabilities])
    for run, tested in predictions.groupby("run")["test_view"]:
        if absent := [v for v in views if not tested.eq(v).any()]:
            raise MerError(
                "bad predictions",
                f"run {run} was not tested on {', '.join(absent)}",
                f"predictions for each of {', '.join(views)}",
                "run it with these test views, or average only those it has",
            )
    key = ["run", *CLIP_KEY]
    chosen = predictions[predictions["test_view"].isin(views)]
    refuse_repeats(chosen, ["run", "test_view"])
    lost = len(predictions[key].drop_duplicates()) - len(chosen[key].drop_duplicates())
    if lost and missing == "error":
        raise MerError(
            "bad predictions",
            f"{lost} clips have none of the views {', '.join(views)}",
            "at least one of them for every clip tested",
            'add "full" to the views, or pass missing="drop" and report the clips left out',
        )
    # A run of fewer classes than others has no value in the columns of the further ones.
    values = chosen[probabilities]
    of_run = values.notna().groupby(chosen["run"]).transform("any")
    infinite = values.isin([np.inf, -np.inf])
    wrong = ((values.isna() & of_run) | infinite).any(axis=1) | ~of_run.any(axis=1)
    if wrong.any():
        first = chosen[wrong].iloc[0]
        raise MerError(
            "bad predictions",
            f"clip {first['clip']} of {first['subject']} lacks probabilities, or has infinite ones",
            "a number for each class",
            "run this fold again",
        )
    grouped = chosen.groupby(key, observed=True, sort=True)
    mean = grouped[probabilities].mean()
    result = grouped.first()
    result[probabilities] = mean.astype(np.float32)
    result["test_view"] = "+".join(views)
    # A class outside a narrower scheme has no probability and cannot win.
    result["y_pred"] = mean.fillna(-np.inf).to_numpy().argmax(axis=1)
    result["n_views"] = grouped.size()
    return result.reset_index()[[*predictions.columns, "n_views"]]


def average_seeds(predictions: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Average the class probabilities of several seeds: an ensemble, which is a system of its own.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, with ``seed`` and probabilities.
    by : sequence of str
        Columns that tell systems apart, such as ``model`` and ``setting``.

    Returns
    -------
    DataFrame
        One row per clip of each system that has several seeds, columns as before and
        ``n_seeds``; ``y_pred`` is the class of the largest mean probability (the first of
        equals), ``run`` a digest of the keys of the runs averaged, ``seed`` the lowest.

    Raises
    ------
    MerError
        "bad predictions" if no system has several seeds, a clip has two predictions for one, or
        lacks some of them.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "subject": "sub01", "clip": "a", "y_true": 1, "seed": [0, 1], "model": "m",
    ...     "y_pred": [0, 1], "p_0": [0.6, 0.2], "p_1": [0.4, 0.8]})
    >>> average_seeds(rows, ["model"])[["clip", "y_pred", "p_1", "n_seeds"]]
      clip  y_pred  p_1  n_seeds
    0    a       1  0.6        2
    """
    by, probabilities = list(by), probability_columns(predictions) or ["p_0"]
    predictions = complete(predictions, [*by, *probabilities]).reset_index(drop=True)
    key = list(dict.fromkeys([*by, *CLIP_KEY]))
    refuse_repeats(predictions, [*key, "seed"])
    seeds = predictions.groupby(by, observed=True)["seed"].transform("nunique")
    several = predictions[seeds > 1].sort_values("seed", kind="stable")
    grouped = several.groupby(key, observed=True, sort=True)
    lacking = several[grouped["seed"].transform("size") < seeds[several.index]]
    if several.empty or len(lacking):
        what = "no system was predicted with several seeds"
        if len(lacking):
            first = lacking.iloc[0]
            what = f"clip {first['clip']} of {first['subject']} lacks predictions of some seeds"
        raise MerError(
            "bad predictions",
            what,
            "predictions of every clip with each of several seeds",
            "run the seeds that lack, or leave the ensemble out",
        )
    mean = grouped[probabilities].mean()
    result = grouped.first()
    result[probabilities] = mean.astype(np.float32)
    result["y_pred"] = mean.fillna(-np.inf).to_numpy().argmax(axis=1)
    result["n_seeds"] = grouped.size()
    if "run" in result:
        members = grouped["run"].agg(lambda runs: " ".join(sorted(runs)))
        digests = {m: hashlib.sha256(m.encode()).hexdigest()[:32] for m in set(members)}
        result["run"] = members.map(digests)
    return result.reset_index()[[*predictions.columns, "n_seeds"]]
