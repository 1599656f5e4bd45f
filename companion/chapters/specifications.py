"""How much hangs on what was assumed: what ``python -m benchmarks.specifications`` recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from companion.chapters.page import signed
from companion.records import read_record
from mer_utils import models
from mer_utils.datasets import title as dataset_title

#: Seen from the folder of the book.
RECORD = "../benchmarks/recorded/rules/specifications.json"
COMMAND = "python -m benchmarks.specifications"
COLUMNS = (
    *("dataset", "model", "setting", "rate", "length", "balance", "scaling", "tested"),
    *("baseline_score", "treatment_score", "difference", "low", "high"),
)
#: The words for what was chosen; numbers are multiples of the profile's.
_LEVELS = {
    "rate": "learning rate × {}",
    "length": "epochs × {}",
    "balance": "balance: {}",
    "scaling": "scaling: {}",
    "tested": "tested: {}",
}
#: What differs between specifications, in a sentence.
_NAMES = {
    "dataset": "the data set",
    "model": "the learner",
    "setting": "the direction of the fall",
    "rate": "the learning rate",
    "length": "the number of epochs",
    "balance": "the balance of classes",
    "scaling": "the scaling of images",
    "tested": "what is tested",
}
_SETTINGS = {"dual": "fall in time", "aligned": "fall in reverse"}


class Record(NamedTuple):
    """The specification of the record, the curve, its tests, and scores against budgets."""

    specification: dict[str, Any]
    curve: pd.DataFrame
    tests: pd.DataFrame
    budgets: pd.DataFrame


def read(file: str | Path) -> Record:
    """Read the record.

    Raises
    ------
    MerError
        ``bad register``, if it is none.
    """
    found = read_record(file, COMMAND, COLUMNS)
    about = found["specification"]
    tests, budgets = (pd.DataFrame(about.get(name, [])) for name in ("tests", "budgets"))
    return Record(about, found["rows"], tests, budgets)


def choices(record: Record) -> dict[str, dict[Any, str]]:
    """Return what was chosen, the levels of each and their words, for the figure."""
    curve = record.curve
    found: dict[str, dict[Any, str]] = {
        "dataset": {name: _dataset_title(record, name) for name in curve["dataset"].unique()},
        "model": {name: models.title(name) for name in curve["model"].unique()},
        "setting": {name: _SETTINGS[name] for name in curve["setting"].unique()},
    }
    for choice, levels in record.specification["choices"].items():
        found[choice] = {
            level: _LEVELS[choice].format(f"{level:.2g}" if isinstance(level, float) else level)
            for level in levels
        }
    return found


def _dataset_title(record: Record, name: str) -> str:
    title = dataset_title(name)
    return title + " twin" * (
        f"synthetic twin of {title} (" in record.specification.get("data", "")
    )


def tests_table(record: Record) -> pd.DataFrame:
    """Return what the permutations say of each model's curve, a row per treatment."""
    names = {"setting": "treatment", "positive": "above zero"}
    return record.tests.rename(columns={"p_positive": "p of the share", "p_median": "p"} | names)


def medians(record: Record) -> dict[str, pd.DataFrame]:
    """Return for every choice the median difference at each level, treatments in columns."""
    found = {}
    for choice, levels in choices(record).items():
        if choice != "setting":
            table = record.curve.pivot_table("difference", choice, "setting", aggfunc="median")
            found[choice] = table.reindex(index=list(levels), columns=list(_SETTINGS))
    return found


def moves(record: Record) -> dict[str, float]:
    """Return by how much each choice moves the median of a treatment at most.

    ``setting``: by how much the direction of the fall moves the median of all.
    """
    found = {name: float((t.max() - t.min()).max()) for name, t in medians(record).items()}
    return found | {
        "setting": float(np.ptp(record.curve.groupby("setting")["difference"].median()))
    }


def by_choice(record: Record) -> pd.DataFrame:
    """Return `medians` and `moves` as one table, its levels in words."""
    words, most = choices(record), moves(record)
    parts = [
        table.rename(index=words[name]).rename_axis("choice").reset_index().assign(moves=most[name])
        for name, table in medians(record).items()
    ]
    return pd.concat(parts, ignore_index=True)


def equal_budget(record: Record) -> pd.DataFrame:
    """Return what a treatment gains over the baseline with as many trials each.

    The trial is chosen on the other data sets, where there are any; means over data sets, one
    row per ``line`` (network and treatment) and number of trials, ``parameter``.
    """
    rows = record.budgets
    ways = rows["chosen_on"].unique()
    rows = rows[rows["chosen_on"] == ("the others" if "the others" in ways else "the same")]
    mean = rows.pivot_table("uar", ["model", "trials"], "setting")
    gains = mean.sub(mean[record.specification["baseline"]], axis=0)[list(_SETTINGS)]
    found = gains.melt(ignore_index=False, var_name="setting").reset_index()
    line = found["model"].map(models.title) + ", " + found["setting"]
    return found.assign(
        line=line, parameter=found["trials"], low=found["value"], high=found["value"]
    )


def optimism(record: Record) -> float | None:
    """Return what choosing the best trial by its test score adds, on the mean of all trials."""
    last = record.budgets[record.budgets["trials"] == record.budgets["trials"].max()]
    mean = last.groupby("chosen_on")["uar"].mean()
    return float(mean["the same"] - mean["the others"]) if len(mean) == 2 else None


def said(record: Record) -> str:
    """Say what was found, from the record alone."""
    parts = []
    for row in record.tests.to_dict("records"):
        above = round(row["positive"] * row["specifications"])
        median = signed(row["median"], "{:+.3f}")
        parts.append(
            f"{models.title(row['model'])}, {row['treatment']}: above zero in {above} of "
            f"{row['specifications']}, median {median} (p = {row['p_median']:.3f})"
        )
    most = moves(record)
    name = max(most, key=lambda choice: most[choice])
    return (
        f"{'; '.join(parts)}. "
        f"What moves the median most is {_NAMES[name]}, by up to {most[name]:.3f}."
    )


def said_of_budgets(record: Record) -> str:
    """Say what tuning buys, from the record alone."""
    gains = equal_budget(record)
    first, last = (gains[gains["trials"] == n] for n in (1, gains["trials"].max()))
    most = last["trials"].iloc[0]
    gained = [[signed(v, "{:+.3f}") for v in part["value"]] for part in (first, last)]
    words = "; ".join(
        f"{line} {one} with one trial and {all_} with {most}"
        for line, one, all_ in zip(first["line"], *gained, strict=True)
    )
    added = optimism(record)
    more = ""
    if added is not None:
        more = f" Choosing the trial by the score that is reported would add {added:.3f} to a UAR."
    return f"in UAR over {record.specification['baseline']}: {words}.{more}"
