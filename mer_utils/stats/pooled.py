"""One comparison over several models and data sets: its mean, and what may be said of it.

The subjects of a data set are drawn once for all its models, which share them; those of
different data sets are different people and are drawn apart. Every model on every data set
counts the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from mer_utils.errors import MerError
from mer_utils.metrics import METRICS
from mer_utils.metrics.predictions import complete, each_group
from mer_utils.stats.bootstrap import RESAMPLES, difference_error, leave_one_out, resample
from mer_utils.stats.counts import FloatArray, SubjectCounts, side_of, subject_counts

#: What stands for all models, or all data sets, in a row that is a mean over them.
EVERY = "every"
SUPERIOR, EQUIVALENT, WORSE, UNDECIDED = "superior", "equivalent", "worse", "undecided"


@dataclass(frozen=True)
class Part:
    """The models of one data set.

    Scores (2, models, 3), and those of resamples and without each subject (2, models, 3, ...).
    """

    dataset: str
    models: list[str]
    scores: FloatArray
    varied: tuple[FloatArray, FloatArray] | None
    seeds: list[tuple[int, int]]
    subjects: int
    clips: int
    left_out: int
    notes: list[str]


def pooled_differences(
    predictions: pd.DataFrame,
    baseline: Mapping[str, Any],
    treatment: Mapping[str, Any],
    *,
    level: float = 0.95,
    n_resamples: int = RESAMPLES,
    n_classes: int | None = None,
    rng: int = 0,
) -> pd.DataFrame:
    """Compare two settings for each model on each data set, and on average over them.

    Parameters
    ----------
    predictions : DataFrame
        As of `compare`, with ``model``; rows of the two settings only count.
    baseline, treatment : mapping of str to scalar
        The values of each in the same columns.
    level, n_resamples, n_classes
        As of `compare`.
    rng : int
        The resamples of a data set depend on this and its name, not on what else there is.

    Returns
    -------
    DataFrame
        One row per metric, data set and model, where `EVERY` stands for the mean over data sets
        or models: ``baseline_score``, ``treatment_score``, ``difference``; ``se`` and ``df`` of
        its Student's t; ``low``, ``high``, ``p``; ``relative``, the difference of the mean scores
        over the mean of the baseline's, with its ends ``relative_low``, ``relative_high``;
        ``standardised``, the difference in standard deviations of subjects (Cohen's d of pairs;
        one data set's rows only); ``subjects``, ``clips``, ``left_out`` (clips that some run
        lacks and that therefore count for none), ``cells`` (models on data sets in the mean),
        ``seeds``, the smallest number of a setting's; and ``undefined``, which names what is
        missing, models without one of the settings among it: a mean does not extend over them.

    Notes
    -----
    The error of a mean is that of its values in resamples of a data set, or of leaving out each
    subject if that is larger (see `mer_utils.stats.bootstrap`), added up over data sets; its
    degrees of freedom are Welch and Satterthwaite's. The relative difference R is linearised:
    its error is that of the treatment less 1 + R times the baseline, over the mean of the
    baseline.

    Examples
    --------
    >>> from mer_utils.stats import simulate
    >>> rows = pd.concat(
    ...     simulate(20, rng=np.random.default_rng(i), difference=0.1, model=m).assign(dataset=d)
    ...     for i, (d, m) in enumerate([("a", "x"), ("b", "x")])
    ... )
    >>> found = pooled_differences(rows, {"setting": "baseline"}, {"setting": "treatment"})
    >>> uar = found[found["metric"] == "uar_pooled"]
    >>> uar[["dataset", "model", "cells"]].to_numpy().tolist()
    [['a', 'x', 1], ['a', 'every', 1], ['b', 'x', 1], ['b', 'every', 1], ['every', 'x', 2],
     ['every', 'every', 2]]
    """
    rows = complete(predictions, ["model", *baseline])
    rows = rows[side_of(rows, [baseline, treatment]) >= 0]
    if len(np.unique(side_of(rows, [baseline, treatment]))) < 2:
        subject_counts(complete(predictions), [baseline, treatment], n_classes)  # says what lacks
    parts = []
    for keys, group in each_group(rows, ["dataset"]):
        seed = zlib.crc32(f"{rng} {keys['dataset']}".encode())
        part = _part(keys["dataset"], group, (baseline, treatment), n_resamples, n_classes, seed)
        parts.append(part)
    return pooled(parts, level)


def pooled(parts: list[Part], level: float = 0.95) -> pd.DataFrame:
    """Return the rows of `pooled_differences` from the data sets' resampled scores."""
    found = [
        {"dataset": d, "model": m, **row}
        for d, m, chosen in _means(parts)
        for row in _rows(chosen, level)
    ]
    return pd.DataFrame(found)


def mean_over_all(parts: list[Part], metric: str, level: float = 0.95) -> dict[str, Any]:
    """Return the last of the rows of `pooled` alone: the mean over all data sets and models."""
    rows = _rows([(part, list(range(len(part.models)))) for part in parts], level)
    return next(row for row in rows if row["metric"] == metric)


def equivalence_p(difference: ArrayLike, se: ArrayLike, df: ArrayLike, margin: float) -> FloatArray:
    """Test whether differences lie within a margin of zero: two one-sided t tests (TOST).

    Raises
    ------
    MerError
        "invalid option" if the margin is not above zero: no data show two things to be equal.

    Examples
    --------
    >>> equivalence_p(0.01, 0.01, 50, 0.045).round(4)
    np.float64(0.0005)
    """
    if not margin > 0:
        raise MerError(
            "invalid option",
            f"the margin of equivalence is {margin:g}",
            "a number above 0: no finite data can show two scores to be exactly equal",
            "state the smallest difference that matters",
        )
    value, error, freedom = (np.asarray(v, dtype=np.float64) for v in (difference, se, df))
    return np.asarray(stdtr(freedom, (np.abs(value) - margin) / error))


def verdicts(
    difference: ArrayLike, se: ArrayLike, df: ArrayLike, margin: float, alpha: float = 0.05
) -> NDArray[np.str_]:
    """Say of each difference what may be said, at the level `alpha` each.

    *Superior* or *worse* if its two-sided interval lies above or below zero; else *equivalent*
    if it lies within the margin (`equivalence_p`); else, undefined errors included, *undecided*.

    Examples
    --------
    >>> verdicts([0.05, 0.001, -0.05, 0.05], [0.01, 0.01, 0.01, 0.05], 50, 0.045).tolist()
    ['superior', 'equivalent', 'worse', 'undecided']
    """
    value, error, freedom = (np.asarray(v, dtype=np.float64) for v in (difference, se, df))
    reach = stdtrit(freedom, 1 - alpha / 2) * error
    equal = equivalence_p(value, error, freedom, margin) < alpha
    said = [value - reach > 0, value + reach < 0, equal]
    return np.select(said, [SUPERIOR, WORSE, EQUIVALENT], UNDECIDED)


def detectable(se: ArrayLike, df: ArrayLike, alpha: float = 0.05, power: float = 0.8) -> FloatArray:
    """Return the true difference that a two-sided t test finds with this power.

    Examples
    --------
    >>> detectable(0.015, 50).round(3)
    np.float64(0.043)
    """
    quantiles = stdtrit(df, 1 - alpha / 2) + stdtrit(df, power)
    return np.asarray(quantiles * np.asarray(se))


def _part(
    dataset: str,
    rows: pd.DataFrame,
    arms: tuple[Mapping[str, Any], Mapping[str, Any]],
    n_resamples: int,
    n_classes: int | None,
    seed: int,
) -> Part:
    named = rows["model"].to_numpy()
    arm = side_of(rows, arms)
    both = [m for m in dict.fromkeys(named) if len(np.unique(arm[named == m])) == 2]
    notes = [f"{m} (one setting missing)" for m in dict.fromkeys(named) if m not in both]
    if not both:
        return Part(dataset, [], np.zeros((2, 0, 3)), None, [], 0, 0, 0, notes)
    sides = [{"model": m, **arm} for arm in arms for m in both]
    data = subject_counts(rows, sides, n_classes)
    return of_counts(dataset, [str(m) for m in both], data, n_resamples, seed, notes)


def of_counts(
    dataset: str,
    models: list[str],
    data: SubjectCounts,
    n_resamples: int,
    seed: int,
    notes: Sequence[str] = (),
) -> Part:
    """Score and resample the models of one data set: first all baselines, then all treatments."""
    notes = list(notes)

    def scores(weights: FloatArray) -> FloatArray:
        return data.scores(weights).reshape(2, len(models), 3, -1)

    varied = None
    if data.n_subjects > 1:
        drawn = resample(scores, data.n_subjects, n_resamples, seed)
        varied = drawn, scores(leave_one_out(data.n_subjects))
    else:
        notes.append("interval (one subject)")
    if data.absent_classes:
        notes.append(data.absent_classes)
    counted = data.n_seeds
    return Part(
        dataset,
        models,
        scores(np.ones((1, data.n_subjects)))[..., 0],
        varied,
        list(zip(counted[: len(models)], counted[len(models) :], strict=True)),
        data.n_subjects,
        data.n_clips,
        data.n_left_out,
        notes,
    )


Chosen = list[tuple[Part, list[int]]]


def _means(parts: list[Part]) -> Iterator[tuple[str, str, Chosen]]:
    """Yield data set, model and what the mean is over: single cells first, everything last."""
    for part in parts:
        for place, model in enumerate(part.models):
            yield part.dataset, model, [(part, [place])]
        yield part.dataset, EVERY, [(part, list(range(len(part.models))))]
    for model in dict.fromkeys(m for part in parts for m in part.models):
        yield (
            EVERY,
            model,
            [(p, [p.models.index(model)] if model in p.models else []) for p in parts],
        )
    yield EVERY, EVERY, [(part, list(range(len(part.models)))) for part in parts]


def _rows(chosen: Chosen, level: float) -> Iterator[dict[str, Any]]:
    """Make the three rows, one a metric, of a mean over some models of some data sets."""
    cells = sum(len(places) for _, places in chosen)
    notes = [f"{n}, {p.dataset}" if len(chosen) > 1 else n for p, _ in chosen for n in p.notes]
    notes += [f"{p.dataset} (no model compared)" for p, places in chosen if not places]
    there = [(part, places) for part, places in chosen if places]
    seeds = [min(part.seeds[place]) for part, places in there for place in places]
    shared: dict[str, Any] = {
        "cells": cells,
        "subjects": sum(part.subjects for part, _ in there),
        "clips": sum(part.clips for part, _ in there),
        "left_out": sum(part.left_out for part, _ in there),
        "seeds": min(seeds, default=0),
    }
    for m, name in enumerate(METRICS):
        sums = [part.scores[:, places, m].sum(axis=1) for part, places in there]
        base, treated = np.sum(sums, axis=0) / cells if cells else (np.nan, np.nan)
        difference = treated - base
        relative = difference / base if base > 0 else np.nan
        known = bool(there) and all(part.varied is not None for part, _ in there)
        varied = [_varied(p, places, m) for p, places in there] if known else []
        size = [part.subjects for part, _ in there]
        se, df = _error([(t - b, u - c) for (b, t), (c, u) in varied], size)
        share = 1 + relative
        se_relative, _ = _error([(t - share * b, u - share * c) for (b, t), (c, u) in varied], size)
        se, se_relative = se / max(cells, 1), se_relative / max(cells, 1)
        why = [*notes, *(["interval (no spread over subjects)"] if known and np.isnan(se) else [])]
        yield {
            "metric": f"{name}_pooled",
            "baseline_score": base,
            "treatment_score": treated,
            "difference": difference,
            "se": se,
            "df": df,
            **_interval(difference, se, df, level),
            "relative": relative,
            **_interval(
                relative, se_relative / base if base > 0 else np.nan, df, level, "relative_"
            ),
            "standardised": difference / se / np.sqrt(there[0][0].subjects)
            if len(chosen) == 1 and there
            else np.nan,
            **shared,
            "undefined": "; ".join([*why, *([] if base > 0 else ["relative (baseline 0)"])]),
        }


def _varied(part: Part, places: list[int], metric: int) -> list[FloatArray]:
    """Return the sums over models of resampled and of jackknifed scores, each (2, ...)."""
    assert part.varied is not None
    return [values[:, places, metric].sum(axis=1) for values in part.varied]


def _error(varied: list[tuple[FloatArray, FloatArray]], subjects: list[int]) -> tuple[float, float]:
    """Return the standard error of a sum of independent parts, and Welch's degrees of freedom."""
    error = np.array([float(difference_error(*part)) for part in varied])
    variance = error**2
    if not len(error) or not variance.sum() > 0:
        return np.nan, np.nan
    df = variance.sum() ** 2 / (variance**2 / (np.array(subjects) - 1)).sum()
    return float(np.sqrt(variance.sum())), float(df)


def _interval(value: float, se: float, df: float, level: float, name: str = "") -> dict[str, float]:
    reach = float(stdtrit(df, 0.5 + level / 2)) * se
    ends = {f"{name}low": value - reach, f"{name}high": value + reach}
    if name:
        return ends
    p = 2 * float(stdtr(df, -abs(value) / se)) if se > 0 else np.nan
    # Where nothing varies nothing is known, but that the two are the same they may well be.
    return ends | {"p": 1.0 if np.isnan(p) and value == 0 else p}
