"""An executor whose workers are jobs of a batch system, submitted by dask-jobqueue."""

from __future__ import annotations

import inspect
import shutil
import signal
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from distributed.deploy import Cluster
from distributed.deploy.spec import ProcessInterface

from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.runs.cluster import GPU, DaskExecutor, Submissions


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep what signals do: dask-jobqueue, when imported, lets Ctrl-C exit with code 0."""
    if threading.current_thread() is not threading.main_thread():
        yield  # nobody may set a handler here
        return
    handlers = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for which, handler in handlers.items():
            signal.signal(which, handler)


with _signals_kept():
    jobqueue = require("dask_jobqueue", "cluster")


class _System(NamedTuple):
    """A batch system: its cluster, its commands, and which option reserves a job's cores."""

    cluster: Any
    submit: str
    look: str
    reserves: str


SYSTEMS = {
    "slurm": _System(jobqueue.SLURMCluster, "sbatch", "squeue", "job_cpu"),
    "pbs": _System(jobqueue.PBSCluster, "qsub", "qstat", "resource_spec"),
}


def job_queue(kind: str, options_file: Path, *, gpu: bool = False) -> DaskExecutor:
    """Return an executor on jobs of a batch system.

    Parameters
    ----------
    kind : {"slurm", "pbs"}
    options_file : Path
        A TOML file with the arguments of dask-jobqueue's ``SLURMCluster`` or
        ``PBSCluster``, and ``jobs``, the number of jobs to keep running (default 1).
        ``processes`` is the number of workers per job, by default one per core.
    gpu : bool
        Each worker offers the resource ``GPU``; the job's options must ask for one.

    Raises
    ------
    MerError
        ``cannot read`` or ``invalid option``, if the file is at fault; ``missing program``, if
        the batch system's commands are not here.
    """
    system = SYSTEMS[kind]
    options = _read(options_file)
    _check(options, options_file, system.cluster)
    jobs = options.pop("jobs", 1)
    processes = options.setdefault("processes", options.get("cores", 1))
    # Workers have one thread each; the further cores of a job are asked for, not used.
    if options.get("cores", 1) != processes:
        raise MerError(
            "invalid option",
            f"{options_file} asks for cores = {options.get('cores')} and processes = {processes}",
            "one process per core, as each has one thread",
            f"make them equal; say with {system.reserves} how many cores a job reserves",
        )
    if gpu:
        more = options.get("worker_extra_args", [])
        options["worker_extra_args"] = [*more, "--resources", f"{GPU}=1"]
    if shutil.which(system.submit) is None:
        raise MerError(
            "missing program",
            f"the command {system.submit} is not on this machine",
            f"a machine that submits {kind} jobs",
            "start the run on the cluster's login node",
        )
    submissions = Submissions(system.submit)
    # Any free port for the dashboard: two runs may start on one login node.
    options.setdefault("scheduler_options", {}).setdefault("dashboard_address", ":0")

    def start() -> Cluster:
        try:
            started = system.cluster(job_cls=_told(system.cluster.job_cls, submissions), **options)
        # Of an option that it cannot use, dask-jobqueue raises whatever it stumbles over.
        except Exception as error:
            raise MerError(
                "invalid option",
                f"{options_file}: {type(error).__name__}: {error}",
                f"arguments of dask_jobqueue.{system.cluster.__name__}",
                "correct the file",
            ) from error
        # A job that reached its time limit is followed by another.
        started.adapt(minimum_jobs=jobs, maximum_jobs=jobs)
        return started

    advice = (
        f"A queue can take hours; see with {system.look} whether the jobs wait or have ended, "
        "and in their output why."
    )
    return DaskExecutor(start, wanted=jobs * processes, advice=advice, submissions=submissions)


def _told(job_class: Any, submissions: Submissions) -> Any:
    """Return the class of a system's jobs, whose submissions are told instead of logged."""

    class Job(job_class):
        async def start(self) -> None:
            try:
                await super().start()
                submissions.accepted += 1
            except (RuntimeError, ValueError, OSError) as error:
                submissions.refused.append(str(error).rsplit("stderr:", 1)[-1].strip())
                # Else the cluster would log it, and wait for this job's workers all the same.
                await ProcessInterface.start(self)

    return Job


def _read(options_file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(options_file.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise MerError(
            "cannot read",
            f"{options_file} cannot be read ({error})",
            "a TOML file of cluster options",
            "see the book's page on clusters for one to start from",
        ) from error


_MOST = 10_000  # a list is made of so many
_NUMBERS = {"jobs", "cores", "processes", "job_cpu"}
_LISTS = {
    "worker_extra_args", "job_extra_directives", "job_script_prologue", "job_directives_skip",
}  # fmt: skip
_OTHERS: dict[str, Any] = {"scheduler_options": dict, "nanny": bool, "death_timeout": (int, str)}
#: What is not said in a file: `jobs` is in place of the first, and older names of the others.
_NOT_OURS = {
    "self", "n_workers", "job_cls", "loop", "security", "asynchronous", "scheduler",
    "scheduler_cls", "base_class_kwargs", "job_kwargs", "extra", "job_extra", "env_extra",
    "header_skip",
}  # fmt: skip


def _check(options: dict[str, Any], options_file: Path, cluster: Any) -> None:
    """Raise for every option of the file that there is none of, or that has a wrong value."""
    takers = (cluster, cluster.job_cls, jobqueue.core.JobQueueCluster, jobqueue.core.Job)
    named = {name for taker in takers for name in inspect.signature(taker.__init__).parameters}
    known = sorted({"jobs", *named} - _NOT_OURS)
    faults = []
    for name, value in options.items():
        if name not in known:
            close = get_close_matches(name, known, 1)
            faults.append(f"{name} is no option" + (f" ({close[0]} is)" if close else ""))
        elif (lacking := _lacking(name, value)) is not None:
            faults.append(f"{name} = {value!r} is no {lacking}")
    if faults:
        raise MerError(
            "invalid option",
            f"{options_file}: {'; '.join(faults)}",
            f"options of {cluster.__name__}: {', '.join(known)}",
            "correct the file; the book's page on clusters has one to start from",
        )


def _lacking(name: str, value: Any) -> str | None:
    """Return what the value of an option should have been; None if it is that."""
    if name in _NUMBERS:
        least = 0 if name == "jobs" else 1  # without a job nothing is computed, see DaskExecutor
        whole = isinstance(value, int) and not isinstance(value, bool)
        fits = whole and least <= value <= _MOST
        return None if fits else f"whole number from {least} to {_MOST}, written without quotes"
    if name in _LISTS:
        texts = isinstance(value, list) and all(isinstance(part, str) for part in value)
        return None if texts else 'list of texts, as in ["--gres=gpu:1"]'
    kind = _OTHERS.get(name, str)
    lacking = "text in quotes" if kind is str else "such value"
    return None if isinstance(value, kind) else lacking
