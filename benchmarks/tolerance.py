"""How far rounding moves each model of a profile, relative to another seed: what may be the same.

    python -m benchmarks.tolerance                    # about ten minutes of one core
    python -m benchmarks.tolerance --profile smoke --out build/tolerance.json

`mer verify` reads the record. Twins are drawn with a seed of their own, so that no fold on which
`benchmarks.alarms` counts alarms has a part in it; folds of the main table are computed on them
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
from mer_utils.experiments import PROFILES, Workspace, open_workspace, verification
from mer_utils.machine import cores
from mer_utils.runs import Job, RunSpec, RunStore, run_fold

TWIN_SEED = 100
SUBJECTS = 2
FOLDS = 6
PROVOKED = (
    "oneDNN with AVX2 alone",
    "OpenCV and JPEG without vector instructions",
    "a processor without vector instructions",
)
RULE = (
    "Of each model, the largest over folds and causes of: how far the cause moved a clip's "
    "probabilities, mean over the fold's clips, by how far another seed moves those of the same "
    "clips."
)


def opened(profile: str, folder: Path, store: str) -> Workspace:
    """Return a workspace on the calibration's own twins."""
    chosen = PROFILES[profile].model_copy(update={"twin_seed": TWIN_SEED})
    found = open_workspace(chosen, folder / "data", folder / store, device="cpu")
    # Each cause makes its own views.
    return replace(found, context=replace(found.context, cache=folder / f"{store} views"))


def drawn(workspace: Workspace, specs: list[RunSpec]) -> list[Job]:
    """Return the folds of runs that hold out the first subjects of each data set."""
    few = {d.name: sorted({*d.clips["subject"]})[:SUBJECTS] for d in workspace.data.values()}
    return [job for job in workspace.jobs(specs) if job.held_out in few[job.spec.data.dataset]]


def sampled(workspace: Workspace) -> pd.DataFrame:
    """Return as many folds of each model: table, model, job."""
    jobs = drawn(workspace, workspace.specs("table2"))
    rows = [("table2", job.spec.model.name, job) for job in jobs]
    folds = pd.DataFrame(rows, columns=["table", "model", "job"])
    parts = [
        verification.sample(part, min(FOLDS, len(part)), seed=0)
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
        jobs += drawn(workspace, [*first, *others])
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
                "moved": float(pairs["moved"].mean()),
                "by_seed": float(pairs["moved_by_seed"].mean()),
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
            print(cause, verification.shares(pd.DataFrame(moved)), sep="\n  ")
    about = {
        "command": verification.TOLERANCE_COMMAND,
        "recorded": time.strftime("%Y-%m-%d", time.gmtime()),
        "profile": profile,
        "twin_seed": TWIN_SEED,
        "folds": f"{FOLDS} of each model, of {SUBJECTS} subjects of each data set",
        "rule": RULE,
        "versions": verification.VERSIONS,
        "causes": {cause: CAUSES[cause][0] for cause in PROVOKED},
        "machine": describe(),
    }
    path = out or verification.tolerance_path(verification.reference_path(profile))
    _write({"specification": about, "rows": rows}, path)
    print(verification.shares(pd.DataFrame(rows)))


if __name__ == "__main__":
    typer.run(main)
