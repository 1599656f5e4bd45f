"""Why results differ between machines: what ``python -m benchmarks.causes`` recorded."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import pandas as pd

from companion.records import read_record
from mer_utils import models
from mer_utils.experiments.verification import (
    ALPHA,
    LITTLE,
    TOLERANCE_COMMAND,
    beside,
    limit,
    rounding,
)

COLUMNS = (
    *("cause", "named", "what", "share", "first", "largest", "median", "changed", "clips"),
    *("uar", "uf1"),
)

#: How the tables below write their numbers.
FORMATS = {
    "values that differ": "{:.4%}",
    **dict.fromkeys(("after one epoch", "at the end", "half of the clips below"), "{:.2g}"),
    **dict.fromkeys(("the same views", "other views", "another seed"), "{:.2g}"),
    "UAR, points": "{:.1f}",
}


def read_causes(file: str | Path) -> dict[str, Any]:
    """Return the record: its specification, and its rows as a frame; see `read_record`."""
    return read_record(file, "python -m benchmarks.causes", COLUMNS)


def alarms(file: Path) -> str:
    """Say what ``python -m benchmarks.alarms`` recorded of false alarms and of what is wrong."""
    command = "python -m benchmarks.alarms"
    if not file.exists():
        return f"how often was not measured yet ({command} does)"
    record = read_record(file, command)
    about = record["specification"]
    counted = "; ".join(
        f"{row.kind}: {row.alarms} of {row.trials}" for row in record["rows"].itertuples()
    )
    told = {name for row in record["rows"].itertuples() for name, said, _ in row.verdicts
            if said == "different"}  # fmt: skip
    return (
        f"it said *different* so often of samples of {about['each']} of {about['folds']} folds of "
        f"the profile {about['profile']} (recorded on {about['recorded']}): {counted}; told by the "
        f"folds of {_titles(told)} alone"
    )


def allowed(file: Path) -> pd.DataFrame:
    """Return by model how far folds moved beside another seed: by each cause, and what may be."""
    rows = read_record(file, TOLERANCE_COMMAND)["rows"].assign(beside=beside)
    found = rows.pivot_table("beside", "model", "cause", geometric_mean, sort=False)
    causes = rounding(rows)
    for folds in (4, 16, 64):
        found[f"allowed, n = {folds}"] = [limit(causes[model], folds) for model in found.index]
    return found.reset_index()


def loose(found: pd.DataFrame) -> str:
    """Name the models of `allowed` of which little can be told, even by the most folds."""
    return _titles(set(found.loc[found.iloc[:, -1] >= LITTLE, "model"]))


def _titles(names: Collection[str]) -> str:
    return ", ".join(models.title(name) for name in models.MODELS if name in names) or "no model"


def views_table(record: dict[str, Any]) -> pd.DataFrame:
    """Return how far the views moved, one row per cause."""
    rows = record["rows"]
    views = rows[(rows["what"] == "views") & ~rows["named"]]
    shown = views[["cause", "share", "largest"]].astype({"largest": int})
    shown.columns = pd.Index(["cause", "values that differ", "largest difference, levels"])
    return shown.reset_index(drop=True)


def networks_table(record: dict[str, Any], named: bool = False) -> pd.DataFrame:
    """Return how far the networks moved, the largest of all networks, one row per cause.

    Parameters
    ----------
    record : dict
        Of `read_causes`.
    named : bool
        Those causes that a specification names, and so a key; else those that it does not.
    """
    rows = record["rows"].dropna(subset="clips")
    lines = []
    for cause, part in rows[rows["named"] == named].groupby("cause", sort=False):
        lines.append(
            {
                "cause": cause,
                "after one epoch": part["first"].max(),
                "at the end": part["largest"].max(),
                "half of the clips below": part["median"].max(),
                "other class": f"{part['changed'].sum():.0f} of {part['clips'].sum():.0f}",
                "UAR, points": 100 * part["uar"].max(),
            }
        )
    return pd.DataFrame(lines)


def by_network(record: dict[str, Any]) -> pd.DataFrame:
    """Return the largest difference of a probability by network, over all unnamed causes.

    Apart from those that moved the views, which move every network; and beside another seed's.
    """
    rows = record["rows"].dropna(subset="clips")
    views = views_table(record).set_index("cause").iloc[:, 0]
    of_views = rows["cause"].map(views).gt(0)
    parts = {
        "the same views": rows[~rows["named"] & ~of_views],
        "other views": rows[~rows["named"] & of_views],
        "another seed": rows[rows["cause"] == "another seed"],
    }
    found = {
        name: part.groupby("what", sort=False)["largest"].max() for name, part in parts.items()
    }
    return pd.DataFrame(found).rename_axis("model").reset_index()


def quoted(record: dict[str, Any]) -> dict[str, str]:
    """Return what the page says of the record, by name."""
    about, machine = record["specification"], record["specification"]["machine"]
    ours, networks = networks_table(record), by_network(record)
    furthest = networks.iloc[int(networks["the same views"].argmax())]
    others = networks[networks["model"] != furthest["model"]]
    views = views_table(record)
    versions = [what[0]["versions"] for what in about["causes"].values() if "versions" in what[0]]
    return {
        "machine": f"{machine['processor']}, torch {machine['torch']}, numpy {machine['numpy']}",
        "recorded": about["recorded"],
        "command": about["command"],
        "once": f"{1 / ALPHA:,.0f}",
        "folds_clips": f"{record['rows']['clips'].max():.0f}",
        "furthest": models.title(furthest["model"]),
        # As the table writes them: a coarser rounding can fall below what is said to be the most.
        "rounding": f"{furthest['the same views']:.2g}",
        "rounding_others": f"{others['the same views'].max():.2g}",
        "views_others": f"{others['other views'].max():.2g}",
        "seed_others": f"{others['another seed'].min():.2g}",
        "rounding_uar": f"{ours['UAR, points'].max():.0f}",
        "versions": versions[0] if versions else "not measured",
        "views_moved": " and ".join(views.loc[views.iloc[:, 1] > 0, "cause"]) or "no cause",
    }
