"""The editions of the rules for the page, and under which of them the runs were computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from companion.claims.rows import EVIDENT
from companion.editions import rules_hash
from mer_utils.experiments import Workspace


def editions_table(editions: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return one row per edition and what it said: edition, rules, stated, changed, verdicts."""
    return pd.DataFrame(
        [
            {
                "edition": entry["edition"],
                "rules": entry["rules"],
                "stated": str(entry["stated"]),
                "changed": entry["changed"],
                "verdicts": "; ".join(
                    f"{data}: " + ", ".join(f"{claim} {said}" for claim, said in verdicts.items())
                    for data, verdicts in entry["verdicts"].items()
                )
                or "below",
            }
            for entry in editions
        ]
    )


def computed_under(workspace: Workspace) -> str:
    """Say how many folds of the evidence were computed after the rules were fixed as they are."""
    specs = {s.key: s for name in EVIDENT for s in workspace.specs(name)}.values()
    notes = workspace.store.environments(specs)
    if notes.empty:
        return "No fold is computed yet."
    found = Counter(notes["rules"].fillna("none recorded") if "rules" in notes else [])
    same, total = found[rules_hash()], len(notes)
    others = total - same
    words = f"{same:,} of {total:,} folds were computed with these rules in place"
    if others:
        words += f"; {others:,} with others or before rules were recorded"
    return f"{words}."
