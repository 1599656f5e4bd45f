"""What this machine is, and how fast it is at best."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psutil
import torch
from torch.nn.functional import conv2d

from benchmarks.clock import best, seconds
from companion.costs.record import NO_GPU
from mer_utils.runs import environment


def describe() -> dict[str, Any]:
    """Return processor, cores, memory, GPU, versions, commit, time, and how busy it was."""
    about = environment()
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else NO_GPU
    return {
        "processor": about["processor"],
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "gpu": gpu,
        "system": about["system"],
        "python": about["python"],
        **{name: about["packages"].get(name, "?") for name in ("torch", "numpy", "opencv-python")},
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


def matmul_peak(
    threads: int = 1,
    rounds: int = 5,
    *,
    sizes: Sequence[int] = (512, 1024, 2048),
    timer: Callable[[Callable[[], object]], float] = seconds,
    **kind: Any,
) -> float:
    """Return the operations per second of the fastest matrix product tried.

    `kind` is the matrices' device and dtype, if not float32 on the CPU.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    rates = []
    for size in sizes:
        a, b = (torch.rand(size, size, **kind) for _ in range(2))
        # The same product as a convolution with kernels of one place: on some processors the
        # library for convolutions is the faster one.
        rows = a.reshape(1, size, 1, size).permute(0, 3, 1, 2)
        kernels = b.T.contiguous().reshape(size, size, 1, 1)
        products = {
            "product": lambda a=a, b=b: a @ b,
            "convolution": lambda x=rows, w=kernels: conv2d(x, w),
        }
        # As everywhere in this project, an addition and a multiplication are two operations.
        rates.append(2 * size**3 / min(best(products, rounds, timer).values()))
    torch.set_num_threads(before)
    return max(rates)
