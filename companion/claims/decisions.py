"""Decisions: when a claim holds and when it does not, one function a rule.

Each function is given the differences that its claim rests on and returns the verdict and the
reason. In common to all:

* a difference is *above zero* when its interval is, and its p value, from the bootstrap over
  subjects, is below `ALPHA` after Holm's correction over models and data sets, times the number
  of families (scores and comparisons) that the claim draws on (Bonferroni); *below zero* likewise;
* *holds* needs what the claim says to be above zero, *does not hold* needs intervals that
  exclude what it says; everything else, undefined intervals included, is *undecided*;
* McNemar's test is no part of the evidence, and a comparison with *single* never counts without
  the one with *matched single* beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from companion.claims.register import FAILS, HOLDS, UNDECIDED
from companion.claims.rows import DIFFER, TWO_PHASES
from mer_utils.models import title

ALPHA = 0.05
#: The claim of "up to 10 %" (C07), as a share of the baseline's score.
CLAIMED_RELATIVE_GAIN = 0.10
#: A fall of the score smaller than one point counts as none (C13); our choice, not the paper's.
NEGLIGIBLE = 0.01

Decision = tuple[str, str]
Decide = Callable[[pd.DataFrame], Decision]


def above(rows: pd.DataFrame) -> pd.Series:
    """Whether each difference is above zero, corrected; needs the column ``p``."""
    return (rows["low"] > 0) & (rows["p"] < ALPHA)


def below(rows: pd.DataFrame) -> pd.Series:
    """Whether each difference is below zero, corrected; needs the column ``p``."""
    return (rows["high"] < 0) & (rows["p"] < ALPHA)


def corrected(rows: pd.DataFrame) -> pd.DataFrame:
    """Add ``p``: Holm's p value times the number of families among the rows, at most 1.

    Examples
    --------
    >>> rows = pd.DataFrame({"table": "t", "comparison": "a minus b",
    ...     "metric": ["uar_pooled", "uf1_pooled"], "p_bootstrap_holm": [0.01, 0.7]})
    >>> corrected(rows)["p"].tolist()
    [0.02, 1.0]
    """
    families = rows.groupby(["table", "comparison", "metric"]).ngroups
    return rows.assign(p=(rows["p_bootstrap_holm"] * families).clip(upper=1))


def gains_everywhere(rows: pd.DataFrame) -> Decision:
    """Hold if every network gains on every data set; fail if one of them loses."""
    if above(rows).all():
        return HOLDS, "every difference from the matched control is above zero"
    if below(rows).any():
        return FAILS, f"{int(below(rows).sum())} of {len(rows)} differences are below zero"
    return UNDECIDED, (
        f"{int(above(rows).sum())} of {len(rows)} differences are above zero, none is below"
    )


def gains_with_any_network(rows: pd.DataFrame) -> Decision:
    """Hold if every network gains on some data set and none loses; fail if one loses."""
    loses = below(rows).groupby(rows["model"]).sum()
    gains = above(rows).groupby(rows["model"]).sum()
    if (loses > 0).any():
        return FAILS, f"{_names(loses.index[loses > 0])} lose on some data set"
    if (gains > 0).all():
        return HOLDS, "every network gains on some data set and none loses on any"
    return UNDECIDED, f"no gain could be shown with {_names(gains.index[gains == 0])}"


def reaches_relative_gain(rows: pd.DataFrame) -> Decision:
    """Hold if somewhere the claimed relative gain is reached, controlled; fail if it never is.

    The relative gain is that over *single* without spatial augmentation. Where it is reached,
    the difference must be above zero, and so must that from *matched single* with the same
    augmentation. It is never reached if every interval ends below it.
    """
    key = ["dataset", "model", "metric", "spatial"]
    named = rows.assign(
        above=above(rows),
        ceiling=rows["high"] / (rows["value"] / rows["relative"]),
    )
    uncontrolled = named["base_setting"].eq("single")
    plain, control = (named[rows].set_index(key) for rows in (uncontrolled, ~uncontrolled))
    controlled = control["above"].reindex(plain.index, fill_value=False)
    reached = (plain["relative"] >= CLAIMED_RELATIVE_GAIN) & plain["above"]
    claimed = f"{CLAIMED_RELATIVE_GAIN:.0%}"
    if (reached & controlled).any():
        return HOLDS, f"a relative gain of {claimed} is reached, and the control confirms a gain"
    if (plain["ceiling"] < CLAIMED_RELATIVE_GAIN).all():
        return FAILS, f"every interval of the relative gain ends below {claimed}"
    if reached.any():
        return UNDECIDED, (
            f"a relative gain of {claimed} is reached, but not shown against the matched control"
        )
    return UNDECIDED, f"no gain of {claimed} is shown, and none is excluded"


def phases_complement(rows: pd.DataFrame) -> Decision:
    """Hold if dual beats its matched control and random cuts, and the halves the full view.

    Each of the three comparisons must be above zero everywhere it was made; one below zero
    anywhere contradicts the claim.
    """
    parts = rows.groupby("comparison", sort=False)
    held = [str(name) for name, part in parts if above(part).all()]
    contradicted = [str(name) for name, part in parts if below(part).any()]
    if contradicted:
        return FAILS, f"below zero somewhere: {'; '.join(contradicted)}"
    if len(held) == parts.ngroups:
        return HOLDS, "dual beats matched single and random cuts, and the halves the full image"
    return UNDECIDED, f"above zero everywhere: {'; '.join(held) or 'none of the comparisons'}"


def augmentation_hurts(rows: pd.DataFrame) -> Decision:
    """Hold if spatial augmentation lowers each named network's score; fail if one only gains.

    The comparisons change nothing but the augmentation, so they are their own control.
    """
    models = [str(name) for name in rows["model"].unique()]
    hurt = [m for m in models if below(rows[rows["model"] == m]).any()]
    safe = [m for m in models if above(rows[rows["model"] == m]).all()]
    if len(hurt) == len(models):
        return HOLDS, f"some augmentation lowers the score of each of {_names(models)}"
    if safe:
        return FAILS, f"every augmentation raises the score of {_names(safe)}"
    return UNDECIDED, (
        f"a loss is shown for {_names(hurt)} only" if hurt else "no loss is shown, none excluded"
    )


def falls_with_apex_noise(rows: pd.DataFrame) -> Decision:
    """Hold if moving the apex lowers a score of dual; fail if it does not by a point anywhere."""
    if below(rows).any():
        return HOLDS, f"{int(below(rows).sum())} of {len(rows)} differences are below zero"
    if (rows["low"] > -NEGLIGIBLE).all():
        return FAILS, f"every interval excludes a fall of {100 * NEGLIGIBLE:.0f} point"
    return UNDECIDED, "no fall is shown, and none is excluded"


def size_not_known(rows: pd.DataFrame) -> Decision:
    """Never decide: whether points or per cent are meant, and for which network, is unknown."""
    return UNDECIDED, (
        "whether the source means points or per cent, and which network, is not known to us"
    )


def not_measured(rows: pd.DataFrame) -> Decision:
    """Never decide: no experiment here takes subjects away."""
    return UNDECIDED, "no table trains on fewer and fewer subjects"


def phases_differ(rows: pd.DataFrame) -> Decision:
    """Hold if every clip with two phases gives three different images; fail if one does not."""
    counts = rows.groupby("metric")["value"].sum()
    two, differ = int(counts.get(TWO_PHASES, 0)), int(counts.get(DIFFER, 0))
    if not two:
        return UNDECIDED, "no clip has two phases"
    if differ == two:
        return HOLDS, "every clip with two phases gives three images that differ"
    return FAILS, f"{two - differ} of {two} clips with two phases do not give three such images"


def largest_by_chance(rows: pd.DataFrame, n: int = 10_000, seed: int = 0) -> float:
    """Return the largest relative difference to expect if no true difference exists.

    Parameters
    ----------
    rows : DataFrame
        Differences with ``value``, ``relative``, ``low`` and ``high``.
    n, seed : int
        Number of draws, and their seed.

    Returns
    -------
    float
        The mean of the largest of as many independent normal numbers as there are rows, each
        with a quarter of the interval's width over the baseline's score as its standard
        deviation; NaN where no interval is defined.

    Notes
    -----
    The differences are not independent, they share subjects and clips, so this is an upper
    estimate of what chance alone gives.
    """
    width = (rows["high"] - rows["low"]) / 4 / (rows["value"] / rows["relative"])
    error = width.replace([np.inf, -np.inf], np.nan).dropna().to_numpy()
    if not len(error):
        return float("nan")
    draws = np.random.default_rng(seed).standard_normal((n, len(error)))
    return float((draws * error).max(axis=1).mean())


def _names(models: pd.Index | list[str]) -> str:
    return ", ".join(title(str(m)) for m in models)
