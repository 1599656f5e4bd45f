"""Choose the device and make what it computes repeatable."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.registry import unknown

if TYPE_CHECKING:
    import torch

    from mer_utils.runs.spec import RunSpec

log = logging.getLogger(__name__)


_DEVICES = ("auto", "cpu", "cuda", "cuda:1")


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
        silently; ``unknown name``; ``invalid setting``, if float32 is to be rounded from outside.
    """
    torch = require("torch", "train")
    _refuse_coarse_numbers()
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
        if wanted == "cpu":
            _say_if_a_gpu_is_idle()
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise unknown("device", wanted, _DEVICES) from error
    if device.type not in ("cpu", "cuda"):  # on which nobody has compared a result
        raise unknown("device", wanted, _DEVICES)
    if device.type != "cuda":
        return device
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0 or (device.index or 0) >= count:
        why = f" ({_why_none()})" if count == 0 else ""
        raise MerError(
            "no device",
            f"device {wanted!r} was demanded and {count} GPU(s) are visible, counted from 0{why}",
            "a CUDA device of that number" if count else "a GPU that PyTorch can use",
            "correct the number, use --device cuda to share all GPUs, or auto"
            if count
            else "run where one is, or take --device auto or cpu",
        )
    return torch.device("cuda", worker % count if device.index is None else device.index)


def local_rank() -> int:
    """Return the number of this process among those that a batch system started on this machine."""
    found = (os.environ.get(name, "") for name in _RANKS)
    return next((int(rank) for rank in found if rank.isdecimal()), 0)


# Of SLURM's srun, Open MPI's and MPICH's mpirun.
_RANKS = ("SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID")


# What a worker takes of a GPU's memory, estimated: for CUDA's own code and the libraries' work
# space, and for what each layer of a full-width network keeps of a pixel for the backward pass.
_CONTEXT_BYTES, _BYTES_PER_PIXEL = 1.0 * 2**30, 5000.0


def workers_that_fit(specs: Iterable[RunSpec], device: str) -> float:
    """Return how many workers the memory of the GPUs holds; infinity on a CPU.

    Each with the largest network of these runs. Estimated, so where memory turns out to be
    short, fewer workers go on, see `mer_utils.runs.local.Local`.
    """
    torch = require("torch", "train")
    place = resolve_device(device)
    if place.type != "cuda":
        return math.inf
    each = _CONTEXT_BYTES
    for model, size, batch in {(s.model, s.views.image_size, s.training.batch_size) for s in specs}:
        if models.is_network(model.name):
            with torch.device("meta"):
                network = models.create(model.name, 2, size, width=model.width, depth=model.depth)
            kept = _BYTES_PER_PIXEL * min(model.width, 1) * batch * size**2
            # Weights, gradients, and the optimiser's two moments, four bytes each.
            each = max(each, _CONTEXT_BYTES + 16 * models.count_parameters(network) + kept)
    shared = range(torch.cuda.device_count()) if device in ("auto", "cuda") else [place.index]
    # All of it, as asking for what is free would take some for this process.
    total = [torch.cuda.get_device_properties(number).total_memory for number in shared]
    return max(1, sum(int(bytes_ // each) for bytes_ in total))


@cache
def _say_if_a_gpu_is_idle() -> None:
    """Say why a GPU that is in this machine is not used, unless it was hidden on purpose."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1", "NoDevFiles")
    if not hidden and _gpus():
        log.warning(
            "A GPU is in this machine and cannot be used (%s): folds are computed on the CPU. Give "
            "--device cpu if that is meant.", _why_none(),
        )  # fmt: skip


def _gpus() -> list[Path]:
    """Return what the system shows of GPUs, whether or not they can be used."""
    return [*Path("/dev").glob("nvidia[0-9]*"), *Path("/proc/driver/nvidia/gpus").glob("*")]


def _why_none() -> str:
    torch = require("torch", "train")
    if torch.version.cuda is None and torch.version.hip is None:
        return f"torch {torch.__version__} is built for CPUs alone"
    try:
        torch.cuda.init()
    except Exception as error:  # whatever driver and libraries stumble over
        return str(error).strip().split("\n")[0][:200]
    return f"torch is built for CUDA {torch.version.cuda}"


#: By which float32 is rounded to fewer digits from outside, and with which values it is not.
_COARSE = {
    "NVIDIA_TF32_OVERRIDE": ("", "0"),
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": ("", "0"),
    "ONEDNN_DEFAULT_FPMATH_MODE": ("", "STRICT"),
    "DNNL_DEFAULT_FPMATH_MODE": ("", "STRICT"),
}


def _refuse_coarse_numbers() -> None:
    for name, harmless in _COARSE.items():
        if (value := os.environ.get(name, "").strip()).upper() not in harmless:
            raise MerError(
                "invalid setting",
                f"{name} is {value}, by which float32 is computed with fewer digits",
                f"{name} unset: a run's precision is part of what it is",
                f"unset {name}; for faster training set precision to bfloat16",
            )


def make_repeatable() -> None:
    """Fix everything in this process that could change a result from run to run.

    One thread: the order in which threads add up numbers changes the last bits, and folds
    run side by side anyway.
    """
    torch = require("torch", "train")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    # As use_deterministic_algorithms does, which imports torch's compiler too: two seconds.
    torch.set_deterministic_debug_mode("error")
    # Filling new memory with NaN shows code that reads it unwritten, which nothing here does;
    # it costs a twentieth of the training.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    # By default a GPU rounds the inputs of float32 convolutions to 10 bits (TF32).
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")


def device_name(device: torch.device) -> str:
    """Return the device's name for the record."""
    torch = require("torch", "train")
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
