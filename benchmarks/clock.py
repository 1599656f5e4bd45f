"""Timing: the best of several rounds, with the contestants taking turns; fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def seconds(work: Callable[[], object]) -> float:
    """Return the wall-clock time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def best(
    work: dict[str, Callable[[], object]],
    rounds: int,
    timer: Callable[[Callable[[], object]], float] = seconds,
) -> dict[str, float]:
    """Return each contestant's shortest time, in seconds, after one round to warm up.

    They take turns, so that a busy spell of the machine hits all of them and not one; the
    shortest time is the one that other processes disturbed least.
    """
    for call in work.values():
        call()
    shortest = dict.fromkeys(work, float("inf"))
    for _ in range(rounds):
        for name, call in work.items():
            shortest[name] = min(shortest[name], timer(call))
    return shortest


def python(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start a Python process that imports from where this one does."""
    path = os.pathsep.join(part for part in sys.path if part)
    options = {"stdout": subprocess.DEVNULL, "text": True} | options
    return subprocess.Popen(
        [sys.executable, *arguments], env=os.environ | {"PYTHONPATH": path}, **options
    )


def on_device(device: torch.device, calls: int = 10) -> Callable[[Callable[[], object]], float]:
    """Return what times a call by the device's own clock.

    Several calls stand in its queue, so that it never waits for Python to start the next.
    """

    import torch  # takes seconds, and most of what is timed needs none of it

    def timer(work: Callable[[], object]) -> float:
        if device.type != "cuda":
            return seconds(work)
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        with torch.cuda.device(device):
            torch.cuda.synchronize()
            begin.record()
            for _ in range(calls):
                work()
            end.record()
            end.synchronize()
        return begin.elapsed_time(end) / 1e3 / calls

    return timer
