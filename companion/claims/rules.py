"""Rules: which differences and which decision belong to which claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from companion.claims import decisions
from companion.claims.rows import METRICS, VIEWS, Comparison
from mer_utils.errors import MerError
from mer_utils.experiments import PAPER
from mer_utils.experiments.tables import APEX_SHIFTS, HALVES
from mer_utils.models import are_networks, networks
from mer_utils.phases import TRAINING_SETS
from mer_utils.registry import unknown
from mer_utils.stats import EVERY

#: Augmentations that table 3 varies.
AUGMENTATIONS = ("flip", "rotation", "flip+rotation")
#: For claims that name no score: the one that does not favour frequent classes.
UAR = ("uar_pooled",)


@dataclass(frozen=True)
class Rule:
    """How a claim is decided.

    Parameters
    ----------
    decide : callable
        From the decisive rows to verdict and reason.
    rests_on : tuple of Comparison
        The decisive differences.
    beside : tuple of Comparison
        Differences that are reported and decide nothing.
    metrics : tuple of str
    models : tuple of str
        The networks that the claim is about, without which it cannot be decided; none named
        are all that there are.
    datasets : tuple of str
        Data sets without which the claim cannot be decided.
    scope : {"each", "network", "mean"}
        Whether each network on each data set decides, each network's mean over the data sets,
        or the mean over both alone.
    counts : bool
        The claim rests on the counts of clips and not on differences.

    Raises
    ------
    MerError
        "bad register" if a decisive comparison with *single* lacks the one with the control.
    """

    decide: decisions.Decide
    rests_on: tuple[Comparison, ...] = ()
    beside: tuple[Comparison, ...] = ()
    metrics: tuple[str, ...] = UAR
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = PAPER
    counts: bool = False
    scope: Literal["each", "network", "mean"] = "each"

    def __post_init__(self) -> None:
        for comparison in self.rests_on:
            control = control_of(comparison)
            if control and control not in self.rests_on:
                raise MerError(
                    "bad register",
                    f"a rule rests on {comparison.words!r} of {comparison.table}",
                    f"{control.words!r} beside it: without the control a gain may be nothing but"
                    " longer training",
                    "add the control to rests_on, or move the comparison to beside",
                )

    def decisive(self, evidence: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the evidence that decide: those of the rule's scope."""
        if self.counts:
            return evidence[evidence["table"] == VIEWS].assign(comparison="")
        rows = self.chosen(evidence, self.rests_on)
        pooled = rows["dataset"] == EVERY, rows["model"] == EVERY
        wanted = {"each": (False, False), "network": (True, False), "mean": (True, True)}
        sets, nets = wanted[self.scope]
        return rows[(pooled[0] == sets) & (pooled[1] == nets)]

    def cells(self, evidence: pd.DataFrame) -> pd.DataFrame:
        """Return each network on each data set of the decisive comparisons, whatever decides."""
        rows = self.chosen(evidence, self.rests_on)
        return rows[(rows["dataset"] != EVERY) & (rows["model"] != EVERY)]

    def chosen(self, evidence: pd.DataFrame, comparisons: tuple[Comparison, ...]) -> pd.DataFrame:
        """Return the rows of these comparisons in the rule's scores, with their words.

        Networks only: those that the claim is about, and the means over all of them.
        """
        of_claim = self.concerns(evidence) | evidence["model"].eq(EVERY)
        rows = evidence[evidence["metric"].isin(self.metrics) & of_claim]
        parts = [rows[c.rows(rows)].assign(comparison=c.words) for c in comparisons]
        return pd.concat(parts or [rows[:0].assign(comparison="")]).sort_index()

    def concerns(self, evidence: pd.DataFrame) -> pd.Series:
        """Whether each row is of a network that the claim is about; baselines are none."""
        named = evidence["model"]
        return named.isin(self.models) if self.models else are_networks(named)

    def tables(self) -> list[str]:
        """Return the tables that decide."""
        return list(dict.fromkeys(comparison.table for comparison in self.rests_on))


def control_of(comparison: Comparison) -> Comparison | None:
    """Return the comparison that must stand beside one with *single*, else None.

    Examples
    --------
    >>> flips = {"setting": "dual", "spatial": "flip"}
    >>> control_of(Comparison("table3", flips, {"setting": "single", "spatial": "none"})).words
    'dual, flip minus matched single, flip'
    >>> control_of(Comparison("table3", flips, {"spatial": "none"})) is None
    True
    """
    if comparison.baseline.get("setting") != "single":
        return None
    control = TRAINING_SETS[comparison.treatment["setting"]].control
    if control in ("", "single"):
        return None
    return Comparison(comparison.table, comparison.treatment, {"setting": control})


def _spatial(setting: str, spatial: str, /, **baseline: str) -> Comparison:
    return Comparison("table3", {"setting": setting, "spatial": spatial}, baseline)


def _phases(setting: str, /, **baseline: str) -> Comparison:
    return Comparison("table4", {"setting": setting, "cut": "apex"}, baseline)


_DUAL = {"setting": "dual"}
_TABLE2 = (Comparison("table2", _DUAL, {"setting": "matched single"}),)
_BESIDE = (Comparison("table2", _DUAL, {"setting": "single"}),)
_SIX = tuple(networks())
_COMBINED = tuple(_spatial("dual", a, setting="single", spatial="none") for a in AUGMENTATIONS)
_COMBINED_CONTROL = tuple(_spatial("dual", a, setting="matched single") for a in AUGMENTATIONS)
_HURTS = tuple(
    _spatial(setting, a, spatial="none")
    for setting in ("single", "matched single", "dual")
    for a in AUGMENTATIONS
)
_NOISE = tuple(Comparison("table7", {"apex_shift": n}, {"apex_shift": 0}) for n in APEX_SHIFTS)


def _everywhere(*metrics: str) -> Rule:
    return Rule(decisions.all_of, _TABLE2, _BESIDE, metrics, _SIX)


RULES: dict[str, Rule] = {
    "C01": Rule(decisions.phases_differ, counts=True, datasets=()),
    "C02": Rule(
        decisions.all_of,
        (
            _phases("dual", setting="matched single"),
            _phases("dual", cut="random"),
            Comparison("table5", {"setting": "dual", "tested": HALVES}, {"tested": "full"}),
        ),
        (_phases("halves", setting="single twice"), _phases("halves", cut="random")),
        scope="mean",
    ),
    "C03": _everywhere("accuracy_pooled"),
    "C04": _everywhere("uf1_pooled"),
    "C05": _everywhere("uar_pooled"),
    "C06": _everywhere(*METRICS),
    "C07": Rule(
        decisions.reaches_relative_gain,
        (*_COMBINED, *_COMBINED_CONTROL),
        metrics=METRICS,
        models=_SIX,
    ),
    "C08": Rule(decisions.all_of, _TABLE2, _BESIDE, models=_SIX, scope="network"),
    "C09": Rule(decisions.not_measured),
    "C10": Rule(decisions.size_not_known, _TABLE2, _BESIDE, ("accuracy_pooled",)),
    "C11": Rule(decisions.size_not_known, _TABLE2, _BESIDE, ("uf1_pooled",)),
    "C12": Rule(decisions.hurts_each, _HURTS, models=("vit_base_patch16_224", "learnet")),
    "C13": Rule(decisions.falls_somewhere, _NOISE, scope="mean"),
}


def rule_of(claim_id: str) -> Rule:
    """Return the rule of a claim; raise "unknown name" if it has none."""
    if claim_id not in RULES:
        raise unknown("rule of claim", claim_id, RULES)
    return RULES[claim_id]
