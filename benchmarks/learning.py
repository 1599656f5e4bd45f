"""How each network of the demo learns *single*, by learning rate, on twins that no page shows.

    python -m benchmarks.learning
    python -m benchmarks.learning --networks learnet --folds 1 --out build/learning.json

The profile's learning rates and lengths rest on this record: of each network the rate with the
highest mean UAR over both twins at the end. The subjects of the pages' twins play no part in it.
It goes on where it stopped; ``seconds`` are those of a core for a fold.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import typer

from benchmarks.machine import describe
from benchmarks.twins import PROFILE, opened, predicted, uar
from mer_utils.experiments import Profile, run_spec
from mer_utils.files import atomic_write

OUT = Path(__file__).parent / "recorded" / "rules" / "learning.json"
#: Seeds of the twins: no profile's.
TWINS = {"casme2": 101, "samm": 102}
RATES = "0.001,0.003"
EPOCHS, FOLDS = 8, 3


def curves(network: str, profile: Profile, folds: int, opened_twins: dict) -> list[dict]:
    """Return the UAR after every epoch, pooled over some folds of each twin."""
    found: list[dict[str, Any]] = []
    for dataset, (data, context) in opened_twins.items():
        subjects = sorted(data.clips["subject"].unique())[:folds]
        rows, seconds = predicted(run_spec(profile, data, network), data, context, subjects)
        for epoch in sorted(rows["epoch"].unique()):
            part = rows[rows["epoch"] == epoch]
            score = {"epoch": int(epoch), "uar": uar(part), "clips": len(part)}
            found.append({"dataset": dataset, **score, "seconds": seconds})
    return found


def main(
    networks: str = ",".join(PROFILE.models),
    rates: str = RATES,
    epochs: int = EPOCHS,
    folds: int = FOLDS,
    out: Path = OUT,
) -> None:
    """Train every network with every rate that the file lacks."""
    record: dict[str, Any] = {"rows": []}
    if out.exists():
        record = json.loads(out.read_text("utf-8"))
    rows: list[dict[str, Any]] = record["rows"]
    known = {(*sizes(row), row["learning_rate"], row["epochs"]) for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        twins = {name: opened(name, Path(folder), seed) for name, seed in TWINS.items()}
        for network in networks.split(","):
            size = PROFILE.models[network].model_dump(include={"width", "image_size"})
            for rate in map(float, rates.split(",")):
                said = {"network": network, **size, "learning_rate": rate, "epochs": epochs}
                if (*sizes(said), rate, epochs) in known:
                    continue
                changed = PROFILE.changed(epochs=epochs, learning_rate=rate)
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
                ends = [round(row["uar"], 2) for row in new if row["epoch"] == epochs]
                print(*said.values(), *ends, new[-1]["seconds"], flush=True)


def sizes(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what was trained in a row: a network of a width at a size."""
    return row["network"], row["width"], row["image_size"]


if __name__ == "__main__":
    typer.run(main)
