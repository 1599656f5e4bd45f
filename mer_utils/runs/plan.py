"""Plan runs: count what they would do and estimate how long that takes.

On this device from a quick probe of each model; on a data-centre GPU that is not here from
counted operations and the rates at which such a GPU was measured to take them.
"""

from __future__ import annotations

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

# Operations a second of training steps on one H200, measured by `make gpu-check` at the paper's
# image size with batches of 16; a record in benchmarks/recorded holds them.
GPU_OPERATIONS_PER_SECOND = {
    "vgg19": {"float32": 35.3e12, "bfloat16": 201e12},
    "resnet50": {"float32": 11.3e12, "bfloat16": 63.8e12},
    "efficientnet_b0": {"float32": 2.30e12, "bfloat16": 5.43e12},
    "mobilenetv2_100": {"float32": 2.09e12, "bfloat16": 6.27e12},
    "vit_base_patch16_224": {"float32": 34.7e12, "bfloat16": 180e12},
    "learnet": {"float32": 0.653e12, "bfloat16": 1.76e12},
}
# Of a network that was not measured.
_LIKE = "resnet50"

# Training images a second that it is assumed not to exceed: what the smallest network reached.
# Small ones wait for memory and for the start of each layer, not for arithmetic.
GPU_IMAGES_PER_SECOND = 11_000.0

# A training step takes three times the operations of a forward pass: the backward pass
# multiplies once for the layer's input and once for its weights. (PyTorch's counter cannot
# be asked for it: it overcounts the backward pass of grouped convolutions tenfold.)
STEP_OVER_FORWARD = 3

# A step of a GPU takes milliseconds.
_PROBE_STEPS = {"cpu": 3, "cuda": 20}
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
        Estimated for them on one H200.
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
        Processes that share the work. Those on one GPU share it: by more of them it was measured
        to become a tenth faster at most, so they count as one.
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
        measured = GPU_OPERATIONS_PER_SECOND.get(spec.model.name, GPU_OPERATIONS_PER_SECOND[_LIKE])
        rate = min(GPU_IMAGES_PER_SECOND, measured[spec.training.precision] / each)
        images += shown
        operations += shown * each
        gpu_seconds += shown / rate
        seconds += shown * seconds_per_image(spec.model, size, classes, spec.training, device)
    folds = sum(clips[spec.data]["subject"].nunique() for spec in specs)
    seconds /= _side_by_side(device, workers)
    return Plan(len(specs), folds, len(missing), images, operations, seconds, gpu_seconds)


def _side_by_side(device: str, workers: int) -> int:
    """Return by how many the work is divided: the workers, on GPUs no more than there are."""
    place = resolve_device(device)
    if place.type != "cuda":
        return workers
    named = require("torch", "train").device("cuda" if device == "auto" else device).index
    return min(workers, 1 if named is not None else require("torch", "train").cuda.device_count())


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
        images = np.zeros((size * steps, image_size, image_size, 3), np.uint8)
        options = training.model_copy(update={"epochs": 1, "batch_size": size})
        classifier = Classifier(network, options, device=place)
        classifier.fit(images[:size], np.arange(size) % classes)  # also sets things up
        classifier.start_again(classifier.network)
        report = classifier.fit(images, np.arange(len(images)) % classes)
        return report.compute_seconds / report.images

    # A full batch is tried only where it is quick.
    few = seconds(2, 1)
    if 2 * few > _QUICK_SECONDS:
        return few
    return seconds(training.batch_size, _PROBE_STEPS[place.type])
