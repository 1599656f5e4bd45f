"""The executor on this machine: this process, or worker processes."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess

from mer_utils.errors import MerError
from mer_utils.machine import cores, processes, refuse_unguarded
from mer_utils.models import is_network
from mer_utils.runs.data import Context
from mer_utils.runs.device import local_rank, workers_that_fit
from mer_utils.runs.fold import Job, Outcome, run_fold

log = logging.getLogger(__name__)

# A fold in whose hands so many workers died, or lost their GPU, is given up.
LIVES = 3
# How often it is looked for folds that hang: those longer at work than this, and than so many
# times the longest before them.
LOOK_SECONDS, HANG_SECONDS, HANG_TIMES = 60, 1800, 10
_END_SECONDS = 5


class Local(AbstractContextManager):
    """Compute folds in worker processes with one thread each, or, with one worker, right here.

    Each worker is a pool of its own, so one that is killed takes down one fold, and which
    fold that was is known (a pool of several, joblib's too, fails every fold in flight). Each
    knows its number, by which it takes one of several GPUs. One that died or whose GPU has
    failed is replaced; where memory is short, it is not.

    Parameters
    ----------
    workers : int
        As many as there are cores are the default, of which a GPU gets no more than its memory
        holds.
    """

    def __init__(self, workers: int = 1) -> None:
        self._workers, self._begun = workers, False
        self._pools: dict[int, ProcessPoolExecutor] = {}
        self._started: dict[int, list[BaseProcess]] = {}
        self._fewer_since = 0.0
        self._parts: dict[str, int] = {}

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *error: object) -> None:
        # A fold half computed has written nothing, so its worker need not be waited for.
        for process in [p for started in self._started.values() for p in started]:
            process.kill()
        for worker in list(self._pools):
            self._end(worker)

    def at_work(self) -> int:
        """Return how many folds are computed side by side now."""
        return len(self._pools) or 1

    def outcomes(
        self, jobs: Sequence[Job], context: Context, *, wait_for_others: bool
    ) -> Generator[Outcome, None, None]:
        """See :class:`mer_utils.runs.executor.Executor`."""
        waiting = jobs if isinstance(jobs, deque) else deque(jobs)
        failures = Counter[Job]()
        self._begin(jobs, context)
        while waiting and not self._pools:
            here = self._in_parts(waiting[0], context)
            outcome = run_fold(waiting[0], here, wait=wait_for_others)
            if outcome.cause == "memory" and self._smaller(waiting[0], here):
                continue
            if outcome.cause == "device":  # failed for this process: go on in another
                self._pools[0] = processes(1, _start_worker)
                break
            waiting.popleft()
            yield outcome
        idle, longest = list(self._pools), 0.0
        at_work: dict[Future[Outcome], _AtWork] = {}
        while waiting or at_work:
            while waiting and idle:
                one = _AtWork(waiting.popleft(), idle.pop(), time.monotonic())
                at_work[self._submit(one, context, wait_for_others)] = one
            done = wait(at_work, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED).done
            for one in at_work.values():
                one.say_if_it_hangs(longest)
            for future in done:
                one = at_work.pop(future)
                outcome = self._outcome(future, one)
                longest = max(longest, time.monotonic() - one.since)
                failures[one.job] += bool(outcome.cause)
                again = self._again(one, outcome, failures[one.job], context)
                if one.worker in self._pools:
                    idle.append(one.worker)
                if again:
                    waiting.appendleft(one.job)
                else:
                    yield outcome

    def _begin(self, jobs: Sequence[Job], context: Context) -> None:
        if self._begun:
            return
        self._begun, wanted = True, self._workers
        # A number of the user's own is theirs to choose.
        if wanted == cores() and wanted > 1:
            specs = {job.spec.key: job.spec for job in jobs}.values()
            wanted = int(min(wanted, workers_that_fit(specs, context.device)))
        if wanted < self._workers:
            log.warning(
                "The memory of the GPU holds about %d workers, so as many start; --workers says "
                "otherwise.", wanted,
            )  # fmt: skip
        if wanted > 1:
            self._pools = {n: processes(1, _start_worker) for n in range(wanted)}

    def _submit(self, one: _AtWork, context: Context, wait_for_others: bool) -> Future[Outcome]:
        there = self._in_parts(one.job, context)
        there = replace(there, worker=there.worker + one.worker)
        try:
            pool = self._pools[one.worker]
            future = pool.submit(run_fold, one.job, there, wait=wait_for_others)
        except BrokenProcessPool:  # it died between two folds
            self._replace(one.worker)
            return self._submit(one, context, wait_for_others)
        self._started[one.worker] = list((pool._processes or {}).values())
        return future

    def _outcome(self, future: Future[Outcome], one: _AtWork) -> Outcome:
        """Return what became of a fold; of one whose worker died, why."""
        try:
            return future.result()
        except BrokenProcessPool:
            # Until then its process may have ended and its exit code be unknown.
            self._pools[one.worker].shutdown()
            codes = [process.exitcode for process in self._started[one.worker]]
            refuse_unguarded(codes)
            killed = -9 in codes  # by SIGKILL, as a system does that is short of memory
            error = str(worker_died(one.job, LIVES))
            return Outcome(one.job, "failed", error=error, cause="killed" if killed else "died")

    def _again(self, one: _AtWork, outcome: Outcome, failures: int, context: Context) -> bool:
        """Mend the worker, and say whether the fold starts again."""
        if not outcome.cause:
            return False
        fold, last = f"fold held_out={one.job.held_out}", len(self._pools) == 1
        if outcome.cause == "memory":
            if last:
                return self._smaller(one.job, self._in_parts(one.job, context))
            if one.since < self._fewer_since:  # there were more of them when it started
                return True
        elif outcome.cause != "killed" or last or failures == 1:
            self._replace(one.worker)
            if failures < LIVES:
                what = "Its GPU failed a worker" if outcome.cause == "device" else "A worker died"
                log.warning("%s; it is replaced, and %s starts again.", what, fold)
            return failures < LIVES
        self._end(one.worker)
        self._fewer_since = time.monotonic()
        log.warning(
            "Memory is short (%s); the run goes on with %d worker(s) instead of %d.",
            fold, len(self._pools), len(self._pools) + 1,
        )  # fmt: skip
        return outcome.cause == "memory" or failures < LIVES

    def _in_parts(self, job: Job, context: Context) -> Context:
        parts = self._parts.get(job.spec.model.name, context.micro_batch)
        return replace(context, micro_batch=parts, worker=local_rank())

    def _smaller(self, job: Job, context: Context) -> bool:
        """Let fewer images of a batch go through the network at once, if that can be."""
        name, size = job.spec.model.name, job.spec.training.batch_size
        now = min(context.micro_batch or size, size)
        if now == 1 or not is_network(name):
            return False
        self._parts[name] = max(1, now // 4)
        log.warning(
            "Memory is short; of %s, %d images of a batch go through the network at once from "
            "here on. With batch normalisation it takes whole batches all the same.",
            name, self._parts[name],
        )  # fmt: skip
        return True

    def _replace(self, worker: int) -> None:
        self._end(worker)
        self._pools[worker] = processes(1, _start_worker)

    def _end(self, worker: int) -> None:
        self._pools.pop(worker).shutdown(wait=False, cancel_futures=True)
        for process in self._started.pop(worker, []):
            process.kill()
            process.join(_END_SECONDS)


@dataclass
class _AtWork:
    """A fold that a worker computes, and since when."""

    job: Job
    worker: int
    since: float
    said: bool = False

    def say_if_it_hangs(self, longest: float) -> None:
        """Say once that a fold takes far longer than the longest of those before it."""
        seconds = time.monotonic() - self.since
        if not self.said and seconds > max(HANG_SECONDS, HANG_TIMES * longest):
            self.said = True
            log.warning(
                "Fold held_out=%s of %s has been at work for %.0f min, the longest before it for "
                "%.0f. If its process uses no processor, press Ctrl-C and give the same command "
                "again; nothing is lost.",
                self.job.held_out, self.job.spec.model.name, seconds / 60, longest / 60,
            )  # fmt: skip


def worker_died(job: Job, deaths: int) -> MerError:
    """Return the error for a fold in whose hands so many workers died."""
    return MerError(
        "worker died",
        f"the worker process died {deaths} times while fold held_out={job.held_out} "
        f"of {job.spec.model.name} was in its hands",
        "a worker that lives, most often with enough memory",
        "use fewer workers or a machine with more memory, then run the same command again",
    )


def _start_worker() -> None:
    # Ctrl-C reaches every process of the terminal; the one in charge stops the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is to be said of weights and devices, the one in charge has said.
    for quiet in ("mer_utils.models.loading", "mer_utils.models.create", "mer_utils.runs.device"):
        logging.getLogger(quiet).setLevel(logging.ERROR)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # When the process in charge is killed, nobody else would end its workers.
    if parent := parent_process():
        parent.join()
        os._exit(1)
