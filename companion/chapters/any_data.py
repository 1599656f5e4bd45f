"""The page on whatever data the book is made of."""

from __future__ import annotations

from typing import Any

import pandas as pd

from companion.chapters import tables
from mer_utils import datasets, plotting
from mer_utils.errors import MerError
from mer_utils.experiments import Workspace


def all_clips(workspace: Workspace) -> pd.DataFrame:
    """Return the clip tables of all data sets, one below the other."""
    found = [data.clips.assign(label=data.clips["label"].astype(str)) for data in
             workspace.data.values()]  # fmt: skip
    return pd.concat(found, ignore_index=True)


def two(workspace: Workspace) -> tuple[str, str]:
    """Return the names of the two data sets of a chapter that shows two.

    Raises
    ------
    MerError
        ``invalid option``, if there is one alone.
    """
    if len(workspace.data) < 2:
        raise MerError(
            "invalid option",
            f"this chapter shows two data sets, and there is {workspace.data_title} alone",
            "two data sets",
            "name another one too, in MER_DATA after a semicolon; the chapters These data at a "
            "glance and Every result take one",
        )
    first, second, *_ = workspace.data
    return first, second


def reasons(workspace: Workspace) -> pd.DataFrame:
    """Count the rows of all ledgers by data set, status and reason."""
    ledgers = [workspace.ledger(name) for name in workspace.data]
    return datasets.reasons(pd.concat(ledgers, ignore_index=True))


def shown_clips(workspace: Workspace) -> dict[str, list[Any]]:
    """Return rows of dynamic images: of each data set the first clip of each class, if it has both.

    A data set of finished images, or one without an apex, has none.
    """
    found = {}
    for name, data in workspace.data.items():
        complete = data.clips.dropna(subset=["onset", "apex"]).query("onset < apex < offset")
        chosen = complete.drop_duplicates("label").itertuples()
        rows = [plotting.di_row(f"{c.subject}\n{c.label}", *datasets.load_clip(c)) for c in chosen]
        if rows:
            found[name] = rows
    return found


def differences(shown: tables.Shown) -> pd.DataFrame:
    """Return the comparisons of a table in pooled UAR; empty where nothing could be compared."""
    return tables.wide_differences(shown) if len(shown.differences) else pd.DataFrame()
