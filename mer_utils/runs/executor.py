"""What an executor is, and how one is chosen by name."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.registry import unknown
from mer_utils.runs.data import Context
from mer_utils.runs.fold import Job, Outcome
from mer_utils.runs.local import Local

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
            Of a deque, which is emptied meanwhile, no further ones begin.
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
        ``local``: `workers` processes on this machine. ``dask``: the cluster of `scheduler`.
        ``slurm``, ``pbs``: jobs that are submitted as `cluster_options` says.
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
        ``unknown name``; ``invalid option``, if the options do not go together; ``no device``;
        ``missing extra``; ``no cluster``, if there is no batch system.
    """
    if name not in EXECUTORS:
        raise unknown("executor", name, EXECUTORS)
    for option, value, belongs in (
        ("--scheduler", scheduler or None, ("dask",)),
        ("--cluster-options", cluster_options, ("slurm", "pbs")),
    ):
        if (value is not None) != (name in belongs):
            raise MerError(
                "invalid option",
                f"--executor {name} with{'out' if value is None else ''} {option}",
                f"{option} with --executor {' and '.join(belongs)}, and only there",
                f"leave {option} out, or choose the executor that it belongs to"
                if value is not None
                else f"give {option}, or use --executor local on this machine",
            )
    if name == "local":
        require("torch", "train")
        from mer_utils.runs.device import resolve_device  # with torch, for those who run

        resolve_device(device)  # not in every fold, hours later
        return Local(workers)
    # Imported here because distributed takes a second to load.
    require("distributed", "cluster")
    from mer_utils.runs import cluster

    gpu = device.startswith("cuda")
    if scheduler:
        return cluster.running_cluster(scheduler, gpu=gpu)
    assert cluster_options is not None
    from mer_utils.runs import job_queue

    return job_queue.job_queue(name, cluster_options, gpu=gpu)
