"""An executor whose workers are jobs of a batch system, submitted by dask-jobqueue."""

from __future__ import annotations

import shutil
import signal
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed.deploy import Cluster

from mer_utils.errors import MerError
from mer_utils.runs.cluster import GPU, DaskExecutor


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
    from dask_jobqueue import PBSCluster, SLURMCluster


def job_queue(kind: str, options_file: Path, *, gpu: bool = False) -> DaskExecutor:
    """Return an executor on jobs of a batch system.

    Parameters
    ----------
    kind : {"slurm", "pbs"}
    options_file : Path
        A TOML file with the arguments of dask-jobqueue's ``SLURMCluster`` or
        ``PBSCluster``, and ``jobs``, the number of jobs to keep running (default 1).
        ``processes`` is the number of workers a job, by default one a core.
    gpu : bool
        Each worker offers the resource ``GPU``; the job's options must ask for one.

    Raises
    ------
    MerError
        If the file cannot be read, or the batch system's commands are not here.
    """
    cluster = {"slurm": SLURMCluster, "pbs": PBSCluster}[kind]
    try:
        options = tomllib.loads(options_file.read_text())
    except (OSError, ValueError) as error:
        raise MerError(
            "TODO",
            f"{options_file} cannot be read ({error})",
            "a TOML file of cluster options",
            "see the book's page on clusters for one to start from",
        ) from error
    jobs = options.pop("jobs", 1)
    processes = options.setdefault("processes", options.get("cores", 1))
    # Workers have one thread each; the further cores of a job are asked for, not used.
    asked = {"slurm": "job_cpu", "pbs": "resource_spec"}[kind]
    if options.get("cores", 1) != processes:
        raise MerError(
            "TODO",
            f"{options_file} asks for cores = {options.get('cores')} and processes = {processes}",
            "one process a core, as each has one thread",
            f"make them equal; say with {asked} how many cores a job reserves",
        )
    if gpu:
        options["worker_extra_args"] = [
            *options.get("worker_extra_args", []), "--resources", f"{GPU}=1",
        ]  # fmt: skip
    command = {"slurm": "sbatch", "pbs": "qsub"}[kind]
    if shutil.which(command) is None:
        raise MerError(
            "TODO",
            f"the command {command} is not on this machine",
            f"a machine that submits {kind} jobs",
            "start the run on the cluster's login node",
        )

    # Any free port for the dashboard: two runs may start on one login node.
    options.setdefault("scheduler_options", {}).setdefault("dashboard_address", ":0")

    def start() -> Cluster:
        try:
            started = cluster(**options)
        except (TypeError, ValueError) as error:
            raise MerError(
                "TODO",
                f"{options_file}: {error}",
                f"arguments of dask_jobqueue.{cluster.__name__}",
                "correct the file",
            ) from error
        # A job that reached its time limit is followed by another.
        started.adapt(minimum_jobs=jobs, maximum_jobs=jobs)
        return started

    look = {"slurm": "squeue", "pbs": "qstat"}[kind]
    advice = (
        f"A queue can take hours; see with {look} whether the jobs wait or have ended, and in "
        "their output why."
    )
    return DaskExecutor(start, wanted=jobs * processes, advice=advice)
