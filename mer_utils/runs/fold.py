"""Compute one fold and put it into the store."""

from __future__ import annotations

import gc
import re
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from filelock import Timeout

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.protocol import fold_of
from mer_utils.runs.data import Context
from mer_utils.runs.environment import environment, hardware
from mer_utils.runs.rows import prediction_rows
from mer_utils.runs.spec import RunSpec
from mer_utils.runs.store import RunStore
from mer_utils.training import TRAINING_VERSION
from mer_utils.views import VIEWS_VERSION

Status = Literal["done", "present", "busy", "failed", "unwritable"]
Cause = Literal["", "device", "memory", "died", "killed"]


@dataclass(frozen=True)
class Job:
    """The unit of work: one run and the fold it computes, named by the held-out subject."""

    spec: RunSpec
    held_out: str


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    job : Job
    status : {"done", "present", "busy", "failed", "unwritable"}
        ``present``: it was in the store already; ``busy``: another process computes it;
        ``unwritable``: the store cannot be used or takes no more, so going on is in vain.
    seconds : float
        That the fold took, without what its process took to start.
    error : str
        What went wrong, with its place; empty if nothing did.
    cause : {"", "device", "memory", "died", "killed"}
        Of a failure that is not the fold's own: the GPU failed its process for good, there was
        not enough memory, or the process died, perhaps killed.
    """

    job: Job
    status: Status
    seconds: float = 0.0
    error: str = ""
    cause: Cause = ""


def run_fold(job: Job, context: Context, *, wait: bool = False) -> Outcome:
    """Compute a fold unless it is in the store, and store it.

    Parameters
    ----------
    job : Job
    context : Context
    wait : bool
        Wait for another process that computes this fold, instead of giving it back.

    Returns
    -------
    Outcome
        Failures are returned, not raised: one fold never stops another.
    """
    outcome = _stored(job, context, wait)
    if outcome.cause == "memory":
        _free()
    return outcome


def _stored(job: Job, context: Context, wait: bool) -> Outcome:
    status: Status = "unwritable"
    try:
        store = RunStore(context.store)
        with store.lock(job.spec, job.held_out, wait=wait):
            if store.has(job.spec, job.held_out):
                return Outcome(job, "present")
            status = "failed"
            rows, record, maps = compute_fold(job, context)
            status = "unwritable"
            store.write(job.spec, job.held_out, rows, record, maps)
    except Timeout:
        return Outcome(job, "busy")
    except MerError as error:
        return Outcome(job, status, error=str(error))
    except Exception as error:  # a fold that fails must not take the others with it
        cause = cause_of(error)
        said = str(_explained(job, cause, error)) if cause else traceback.format_exc()
        return Outcome(job, "failed", error=said, cause=cause)
    return Outcome(job, "done", record["seconds"])


# What torch, its libraries and numpy say, as they have no types of their own for most of it.
_MEMORY = re.compile(r"out of memory|alloc(ate)? memory|ALLOC_FAILED|insufficient memory", re.I)
_DEVICE = re.compile(r"\b(CUDA|HIP|cuDNN|cuBLAS|NCCL) (driver )?error|CU(DNN|BLAS)_STATUS", re.I)


def cause_of(error: BaseException) -> Cause:
    """Say whether an error is the device's, for which its process is of no more use, or memory's.

    Examples
    --------
    >>> cause_of(RuntimeError("CUDA error: device-side assert triggered")), cause_of(MemoryError())
    ('device', 'memory')
    """
    if isinstance(error, MemoryError) or _MEMORY.search(str(error)):
        return "memory"
    # Of this type are the errors of every accelerator; older releases of torch lack it.
    lasting = getattr(sys.modules.get("torch"), "AcceleratorError", ())
    device = isinstance(error, lasting) or _DEVICE.search(str(error))
    return "device" if device else ""


def _explained(job: Job, cause: Cause, error: BaseException) -> MerError:
    said = next(iter(str(error).splitlines()), "") or type(error).__name__
    fold = (
        f"{job.spec.model.name} at {job.spec.views.image_size} px, batch "
        f"{job.spec.training.batch_size}, held_out={job.held_out}: {said[:200]}"
    )
    if cause == "memory":
        return MerError(
            "out of memory",
            fold,
            "enough memory for one fold in each worker",
            "use fewer workers or a larger device; folds that are done are kept",
        )
    return MerError(
        "device failed",
        fold,
        "a GPU that works until the fold is done",
        "look with nvidia-smi what holds it, then give the same command again; folds that are "
        "done are kept",
    )


def _free() -> None:
    """Give memory back that a failed fold held, once its frames are gone."""
    if (learners := sys.modules.get("mer_utils.runs.learners")) is not None:
        learners.release()
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def compute_fold(
    job: Job, context: Context
) -> tuple[pd.DataFrame, dict[str, Any], np.ndarray | None]:
    """Train on every subject but one, predict that one; or fit and predict a baseline so.

    Returns
    -------
    rows : DataFrame
        One row per tested clip, view and epoch, see :func:`mer_utils.runs.prediction_rows`.
    record : dict
        Versions, device, times and counts.
    maps : ndarray of shape (n, h, w), float32, or None
        Class activation maps of the clips tested on ``full``, for convolutional networks.

    Raises
    ------
    MerError
        ``other code``, ``other data``, ``other weights`` or ``no device``, if this machine's
        are not those that the run names; ``diverged fold``, if what was learnt is no number.
    """
    # Imported here because torch takes seconds to load, and naming a fold or asking whether it
    # is in the store needs none of it; and before the clock starts, which times the fold.
    torch = require("torch", "train")
    from mer_utils.runs.device import make_repeatable
    from mer_utils.runs.learners import fit_baseline, train_network

    is_network = models.is_network(job.spec.model.name)
    if is_network and not getattr(models.find(job.spec.model.name), "constructor", None):
        require("timm", "train")
    begun = time.perf_counter()
    make_repeatable()
    _require_same_code(job.spec)
    clips = context.data(job.spec.data).clips
    fold = fold_of(clips, job.held_out, job.spec.evaluation)
    learn = train_network if is_network else fit_baseline
    done = learn(job.spec, context, clips, fold)
    views, epochs, tested, probabilities = zip(*done.predictions, strict=True)
    counts = [len(positions) for positions in tested]
    rows = prediction_rows(
        job.spec,
        clips,
        np.repeat(views, counts),
        np.concatenate(tested),
        np.concatenate(probabilities),
        np.repeat(epochs, counts),
    )
    record = {
        **environment(),
        "threads": torch.get_num_threads(),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": time.perf_counter() - begun,
        "training_clips": len(fold.train),
        **done.record,
        **hardware(torch, done.record["device"]),
    }
    return rows, record, done.maps


def _require_same_code(spec: RunSpec) -> None:
    found = (spec.training_version, spec.views_version)
    if found != (TRAINING_VERSION, VIEWS_VERSION):
        raise MerError(
            "other code",
            f"the run was planned with training code {found[0]} and view code {found[1]}",
            f"versions {TRAINING_VERSION} and {VIEWS_VERSION}, which are installed here",
            "install the same release of mer-utils wherever the run is planned and computed",
        )
    if spec.own_code != spec.own_code_here():
        raise MerError(
            "other code",
            f"{spec.model.name} or {spec.spatial}, which is your own, is other code here",
            "the code that the run was planned with",
            "register the same on every machine, under the same release of Python, and plan anew",
        )
