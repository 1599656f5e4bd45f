"""Decisions: what the comparisons of a rule say together, one function a kind of claim.

A single comparison is *superior*, *worse*, *equivalent* or *undecided* by its 95 % interval and
by two one-sided tests within `MARGIN` (`mer_utils.stats.verdicts`). Of several,

* *all* of them are shown without any correction: each must be shown by itself, and the chance
  that all are shown wrongly is below that of one (an intersection-union test);
* *some* of them is shown after Holm's correction over the rows that decide.

McNemar's test is no part of the evidence, and a comparison with *single* never counts without
the one with *matched single* beside it. A change here is a new edition, see `editions`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from companion.chapters.primary import ALPHA, MARGIN
from companion.claims.register import FAILS, HOLDS
from companion.claims.rows import DIFFER, TWO_PHASES
from mer_utils.models import title
from mer_utils.stats import (
    EQUIVALENT,
    SUPERIOR,
    UNDECIDED,
    WORSE,
    equivalence_p,
    holm,
    verdicts,
)

#: The claim of "up to 10 %" (C07), as a share of the baseline's score.
CLAIMED_RELATIVE_GAIN = 0.10

Decision = tuple[str, str]
Decide = Callable[[pd.DataFrame], Decision]


def said(rows: pd.DataFrame) -> pd.Series:
    """Say what each row says by itself."""
    found = verdicts(rows["difference"], rows["se"], rows["df"], MARGIN, ALPHA)
    return pd.Series(found.tolist(), rows.index, dtype=object)


def equivalent(rows: pd.DataFrame) -> pd.Series:
    """Whether each row lies within the margin, be it on one side of zero or not."""
    p = equivalence_p(rows["difference"], rows["se"], rows["df"], MARGIN)
    return pd.Series((p < ALPHA).tolist(), rows.index, dtype=bool)


def corrected(rows: pd.DataFrame) -> pd.Series:
    """Say which rows lie below (-1) or above zero (1) after Holm's correction over them, else 0.

    Examples
    --------
    >>> corrected(pd.DataFrame({"difference": [0.2, -0.1, 0.1], "p": [0.01, 0.02, 0.9]})).tolist()
    [1, -1, 0]
    """
    shown = holm(rows["p"].to_numpy(float)) < ALPHA
    return pd.Series(np.sign(rows["difference"]).to_numpy() * shown, rows.index).astype(int)


def all_of(rows: pd.DataFrame) -> Decision:
    """Superior if every row is, equivalent if every row is, worse if some row is."""
    alone, below = said(rows), corrected(rows) < 0
    n = len(rows)
    if (alone == SUPERIOR).all():
        return SUPERIOR, f"{_every(n)} above zero by its own interval"
    if below.any():
        return WORSE, f"{int(below.sum())} of {n} below zero after Holm's correction over them"
    if equivalent(rows).all():
        return EQUIVALENT, f"{_every(n)} within {100 * MARGIN:g} points of zero"
    return UNDECIDED, (
        f"{int((alone == SUPERIOR).sum())} of {n} above zero, each by its own interval; "
        f"{int(equivalent(rows).sum())} within {100 * MARGIN:g} points of it; none below after "
        "Holm's correction"
    )


def reaches_relative_gain(rows: pd.DataFrame) -> Decision:
    """Superior if somewhere the gain exceeds the claimed share, and its control shows one too.

    Worse if it nowhere does: every interval of the relative gain over *single* ends below it.
    """
    key = ["dataset", "model", "metric", "spatial"]
    claimed = f"{CLAIMED_RELATIVE_GAIN:.0%}"
    uncontrolled = rows["base_setting"].eq("single")
    plain = rows[uncontrolled]
    if plain["relative_high"].isna().any():
        lost = int(plain["relative_high"].isna().sum())
        return UNDECIDED, f"{lost} relative gains are undefined: a score or its spread is 0"
    control = (corrected(rows[~uncontrolled]) > 0).set_axis(
        pd.MultiIndex.from_frame(rows.loc[~uncontrolled, key])
    )
    # One row's interval after Bonferroni's correction over all of them: there is no p value of
    # the claimed share to correct.
    reach = (plain["relative"] - plain["relative_low"]) * _wider(plain)
    beyond = (plain["relative"] - reach > CLAIMED_RELATIVE_GAIN).set_axis(
        pd.MultiIndex.from_frame(plain[key])
    )
    if (beyond & control.reindex(beyond.index, fill_value=False)).any():
        return SUPERIOR, f"a gain above {claimed} is shown, and one over the matched control"
    if (plain["relative_high"] < CLAIMED_RELATIVE_GAIN).all():
        return WORSE, f"every interval of the relative gain ends below {claimed}"
    if beyond.any():
        return UNDECIDED, f"a gain above {claimed} is shown, but none over the matched control"
    return UNDECIDED, f"no gain above {claimed} is shown, and none is excluded"


def hurts_each(rows: pd.DataFrame) -> Decision:
    """Worse if each network loses by some augmentation; superior if one gains by all of them."""
    parts = {str(name): part for name, part in rows.groupby("model", sort=False)}
    hurt = [name for name, part in parts.items() if (corrected(part) < 0).any()]
    safe = [name for name, part in parts.items() if (said(part) == SUPERIOR).all()]
    if len(hurt) == len(parts):
        return WORSE, f"some augmentation lowers the score of each of {_names(hurt)}"
    if safe:
        return SUPERIOR, f"every augmentation raises the score of {_names(safe)}"
    if equivalent(rows).all():
        return EQUIVALENT, f"{_every(len(rows))} within {100 * MARGIN:g} points of zero"
    words = f"a loss is shown for {_names(hurt)} only" if hurt else "no loss is shown"
    return UNDECIDED, f"{words}, and none is excluded"


def falls_somewhere(rows: pd.DataFrame) -> Decision:
    """Worse if some row is below zero; equivalent if all are within the margin."""
    signs = corrected(rows)
    if (signs < 0).any():
        return WORSE, f"{int((signs < 0).sum())} of {len(rows)} below zero after correction"
    if equivalent(rows).all():
        return EQUIVALENT, f"{_every(len(rows))} within {100 * MARGIN:g} points of zero"
    if (said(rows) == SUPERIOR).all():
        return SUPERIOR, f"{_every(len(rows))} above zero"
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
    counts = rows.groupby("metric")["difference"].sum()
    two, differ = int(counts.get(TWO_PHASES, 0)), int(counts.get(DIFFER, 0))
    if not two:
        return UNDECIDED, "no clip has two phases"
    if differ == two:
        return HOLDS, "every clip with two phases gives three images that differ"
    return FAILS, f"{two - differ} of {two} clips with two phases do not give three such images"


def _wider(rows: pd.DataFrame) -> np.ndarray:
    """Return how much wider an interval is at the level divided by the number of rows."""
    from scipy.special import stdtrit

    df = rows["df"].to_numpy(float)
    return np.asarray(stdtrit(df, 1 - ALPHA / 2 / len(rows)) / stdtrit(df, 1 - ALPHA / 2))


def _every(n: int) -> str:
    return "the one comparison lies" if n == 1 else f"each of {n} comparisons lies"


def _names(models: list[str]) -> str:
    return ", ".join(title(m) for m in models)
