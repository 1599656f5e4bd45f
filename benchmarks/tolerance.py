"""How far rounding moves each model of a profile, relative to another seed: what may be the same.

    python -m benchmarks.tolerance                    # about 40 minutes of one core
    python -m benchmarks.tolerance --profile smoke --out build/tolerance.json

`mer verify` reads the record. Twins are drawn with a seed of their own, so that no fold on which
`benchmarks.alarms` counts alarms has a part in it; some folds of every table are computed on them
undisturbed, with another seed, and under causes by which two machines differ. None of these is
the processor that `benchmarks.alarms` simulates.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import typer

from benchmarks.causes import CAUSES, _write
from benchmarks.machine import describe
from mer_utils.experiments import PROFILES, TABLES, Workspace, open_workspace, verification
from mer_utils.machine import cores
from mer_utils.runs import RunStore, run_fold

TWIN_SEED = 100
FOLDS = 20
PROVOKED = (
    "oneDNN with AVX2 alone",
    "OpenCV and JPEG without vector instructions",
    "a processor without vector instructions",
)
RULE = (
    "Of each fold: how far a cause moved a clip's probabilities, mean over the fold's clips, by "
    "how far another seed moves those of the same clips, but 0.01 at least. Of each model and "
    "cause, the mean and the standard deviation of its logarithm over the folds that moved beyond "
    "rounding. The mean over n other such folds may be as large as the upper prediction limit from "
    "these, the largest over causes."
)


def opened(profile: str, folder: Path, store: str) -> Workspace:
    """Return a workspace on the calibration's own twins."""
    chosen = PROFILES[profile].model_copy(update={"twin_seed": TWIN_SEED})
    found = open_workspace(chosen, folder / "data", folder / store, device="cpu")
    # Each cause makes its own views.
    return replace(found, context=replace(found.context, cache=folder / f"{store} views"))


def sampled(workspace: Workspace) -> pd.DataFrame:
    """Return a tenth of each model's folds, at least `FOLDS`: table, model, job."""
    specs = {table: workspace.specs(table) for table in TABLES}  # all data are drawn then
    folds = pd.DataFrame(
        [
            (table, job.spec.model.name, job)
            for table, its in specs.items()
            for job in workspace.jobs(its)
        ],
        columns=["table", "model", "job"],
    ).drop_duplicates("job")
    parts = [
        verification.sample(part, min(max(FOLDS, len(part) // 10), len(part)), seed=0)
        for _, part in folds.groupby("model")
    ]
    return pd.concat(parts, ignore_index=True)


def compute(profile: str, folder: Path, cause: str) -> None:
    """Compute the folds under one cause in this process; undisturbed, also with another seed."""
    workspace = opened(profile, folder, cause or "base")
    jobs = list(sampled(workspace)["job"])
    if not cause:
        others = verification.other_seed(workspace, ["table2"])
        first = [s.model_copy(update={"seed": min(workspace.profile.seeds)}) for s in others]
        jobs += workspace.jobs([*first, *others])
    for job in dict.fromkeys(jobs):
        if (outcome := run_fold(job, workspace.context)).error:
            raise RuntimeError(outcome.error)


def rows_of(
    base: verification.Reference, by_seed: pd.DataFrame, ours: RunStore, folds: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return how far each fold moved, and by another seed."""
    found, clips = verification.measured(base, ours, folds)
    rows = []
    for place, job in enumerate(folds["job"]):
        row = found.iloc[place]
        pairs = verification.beside_seed(clips[clips["place"] == place], row["model"], by_seed)
        rows.append(
            {
                "model": row["model"],
                "dataset": row["dataset"],
                "setting": job.spec.setting,
                "held_out": row["held_out"],
                "largest": row["largest"],
                "moved": float(pairs["moved"].mean()),
                "by_seed": float(pairs["by_seed"].mean()),
            }
        )
    return rows


def _in_process(profile: str, folder: Path, cause: str) -> None:
    one = json.dumps([str(folder), cause])
    subprocess.run(
        [sys.executable, "-m", "benchmarks.tolerance", "--profile", profile, "--one", one],
        env={**os.environ, **(CAUSES[cause][0] if cause else {})},
        check=True,
    )


def main(profile: str = "demo", out: Path | None = None, one: str = "") -> None:
    """Compute under each cause in a process of its own, and write one file."""
    if one:
        folder, cause = json.loads(one)
        return compute(profile, Path(folder), cause)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        workspace = opened(profile, folder, "base")
        folds = sampled(workspace)
        with ThreadPoolExecutor(cores()) as pool:
            list(pool.map(partial(_in_process, profile, folder), ("", *PROVOKED)))
        base = verification.Reference(folder, workspace.store, {})
        by_seed = verification.moved_by_seed(base)
        for cause in PROVOKED:
            moved = rows_of(base, by_seed, RunStore(folder / cause), folds)
            rows += [{"cause": cause, **row} for row in moved]
    print(verification.rounding(pd.DataFrame(rows)))
    about = {
        "command": verification.TOLERANCE_COMMAND,
        "recorded": time.strftime("%Y-%m-%d", time.gmtime()),
        "profile": profile,
        "twin_seed": TWIN_SEED,
        "folds": f"a tenth of each model's, at least {FOLDS}, of all tables",
        "rule": RULE,
        "versions": verification.VERSIONS,
        "causes": {cause: CAUSES[cause][0] for cause in PROVOKED},
        "machine": describe(),
    }
    path = out or verification.tolerance_path(verification.reference_path(profile))
    _write({"specification": about, "rows": rows}, path)


if __name__ == "__main__":
    typer.run(main)
