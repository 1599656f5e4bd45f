"""How often `mer verify` raises a false alarm, and how often it tells what is wrong.

    python -m benchmarks.alarms                       # on reference/demo.zip; some minutes
    python -m benchmarks.alarms --profile smoke --reference FILE --size 12 --out build/alarms.json

Recorded folds are drawn as `mer verify` draws them and computed anew: by a simulated processor
(other vector instructions, OpenCV without IPP), and with another seed, other weights of rank
pooling, other augmentation. Each trial judges as many of them as `mer verify` draws by default.
What may be the same is of `benchmarks.tolerance`, computed on other twins under other causes.
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

import numpy as np
import pandas as pd
import typer

from benchmarks.causes import AVX2, OPENCV, _write
from benchmarks.machine import describe
from mer_utils import models
from mer_utils.experiments import open_workspace, verification
from mer_utils.machine import cores
from mer_utils.runs import Job, RunSpec, RunStore, run
from mer_utils.runs.run_folder import folds_of

OUT = Path(__file__).parent / "recorded" / "rules" / "alarms.json"
RIGHT = "another processor"
KINDS = (RIGHT, "another seed", "views of another kind", "other augmentation")
#: As `mer verify` draws by default.
SAMPLE = 40
TRIALS = 20


def changed(spec: RunSpec, kind: str) -> RunSpec:
    """Return what is computed in place of a recorded run; of a baseline only views can differ."""
    if kind == "views of another kind":
        other = "linear" if spec.views.kind == "bilen" else "bilen"
        return spec.model_copy(update={"views": spec.views.model_copy(update={"kind": other})})
    if kind == RIGHT or not models.is_network(spec.model.name):
        return spec
    if kind == "another seed":
        # Far from those of the profile and of the reference's own other seed.
        return spec.model_copy(update={"seed": spec.seed + 100})
    return spec.model_copy(update={"spatial": "flip" if spec.spatial == "none" else "none"})


def compute(kind: str, given: dict[str, Any], folder: Path) -> None:
    """Compute the folds of one kind in this process."""
    workspace = open_workspace(given["profile"], given["data_root"], folder / "store", device="cpu")
    if kind == RIGHT:  # whose views are other ones too
        context = replace(workspace.context, cache=folder / "cache")
        workspace = replace(workspace, context=context)
    with verification.open_reference(Path(given["reference"])) as reference:
        folds = _drawn(reference.folds(workspace), kind, given)
    jobs = [Job(changed(job.spec, kind), job.held_out) for job in folds["job"]]
    if failed := run(jobs, workspace.context).failed:
        raise RuntimeError(failed[0].error)


def _drawn(folds: pd.DataFrame, kind: str, given: dict[str, Any]) -> pd.DataFrame:
    return verification.sample(folds, given["size"], KINDS.index(kind))


def under_recorded_keys(folds: pd.DataFrame, kind: str, folder: Path) -> RunStore:
    """Return a store in which the computed folds stand where the recorded ones do."""
    computed, found = RunStore(folder / "store"), RunStore(folder / "as recorded")
    for job in folds["job"]:
        parts = folds_of(computed.folder(changed(job.spec, kind)).parts())
        rows = parts[job.held_out][1].to_pandas().drop(columns="map", errors="ignore")
        found.write(job.spec, job.held_out, rows, {})
    return found


def trials(
    reference: verification.Reference, ours: RunStore, folds: pd.DataFrame
) -> tuple[int, pd.DataFrame]:
    """Return how many of `TRIALS` samples hold a different fold, and all folds' verdicts."""
    found, clips = verification.measured(reference, ours, folds)
    by_seed, causes = verification.moved_by_seed(reference), reference.about.get("rounding", {})
    alarms, each = 0, min(SAMPLE, (len(found) + 1) // 2)
    for trial in range(TRIALS):
        rng = np.random.default_rng(trial)
        some = found.iloc[np.sort(rng.permutation(len(found))[:each])]
        judged = verification.judged(some, clips, by_seed, causes)
        alarms += verification.DIFFERENT in {*judged["verdict"]}
    return alarms, verification.judged(found, clips, by_seed, causes)


def _in_process(given: dict[str, Any], place: Path, kind: str) -> None:
    options = [f"--{k.replace('_', '-')}={v}" for k, v in given.items()]
    one = json.dumps([kind, str(place / kind)])
    switches = {**AVX2, **OPENCV} if kind == RIGHT else {}
    subprocess.run(
        [sys.executable, "-m", "benchmarks.alarms", *options, "--one", one],
        env={**os.environ, **switches},
        check=True,
    )


def main(
    profile: str = "demo",
    reference: str = "",
    data_root: str = "",
    size: int = 120,
    out: Path = OUT,
    one: str = "",
) -> None:
    """Compute each kind in a process of its own, judge it, and write one file."""
    path = Path(reference) if reference else verification.reference_path(profile)
    given = {"profile": profile, "data_root": data_root, "reference": str(path), "size": size}
    if one:
        kind, folder = json.loads(one)
        return compute(kind, given, Path(folder))
    workspace = open_workspace(profile, data_root, device="cpu", workers=cores(), progress=True)
    rows: list[dict[str, Any]] = []
    with verification.open_reference(path) as recorded, tempfile.TemporaryDirectory() as place:
        folds = recorded.folds(workspace)
        took = [recorded.store.folder(j.spec).notes()[j.held_out]["seconds"] for j in folds["job"]]
        minutes = len(KINDS) * size * np.mean(took) / cores() / 60
        print(f"{len(KINDS)} times {size} folds, about {minutes:.1f} minutes and starts and views")
        with ThreadPoolExecutor(cores()) as pool:
            list(pool.map(partial(_in_process, given, Path(place)), KINDS))
        for kind in KINDS:
            folder = Path(place) / kind
            drawn = _drawn(folds, kind, given)
            alarms, judged = trials(recorded, under_recorded_keys(drawn, kind, folder), drawn)
            counted = judged.groupby(["model", "verdict"]).size().reset_index(name="folds")
            verdicts = [[m, v, int(n)] for m, v, n in counted.itertuples(index=False)]
            rows.append({"kind": kind, "trials": TRIALS, "alarms": alarms, "verdicts": verdicts})
            print(f"{kind}: different in {alarms} of {TRIALS}", *verdicts, sep="\n  ")
    about = {
        "command": "python -m benchmarks.alarms",
        "recorded": time.strftime("%Y-%m-%d", time.gmtime()),
        "folds": size,
        "each": min(SAMPLE, (size + 1) // 2),
        "profile": profile,
        "machine": describe(),
    }
    _write({"specification": about, "rows": rows}, out)


if __name__ == "__main__":
    typer.run(main)
