"""What things cost: the recorded measurements of ``python -m benchmarks``, as tables.

A page must be the same whenever it is built from the same state, and no measured time is.
So nothing is measured here: a record is read, and it names its machine and its commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mer_utils.errors import MerError
from mer_utils.files import build_dir
from mer_utils.models import MODELS

#: Headings of the two tables about training, by measure.
SHARES = {
    "forward, backward, optimiser, of a fold's time": "these three, of a fold",
    "prediction, of a fold's time": "prediction, of a fold",
    "forward, of the training loop": "forward",
    "backward, of the training loop": "backward",
    "optimiser, of the training loop": "optimiser",
    "augmentation, of the training loop": "augmentation",
    "other, of the training loop": "other",
}
SPEEDS = {
    "usual loop / ours": "usual / ours",
    "difference of the last loss": "loss, t",
    "time of a training image": "ms an image",
    "operations a second": "GFLOP/s",
    "of the matrix-product peak": "of peak",
}

#: Headings of the table of training on a GPU, by measure.
GPU_RATES = {
    "images a second, float32": "images/s, float32",
    "operations a second, float32": "TFLOP/s, float32",
    "of the peak, float32": "of peak, float32",
    "images a second, bfloat16": "images/s, bfloat16",
    "operations a second, bfloat16": "TFLOP/s, bfloat16",
    "of the peak, bfloat16": "of peak, bfloat16",
}

#: One row a measured number: its section, what was measured (case) and how (measure), its
#: place on a curve (x), and the goal it was held against, if there is one.
COLUMNS = ("section", "case", "measure", "x", "value", "unit", "at_least", "at_most")

#: How the records made here, and those that came with the checkout, are found.
_FOLDERS = ("bench", "benchmarks/recorded")
#: What stands in place of a number that there is none of.
NOT_MEASURED = "not measured"
#: What a machine's record says of its GPU if it has none.
NO_GPU = "none"


@dataclass(frozen=True)
class Costs:
    """A record of what was measured, or of nothing.

    Parameters
    ----------
    machine : dict
        Processor, cores, memory, versions, commit, time; empty if nothing was measured.
    rows : DataFrame
        With `COLUMNS`.
    """

    machine: dict[str, Any]
    rows: pd.DataFrame

    def section(self, name: str) -> pd.DataFrame:
        """Return the rows of a section, index 0..n-1."""
        return self.rows[self.rows["section"] == name].reset_index(drop=True)


def cost_files(folder: Path | None = None) -> list[Path]:
    """Return the records at hand, oldest first.

    Parameters
    ----------
    folder : Path, optional
        Where they lie; by default those of the build folder or, if it has none, those that
        came with the checkout. Their names begin with the time.
    """
    if folder is not None:
        return sorted(folder.glob("*.json"))
    build = build_dir()
    made = sorted((build / _FOLDERS[0]).glob("*.json"))
    return made or sorted((build.parent / _FOLDERS[1]).glob("*.json"))


def read_costs(file: str | Path = "") -> Costs:
    """Read a record; without a name the newest at hand, and if there is none, an empty one.

    Raises
    ------
    MerError
        If the file is no such record.
    """
    if not file:
        found = cost_files()
        if not found:
            return Costs({}, pd.DataFrame(columns=list(COLUMNS)))
        file = found[-1]
    try:
        record = json.loads(Path(file).read_text("utf-8"))
        rows = pd.DataFrame(record["rows"], columns=list(COLUMNS))
        return Costs(dict(record["machine"]), rows)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MerError(
            "TODO",
            f"{file} is no record of costs ({type(error).__name__}: {error})",
            "a JSON file that python -m benchmarks has written",
            "measure anew, or name another file",
        ) from error


def machine_table(costs: Costs) -> pd.DataFrame:
    """List what the record says about the machine, one row a property."""
    names = {"memory_gb": "memory, GiB", "load_before": "load before", "gpu": "GPU"}
    rows = [(names.get(k, k.replace("_", " ")), str(v)) for k, v in costs.machine.items()]
    return pd.DataFrame(rows or [("record", NOT_MEASURED)], columns=["machine", ""])


def verdict(row: Mapping[Any, Any]) -> str:
    """Say whether a row meets its goal.

    Examples
    --------
    >>> verdict({"value": 9.0, "at_least": 8.0, "at_most": None})
    'met'
    >>> verdict({"value": 2.0, "at_least": None, "at_most": 1.5})
    'missed'
    >>> verdict({"value": 2.0, "at_least": None, "at_most": None})
    ''
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


def costs_table(costs: Costs, section: str, *, goals_only: bool = False) -> pd.DataFrame:
    """Return a section's single numbers as they are read: what, how much, goal, verdict.

    Parameters
    ----------
    costs : Costs
    section : str
        Empty takes every section.
    goals_only : bool
        Leave out what was held against no goal.
    """
    rows = costs.section(section) if section else costs.rows
    rows = rows[rows["x"].isna()]
    if goals_only:
        rows = rows[rows["at_least"].notna() | rows["at_most"].notna()]
    lines = [
        {
            "measured on": row["case"],
            "what": row["measure"],
            "value": f"{value_text(row['value'])} {row['unit']}".strip(),
            "goal": goal_text(row),
            "verdict": verdict(row),
        }
        for row in rows.to_dict("records")
    ]
    lines = lines or [dict.fromkeys(("measured on", "what", "value"), NOT_MEASURED)]
    return pd.DataFrame(lines, columns=["measured on", "what", "value", "goal", "verdict"]).fillna(
        ""
    )


def costs_by_case(costs: Costs, section: str, headings: Mapping[str, str]) -> pd.DataFrame:
    """Return some of a section's measures side by side, one row a case.

    Parameters
    ----------
    costs : Costs
    section : str
    headings : mapping of str to str
        From a measure to the heading of its column; cases with none of them are left out.
    """
    rows = costs.section(section)
    rows = rows[rows["measure"].isin(list(headings))]
    if rows.empty:
        return pd.DataFrame([{"model": NOT_MEASURED}])
    wide = rows.pivot_table("value", "case", "measure", aggfunc="first")
    wide = wide.reindex(index=rows["case"].unique(), columns=list(headings))
    wide = wide.rename(columns=dict(headings), index=title).rename_axis(columns=None)
    return wide.rename_axis("model").reset_index()


def title(case: str) -> str:
    """Return a network's title by its name, and any other case as it is."""
    return MODELS[case].title if case in MODELS else case


def history_table(files: list[Path] | None = None) -> pd.DataFrame:
    """Set the times of the whole side by side over the records at hand, oldest first."""
    columns: dict[str, pd.Series] = {}
    for file in cost_files() if files is None else files:
        costs = read_costs(file)
        rows = costs.section("whole")
        if len(rows):
            name = f"{costs.machine['measured'][:10]}, {costs.machine['commit'][:7]}"
            while name in columns:
                name += " again"
            columns[name] = rows.set_index("case")["value"]
    if not columns:
        return pd.DataFrame([{"seconds": NOT_MEASURED}])
    return pd.DataFrame(columns).rename_axis("seconds").reset_index()


def gpu_said(costs: Costs) -> str:
    """Say in a sentence on which GPU a record was made, or that it was made without one."""
    if not costs.machine:
        return "No record is at hand."
    gpu = costs.machine.get("gpu")
    if gpu is None:
        return "This record holds no measurement on a GPU, and not whether its machine had one."
    if gpu == NO_GPU:
        return "This record was made on a machine without a GPU, so nothing here was measured."
    if costs.section("gpu").empty:
        return f"The machine of this record has a GPU, {gpu}, and nothing was measured on it."
    return f"This record was made with one {gpu}."


def costs_quoted(costs: Costs) -> dict[str, str]:
    """Return what the page's sentences quote, each as text: not measured if it was not.

    Returns
    -------
    dict of str to str
        ``goals``, ``goals_met``, ``machine``, ``commit``, ``measured``, and ``goals_said``, the
        sentence of these; ``peak`` of matrix products, ``t_limit``, beyond which two losses
        count as different, and ``largest_error`` of our dynamic images; the sentence `gpu_said`.
    """
    quoted = dict.fromkeys(
        (
            *("goals", "goals_met", "machine", "commit", "measured"),
            *("peak", "t_limit", "largest_error"),
        ),
        NOT_MEASURED,
    )
    quoted["gpu_said"] = gpu_said(costs)
    if not costs.machine:
        return quoted | {"goals_said": "No record is at hand: make bench writes one."}
    verdicts = [verdict(row) for row in costs.rows.to_dict("records")]
    training = costs.section("training").set_index("measure")
    if "difference of the last loss" in training.index:
        limits = training.loc[["difference of the last loss"], "at_most"]
        peaks = training.loc[["matrix-product peak, one core"], "value"]
        quoted["t_limit"], quoted["peak"] = f"{limits.iloc[0]:g}", f"{peaks.iloc[0]:.0f} GFLOP/s"
    errors = costs.rows.loc[costs.rows["measure"] == "largest error", "value"]
    if len(errors):
        quoted["largest_error"] = f"{errors.max():.1g}"
    quoted |= {
        "goals": str(len(verdicts) - verdicts.count("")),
        "goals_met": str(verdicts.count("met")),
        "machine": f"{costs.machine['processor']}, {costs.machine['cores']} cores",
        "commit": str(costs.machine["commit"]),
        "measured": str(costs.machine["measured"])[:10],
    }
    said = (
        "Of {goals} goals that the project set itself, {goals_met} were met in this record, on "
        "{machine}, at commit {commit}, on {measured}."
    )
    return quoted | {"goals_said": said.format(**quoted)}
