"""What this machine is, and how fast it is at best."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psutil
import torch

from benchmarks.clock import best
from mer_utils.runs import environment


def describe() -> dict[str, Any]:
    """Return processor, cores, memory, versions, commit, time, and how busy it was."""
    about = environment()
    return {
        "processor": about["processor"],
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": about["system"],
        "python": about["python"],
        **{name: about["packages"][name] for name in ("torch", "numpy", "opencv-python")},
        "commit": about["commit"],
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        # Processes that were ready to run when the benchmark began: above 0, others competed.
        "load_before": round(os.getloadavg()[0], 2),
    }


def read_seconds(array: np.ndarray, rounds: int) -> float:
    """Return the time in which one thread reads an array's bytes: their sum, as integers."""
    flat = array.reshape(-1)
    words = flat[: flat.size // 8 * 8].view(np.uint64)
    return best({"read": words.sum}, rounds)["read"]


def matmul_peak(threads: int = 1, rounds: int = 5) -> float:
    """Return the operations a second of the fastest float32 matrix product tried."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    rates = []
    for size in (512, 1024, 2048):
        a, b = torch.rand(size, size), torch.rand(size, size)
        took = best({"product": lambda a=a, b=b: a @ b}, rounds)["product"]
        # As everywhere in this project, an addition and a multiplication are two operations.
        rates.append(2 * size**3 / took)
    torch.set_num_threads(before)
    return max(rates)
