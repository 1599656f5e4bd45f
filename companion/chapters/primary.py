"""The primary question: one comparison over all networks and both data sets, fixed beforehand.

A change here is a new edition of the rules, see `companion.editions`.
"""

from __future__ import annotations

import pandas as pd

from mer_utils import models, stats
from mer_utils.experiments import PAPER, Profile
from mer_utils.models import are_networks
from mer_utils.phases import TRAINING_SETS
from mer_utils.plotting.words import dataset_title
from mer_utils.stats import EVERY

#: The level of every interval and test, two-sided.
ALPHA = 0.05
#: Two settings whose scores differ by less are called equivalent: the smallest gain that anybody
#: reports of the method (the digest's 4.5 % on CASME II, read as points).
MARGIN = 0.045
METRIC = "uar_pooled"
#: The treatments of the primary question, each against its control of as many steps.
TREATMENTS = ("dual", "aligned")
PAIRS = tuple((name, TRAINING_SETS[name].control) for name in TREATMENTS)
#: Fewer seeds say little of what another one would give.
LEAST_SEEDS = 5


def primary(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compare each of `PAIRS` that is there, on every network and data set and on average.

    Parameters
    ----------
    predictions : DataFrame
        Of table 2, tested on the full view.

    Returns
    -------
    DataFrame
        `METRIC` only: `mer_utils.stats.pooled_differences`, with ``setting``, ``base_setting``
        and ``verdict``. Without rows where no network has both settings of any pair.
    """
    rows = predictions[are_networks(predictions["model"])]
    parts = []
    for treatment, control in PAIRS:
        arms = [rows["setting"] == name for name in (control, treatment)]
        if not all(arm.any() for arm in arms):
            continue
        found = stats.pooled_differences(
            rows[arms[0] | arms[1]], {"setting": control}, {"setting": treatment}
        )
        parts.append(found.assign(setting=treatment, base_setting=control))
    if not parts:
        return pd.DataFrame(columns=["dataset", "model", "metric", "setting", "base_setting"])
    found = pd.concat(parts, ignore_index=True)
    found = found[found["metric"] == METRIC].reset_index(drop=True)
    said = stats.verdicts(found["difference"], found["se"], found["df"], MARGIN, ALPHA)
    return found.assign(verdict=said)


def overall(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that answer the question: the mean over all networks and data sets."""
    return found[(found["dataset"] == EVERY) & (found["model"] == EVERY)]


def barred(found: pd.DataFrame, profile: Profile, at_chance: list[str]) -> list[str]:
    """Say why nothing may be concluded from this evidence about faces, whatever it shows.

    Parameters
    ----------
    found : DataFrame
        Rows with ``dataset``, ``model`` and ``seeds``.
    profile : Profile
    at_chance : list of str
        What did not learn, in words.
    """
    reasons = []
    if profile.name in ("smoke", "demo") or any(p.width != 1 for p in profile.models.values()):
        reasons.append(f"the profile {profile.name} is for trying out, its networks are narrowed")
    cells = found[(found["model"] != EVERY) & (found["dataset"] != EVERY)]
    few = cells[cells["seeds"] < LEAST_SEEDS]
    if len(few):
        reasons.append(
            f"{len(few)} of {len(cells)} comparisons have fewer than {LEAST_SEEDS} seeds "
            f"(the fewest: {int(few['seeds'].min())})"
        )
    if at_chance:
        reasons.append(
            f"not above chance with either setting (1 %, permutation): {'; '.join(at_chance)}"
        )
    return reasons


def at_chance(scores: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """Name the networks that are above chance with neither setting of a compared pair.

    Parameters
    ----------
    scores : DataFrame
        Of table 2, with ``above_chance``.
    found : DataFrame
        As `primary` returns it.
    """
    cells = found[(found["model"] != EVERY) & (found["dataset"] != EVERY)]
    clear = scores[scores["above_chance"].astype(bool)]
    keys = set(zip(clear["dataset"], clear["model"], clear["setting"], strict=True))
    return list(
        dict.fromkeys(
            f"{models.title(row['model'])} on {dataset_title(row['dataset'])}"
            for _, row in cells.iterrows()
            if not {(row["dataset"], row["model"], row[c]) for c in ("setting", "base_setting")}
            & keys
        )
    )


def complete(found: pd.DataFrame, profile: Profile) -> bool:
    """Say whether the answer is over every network of the profile on both data sets."""
    rows = overall(found)
    return bool(len(rows)) and bool((rows["cells"] == len(profile.networks) * len(PAPER)).all())
