"""What the page of the reproducibility checklist says in numbers."""

from __future__ import annotations

import pandas as pd

from mer_utils.experiments import TABLES, Workspace
from mer_utils.runs.environment import lock


def facts(workspace: Workspace, register: pd.DataFrame) -> dict[str, str | int]:
    """Return the numbers and names that the answers quote.

    Parameters
    ----------
    workspace : Workspace
    register : DataFrame
        Of assumptions, as `companion.chapters.assumptions.read` gives it.
    """
    specs = {spec.key: spec for name in TABLES for spec in workspace.specs(name)}
    notes = workspace.store.environments(specs.values())
    notes = notes.reindex(columns=["processor", "seconds"])
    return {
        "data": workspace.data_title,
        "sizes": workspace.profile.sizes,
        "choices": len(register),
        "unknown": int((register["mark"] == "unknown").sum()),
        "settings": register["setting"].nunique() - 1,  # "in the code" is none
        "runs": len(specs),
        "folds": f"{len(notes):,}",
        "lock": lock(),
        "fold_seconds": f"{notes['seconds'].mean():.1f} seconds" if len(notes) else "not recorded",
        "hours": f"{notes['seconds'].sum() / 3600:.1f}",
        "processors": ", ".join(map(str, notes["processor"].dropna().unique())) or "not recorded",
    }
