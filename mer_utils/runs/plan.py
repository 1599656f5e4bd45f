"""Plan runs: count what they would do and estimate how long that takes.

On this device from a quick probe of each model; on a data-centre GPU that is not here from
counted operations and two assumed rates.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from mer_utils import models
from mer_utils.extras import require
from mer_utils.protocol import folds as folds_of
from mer_utils.runs.device import make_repeatable, resolve_device
from mer_utils.runs.fold import Job
from mer_utils.runs.spec import DataSpec, ModelSpec, RunSpec
from mer_utils.training import TrainingOptions

# Operations a second that one H100-class GPU is assumed to sustain in training: about a
# third of its peak of 67e12 in float32, and about a tenth of the 989e12 of its matrix units
# in bfloat16, as layers of few channels leave most of those units idle.
GPU_OPERATIONS_PER_SECOND = {"float32": 20e12, "bfloat16": 100e12}

# Training images per second that it is assumed not to exceed whatever the network: small ones
# wait for memory and for the start of each layer, not for arithmetic.
GPU_IMAGES_PER_SECOND = 2000.0

# A training step takes three times the operations of a forward pass: the backward pass
# multiplies once for the layer's input and once for its weights. (PyTorch's counter cannot
# be asked for it: it overcounts the backward pass of grouped convolutions tenfold.)
STEP_OVER_FORWARD = 3

_PROBE_STEPS = 3
_QUICK_SECONDS = 0.3


@dataclass(frozen=True)
class Plan:
    """What computing some runs takes.

    Parameters
    ----------
    runs, folds, missing : int
    images : int
        Training images that the missing folds show, repeats and epochs counted.
    operations : float
        Floating-point operations of their training steps, counted.
    seconds : float
        Estimated for the missing folds, on this device.
    gpu_seconds : float
        Estimated for them on one H100-class GPU.
    """

    runs: int
    folds: int
    missing: int
    images: int
    operations: float
    seconds: float
    gpu_seconds: float


def plan_runs(
    specs: Sequence[RunSpec],
    missing: Sequence[Job],
    clips: dict[DataSpec, pd.DataFrame],
    *,
    device: str = "auto",
    workers: int = 1,
) -> Plan:
    """Count runs, folds, images and operations, and estimate the time.

    Baselines count as runs and folds; they take next to no time.

    Parameters
    ----------
    specs : sequence of RunSpec
    missing : sequence of Job
        The folds that would be computed.
    clips : dict of DataSpec to DataFrame
        The clip tables; only the columns subject and label are read.
    device : str
        Where each model is probed, see `resolve_device`.
    workers : int
        Processes that share the work.
    """
    images, operations, seconds, gpu_seconds = 0, 0.0, 0.0, 0.0
    trained_on: dict[tuple[DataSpec, str], dict[str, int]] = {}
    for job in missing:
        spec, table = job.spec, clips[job.spec.data]
        if not models.is_network(spec.model.name):
            continue
        kind = (spec.data, spec.evaluation)
        if kind not in trained_on:
            trained_on[kind] = {
                fold.held_out: len(fold.train) for fold in folds_of(table, spec.evaluation)
            }
        trained = trained_on[kind][job.held_out]
        shown = trained * len(spec.train_views) * spec.training.epochs
        classes = len(table["label"].cat.categories)
        size = spec.views.image_size
        each = STEP_OVER_FORWARD * forward_operations(spec.model, size, classes)
        rate = min(GPU_IMAGES_PER_SECOND, GPU_OPERATIONS_PER_SECOND[spec.training.precision] / each)
        images += shown
        operations += shown * each
        gpu_seconds += shown / rate
        seconds += shown * seconds_per_image(spec.model, size, classes, spec.training, device)
    folds = sum(clips[spec.data]["subject"].nunique() for spec in specs)
    return Plan(len(specs), folds, len(missing), images, operations, seconds / workers, gpu_seconds)


@lru_cache(maxsize=64)
def forward_operations(model: ModelSpec, image_size: int, classes: int) -> int:
    """Count the operations of a forward pass for one image; no weight is made or loaded."""
    with require("torch", "train").device("meta"):
        network = models.create(model.name, classes, image_size, width=model.width)
        return models.count_operations(network, image_size)


@lru_cache(maxsize=64)
def seconds_per_image(
    model: ModelSpec, image_size: int, classes: int, training: TrainingOptions, device: str
) -> float:
    """Measure the time of a training step an image: a few steps of an untrained network."""
    from mer_utils.training import Classifier  # with torch

    make_repeatable()
    place = resolve_device(device)
    network = models.create(model.name, classes, image_size, width=model.width)

    def seconds(size: int, steps: int) -> float:
        images = np.zeros((size, image_size, image_size, 3), np.uint8)
        options = training.model_copy(update={"epochs": steps, "batch_size": size})
        started = time.perf_counter()
        Classifier(network, options, device=place).fit(images, np.arange(size) % classes)
        return time.perf_counter() - started

    # The first step also sets things up. A full batch is tried only where it is quick.
    seconds(2, 1)
    if (few := seconds(2, 1)) > _QUICK_SECONDS:
        return few / 2
    seconds(training.batch_size, 1)
    return seconds(training.batch_size, _PROBE_STEPS) / (training.batch_size * _PROBE_STEPS)
