"""The ledger: every row of a data set's sheet, used or left out, and why."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from mer_utils.datasets import schema
from mer_utils.datasets.rows import Row


def ledger_of(rows: list[Row], faceless: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the ledger of rows; `faceless` are the clips dropped for want of a face."""
    lines = pd.DataFrame(
        [
            {
                "row": row.number,
                **dict(zip(schema.KEY, row.key, strict=True)),
                "emotion": row.emotion,
                "label": "" if row.reason else row.label,
                "status": "left out" if row.reason else "used",
                "reason": row.reason,
                "apex_source": row.apex_source,
                "rules": "; ".join(row.rules),
            }
            for row in rows
        ]
    )
    if faceless is not None and len(faceless):
        keys = pd.MultiIndex.from_frame(faceless[schema.KEY])
        dropped = pd.MultiIndex.from_frame(lines[schema.KEY]).isin(keys)
        dropped &= lines["status"] == "used"
        lines.loc[dropped, "reason"] = "no face found on the onset frame (no_face=drop_clip)"
        lines.loc[dropped, "status"] = "left out"
    return lines


def reasons(lines: pd.DataFrame) -> pd.DataFrame:
    """Count the rows of a ledger by data set, status and reason; the counts sum to its length."""
    counts = lines.groupby(["dataset", "status", "reason"], sort=False).size()
    ordered = counts.rename("rows").reset_index()
    return ordered.sort_values(
        ["dataset", "status", "rows"], ascending=[True, False, False], ignore_index=True
    )


def rule_counts(lines: pd.DataFrame) -> pd.DataFrame:
    """Count how many rows of a ledger each rule was applied to: columns dataset, rule, rows."""
    counts: Counter[tuple[str, str]] = Counter()
    for dataset, applied in zip(lines["dataset"], lines["rules"], strict=True):
        counts.update((dataset, rule) for rule in set(applied.split("; ")) if rule)
    found = [(dataset, rule, rows) for (dataset, rule), rows in sorted(counts.items())]
    return pd.DataFrame(found, columns=["dataset", "rule", "rows"])
