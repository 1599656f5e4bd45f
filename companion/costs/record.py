"""What things cost: the recorded measurements of ``python -m benchmarks``, as tables.

A page must be the same whenever it is built from the same state, and no measured time is.
So nothing is measured here: a record is read, and it names its machine and its commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from companion.records import home, read_record
from mer_utils import models
from mer_utils.files import build_dir

#: Columns of a record, one row per measured number: its section, what was measured (case) and
#: how (measure), its place on a curve (x), and the goal it was held against, if there is one.
COLUMNS = ("section", "case", "measure", "x", "value", "unit", "at_least", "at_most")

#: Headings of the tables about training and about a GPU, by measure.
SHARES = {
    "forward, backward, optimiser, of a fold's time": "these three, of a fold",
    "prediction, of a fold's time": "prediction, of a fold",
    **{
        f"{part}, of the training loop": part
        for part in ("forward", "backward", "optimiser", "augmentation", "other")
    },
}
SPEEDS = {
    "usual loop / ours": "usual / ours",
    "difference of the last loss": "loss, t",
    "time of a training image": "ms per image",
    "operations a second": "GFLOP/s",
    "of the matrix-product peak": "of peak",
}
GPU_RATES = {
    "images a second, float32": "float32",
    "images a second, TF32": "TF32",
    "images a second, bfloat16, not captured": "bfloat16, not captured",
    "images a second, bfloat16": "bfloat16",
    "operations a second, bfloat16": "TFLOP/s",
    "of the peak, bfloat16": "of peak",
    "memory, bfloat16": "GiB",
}
GPU_FOLDS = {
    "making the network": "network, s",
    "sending its weights": "sending it, s",
    "predicting after an epoch": "a prediction, s",
    "maps": "maps, s",
    "memory of the maps of 34 clips": "maps of 34 clips, GiB",
}

#: What stands in place of a number that there is none of.
NOT_MEASURED = "not measured"
#: What a machine's record says of its GPU if it has none.
NO_GPU = "none"


@dataclass(frozen=True)
class Costs:
    """A record: the machine (empty if nothing was measured) and rows with `COLUMNS`."""

    machine: dict[str, Any]
    rows: pd.DataFrame

    def section(self, name: str) -> pd.DataFrame:
        """Return the rows of a section, index 0..n-1."""
        return self.rows[self.rows["section"] == name].reset_index(drop=True)


def files() -> list[Path]:
    """Return the records of the build folder or, if it has none, those of the checkout.

    Their names begin with the time, so the oldest comes first.
    """
    made, came = _records()
    return made or came


def _records() -> tuple[list[Path], list[Path]]:
    build = build_dir()
    places = build / "bench", home() / "benchmarks" / "recorded"
    made, came = (sorted(place.glob("*.json")) for place in places)
    return made, came


def newest(section: str) -> Path | None:
    """Return the newest record with a section, of the build folder or else of the checkout.

    What a GPU does is measured on another machine, and at another time, than the rest.
    """
    made, came = _records()
    return next((f for f in reversed([*came, *made]) if len(_read(f).section(section))), None)


def read(file: str | Path = "", section: str = "training") -> Costs:
    """Read a record; without a name the newest with a section, and if there is none, an empty one.

    Raises
    ------
    MerError
        ``bad register``, if the file is no such record.
    """
    found = file or newest(section)
    return _read(found) if found else Costs({}, pd.DataFrame(columns=list(COLUMNS)))


def _read(found: str | Path) -> Costs:
    record = read_record(found, "python -m benchmarks", COLUMNS, "machine")
    return Costs(record["machine"], record["rows"])


def tabled(lines: Iterable[Mapping[str, Any]], *columns: str) -> pd.DataFrame:
    """Return the lines with these columns; without any, one that says *not measured*."""
    return pd.DataFrame(list(lines) or [{columns[0]: NOT_MEASURED}], columns=list(columns))


def verdict(row: Mapping[Any, Any]) -> str:
    """Say whether a row meets its goal: ``met``, ``missed``, or nothing without a goal.

    Examples
    --------
    >>> [verdict({"value": 9.0, "at_least": low, "at_most": None}) for low in (8, 10, None)]
    ['met', 'missed', '']
    """
    low, high = row["at_least"], row["at_most"]
    if pd.isna(low) and pd.isna(high):
        return ""
    met = (pd.isna(low) or row["value"] >= low) and (pd.isna(high) or row["value"] <= high)
    return "met" if met else "missed"


def goal_text(row: Mapping[Any, Any]) -> str:
    """Write a row's goal for people, empty if it has none."""
    if not pd.isna(row["at_least"]):
        return f"at least {row['at_least']:g}"
    return "" if pd.isna(row["at_most"]) else f"at most {row['at_most']:g}"


def value_text(value: float) -> str:
    """Write a number with three digits, or whole where it has more.

    Examples
    --------
    >>> value_text(2740.3), value_text(1.4712), value_text(9.8e-05)
    ('2,740', '1.47', '9.8e-05')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def machine_table(costs: Costs) -> pd.DataFrame:
    """List what the record says about the machine, one row per property."""
    names = {"memory_gb": "memory, GiB", "load_before": "load before", "gpu": "GPU"}
    rows = [(names.get(k, k.replace("_", " ")), str(v)) for k, v in costs.machine.items()]
    return pd.DataFrame(rows or [("record", NOT_MEASURED)], columns=["machine", ""])


def section_table(costs: Costs, section: str) -> pd.DataFrame:
    """Return a section's single numbers: what, how much, goal, verdict."""
    rows = costs.section(section)
    lines = [
        {
            "measured on": row["case"],
            "what": row["measure"],
            "value": f"{value_text(row['value'])} {row['unit']}".strip(),
            "goal": goal_text(row),
            "verdict": verdict(row),
        }
        for row in rows[rows["x"].isna()].to_dict("records")
    ]
    lines = lines or [dict.fromkeys(("measured on", "what", "value"), NOT_MEASURED)]
    return tabled(lines, "measured on", "what", "value", "goal", "verdict").fillna("")


def by_case(costs: Costs, section: str, headings: Mapping[str, str]) -> pd.DataFrame:
    """Return some of a section's measures side by side, one row per case that has any of them.

    `headings` names the measures and their columns.
    """
    rows = costs.section(section)
    rows = rows[rows["measure"].isin(list(headings))]
    if rows.empty:
        return tabled([], "model")
    wide = rows.pivot_table("value", "case", "measure", aggfunc="first")
    wide = wide.reindex(index=rows["case"].unique(), columns=list(headings))
    wide = wide.rename(columns=dict(headings), index=models.title).rename_axis(columns=None)
    return wide.rename_axis("model").reset_index()


def history_table(records: Sequence[Path] | None = None) -> pd.DataFrame:
    """Set the times of the whole side by side, one column per record, oldest first."""
    columns: dict[str, pd.Series] = {}
    for costs in map(read, files() if records is None else records):
        rows = costs.section("whole")
        if len(rows):
            name = f"{costs.machine['measured'][:10]}, {costs.machine['commit'][:7]}"
            while name in columns:
                name += " again"
            columns[name] = rows.set_index("case")["value"]
    if not columns:
        return tabled([], "seconds")
    return pd.DataFrame(columns).rename_axis("seconds").reset_index()


def quoted(costs: Costs) -> dict[str, str]:
    """Return what the page's sentences quote, each as text: *not measured* if it was not.

    ``goals_said`` is a sentence. ``t_limit`` is where two losses begin to
    count as different, ``peak`` that of matrix products.
    """
    names = ("goals", "goals_met", "machine", "commit", "measured")
    said = dict.fromkeys((*names, "peak", "t_limit", "largest_error"), NOT_MEASURED)
    if not costs.machine:
        return said | {"goals_said": "No record is at hand: make bench writes one."}
    for name, measure, column, form in (
        ("t_limit", "difference of the last loss", "at_most", "{:g}"),
        ("peak", "matrix-product peak, one core", "value", "{:.0f} GFLOP/s"),
        ("largest_error", "largest error", "value", "{:.1g}"),
    ):
        found = costs.rows.loc[costs.rows["measure"] == measure, column]
        if len(found):
            said[name] = form.format(found.max())
    verdicts = [verdict(row) for row in costs.rows.to_dict("records")]
    said |= {
        "goals": str(len(verdicts) - verdicts.count("")),
        "goals_met": str(verdicts.count("met")),
        "machine": f"{costs.machine['processor']}, {costs.machine['cores']} cores",
        "commit": str(costs.machine["commit"]),
        "measured": str(costs.machine["measured"])[:10],
    }
    sentence = (
        "Of {goals} goals that the project set itself, {goals_met} were met in this record, on "
        "{machine}, at commit {commit}, on {measured}."
    )
    return said | {"goals_said": sentence.format(**said)}


def gpu_said(costs: Costs) -> str:
    """Say on which GPU a record was made, or that none was measured."""
    if costs.section("gpu rates").empty:
        return "No record of a GPU is at hand: make gpu-check writes one where there is a GPU."
    return (
        f"It was measured on one {costs.machine['gpu']}, at commit {costs.machine['commit']}, on "
        f"{str(costs.machine['measured'])[:10]}."
    )
