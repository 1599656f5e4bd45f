"""A scorecard for readers: its tables in print, and one page of HTML that needs no other file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from mer_utils.datasets import Problem
from mer_utils.plotting.matrices import confusion_matrices
from mer_utils.plotting.results import table2_figure
from mer_utils.plotting.style import to_svg
from mer_utils.plotting.words import metric_title

if TYPE_CHECKING:
    from mer_utils.experiments.scorecard import Scorecard

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d1d2b; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; display: block; overflow-x: auto }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #d5d8de; text-align: right }
th { background: #f2f3f5 } td:nth-child(-n+3), th:nth-child(-n+3) { text-align: left }
svg { max-width: 100%; height: auto } li { margin: .3rem 0 } .remedy { color: #55586b }
"""


def score_rows(card: Scorecard) -> pd.DataFrame:
    """Return the scores as they are printed, one row per data set, system and metric."""
    rows = [
        {
            "data set": row["dataset"],
            "system": row["system"],
            "metric": metric_title(row["metric"]).removeprefix("pooled "),
            "score": f"{row['estimate']:.3f}",
            "interval": _interval(row),
            "SD": "" if pd.isna(row["seeds_sd"]) else f"{row['seeds_sd']:.3f}",
            "chance": f"{row['chance']:.3f}",
            "p": _p(row["p_chance"]),
            "subjects": row["n_subjects"] or "?",
            "clips": row["n_clips"],
            "seeds": row["n_seeds"],
        }
        for row in card.scores.to_dict("records")
    ]
    return _lean(pd.DataFrame(rows))


def comparison_rows(card: Scorecard) -> pd.DataFrame:
    """Return the comparisons as they are printed: each system minus `Scorecard.base`."""
    rows = [
        {
            "data set": row["dataset"],
            "system": row["system"],
            "metric": metric_title(row["metric"]).removeprefix("pooled "),
            "difference": f"{row['difference']:+.3f}",
            "interval": _interval(row, "+"),
            "p": _p(row["p_bootstrap"]),
            "p, Holm": _p(row["p_bootstrap_holm"]),
            "McNemar": _p(row["p_mcnemar"]),
            "subjects": row["n_subjects"],
            "clips": row["n_clips"],
        }
        for row in card.comparisons.to_dict("records")
    ]
    return _lean(pd.DataFrame(rows))


def score_page(card: Scorecard, problems: Iterable[Problem], sources: Sequence[str]) -> str:
    """Return one page: scores, comparisons, confusion matrices, classes, and what to know."""
    said = "".join(
        f"<li><b>{p.severity}</b> ({escape(p.kind)}): {escape(p.message)}. "
        f'<span class="remedy">{escape(p.remedy)}.</span></li>'
        for p in problems
    )
    parts = [("Scores", _table(score_rows(card)) + _dots(card))]
    if len(card.comparisons):
        title = f"Differences from {card.base}, on the clips that both have"
        parts.append((title, _table(comparison_rows(card))))
    for dataset, rows in card.parts.items():
        matrices = {s: m.to_numpy() for (d, s), m in card.confusions.items() if d == dataset}
        drawn = to_svg(confusion_matrices(matrices, list(rows["y_true"].cat.categories)))
        table = card.by_class[card.by_class["dataset"] == dataset].drop(columns="dataset").round(3)
        table = table.rename(columns={"n_true": "clips"}).astype(object)
        title = f"Confusion matrices{' on ' * bool(dataset)}{dataset}"
        parts.append((title, _svg(drawn, title) + _table(table.where(table.notna(), "undefined"))))
    if said:
        parts.append(("What to know about these numbers", f"<ul>{said}</ul>"))
    lead = (
        "<p>Scores are pooled over all clips of a run and averaged over seeds; intervals are over "
        "subjects, of 95 %; SD is over seeds. Chance names the most frequent class always; p is "
        "that of labels permuted within subjects.</p>"
    )
    return page(f"Scores of {', '.join(sources)}", lead, parts)


def page(title: str, lead: str, parts: Iterable[tuple[str, str]]) -> str:
    """Return one page of HTML that needs no other file: a title, and parts under headings."""
    title = escape(title)
    body = "".join(f"<h2>{escape(heading)}</h2>{content}" for heading, content in parts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{lead}{body}</body></html>\n"
    )


def _dots(card: Scorecard) -> str:
    scored = card.scores.rename(columns={"estimate": "value"}).assign(setting="")
    drawn = scored.assign(model=scored["system"], dataset=scored["dataset"].replace("", " "))
    if drawn[["value", "low", "high"]].isna().any(axis=None):
        return ""  # no interval to draw
    uar = drawn[drawn["metric"] == "uar_pooled"]
    chance = dict(zip(uar["dataset"], uar["chance"], strict=True))
    return _svg(to_svg(table2_figure(drawn, chance=chance)), "Pooled UAR with its interval")


def _svg(drawn: str, label: str) -> str:
    start = drawn.index("<svg")
    return drawn[start:].replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)


def _table(frame: pd.DataFrame) -> str:
    return frame.to_html(index=False, border=0)


def _lean(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame without columns that say nothing."""
    return frame.loc[:, [bool((frame[c].astype(str) != "").any()) for c in frame]]


def _interval(row: dict, sign: str = "") -> str:
    ends = row["low"], row["high"]
    return "unknown" if pd.isna(ends[0]) else " to ".join(f"{e:{sign}.3f}" for e in ends)


def _p(p: float) -> str:
    if pd.isna(p):
        return "unknown"
    return "<0.001" if p < 0.001 else f"{p:.3f}"
