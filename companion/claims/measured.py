"""Measured: what was found for a claim, in sentences made from the evidence."""

from __future__ import annotations

import pandas as pd

from companion.chapters.page import signed
from companion.claims import decisions
from companion.claims.register import Claim
from companion.claims.rows import CLIPS, DIFFER, TWO_PHASES
from companion.claims.rules import Rule
from mer_utils.models import title
from mer_utils.phases import TRAINING_SETS
from mer_utils.plotting.words import dataset_title, table_of
from mer_utils.stats import EQUIVALENT, EVERY, SUPERIOR, UNDECIDED, WORSE

SCORES = {"accuracy_pooled": "accuracy", "uf1_pooled": "UF1", "uar_pooled": "UAR"}


def measured(claim: Claim, rule: Rule, evidence: pd.DataFrame) -> list[str]:
    """Say what was measured for a claim, a line per comparison and score; nothing, if nothing."""
    if rule.decide is decisions.not_measured:
        return ["Not measured: no table takes subjects away step by step."]
    if rule.counts:
        rows = rule.decisive(evidence)
        return [_counts(str(name), part) for name, part in rows.groupby("data", sort=False)]
    lines = []
    for comparisons, decides in ((rule.rests_on, True), (rule.beside, False)):
        rows = rule.chosen(evidence, comparisons).dropna(subset="difference")
        for _, part in rows.groupby(["table", "comparison", "metric"], sort=False):
            lines.append(_line(part, decides))
    if claim.reported:
        lines += _against_reported(claim, rule.chosen(evidence, (*rule.rests_on, *rule.beside)))
    if rule.decide is decisions.reaches_relative_gain:
        rows = rule.cells(evidence)
        lines.append(_largest(rows[rows["base_setting"] == "single"]))
    return lines + _remarks(rule.cells(evidence))


def _line(rows: pd.DataFrame, decides: bool) -> str:
    cells = rows[(rows["dataset"] != EVERY) & (rows["model"] != EVERY)]
    mean = rows[(rows["dataset"] == EVERY) & (rows["model"] == EVERY)]
    first, said = rows.iloc[0], decisions.said(cells)
    n = len(cells)
    words = f"{first['comparison']}, {SCORES[first['metric']]} ({table_of(first['table'])}): "
    if len(mean):
        words += (
            f"mean {signed(mean.iloc[0]['difference'], '{:+.3f}')} ({_interval(mean.iloc[0])}); "
        )
    words += f"{n} pairs of network and data set: " + ", ".join(
        f"{n_of} {word}"
        for word in (SUPERIOR, EQUIVALENT, WORSE, UNDECIDED)
        if (n_of := int((said == word).sum()))
    )
    if not decides and first["base_setting"] == "single":
        words += "; without the control, so it decides nothing"
    if n:
        least = cells.iloc[int(cells["difference"].to_numpy(float).argmin())]
        words += (
            f". Smallest: {signed(least['difference'], '{:+.3f}')} ({_interval(least)}; "
            f"{title(least['model'])}, {dataset_title(least['dataset'])})"
        )
    return f"{words}."


def _remarks(cells: pd.DataFrame) -> list[str]:
    """Say where arms differ in what they should share, and which clips count for none."""
    lines = []
    apart = cells.drop_duplicates(["table", "comparison", "dataset", "model"])
    # Single and dual differ in their steps by design; those that show as many views should not.
    arms = apart[["setting", "base_setting"]].map(_n_views, na_action="ignore")
    apart = apart[arms["setting"].eq(arms["base_setting"]) | arms["setting"].isna()]
    steps = apart["steps_apart"].astype(float)
    if steps.sum():
        lines.append(
            "Two settings of as many views took different numbers of optimiser steps in "
            f"{steps.sum():.0f} folds, of {int((steps > 0).sum())} of {len(apart)} comparisons; "
            "they are kept."
        )
    if cells["left_out"].astype(float).sum():
        lines.append(
            f"Clips that some run lacks, up to {int(cells['left_out'].max())} of a data set, "
            "count for no network."
        )
    return lines


def _n_views(setting: str) -> int:
    return len(TRAINING_SETS.find(setting).views)


def _interval(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return "interval undefined"
    low, high = (signed(row[end], "{:+.3f}") for end in ("low", "high"))
    return f"95 % interval {low} to {high}"


def _counts(data: str, rows: pd.DataFrame) -> str:
    counts = rows.set_index("metric")["difference"].astype(int)
    return (
        f"{data}: {counts[CLIPS]} clips, {counts[TWO_PHASES]} with two phases; of these, "
        f"{counts[DIFFER]} give two dynamic images that differ from each other and from the full "
        f"one. {counts[CLIPS] - counts[TWO_PHASES]} lack a phase."
    )


def _against_reported(claim: Claim, rows: pd.DataFrame) -> list[str]:
    lines = []
    means = rows[rows["model"] == EVERY]
    for dataset, reported in claim.reported.items():
        for _, row in means[means["dataset"] == dataset].iterrows():
            lines.append(
                f"{row['comparison']}, {dataset_title(dataset)}, mean of {row['cells']:.0f} "
                f"networks: {100 * row['difference']:+.1f} points "
                f"({100 * row['low']:+.1f} to {100 * row['high']:+.1f}), or "
                f"{100 * row['relative']:+.1f} per cent of the mean score "
                f"({100 * row['relative_low']:+.1f} to {100 * row['relative_high']:+.1f}); "
                f"the source says +{reported:.1f} %."
            )
    return lines


def _largest(rows: pd.DataFrame) -> str:
    rows = rows.dropna(subset="relative")
    if rows.empty:
        return "The largest relative gain is undefined."
    best = rows.iloc[int(rows["relative"].to_numpy(float).argmax())]
    return (
        f"Largest relative gain of {len(rows)}, chosen by looking: {best['relative']:+.1%} "
        f"({best['relative_low']:+.1%} to {best['relative_high']:+.1%}; "
        f"{title(best['model'])}, {dataset_title(best['dataset'])}, {SCORES[best['metric']]}, "
        f"{best['comparison']})."
    )
