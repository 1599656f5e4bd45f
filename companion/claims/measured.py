"""Measured: what was found for a claim, in sentences made from the evidence."""

from __future__ import annotations

import pandas as pd

from companion.claims import decisions
from companion.claims.register import Claim
from companion.claims.rows import CLIPS, DIFFER, TWO_PHASES
from companion.claims.rules import Rule
from mer_utils.models import title
from mer_utils.plotting.words import dataset_title, table_of

SCORES = {"accuracy_pooled": "accuracy", "uf1_pooled": "UF1", "uar_pooled": "UAR"}


def measured(claim: Claim, rule: Rule, evidence: pd.DataFrame) -> list[str]:
    """Say what was measured for a claim, a line per comparison and score; nothing, if nothing."""
    if rule.decide is decisions.not_measured:
        return ["Not measured: no table takes subjects away step by step."]
    decisive = rule.decisive(evidence)
    if rule.counts:
        return [_counts(str(name), part) for name, part in decisive.groupby("data", sort=False)]
    beside = rule.chosen(evidence, rule.beside).assign(p=float("nan"))
    lines = [
        *(_line(part, True) for _, part in _parts(decisive)),
        *(_line(part, False) for _, part in _parts(beside)),
    ]
    if claim.reported:
        lines += _against_reported(claim, pd.concat([decisive, beside]))
    if rule.decide is decisions.reaches_relative_gain and len(decisive):
        lines.append(_largest(decisive[decisive["base_setting"] == "single"]))
    return lines


def _parts(rows: pd.DataFrame) -> list[tuple[object, pd.DataFrame]]:
    return list(rows.dropna(subset="value").groupby(["table", "comparison", "metric"], sort=False))


def _line(rows: pd.DataFrame, decides: bool) -> str:
    first = rows.iloc[0]
    least = rows.iloc[int(rows["value"].to_numpy().argmin())]
    n = len(rows)
    words = (
        f"{first['comparison']}, {SCORES[first['metric']]} ({table_of(first['table'])}): "
        f"{n} difference{'s' if n > 1 else ''}, mean {rows['value'].mean():+.3f}; "
        f"{int((rows['value'] > 0).sum())} positive"
    )
    if decides:
        words += (
            f", {int(decisions.above(rows).sum())} above zero and "
            f"{int(decisions.below(rows).sum())} below after correction"
        )
    else:
        words += (
            "; without the control, so it decides nothing"
            if first["base_setting"] == "single"
            else ""
        )
    return (
        f"{words}. Smallest: {least['value']:+.3f} ({_interval(least)}; "
        f"{title(least['model'])}, {dataset_title(least['dataset'])})."
    )


def _interval(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return "interval undefined"
    return f"95 % interval {row['low']:+.3f} to {row['high']:+.3f}"


def _counts(data: str, rows: pd.DataFrame) -> str:
    counts = rows.set_index("metric")["value"].astype(int)
    return (
        f"{data}: {counts[CLIPS]} clips, {counts[TWO_PHASES]} with two phases; of these, "
        f"{counts[DIFFER]} give two dynamic images that differ from each other and from the full "
        f"one. {counts[CLIPS] - counts[TWO_PHASES]} lack a phase."
    )


def _against_reported(claim: Claim, rows: pd.DataFrame) -> list[str]:
    lines = []
    for dataset, reported in claim.reported.items():
        parts = rows[rows["dataset"] == dataset].groupby("comparison", sort=False)
        for comparison, part in parts:
            lines.append(
                f"{comparison}, {dataset_title(dataset)}: mean over {len(part)} networks "
                f"{100 * part['value'].mean():+.1f} points or {100 * part['relative'].mean():+.1f} "
                f"per cent; the source says +{reported:.1f} %."
            )
    return lines


def _largest(rows: pd.DataFrame) -> str:
    rows = rows.dropna(subset="relative")
    if rows.empty:
        return "The largest relative gain is undefined."
    best = rows.iloc[int(rows["relative"].to_numpy().argmax())]
    return (
        f"Largest relative gain of {len(rows)}: {best['relative']:+.1%} ("
        f"{title(best['model'])}, {dataset_title(best['dataset'])}, {SCORES[best['metric']]}, "
        f"{best['comparison']}). Without any true difference the largest of so many, were they "
        f"independent, would be about {decisions.largest_by_chance(rows):+.1%}."
    )
