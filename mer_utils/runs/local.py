"""The executor on this machine: this process, or worker processes."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import replace
from multiprocessing import get_context, parent_process

from mer_utils.errors import MerError
from mer_utils.runs.data import Context
from mer_utils.runs.fold import Job, Outcome, run_fold

log = logging.getLogger(__name__)

# A fold in whose hands so many workers died is given up.
LIVES = 3


class Local(AbstractContextManager):
    """Compute folds in worker processes with one thread each, or, with one worker, right here.

    Each worker is a pool of its own, so one that is killed takes down one fold, and which
    fold that was is known (a pool of several, joblib's too, fails every fold in flight). Each
    knows its number, by which it takes one of several GPUs.

    Parameters
    ----------
    workers : int
    """

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._pools: list[ProcessPoolExecutor] = []

    def __enter__(self) -> Local:
        if self._workers > 1:
            self._pools = [_new_pool() for _ in range(self._workers)]
        return self

    def __exit__(self, *error: object) -> None:
        # A fold half computed has written nothing, so its worker need not be waited for.
        processes = [p for pool in self._pools for p in (pool._processes or {}).values()]
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()

    def outcomes(
        self, jobs: Sequence[Job], context: Context, *, wait_for_others: bool
    ) -> Generator[Outcome, None, None]:
        """See :class:`mer_utils.runs.executor.Executor`."""
        if not self._pools:
            for job in jobs:
                yield run_fold(job, context, wait=wait_for_others)
            return
        waiting, deaths = deque(jobs), Counter[Job]()
        idle = list(range(len(self._pools)))
        in_flight: dict[Future[Outcome], tuple[Job, int]] = {}
        while waiting or in_flight:
            while waiting and idle:
                job, worker = waiting.popleft(), idle.pop()
                future = self._submit(worker, job, context, wait_for_others)
                in_flight[future] = job, worker
            for future in wait(in_flight, return_when=FIRST_COMPLETED).done:
                job, worker = in_flight.pop(future)
                idle.append(worker)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    deaths[job] += 1
                    if deaths[job] == LIVES:
                        yield Outcome(job, "failed", error=str(worker_died(job, LIVES)))
                    else:
                        log.warning("A worker died; fold held_out=%s starts again.", job.held_out)
                        waiting.appendleft(job)

    def _submit(
        self, worker: int, job: Job, context: Context, wait_for_others: bool
    ) -> Future[Outcome]:
        context = replace(context, worker=worker)
        try:
            return self._pools[worker].submit(run_fold, job, context, wait=wait_for_others)
        except BrokenProcessPool:  # it died, in the midst of a fold or between two
            self._pools[worker].shutdown(wait=False)
            self._pools[worker] = _new_pool()
            return self._pools[worker].submit(run_fold, job, context, wait=wait_for_others)


def worker_died(job: Job, deaths: int) -> MerError:
    """Return the error for a fold in whose hands so many workers died."""
    return MerError(
        "worker died",
        f"the worker process died {deaths} times while fold held_out={job.held_out} "
        f"of {job.spec.model.name} was in its hands",
        "a worker that lives, most often with enough memory",
        "use fewer workers or a machine with more memory, then run the same command again",
    )


def _new_pool() -> ProcessPoolExecutor:
    # Spawned, not forked: a fork of a process with threads can hang.
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=_start_worker)


def _start_worker() -> None:
    # Ctrl-C reaches every process of the terminal; the one in charge stops the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # When the process in charge is killed, nobody else would end its workers.
    if parent := parent_process():
        parent.join()
        os._exit(1)
