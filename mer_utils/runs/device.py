"""Choose the device and make what it computes repeatable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.registry import unknown

if TYPE_CHECKING:
    import torch


def resolve_device(wanted: str, worker: int = 0) -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    wanted : {"auto", "cpu", "cuda"} or a torch name such as "cuda:1"
        ``auto`` takes a GPU where one is at hand. Without a number, workers take the visible
        GPUs in turn.
    worker : int
        Number of the process that asks.

    Raises
    ------
    MerError
        ``no device``, if a GPU is demanded and not there: a run never moves to the CPU
        silently; ``unknown name``.
    """
    torch = require("torch", "train")
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise unknown("device", wanted, ("auto", "cpu", "cuda", "cuda:1")) from error
    if device.type != "cuda":
        return device
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0 or (device.index or 0) >= count:
        raise MerError(
            "no device",
            f"device {wanted!r} was demanded and {count} GPU(s) are visible, counted from 0",
            "a CUDA device of that number",
            "run where it is, correct the number, use --device cuda to share all GPUs, or auto",
        )
    return torch.device("cuda", worker % count if device.index is None else device.index)


def make_repeatable() -> None:
    """Fix everything in this process that could change a result from run to run.

    One thread: the order in which threads add up numbers changes the last bits, and folds
    run side by side anyway.
    """
    torch = require("torch", "train")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # Filling new memory with NaN shows code that reads it unwritten, which nothing here does;
    # it costs a twentieth of the training.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    # By default a GPU rounds the inputs of float32 convolutions to 10 bits (TF32).
    torch.backends.cudnn.allow_tf32 = False


def device_name(device: torch.device) -> str:
    """Return the device's name for the record."""
    torch = require("torch", "train")
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
