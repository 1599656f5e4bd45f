"""The run engine: what survives kills, what two workers gain, what it costs beside training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from benchmarks.clock import seconds
from benchmarks.record import Recorder
from mer_utils import models
from mer_utils.experiments import Workspace, open_workspace, views_of
from mer_utils.runs import Job, RunSpec, RunStore, open_executor, prepare_views, run

SECTION = "engine"
KILLS = 25
MER = "import sys; from mer_utils.cli.main import main; main()"


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    _kills(recorder, 4 if quick else KILLS)
    _workers(recorder, quick)
    for name in ["learnet"] if quick else models.networks():
        recorder.add(SECTION, name, "peak memory at full size", _peak(name), "GiB", at_most=3)


def _kills(recorder: Recorder, kills: int) -> None:
    """Kill a smoke run of table 2 at random moments; compare with an undisturbed one."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace("smoke", store=Path(folder) / "alone", workers=2)
        jobs = workspace.jobs(workspace.specs("table2"))
        took = seconds(lambda: _mer(workspace, workspace.context.store).wait())
        expected = _stored(workspace.context.store, jobs)
        done = whole = worker = again = equal = finished = lost = 0
        while done < kills:
            store, written = Path(folder) / f"killed{finished}", dict[str, int]()
            process, complete = _mer(workspace, store), False
            while not complete:
                try:
                    complete = process.wait(rng.uniform(0.2, took)) == 0
                except subprocess.TimeoutExpired:
                    if done == kills:
                        continue
                    workers = _workers_of(process)
                    # Whole runs and single workers in turn; before there are workers, the run.
                    if done % 2 and workers:
                        workers[int(rng.integers(len(workers)))].kill()
                        worker += 1
                    else:
                        os.kill(process.pid, signal.SIGKILL)
                        process.wait()
                        again += _rewritten(store, jobs, written)
                        whole += 1
                        process = _mer(workspace, store)
                    done += 1
            again += _rewritten(store, jobs, written)
            found = _stored(store, jobs)
            equal, lost = equal + (found == expected), lost + len(jobs) - len(found)
            finished += 1
    add = recorder.add
    case = "table 2, smoke, killed with -9"
    add(SECTION, case, "kills of the whole run", whole)
    add(SECTION, case, "kills of one worker", worker)
    add(SECTION, case, "runs that ended with the undisturbed bytes", equal / finished, at_least=1)
    add(SECTION, case, "folds lost", lost, at_most=0)
    add(SECTION, case, "finished folds computed again", again, at_most=0)


def _mer(workspace: Workspace, store: Path) -> subprocess.Popen[bytes]:
    data = workspace.context.root("casme2").parent
    command = [sys.executable, "-c", MER, "run", "table2", "--profile", "smoke", "--workers", "2"]
    return subprocess.Popen(
        [*command, "--store", str(store), "--data-root", str(data)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def _workers_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [c for c in children if "spawn_main" in " ".join(c.cmdline())]
    except psutil.Error:
        return []


def _stored(store: Path, jobs: list[Job]) -> dict[str, bytes]:
    opened = RunStore(store)
    files = [opened.fold_file(job.spec, job.held_out) for job in jobs]
    return {f"{f.parent.name}/{f.name}": f.read_bytes() for f in files if f.exists()}


def _rewritten(store: Path, jobs: list[Job], written: dict[str, int]) -> int:
    """Count folds that were finished at an earlier kill and have been written again since."""
    if not store.exists():
        return 0
    opened, again = RunStore(store), 0
    for job in jobs:
        file = opened.fold_file(job.spec, job.held_out)
        if file.exists():
            when = file.stat().st_mtime_ns
            again += written.get(str(file), when) != when
            written[str(file)] = when
    return again


def _workers(recorder: Recorder, quick: bool) -> None:
    """Compute the demo's folds of *dual* on CASME II with one worker and with two."""
    workspace = open_workspace("smoke" if quick else "demo", datasets=["casme2"], workers=2)
    specs = [
        spec
        for spec in workspace.specs("table2")
        if spec.train_views == views_of("dual") and models.is_network(spec.model.name)
    ]
    prepare_views(specs, workspace.context, workers=2)
    jobs, took = workspace.jobs(specs), {}
    with tempfile.TemporaryDirectory() as folder:
        for workers in (1, 2):
            context = replace(workspace.context, store=Path(folder) / f"store{workers}")
            with open_executor(workers=workers) as executor:
                # Processes that have imported everything, as after the first fold of a run.
                warm = [
                    Job(specs[-1].model_copy(update={"seed": 100 + k}), jobs[0].held_out)
                    for k in range(workers)
                ]
                run(warm, context, executor=executor)
                took[workers] = seconds(lambda c=context, e=executor: run(jobs, c, executor=e))
            if workers == 1:
                shares = _overhead(RunStore(context.store), specs, took[1])
        same = _stored(Path(folder) / "store1", jobs) == _stored(Path(folder) / "store2", jobs)
    case = f"{len(jobs)} folds of table 2"
    recorder.add(SECTION, case, "one worker / two workers", took[1] / took[2], at_least=1.8)
    recorder.add(SECTION, case, "same bytes from one and from two", float(same), at_least=1)
    recorder.add(SECTION, case, "neither training nor prediction", shares, at_most=0.05)


def _overhead(store: RunStore, specs: list[RunSpec], wall: float) -> float:
    notes = store.environments(specs)
    return 1 - (notes["compute_seconds"].sum() + notes["predict_seconds"].sum()) / wall


def _peak(name: str) -> float:
    """Return the peak memory of a process that trains two steps of a full-size fold, in GiB."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.full_size", name],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    return float(done.stdout.splitlines()[-1])
