"""How each network of the demo learns *single*, by learning rate, on twins that no page shows.

    python -m benchmarks.learning                     # goes on where it stopped
    python -m benchmarks.learning --networks learnet --folds 2 --out build/learning.json

The profile's learning rates rest on this record, by the rule of `chosen`. The subjects of the
pages' twins play no part in it. ``error`` is the standard error over subjects, each left out in
turn; ``seconds`` are those of a core for a fold.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from benchmarks.machine import describe
from benchmarks.twins import PROFILE, opened, predicted, uar
from mer_utils.experiments import Profile, run_spec
from mer_utils.files import atomic_write

OUT = Path(__file__).parent / "recorded" / "rules" / "learning.json"
#: Seeds of the twins: no profile's.
TWINS = {"casme2": 101, "samm": 102}
RATES = "0.0003,0.001,0.003,0.01"
FOLDS = 3
COMMON_RATE = 1e-3


def curves(network: str, profile: Profile, folds: int, opened_twins: dict) -> list[dict]:
    """Return the UAR after every epoch, pooled over some folds of each twin."""
    found: list[dict[str, Any]] = []
    for dataset, (data, context) in opened_twins.items():
        subjects = sorted(data.clips["subject"].unique())[:folds]
        rows, seconds = predicted(run_spec(profile, data, network), data, context, subjects)
        for epoch in sorted(rows["epoch"].unique()):
            part = rows[rows["epoch"] == epoch]
            score = {"epoch": int(epoch), "uar": uar(part), "error": error(part)}
            score["clips"] = len(part)
            found.append({"dataset": dataset, **score, "seconds": seconds})
    return found


def error(rows: pd.DataFrame) -> float:
    """Return the standard error of a UAR by the jackknife over subjects."""
    subjects = rows["subject"].unique()
    left = np.array([uar(rows[rows["subject"] != subject]) for subject in subjects])
    return float(np.sqrt((len(left) - 1) * left.var()))


def chosen(rows: pd.DataFrame) -> dict[str, float]:
    """Return the learning rate of each network of the record.

    Of the rates whose mean UAR over the twins at the end is at most one standard error below the
    best, the one nearest the common rate (Breiman et al., Classification and Regression Trees,
    1984, section 3.4.3): a difference within it is no reason to leave the common one.
    """
    ends = rows[rows["epoch"] == rows["epochs"]]
    ends = ends.assign(variance=ends["error"] ** 2)
    found = {}
    for network, part in ends.groupby("network"):
        by_rate = part.groupby("learning_rate").agg(
            uar=("uar", "mean"), variance=("variance", "sum"), twins=("uar", "size")
        )
        best = by_rate.loc[by_rate["uar"].idxmax()]
        near = by_rate[by_rate["uar"] >= best["uar"] - np.sqrt(best["variance"]) / best["twins"]]
        distance = np.abs(np.log(near.index.to_numpy() / COMMON_RATE))
        found[str(network)] = float(near.index[distance.argmin()])
    return found


def main(
    networks: str = ",".join(PROFILE.models),
    rates: str = RATES,
    epochs: int | None = None,
    folds: Annotated[int, typer.Option(min=2)] = 2 * FOLDS,
    out: Path = OUT,
) -> None:
    """Train every network with every rate that the file lacks; `epochs`: not its own."""
    record: dict[str, Any] = {"rows": []}
    if out.exists():
        record = json.loads(out.read_text("utf-8"))
    rows: list[dict[str, Any]] = record["rows"]
    known = {(*sizes(row), row["learning_rate"], row["epochs"]) for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        twins = {name: opened(name, Path(folder), seed) for name, seed in TWINS.items()}
        for network in networks.split(","):
            plan = PROFILE.models[network]
            size = plan.model_dump(include={"width", "depth", "image_size"})
            length = epochs or PROFILE.training_of(plan).epochs
            for rate in map(float, rates.split(",")):
                said = {"network": network, **size, "learning_rate": rate, "epochs": length}
                if (*sizes(said), rate, length) in known:
                    continue
                changed = PROFILE.changed(epochs=length, learning_rate=rate)
                new = curves(network, changed, folds, twins)
                rows += [said | row for row in new]
                record["specification"] = {
                    "command": "python -m benchmarks.learning",
                    "recorded": time.strftime("%Y-%m-%d", time.gmtime()),
                    "twins": TWINS,
                    "folds": folds,
                    "batch_size": PROFILE.training.batch_size,
                    "machine": describe(),
                }
                with atomic_write(out) as path:
                    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
                ends = [round(row["uar"], 2) for row in new if row["epoch"] == length]
                print(*said.values(), *ends, new[-1]["seconds"], flush=True)


def sizes(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what was trained in a row: a network of a width at a size."""
    return row["network"], row["width"], row["depth"], row["image_size"]


if __name__ == "__main__":
    typer.run(main)
