"""Gains of dual and aligned on many twins, each drawn on its own.

    python -m benchmarks.twins                 # hours on one core; goes on where it stopped
    python -m benchmarks.twins --first 2 --out build/twins.json

A twin is one draw of people and clips, and a gain on it one draw of a gain. Here the cells of the
phase-difference chapter are drawn anew with other seeds, the same for every cell, and so are some
between them, which only the cheap learners see. Each twin is
written to the record when all of its folds are computed, the first of each cell before the
second of any, so a record that was stopped has as many of each.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import typer

from benchmarks.machine import describe
from mer_utils import metrics, synthetic
from mer_utils.datasets import DATASETS
from mer_utils.experiments import run_spec
from mer_utils.experiments.profiles import PROFILES, VARIED
from mer_utils.experiments.workspace import VARIANT_FRAME_SIZE
from mer_utils.files import atomic_write
from mer_utils.models import is_network
from mer_utils.protocol import folds
from mer_utils.runs import Context, Data, Job, RunSpec
from mer_utils.runs.fold import compute_fold
from mer_utils.synthetic.settings import GENERATOR_VERSION

OUT = Path(__file__).parent / "recorded" / "rules" / "twins.json"
PROFILE = PROFILES["demo"]
#: Phase difference, noise and information of the fall.
CELLS = (*product((0.0, 0.5, 1.0), (1.0, 2.0), (0.0,)), (1.0, 2.0, 0.5), (1.0, 2.0, 1.0))
#: Those of the profile, on which networks are trained: the ends, where there is room for a gain.
ENDS = [tuple(numbers.values()) for numbers in PROFILE.variants]
#: How many twins of a cell each learner sees, and the seed of the first, which no profile has.
LEARNERS = {"svm_hog": 30, "svm_pixels": 30, "learnet": 10}
FIRST_SEED = 1000


def opened(dataset: str, folder: Path, seed: int, **numbers: Any) -> tuple[Data, Context]:
    """Draw a twin of the demo's size and return it, and where its views are kept."""
    root = synthetic.write(
        dataset,
        folder / dataset,
        subjects=PROFILE.subjects,
        clips_per_subject=PROFILE.clips_per_subject,
        seed=seed,
        frame_size=VARIANT_FRAME_SIZE,
        **numbers,
    )
    found = DATASETS[dataset].open(root, verify_frames=False)
    return Data(found, folder), Context((found,), folder, folder, device="cpu")


def predicted(
    spec: RunSpec, data: Data, context: Context, held_out: Sequence[str] = ()
) -> tuple[pd.DataFrame, float]:
    """Return the rows of a run on the full view, of every epoch, and a fold's seconds of a core."""
    subjects = held_out or [fold.held_out for fold in folds(data.clips)]
    data.views(spec.views)
    begun = time.process_time()  # whatever else runs on the machine
    rows = pd.concat([compute_fold(Job(spec, s), context)[0] for s in subjects], ignore_index=True)
    seconds = (time.process_time() - begun) / len(subjects)
    return rows[rows["test_view"] == "full"], seconds


def uar(rows: pd.DataFrame) -> float:
    """Return the pooled UAR of rows of one epoch."""
    true, predicted = (rows[c].to_numpy() for c in ("y_true", "y_pred"))
    return metrics.scores(true, predicted, metrics.number_of_classes(rows)).uar


def one_twin(cell: Sequence[float], seed: int, learners: Sequence[str]) -> list[dict[str, Any]]:
    """Draw a twin of a cell and score every learner on it in every setting that a gain needs."""
    numbers = dict(zip(VARIED, cell, strict=True))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        data, context = opened("casme2", Path(folder), seed, **numbers)
        for model in learners:
            control = "matched single" if is_network(model) else "single"
            for setting in (control, "dual", "aligned"):
                spec = run_spec(PROFILE, data, model, train=setting)
                rows, _ = predicted(spec, data, context)
                score = uar(rows[rows["epoch"] == rows["epoch"].max()])
                said = {**numbers, "seed": seed, "model": model, "setting": setting}
                found.append(said | {"uar": score})
    return found


def main(first: int = 0, out: Path = OUT) -> None:
    """Compute what the record lacks; `first`: no more than so many twins of a cell."""
    record = json.loads(out.read_text("utf-8")) if out.exists() else {"rows": []}
    rows, done = record["rows"], pd.DataFrame(record["rows"], columns=[*VARIED, "seed", "model"])
    known = {tuple(row) for row in done.itertuples(index=False)}
    for n in range(min(first or max(LEARNERS.values()), max(LEARNERS.values()))):
        for cell in CELLS:
            seed = FIRST_SEED + n
            lacking = [
                model
                for model, most in LEARNERS.items()
                if n < most and (*cell, seed, model) not in known
                if cell in ENDS or not is_network(model)
            ]
            if not lacking:
                continue
            rows += one_twin(cell, seed, lacking)
            record["specification"] = {
                "command": "python -m benchmarks.twins",
                "recorded": time.strftime("%Y-%m-%d", time.gmtime()),
                "generator": GENERATOR_VERSION,
                "profile": PROFILE.name,
                "sizes": PROFILE.sizes,
                "cells": [dict(zip(VARIED, cell, strict=True)) for cell in CELLS],
                "planned": LEARNERS,
                "machine": describe(),
            }
            with atomic_write(out) as path:
                path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            print(f"twin {n}, {cell}: {', '.join(lacking)}", flush=True)


if __name__ == "__main__":
    typer.run(main)
