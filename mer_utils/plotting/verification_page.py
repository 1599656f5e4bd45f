"""A verification as one page of HTML: what was run, where, and what agreed."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from mer_utils.experiments.verification import Verification
from mer_utils.plotting.score_page import page
from mer_utils.runs.environment import environment


def verification_page(done: Verification) -> str:
    """Return the page: verdict, counts, distances by model, both environments, every fold."""
    here, there = environment(), done.about.get("environment", {})
    rows = [
        {"": what, "recorded": _text(there.get(what)), "here": _text(here.get(what))}
        for what in dict.fromkeys([*here, *there])
    ]
    differs = [
        {"": what, "recorded": _text(one), "here": _text(other)}
        for what, (one, other) in done.differs.items()
    ]
    counts = [{"verdict": v, "folds": n} for v, n in done.counts.items()]
    folds = done.found.drop(columns=["seed_moved", "p"]).round(9)
    parts = [
        ("What agreed", _table(counts)),
        ("By model", done.by_model.to_html(index=False, border=0)),
        ("What differs in the environments of these folds", _table(differs) or "<p>Nothing.</p>"),
        ("Where", _table(rows)),
        ("Every fold that was compared", folds.to_html(index=False, border=0)),
    ]
    recorded = f"{done.about.get('profile', 'results')}, {done.about.get('machine', 'not stated')}"
    lead = (
        f"<p><b>{escape(done.line)}.</b> Compared: {escape(done.how)}, of {done.recorded:,} folds "
        f"that are recorded ({escape(recorded)}).</p>"
    )
    return page("Did you get what we got?", lead, parts)


def _text(value: Any) -> str:
    return (
        ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
    )


def _table(rows: list[dict[str, Any]]) -> str:
    return pd.DataFrame(rows).to_html(index=False, border=0) if rows else ""
