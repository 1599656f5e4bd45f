"""A verification as one page of HTML: what was run, where, and what agreed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Any

import pandas as pd

from mer_utils.experiments.verification import Verification
from mer_utils.plotting.score_page import page
from mer_utils.runs.environment import environment, installed


def verification_page(done: Verification) -> str:
    """Return the page: verdict, counts, distances by model, both environments, every fold."""
    about = done.about
    here, there = environment(), about.get("environment", {})
    mine, theirs = installed(), about.get("installed", {})
    recorded = f"{about.get('profile', 'results')}, {about.get('machine', 'not stated')}"
    run = {
        "recorded": f"{done.recorded:,} folds: {recorded}",
        "SHA-256 of the record": about.get("SHA-256", "unknown"),
        "compared": done.how,
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "verdict": done.verdict,
    }
    where = ((what, there.get(what), here.get(what)) for what in dict.fromkeys([*here, *there]))
    other = (
        (name, theirs.get(name, "not installed"), mine.get(name, "not installed"))
        for name in sorted({*mine, *theirs}, key=str.lower)
        if theirs and mine.get(name) != theirs.get(name)
    )
    folds = done.found.drop(columns=["beside_seed", "allowed"]).round(9)
    parts = [
        ("What was run", _table(run.items(), "what", "")),
        ("What agreed", _table(done.counts.items(), "verdict", "folds")),
        ("By model", done.by_model.to_html(index=False, border=0)),
        (
            "What differs in the environments of these folds",
            _table(((what, *both) for what, both in done.differs.items()), *_SIDES),
        ),
        ("Where", _table(where, *_SIDES)),
        ("Installed packages that differ: version, SHA-256 of the files", _table(other, *_SIDES)),
        ("Every fold that was compared", folds.to_html(index=False, border=0)),
    ]
    said = [f"The worst is {done.verdict!r}.", *done.remarks]
    lead = f"<p><b>{escape(done.line)}.</b> {escape(' '.join(said), quote=False)}</p>"
    return page("Did you get what we got?", lead, parts)


_SIDES = ("", "recorded", "here")


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return str(value)


def _table(rows: Iterable[tuple[Any, ...]], *columns: str) -> str:
    shown = pd.DataFrame([tuple(map(_text, row)) for row in rows], columns=list(columns))
    return shown.to_html(index=False, border=0) if len(shown) else "<p>Nothing.</p>"
