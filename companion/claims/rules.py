"""Rules: which differences and which decision belong to which claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from companion.claims import decisions
from companion.claims.rows import METRICS, VIEWS
from mer_utils.errors import MerError
from mer_utils.experiments import PAPER
from mer_utils.models import are_networks, networks
from mer_utils.registry import unknown

#: Augmentations and shifts of the apex (in frames) that the tables vary.
AUGMENTATIONS = ("flip", "rotation", "flip+rotation")
SHIFTS = (2, 4, 8, 16)
#: For claims that name no score: the one that does not favour frequent classes.
UAR = ("uar_pooled",)

Comparisons = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Rule:
    """How a claim is decided.

    Parameters
    ----------
    decide : callable
        From the decisive differences, with the column ``p``, to verdict and reason.
    rests_on : mapping of table to comparisons
        The decisive differences.
    beside : mapping of table to comparisons
        Differences that are reported and decide nothing.
    metrics : tuple of str
    models : tuple of str
        The networks that the claim is about, without which it cannot be decided; none named
        are all that there are.
    datasets : tuple of str
        Data sets without which the claim cannot be decided.

    Raises
    ------
    MerError
        If a decisive comparison of dual with single lacks the one with matched single.
    """

    decide: decisions.Decide
    rests_on: Comparisons = field(default_factory=dict)
    beside: Comparisons = field(default_factory=dict)
    metrics: tuple[str, ...] = UAR
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = PAPER

    def __post_init__(self) -> None:
        for table, comparisons in self.rests_on.items():
            for comparison in comparisons:
                control = control_of(comparison)
                if control and control not in comparisons:
                    raise MerError(
                        "bad register",
                        f"a rule rests on {comparison!r} of {table}",
                        f"{control!r} beside it: without the control a gain may be nothing but"
                        " longer training",
                        "add the control to rests_on, or move the comparison to beside",
                    )

    def decisive(self, evidence: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the evidence that decide, networks only, with ``p``."""
        rows = self.chosen(evidence, self.rests_on)
        return decisions.corrected(rows) if len(rows) else rows.assign(p=pd.Series(dtype=float))

    def chosen(self, evidence: pd.DataFrame, comparisons: Comparisons) -> pd.DataFrame:
        """Return the rows of these comparisons in the rule's scores, networks only."""
        wanted = [(table, name) for table, names in comparisons.items() for name in names]
        known = pd.MultiIndex.from_frame(evidence[["table", "comparison"]]).isin(wanted)
        if VIEWS in comparisons:
            return evidence[known]
        known &= evidence["metric"].isin(self.metrics) & self.concerns(evidence)
        return evidence[known]

    def concerns(self, evidence: pd.DataFrame) -> pd.Series:
        """Whether each row is of a network that the claim is about; baselines are none."""
        named = evidence["model"]
        return named.isin(self.models) if self.models else are_networks(named)

    def tables(self) -> list[str]:
        """Return the tables that decide."""
        return [table for table in self.rests_on if table != VIEWS]


def control_of(comparison: str) -> str | None:
    """Return the comparison that must stand beside one of dual with single, else None.

    Examples
    --------
    >>> control_of("dual minus single")
    'dual minus matched single'
    >>> control_of("dual, flip minus single, none")
    'dual, flip minus matched single, flip'
    >>> control_of("dual minus matched single") is None
    True
    """
    treated, _, baseline = comparison.partition(" minus ")
    if treated.split(",")[0] == baseline.split(",")[0] or baseline.split(",")[0] != "single":
        return None
    return f"{treated} minus {treated.replace(treated.split(',')[0], 'matched single', 1)}"


CONTROLLED, UNCONTROLLED = "dual minus matched single", "dual minus single"
_TABLE2 = {"table2": (CONTROLLED,)}
_BESIDE = {"table2": (UNCONTROLLED,)}
_SIX = tuple(networks())
_COMBINED = tuple(f"dual, {a} minus single, none" for a in AUGMENTATIONS)
_COMBINED_CONTROL = tuple(f"dual, {a} minus matched single, {a}" for a in AUGMENTATIONS)
_HURTS = tuple(
    f"{setting}, {a} minus {setting}, none"
    for setting in ("single", "matched single", "dual")
    for a in AUGMENTATIONS
)
_NOISE = tuple(f"apex ±{n} minus as annotated" for n in SHIFTS)


def _everywhere(*metrics: str) -> Rule:
    return Rule(decisions.gains_everywhere, _TABLE2, _BESIDE, metrics, _SIX)


RULES: dict[str, Rule] = {
    "C01": Rule(decisions.phases_differ, {VIEWS: ("halves and full",)}, datasets=()),
    "C02": Rule(
        decisions.phases_complement,
        {
            "table4": (CONTROLLED, "dual minus dual, random cut"),
            "table5": ("dual, average of halves minus dual, full",),
        },
        {"table4": ("halves minus single twice", "halves minus halves, random cut")},
    ),
    "C03": _everywhere("accuracy_pooled"),
    "C04": _everywhere("uf1_pooled"),
    "C05": _everywhere("uar_pooled"),
    "C06": _everywhere(*METRICS),
    "C07": Rule(
        decisions.reaches_relative_gain,
        {"table3": (*_COMBINED, *_COMBINED_CONTROL)},
        metrics=METRICS,
        models=_SIX,
    ),
    "C08": Rule(decisions.gains_with_any_network, _TABLE2, _BESIDE, models=_SIX),
    "C09": Rule(decisions.not_measured),
    "C10": Rule(decisions.size_not_known, _TABLE2, _BESIDE, ("accuracy_pooled",)),
    "C11": Rule(decisions.size_not_known, _TABLE2, _BESIDE, ("uf1_pooled",)),
    "C12": Rule(
        decisions.augmentation_hurts,
        {"table3": _HURTS},
        models=("vit_base_patch16_224", "learnet"),
    ),
    "C13": Rule(decisions.falls_with_apex_noise, {"table7": _NOISE}),
}


def rule_of(claim_id: str) -> Rule:
    """Return the rule of a claim.

    Raises
    ------
    MerError
        If the claim has none.
    """
    if claim_id not in RULES:
        raise unknown("rule of claim", claim_id, RULES)
    return RULES[claim_id]
