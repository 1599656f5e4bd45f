"""What stands in for `run_fold` in worker processes; without torch, so that they start quickly."""

from __future__ import annotations

import os
import signal
import time
from unittest.mock import patch

import psutil

from mer_utils.runs import Outcome, fold


def failing(job, context, error):
    """What `run_fold` makes of an error in a fold."""
    with patch("mer_utils.runs.fold.compute_fold", side_effect=error):
        return fold.run_fold(job, context)


def die_or_report(job, context, *, wait):
    if job.held_out == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(job, "present")


def report_worker(job, context, *, wait):
    return Outcome(job, "present", error=str(context.worker))


def broken_at_first(job, context, *, wait):
    """The GPU of the first worker that takes a fold fails it, and every later fold of that one."""
    marker = context.store.parent / "broken"
    try:
        marker.touch(exist_ok=False)
        marker.write_text(str(os.getpid()))
    except FileExistsError:
        pass
    if marker.read_text() == str(os.getpid()):
        error = RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors ...")
        return failing(job, context, error)
    return Outcome(job, "done")


def short_of_memory(job, context, *, wait):
    """There is memory for the two workers that came first."""
    folder = context.store.parent / "at work"
    folder.mkdir(exist_ok=True)
    mine = folder / str(os.getpid())
    if not mine.exists():
        mine.touch()
    time.sleep(0.2)
    alive = [f for f in folder.iterdir() if psutil.pid_exists(int(f.name))]
    if mine not in sorted(alive, key=lambda f: f.stat().st_mtime_ns)[:2]:
        return failing(job, context, RuntimeError("CUDA error: out of memory"))
    return Outcome(job, "done")


def short_for_whole_batches(job, context, *, wait):
    """There is memory for parts of four images."""
    if (context.micro_batch or 16) > 4:
        return failing(job, context, RuntimeError("CUDA error: out of memory"))
    return Outcome(job, "done")


def slow(job, context, *, wait):
    time.sleep(1)
    return Outcome(job, "done")
