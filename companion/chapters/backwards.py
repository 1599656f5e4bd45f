"""Play the fall backwards: how the images of the phases are related, and what that does."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t

from companion.chapters import tables
from companion.chapters.page import number, signed, with_interval
from mer_utils import experiments, models, stats
from mer_utils.experiments import CONTROLS, Workspace
from mer_utils.phases import TRAINING_SETS
from mer_utils.plotting.words import dataset_title, in_words
from mer_utils.stats import EVERY
from mer_utils.views import Views

#: The pairs of views that are correlated, in words.
PAIRS = {
    "full, rise": ("full", "onset_apex"),
    "full, fall": ("full", "apex_offset"),
    "full, fall backwards": ("full", "offset_apex"),
    "rise, fall": ("onset_apex", "apex_offset"),
    "rise, fall backwards": ("onset_apex", "offset_apex"),
}
#: What is compared over the networks of the main table: a treatment and its baseline.
ARMS = (("dual", "matched single"), ("aligned", "matched single"), ("aligned", "dual"))
# The same image twice lies at infinity on Fisher's scale.
_ONE = 1 - 1e-9


def correlations(workspace: Workspace) -> pd.DataFrame:
    """Correlate the views of every clip, pixel by pixel, as the networks see them.

    Returns
    -------
    DataFrame
        One row per clip that has both views, and pair of `PAIRS`: dataset, subject, clip, pair
        and correlation, which is undefined (NaN) where a view shows no contrast.
    """
    specs = {s.data.dataset: s for s in workspace.specs("table2") if s.setting == "aligned"}
    parts = []
    for name, spec in specs.items():
        wanted = tuple(dict.fromkeys(v for pair in PAIRS.values() for v in pair))
        views = workspace.context.data(spec.data).views(spec.views, wanted)
        rows = workspace.clips(name)[["dataset", "subject", "clip"]].assign(dataset=name)
        for words, pair in PAIRS.items():
            found = rows.assign(pair=words, correlation=_correlated(views, *pair))
            parts.append(found[views.present[pair[0]] & views.present[pair[1]]])
    return pd.concat(parts, ignore_index=True)


def _correlated(views: Views, one: str, other: str) -> np.ndarray:
    """Return the correlation of two views of each clip over pixels and channels."""
    a, b = (np.asarray(views.images[v], np.float64).reshape(len(views.labels), -1)
            for v in (one, other))  # fmt: skip
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
    with np.errstate(invalid="ignore"):
        return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def mean_correlations(found: pd.DataFrame) -> pd.DataFrame:
    """Average correlations over subjects, each the mean of its clips, on Fisher's scale.

    Returns
    -------
    DataFrame
        One row per data set and pair: dataset, pair, correlation, low and high (95 % of
        Student's t over subjects), below_zero (share of clips), clips, subjects.
    """
    found = found.dropna(subset="correlation")
    rows = []
    for (dataset, pair), part in found.groupby(["dataset", "pair"], sort=False):
        r = part.groupby("subject")["correlation"].mean().clip(-_ONE, _ONE)
        z, n = np.arctanh(r), len(r)
        # One subject has no spread: NaN.
        half = t.ppf(0.975, n - 1) * z.std() / np.sqrt(n) if n > 1 else np.nan
        ends = z.mean() + np.array([0, -half, half])
        rows.append(
            {
                "dataset": dataset,
                "pair": pair,
                **dict(zip(("correlation", "low", "high"), np.tanh(ends), strict=True)),
                "below_zero": (part["correlation"] < 0).mean(),
                "clips": len(part),
                "subjects": n,
            }
        )
    return pd.DataFrame(rows)


def over_networks(shown: tables.Shown, metric: str = tables.UAR) -> pd.DataFrame:
    """Compare the training sets of `ARMS` on the mean over the networks of the main table.

    As the primary question does: subjects are drawn once for all networks, each of which counts
    the same however many seeds it has. One counts in a comparison if the store holds both sides.

    Returns
    -------
    DataFrame
        One row per data set and comparison: dataset, networks, comparison in words, setting,
        base_setting, value, low and high.
    """
    rows = shown.predictions[models.are_networks(shown.predictions["model"])]
    parts = []
    for treatment, baseline in ARMS:
        chosen = rows[rows["setting"].isin([treatment, baseline])]
        if chosen["setting"].nunique() == 2:
            part = stats.pooled_differences(chosen, {"setting": baseline}, {"setting": treatment})
            parts.append(part.assign(setting=treatment, base_setting=baseline))
    found = pd.concat(parts, ignore_index=True)
    of_networks = found["model"].eq(EVERY) & found["dataset"].ne(EVERY) & found["cells"].gt(0)
    found = found[found["metric"].eq(metric) & of_networks]
    found = found.rename(columns={"difference": "value", "cells": "networks"})
    found = found.assign(comparison=in_words(found, ("setting",)))
    columns = ["dataset", "networks", "comparison", "setting", "base_setting"]
    found = experiments.in_order(found, ())
    return found[[*columns, "value", "low", "high"]].reset_index(drop=True)


def controls(shown: tables.Shown) -> pd.DataFrame:
    """Return the differences of table 4 that isolate the phase, from the control of each.

    *Halves*, *dual* and *aligned*, cut at the apex, halfway and at random, and the training sets
    of as many images that show no phase.
    """
    rows = shown.differences
    control = rows["setting"].map({s.name: s.control for s in TRAINING_SETS.values()})
    control = control.where(models.are_networks(rows["model"]), "single")
    chosen = rows["setting"].isin(["halves", "dual", "aligned", *CONTROLS])
    return rows[chosen & rows["base_setting"].eq(control)].reset_index(drop=True)


def said_of_correlations(means: pd.DataFrame) -> str:
    """Say how rise, fall and reversed fall are related to the full image, with intervals."""
    parts = []
    for dataset, part in means.groupby("dataset", sort=False):
        of_pair = part.set_index("pair")
        words = [f"{with_interval(of_pair.T[p], 'correlation')} with the {p.split(', ')[1]}"
                 for p in PAIRS if p in of_pair.index and p.startswith("full")]  # fmt: skip
        parts.append(f"{dataset_title(str(dataset))}: {', '.join(words)}")
    return f"the full image correlates, clip by clip, {'; '.join(parts)}."


def said_of_networks(found: pd.DataFrame) -> str:
    """Say what each comparison gives on the mean over the networks, with its interval."""
    parts = []
    for dataset, part in found.groupby("dataset", sort=False):
        words = [f"{row['comparison']} {with_interval(row)}" for _, row in part.iterrows()]
        n = " to ".join(dict.fromkeys(str(int(n)) for n in sorted(part["networks"])))
        parts.append(f"{dataset_title(str(dataset))}, mean over {n} networks: {', '.join(words)}")
    return f"difference in pooled UAR, {'; '.join(parts)}."


def said_of_controls(found: pd.DataFrame, metric: str = tables.UAR) -> str:
    """Say of each training set how far it is ahead of its control, and where that is sure."""
    found = found[found["metric"] == metric]
    found = found.assign(words=in_words(found, ("setting", "cut")).str.split(" minus ").str[0])
    parts = []
    for words, part in found.groupby("words", sort=False):
        ends = f"{signed(part['value'].min())} to {signed(part['value'].max())}"
        parts.append(f"{words} {signed(part['value'].mean())} (from {ends})")
    up, down = int((found["low"] > 0).sum()), int((found["high"] < 0).sum())
    return (
        "ahead of their controls on the mean over data sets and models (in brackets, the range): "
        f"{'; '.join(parts)}. Of the {len(found)} intervals, {number(up)} "
        f"{'lies' if up == 1 else 'lie'} wholly above zero and {number(down)} wholly below."
    )
