"""The run engine: what survives kills, what two workers gain, what it costs beside training."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from benchmarks.clock import python, seconds
from benchmarks.folds import prepared, run_seconds
from benchmarks.record import Recorder
from benchmarks.store import measure as measure_store
from mer_utils import models
from mer_utils.experiments import Workspace, open_workspace
from mer_utils.runs import Job, RunStore, open_executor

SECTION = "engine"
KILLS = 25
MER = "import sys; from mer_utils.cli.main import main; main()"


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    _kills(recorder, 4 if quick else KILLS)
    _workers(recorder, quick)
    measure_store(recorder, SECTION, quick=quick)
    for name in ["learnet"] if quick else models.networks():
        # Two steps of a full-size fold, in a process of its own.
        said, _ = python("-m", "benchmarks.folds", name, stdout=subprocess.PIPE).communicate()
        peak = float(said.splitlines()[-1])
        recorder.add(SECTION, name, "peak memory at full size", peak, "GiB", at_most=3)


def _kills(recorder: Recorder, kills: int) -> None:
    """Kill a smoke run of table 2 at random moments; compare with an undisturbed one."""
    rng = np.random.default_rng(0)
    killed: Counter[str] = Counter()
    again = equal = finished = lost = 0
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace("smoke", store=Path(folder) / "alone", workers=2)
        jobs = workspace.jobs(workspace.specs("table2"))
        took = seconds(lambda: _mer(workspace, workspace.context.store).wait())
        expected = _stored(workspace.context.store, jobs)
        while killed.total() < kills:
            store, written = Path(folder) / f"killed{finished}", dict[str, int]()
            process, complete = _mer(workspace, store), False
            while not complete:
                try:
                    complete = process.wait(rng.uniform(0.2, took)) == 0
                except subprocess.TimeoutExpired:
                    if killed.total() == kills:
                        continue
                    workers = _workers_of(process)
                    # Whole runs and single workers in turn; before there are workers, the run.
                    if killed.total() % 2 and workers:
                        workers[int(rng.integers(len(workers)))].kill()
                        killed["one worker"] += 1
                        continue
                    process.kill()
                    process.wait()
                    again += _rewritten(store, jobs, written)
                    killed["the whole run"] += 1
                    process = _mer(workspace, store)
            again += _rewritten(store, jobs, written)
            found = _stored(store, jobs)
            equal, lost = equal + (found == expected), lost + len(jobs) - len(found)
            finished += 1
    add = recorder.about(SECTION, "table 2, smoke, killed with -9")
    for what in ("the whole run", "one worker"):
        add(f"kills of {what}", killed[what])
    add("runs that ended with the undisturbed bytes", equal / finished, at_least=1)
    add("folds lost", lost, at_most=0)
    add("finished folds computed again", again, at_most=0)


def _mer(workspace: Workspace, store: Path) -> subprocess.Popen[str]:
    data = Path(workspace.data["casme2"].dataset.root).parent
    command = ["run", "table2", "--profile", "smoke", "--workers", "2", "--store", str(store)]
    return python("-c", MER, *command, "--data-root", str(data), stderr=subprocess.DEVNULL)


def _workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [c for c in children if "spawn_main" in " ".join(c.cmdline())]
    except psutil.Error:
        return []


def _stored(store: Path, jobs: list[Job]) -> dict[tuple[str, str], str]:
    """Return the digest of each fold as it was written."""
    return RunStore(store).digests(job.spec for job in jobs)


def _rewritten(store: Path, jobs: list[Job], written: dict[str, int]) -> int:
    """Count folds that were finished at an earlier kill and have been written again since."""
    if not store.exists():
        return 0
    now = {os.fspath(f): f.stat().st_mtime_ns for f in store.glob("*/held_out=*.parquet")}
    again = sum(written.get(file, when) != when for file, when in now.items())
    written |= now
    return again


def _workers(recorder: Recorder, quick: bool) -> None:
    """Compute the demo's folds of *dual* on CASME II with one worker and with two."""
    workspace, specs = prepared(quick, "dual")
    jobs, took = workspace.jobs(specs), {}
    with tempfile.TemporaryDirectory() as folder:
        stores = {workers: Path(folder) / f"store{workers}" for workers in (1, 2)}
        for workers, store in stores.items():
            with open_executor(workers=workers) as executor:
                context = replace(workspace.context, store=store)
                took[workers] = run_seconds(jobs, context, executor, workers)
        notes = RunStore(stores[1]).environments(specs)
        same = _stored(stores[1], jobs) == _stored(stores[2], jobs)
    if None in took.values():
        return
    spent = notes["compute_seconds"].sum() + notes["predict_seconds"].sum()
    add = recorder.about(SECTION, f"{len(jobs)} folds of table 2")
    add("one worker / two workers", took[1] / took[2], "x", at_least=1.8)
    add("same bytes from one and from two", float(same), at_least=1)
    add("neither training nor prediction", 1 - spent / took[1], at_most=0.05)
