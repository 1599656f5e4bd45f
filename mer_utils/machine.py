"""How much of this machine is ours."""

from __future__ import annotations

import os


def cores() -> int:
    """Return how many cores this process may use: on a shared machine often fewer than there are.

    Examples
    --------
    >>> 1 <= cores() <= os.cpu_count()
    True
    """
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
