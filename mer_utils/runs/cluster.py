"""An executor on a Dask cluster, which does the scheduling, retrying and moving.

The workers must see the data, the cache and the store under the same paths as the
machine that starts the run (a shared file system), have the same packages, and run one
thread each. A worker that does not is turned away before it gets a fold.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import gettempdir

import dask
from distributed import Client, Future, Worker, WorkerPlugin, as_completed, get_worker, rpc
from distributed.comm import parse_address, parse_host_port
from distributed.deploy import Cluster
from distributed.scheduler import KilledWorker
from filelock import FileLock, Timeout

from mer_utils.errors import MerError
from mer_utils.files import atomic_write
from mer_utils.runs.data import Context
from mer_utils.runs.environment import environment
from mer_utils.runs.fold import Job, Outcome, run_fold
from mer_utils.runs.local import LIVES, worker_died

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
# How often the workers are counted, and how long there may be none before it is said; it is
# said again after twice as long, and so on.
COUNT_SECONDS = 5
ALONE_SECONDS = 60
GPU = "GPU"
MOST_WORKERS = 1024
_TOKEN = ".cluster-token"


@dataclass
class Submissions:
    """What became of the jobs that were submitted to a batch system.

    Parameters
    ----------
    command : str
        By which they are submitted.
    accepted : int
    refused : list of str
        What the command said of each that it did not take, until it is told.
    """

    command: str = ""
    accepted: int = 0
    refused: list[str] = field(default_factory=list)

    def tell(self) -> None:
        """Say what was refused, or raise if nothing was accepted."""
        if not self.refused:
            return
        said, n = self.refused[0], len(self.refused)
        self.refused.clear()
        if self.accepted:
            log.warning("%s refused %d job(s), others run: %s", self.command, n, said)
            return
        raise MerError(
            "no cluster",
            f"{self.command} refused the job: {said}",
            "a job that the batch system takes",
            "correct the cluster's options (queue, walltime, memory, account), then run the same "
            "command again",
        )


class DaskExecutor(AbstractContextManager):
    """Compute folds on a Dask cluster.

    Parameters
    ----------
    cluster : str or callable
        The address of a running scheduler, which is left running; or what starts a cluster
        of one's own, which is stopped at the end.
    wanted : int
        How many workers it should have; folds start with the first of them.
    advice : str
        What to do if no worker comes, as a sentence.
    submissions : Submissions, optional
        Of the jobs in which the workers run.
    """

    def __init__(
        self,
        cluster: str | Callable[[], Cluster],
        *,
        wanted: int = 1,
        advice: str = "",
        submissions: Submissions | None = None,
    ) -> None:
        self._cluster = cluster
        self._wanted, self._advice = wanted, advice
        self._submissions = submissions or Submissions()
        self._resources = ExitStack()
        self._admitted: set[Path] = set()

    def __enter__(self) -> DaskExecutor:
        if self._wanted < 1:
            raise MerError(
                "invalid option",
                "the cluster options ask for jobs = 0",
                "one job at least, as nothing is computed without",
                "make jobs 1 or more",
            )
        if not dask.config.get("logging", None):  # else it tells every step of its scheduler
            logging.getLogger("distributed").setLevel(logging.WARNING)
            # Which prints the traceback of whatever is raised, beside what we say of it.
            logging.getLogger("distributed.utils").setLevel(logging.CRITICAL)
        with ExitStack() as stack:
            if isinstance(self._cluster, str):
                self._client = stack.enter_context(_connect(self._cluster))
            else:
                cluster = stack.enter_context(self._cluster())
                self._client = stack.enter_context(Client(cluster, set_as_default=False))
            self._resources = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        # A scheduler that goes on running must not judge others' workers by this run.
        with suppress(Exception):
            if self._admitted:
                self._client.unregister_worker_plugin(Admission.name)
        self._resources.close()

    def outcomes(
        self, jobs: Sequence[Job], context: Context, *, wait_for_others: bool
    ) -> Generator[Outcome, None, None]:
        """See :class:`mer_utils.runs.executor.Executor`; folds at work are given up at the end."""
        gpu = context.device.startswith("cuda")
        if context.store not in self._admitted:
            self._admit(context.store, gpu)
        name = uuid.uuid4().hex[:8]
        options = {
            "context": context,
            "wait": wait_for_others,
            "resources": {GPU: 1} if gpu else None,
            "pure": False,
        }
        keys = [f"{name}-{n}" for n in range(len(jobs))]
        futures = self._client.map(run_fold_here, jobs, key=keys, **options)
        of, failures = dict(zip(futures, jobs, strict=True)), Counter[Job]()
        completed = as_completed(futures, loop=self._client.loop)
        try:
            for future in self._waited_for(completed, gpu):
                job = of.pop(future)
                try:
                    outcome, worker = future.result()
                except KilledWorker:
                    deaths = dask.config.get("distributed.scheduler.allowed-failures") + 1
                    outcome = Outcome(job, "failed", error=str(worker_died(job, deaths)))
                failures[job] += bool(outcome.cause)
                if outcome.cause and failures[job] < LIVES and self._mended(worker, outcome):
                    again = self._client.submit(
                        run_fold_here, job, key=f"{keys[0]}-{uuid.uuid4().hex[:8]}", **options
                    )
                    of[again] = job
                    completed.add(again)
                else:
                    yield outcome
                if not jobs:
                    break
        except (CancelledError, OSError) as error:
            raise MerError(
                "no cluster",
                f"the connection to the Dask scheduler was lost ({str(error)[:200]})",
                "a scheduler that runs until the last fold is done",
                "start it again, then run the same command again; what is done is kept",
            ) from error
        finally:
            with suppress(OSError):
                self._client.cancel(list(of))

    def _mended(self, worker: str, outcome: Outcome) -> bool:
        """End a worker that is of no more use; say whether its fold may be tried elsewhere.

        Its nanny starts another where the GPU failed; where memory is short, none follows.
        """
        others = [w for w in self._client.scheduler_info(n_workers=-1)["workers"] if w != worker]
        if outcome.cause == "memory":
            if others:
                log.warning("Memory is short: the worker %s is ended, others go on.", worker)
                self._client.retire_workers([worker], close_workers=True, remove=True)
            return bool(others)
        log.warning("The GPU failed the worker %s, which is ended: %s", worker, outcome.error)
        with suppress(Exception):  # it may be gone already
            self._client.run(os._exit, 1, workers=[worker], wait=False)
        return True

    def _waited_for(self, completed: as_completed, gpu: bool) -> Iterator[Future]:
        """Yield futures as they complete; say so from time to time while no worker is there."""
        look_at, alone_since, patience = 0.0, None, float(ALONE_SECONDS)
        while not completed.is_empty():
            if completed.has_ready():
                yield next(completed)
                continue
            self._submissions.tell()
            time.sleep(0.05)
            if (now := time.monotonic()) < look_at:
                continue
            look_at = now + COUNT_SECONDS
            if self._fit_workers(gpu):
                alone_since, patience = None, float(ALONE_SECONDS)
                continue
            alone_since = now if alone_since is None else alone_since
            if now - alone_since >= patience:
                log.warning("%s", self._nobody_came(now - alone_since, gpu))
                patience = 2 * (now - alone_since)

    def _nobody_came(self, seconds: float, gpu: bool) -> str:
        waited = f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
        offering = f" with the resource {GPU}" if gpu else ""
        return (
            f"For {waited} no Dask worker{offering} has been there; {self._wanted} wanted, and the "
            f"first one starts the folds. The run waits on. {self._advice} A worker that does "
            "not fit says why in its own output. Ctrl-C ends the run; nothing is lost."
        )

    def _fit_workers(self, gpu: bool) -> int:
        """Count the workers that can take a fold."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(not gpu or bool(w["resources"].get(GPU)) for w in workers)

    def _admit(self, store: Path, gpu: bool) -> None:
        """Turn away unfit workers, those that join later too."""
        token = store / _TOKEN
        if not token.exists():
            with atomic_write(token) as temporary:
                temporary.write_text(uuid.uuid4().hex)
        admission = Admission(_versions(), token, token.read_text())
        try:
            self._client.register_plugin(admission)
        except ImportError as error:
            raise MerError(
                "no cluster",
                f"a Dask worker cannot load mer_utils ({error})",
                "this release of mer-utils on every worker",
                "install it in the environment that starts the workers",
            ) from error
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        if not workers:
            log.warning("No Dask worker is there yet; folds start with the first one.")
        elif not self._fit_workers(gpu):
            raise MerError(
                "no device",
                "a GPU was demanded and no Dask worker offers one",
                f"workers with the resource {GPU}",
                f"start the workers of machines with a GPU with --resources {GPU}=1",
            )
        self._admitted.add(store)


def run_fold_here(job: Job, context: Context, *, wait: bool) -> tuple[Outcome, str]:
    """Compute a fold as the worker that this process is on its machine; return its address too."""
    if _BROKEN:  # no fold may fail on its account until the one in charge has ended it
        time.sleep(2 * CONNECT_SECONDS)
        os._exit(1)
    outcome = run_fold(job, replace(context, worker=_number()), wait=wait)
    _BROKEN.extend([outcome] if outcome.cause == "device" else [])
    return outcome, get_worker().address


# What showed that the GPU has failed this process for good.
_BROKEN: list[Outcome] = []


# Held for as long as this process lives.
_HELD: dict[int, FileLock] = {}


def _number() -> int:
    """Return this worker's number among those on this machine: the lowest that is free."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    for number in range(0 if _HELD else MOST_WORKERS):
        lock = FileLock(Path(gettempdir()) / f"mer-worker-{user}-{number}.lock")
        with suppress(Timeout):
            lock.acquire(timeout=0)
            _HELD[number] = lock
            break
    return next(iter(_HELD), 0)


class Admission(WorkerPlugin):
    """Refuse a worker that would compute something else or store it elsewhere.

    Parameters
    ----------
    versions : dict of str to str
        Packages where the run was started.
    token : Path
        A file in the store.
    secret : str
        What the file says.
    """

    name = "mer-utils-admission"

    def __init__(self, versions: dict[str, str], token: Path, secret: str) -> None:
        self._versions, self._token, self._secret = versions, token, secret

    def setup(self, worker: Worker) -> None:
        """Check the worker; an error here keeps it out of the cluster."""
        here, at = _versions(), f"Dask worker {worker.address}"
        wrong = sorted(p for p, v in self._versions.items() if here.get(p) != v)
        if wrong:
            raise MerError(
                "no cluster",
                f"{at} has " + ", ".join(f"{p} {here.get(p)}" for p in wrong),
                ", ".join(f"{p} {self._versions[p]}" for p in wrong) + " as where the run started",
                "install the same requirements.lock there",
            )
        if worker.state.nthreads != 1:
            raise MerError(
                "no cluster",
                f"{at} has {worker.state.nthreads} threads",
                "one thread per worker, without which a fold is not repeatable",
                "start it with --nthreads 1, and more of them with --nworkers",
            )
        seen = ""
        with suppress(OSError):
            seen = self._token.read_text()
        if seen != self._secret:
            raise MerError(
                "no cluster",
                f"{at} does not see the store {self._token.parent}",
                "one file system, with the same paths for this machine and every worker",
                "name a shared folder with --store, and set MER_BUILD to one",
            )


def running_cluster(address: str, *, gpu: bool = False) -> DaskExecutor:
    """Return an executor on the cluster of a scheduler that runs already."""
    offer = f" --resources {GPU}=1" if gpu else ""
    advice = f"Start one with: dask worker {address} --nthreads 1{offer}."
    return DaskExecutor(address, advice=advice)


def _connect(address: str) -> Client:
    try:
        _reach(address)
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MerError(
            "no cluster",
            f"no Dask scheduler answers at {address} ({reason[:200]})",
            "the address that dask scheduler printed, as in tcp://10.0.0.1:8786",
            "correct --scheduler, or start the scheduler",
        ) from error


def _reach(address: str) -> None:
    # A Client that cannot connect lingers until it is collected, and if that happens while
    # another one starts, distributed deadlocks on a lock of its own; and one that connects to
    # something else that listens waits for ever. So none is made before a scheduler answers.
    async def answer() -> None:
        async with rpc(address, timeout=CONNECT_SECONDS) as other:
            kind = (await other.identity())["type"]
        if kind != "Scheduler":
            raise ValueError(f"a {kind} answers there")

    async def in_time() -> None:
        await asyncio.wait_for(answer(), 2 * CONNECT_SECONDS)

    scheme, location = parse_address(address)
    if scheme in ("tcp", "tls"):
        socket.create_connection(parse_host_port(location), timeout=CONNECT_SECONDS).close()
    with ThreadPoolExecutor(1) as thread:  # a notebook's own loop runs in this one
        thread.submit(asyncio.run, in_time()).result()


def _versions() -> dict[str, str]:
    found: dict[str, str] = environment()["packages"]
    return found | {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
