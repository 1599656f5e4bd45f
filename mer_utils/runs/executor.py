"""What an executor is, and how one is chosen by name."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.runs.data import Context
from mer_utils.runs.fold import Job, Outcome
from mer_utils.runs.local import InProcess, LocalWorkers

EXECUTORS = ("local", "dask", "slurm", "pbs")


class Executor(AbstractContextManager, Protocol):
    """Where folds are computed. Entering starts it, leaving stops it."""

    def outcomes(
        self, jobs: Sequence[Job], context: Context, *, wait_for_others: bool
    ) -> Generator[Outcome, None, None]:
        """Compute every job once and yield what became of each, in any order.

        Parameters
        ----------
        jobs : sequence of Job
        context : Context
        wait_for_others : bool
            Wait for a fold that another run computes, instead of giving it back.
        """
        ...


def open_executor(
    name: str = "local",
    *,
    workers: int = 1,
    scheduler: str | None = None,
    cluster_options: Path | None = None,
    device: str = "auto",
) -> Executor:
    """Return an executor, not yet started.

    Parameters
    ----------
    name : {"local", "dask", "slurm", "pbs"}
        ``local``: processes on this machine. ``dask``: the cluster of `scheduler`, or one
        of `workers` processes on this machine. ``slurm``, ``pbs``: jobs that are submitted
        as `cluster_options` says.
    workers : int
    scheduler : str, optional
        Address of a running Dask scheduler, as in ``tcp://10.0.0.1:8786``.
    cluster_options : Path, optional
        A TOML file: the arguments of dask-jobqueue's cluster, and ``jobs``, how many.
    device : str
        On this machine, see `mer_utils.runs.device.resolve_device`. With ``cuda``,
        only Dask workers with the resource ``GPU`` get folds.

    Raises
    ------
    MerError
        If the name is unknown, the options do not go together, or a GPU is demanded of this
        machine and there is none.
    """
    if name not in EXECUTORS:
        raise MerError(
            "TODO",
            f"executor {name!r} is unknown",
            f"one of {', '.join(EXECUTORS)}",
            "correct --executor",
        )
    if scheduler and name != "dask":
        raise MerError(
            "TODO",
            f"--scheduler was given with --executor {name}",
            "--executor dask",
            "name a scheduler with --executor dask only",
        )
    queued = name in ("slurm", "pbs")
    if queued != (cluster_options is not None):
        raise MerError(
            "TODO",
            f"--executor {name} with{'out' if queued else ''} --cluster-options",
            "--cluster-options with slurm and pbs, and only with them",
            "name a TOML file of cluster options" if queued else "leave --cluster-options out",
        )
    if name == "local":
        from mer_utils.runs.device import resolve_device  # with torch, for those who run

        resolve_device(device)  # not in every fold, hours later
        return LocalWorkers(workers) if workers > 1 else InProcess()
    require("distributed", "cluster")  # takes a second to load
    from mer_utils.runs import cluster

    gpu = device.startswith("cuda")
    if cluster_options is not None:
        require("dask_jobqueue", "cluster")
        from mer_utils.runs import job_queue

        return job_queue.job_queue(name, cluster_options, gpu=gpu)
    if scheduler:
        return cluster.running_cluster(scheduler, gpu=gpu)
    return cluster.local_cluster(workers, device=device)
