"""Run many jobs, wherever an executor computes them."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.protocol import folds
from mer_utils.runs.data import Context
from mer_utils.runs.executor import Executor, open_executor
from mer_utils.runs.fold import Job, Outcome
from mer_utils.runs.spec import RunSpec
from mer_utils.runs.store import RunStore

#: After so many failures without a fold that is done between them, a run stops.
IN_A_ROW = 30


@dataclass
class Report:
    """What became of all jobs.

    Parameters
    ----------
    done, present : int
        Folds computed now, and folds that were in the store already.
    failed : list of Outcome
        Folds that failed twice.
    stopped : bool
        Whether the time was up before all began.
    """

    done: int = 0
    present: int = 0
    failed: list[Outcome] = field(default_factory=list)
    stopped: bool = False


def run(
    jobs: Sequence[Job],
    context: Context,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
    until: float | None = None,
) -> Report:
    """Compute every job that the store lacks; try a failed one once more.

    Parameters
    ----------
    jobs : sequence of Job
    context : Context
    workers : int
        Processes on this machine, each with one thread; 1 computes in this process.
    executor : Executor, optional
        Already entered; computes the folds in place of `workers`.
    on_outcome : callable, optional
        Called with each `Outcome` as it arrives, also with those that will be retried.
    until : float, optional
        When no further fold begins, by the monotonic clock; those at work are finished.

    Raises
    ------
    MerError
        ``cannot write``, if the store takes no more, or ``folds failed``, if `IN_A_ROW` folds
        failed one after the other: what is in the store stays, and nothing more is computed;
        ``unknown name``, if a specification names a model that there is not.
    """
    for name in dict.fromkeys(job.spec.model.name for job in jobs):
        models.find(name)
    store = RunStore(context.store)
    store.prepare()
    if executor is None:
        with open_executor(workers=workers) as own:
            return run(jobs, context, executor=own, on_outcome=on_outcome, until=until)
    specs = {job.spec.key: job.spec for job in jobs}
    store.set_damaged_aside(specs.values())
    unfinished = Counter(job.spec.key for job in jobs)
    report, waiting, in_a_row = Report(), deque(jobs), list[Outcome]()
    for last_try in (False, True):
        again: list[Outcome] = []
        # In the second round, folds that another run held are waited for.
        with closing(executor.outcomes(waiting, context, wait_for_others=last_try)) as outcomes:
            for outcome in outcomes:
                if until is not None and time.monotonic() > until and waiting:
                    report.stopped = True
                    waiting.clear()  # the executor begins no other
                if on_outcome:
                    on_outcome(outcome)
                if outcome.status == "unwritable":
                    raise _unwritable(store, outcome)
                if outcome.status in ("done", "present"):
                    report.done += outcome.status == "done"
                    report.present += outcome.status == "present"
                    unfinished[outcome.job.spec.key] -= 1
                    if not unfinished[outcome.job.spec.key]:
                        _consolidate(store, outcome.job.spec, context)
                elif last_try:
                    report.failed.append(outcome)
                else:
                    again.append(outcome)
                if not last_try and outcome.status != "busy":
                    in_a_row = [*in_a_row, outcome] if outcome.status == "failed" else []
                if len(in_a_row) == IN_A_ROW:
                    _note(store, in_a_row)
                    raise _all_fail(in_a_row[0], report.done)
        if report.stopped:
            report.failed = [outcome for outcome in again if outcome.status == "failed"]
        if not again or report.stopped:
            break
        waiting = deque(outcome.job for outcome in again)
    _note(store, report.failed)
    return report


def _note(store: RunStore, failed: Sequence[Outcome]) -> None:
    for outcome in failed:
        with suppress(MerError):  # the note is a help, not a result
            store.write_failure(outcome.job.spec, outcome.job.held_out, outcome.error)


def _all_fail(first: Outcome, done: int) -> MerError:
    return MerError(
        "folds failed",
        f"the run stopped, as {IN_A_ROW} folds failed one after the other, {done} being done; the "
        f"first was {first.job.spec.model.name}, held_out={first.job.held_out}: "
        f"{first.error.strip()}",
        "folds that can be computed",
        "mend the cause of the first; the same command goes on from here",
    )


def _consolidate(store: RunStore, spec: RunSpec, context: Context) -> None:
    """Put a run into one file, if no fold of it is missing."""
    clips = context.data(spec.data).clips
    store.consolidate(spec, [fold.held_out for fold in folds(clips, spec.evaluation)])


def _unwritable(store: RunStore, outcome: Outcome) -> MerError:
    return MerError(
        "cannot write",
        f"the run stopped: {outcome.error}",
        f"a store in {store.path} that takes one more fold",
        "do what the message says; the same command goes on from here",
    )
