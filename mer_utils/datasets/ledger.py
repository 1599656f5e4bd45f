"""The ledger: every row of a data set's sheet, used or left out, and why."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pandas as pd

from mer_utils.datasets import schemes
from mer_utils.datasets.problems import raise_errors
from mer_utils.datasets.schemes import Scheme
from mer_utils.datasets.survey import Survey, dataset_named, options_for, take


def ledger(
    dataset: str,
    root: str | os.PathLike[str],
    scheme: str | Scheme | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Return one line for every row of the sheet: used or left out, with the reason.

    Parameters
    ----------
    dataset, root, scheme
        As in `load`.
    **options
        The keyword options of `load`. The used rows are exactly the clips that `load` gives
        for the same arguments.

    Returns
    -------
    DataFrame
        Columns row (number in the sheet, from 1; for SMIC-HS the position among its folders),
        dataset, subject, clip, emotion, label, status ("used" or "left out"), reason (empty
        for a used row), apex_source, rules (the named rules that were applied, joined by
        ``"; "``).

    Raises
    ------
    MerError
        As `load`.
    """
    if dataset == "manifest":
        from mer_utils.datasets.manifest import manifest_ledger

        return manifest_ledger(root, scheme, **options)
    known = dataset_named(dataset)
    survey = take(known, root, schemes.resolve(dataset, scheme), options_for(known, **options))
    raise_errors(survey.problems)
    return ledger_of(survey)


def ledger_of(survey: Survey) -> pd.DataFrame:
    """Return the ledger of a survey."""
    lines = [
        {
            "row": row.number,
            "dataset": survey.dataset.name,
            "subject": row.subject,
            "clip": row.clip,
            "emotion": row.emotion,
            "label": "" if row.reason else row.label,
            "status": "left out" if row.reason else "used",
            "reason": row.reason,
            "apex_source": row.apex_source,
            "rules": "; ".join(row.rules),
        }
        for row in survey.source.rows
    ]
    return pd.DataFrame(lines)


def reasons(lines: pd.DataFrame) -> pd.DataFrame:
    """Count the rows of a ledger by data set, status and reason; the counts sum to its length."""
    counts = lines.groupby(["dataset", "status", "reason"], sort=False).size()
    ordered = counts.rename("rows").reset_index()
    return ordered.sort_values(
        ["dataset", "status", "rows"], ascending=[True, False, False], ignore_index=True
    )


def rule_counts(lines: pd.DataFrame) -> pd.DataFrame:
    """Count how many rows of a ledger each named rule was applied to.

    Returns
    -------
    DataFrame
        Columns dataset, rule, rows.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for dataset, applied in zip(lines["dataset"], lines["rules"], strict=True):
        counts.update((dataset, rule) for rule in set(applied.split("; ")) if rule)
    found = [(dataset, rule, rows) for (dataset, rule), rows in sorted(counts.items())]
    return pd.DataFrame(found, columns=["dataset", "rule", "rows"])
