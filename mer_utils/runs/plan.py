"""Plan runs: count what they would do and estimate how long that takes.

On this device from a quick probe of each model; on a data-centre GPU that is not here from
counted operations and the rates at which such a GPU was measured to take them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.protocol import folds as folds_of
from mer_utils.runs.data import Context
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
# The same of training on one core of a server processor, in float32; narrowed networks at 48
# pixels, from the record of `make bench`. No processor is assumed to be faster in bfloat16.
CORE_OPERATIONS_PER_SECOND = {
    "vgg19": 21.4e9,
    "resnet50": 22.9e9,
    "efficientnet_b0": 3.94e9,
    "mobilenetv2_100": 5.21e9,
    "vit_base_patch16_224": 17.5e9,
    "learnet": 17.8e9,
}
# Of a network that was not measured.
_LIKE = "resnet50"

#: How many times as long a GPU of 8 GB is assumed to take as one H200: their published memory
#: bandwidths, 4.8 TB/s and 272 GB/s (GeForce RTX 4060). None was measured.
SMALL_GPU_TIMES = 18

# What a baseline takes on one core, roughly: next to nothing beside a network.
_BASELINE_SECONDS = 1.0

# The paper's image size, by network.
_PAPER_SIZES = {"learnet": 112}
_PAPER_SIZE = 224
# By how much smaller images, or a narrower network, are faster on one H200 than the network at the
# paper's size, at most: ResNet50 took 3,549 images a second at half the side, not four times its
# 2,601. Small ones wait for memory and for the start of each layer, not for arithmetic.
GPU_GAIN = 1.36

# A training step takes three times the operations of a forward pass: the backward pass
# multiplies once for the layer's input and once for its weights. (PyTorch's counter cannot
# be asked for it: it overcounts the backward pass of grouped convolutions tenfold.)
STEP_OVER_FORWARD = 3

#: By how much a fold takes longer than its steps: it predicts after every epoch and makes its
#: network. Measured on a processor: a seventh.
BESIDE_STEPS = 1.15

# A step of a GPU takes milliseconds.
_PROBE_STEPS = {"cpu": 3, "cuda": 20}
_QUICK_SECONDS = 0.3


class Cost(NamedTuple):
    """What a fold, or many of them, would take.

    Parameters
    ----------
    images : int
        Training images shown, repeats and epochs counted.
    operations : float
        Floating-point operations of the training steps, counted.
    seconds : float
        Estimated for one worker on this device; 0 if it was not asked for.
    gpu_seconds, small_gpu_seconds, core_seconds : float
        Estimated for one H200, a GPU of 8 GB, and one core of the processor that was measured.
    """

    images: int = 0
    operations: float = 0.0
    seconds: float = 0.0
    gpu_seconds: float = 0.0
    small_gpu_seconds: float = 0.0
    core_seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What computing some runs takes.

    Parameters
    ----------
    runs, folds, missing : int
    images : int
    operations : float
        As in `Cost`.
    seconds : float
        Estimated for the missing folds, on this device.
    gpu_seconds, small_gpu_seconds, core_seconds : float
        Estimated for them as in `Cost`.
    """

    runs: int
    folds: int
    missing: int
    images: int
    operations: float
    seconds: float
    gpu_seconds: float
    small_gpu_seconds: float
    core_seconds: float


def plan_runs(
    specs: Sequence[RunSpec],
    missing: Sequence[Job],
    clips: Mapping[DataSpec, pd.DataFrame],
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
    clips : mapping of DataSpec to DataFrame
        The clip tables.
    device : str
        Where each model is probed, see `resolve_device`.
    workers : int
        Processes that share the work. Those on one GPU share it: by more of them it was measured
        to become a tenth faster at most, so they count as one.
    """
    costs = fold_costs(missing, clips, device).values()
    networks = [cost for cost in costs if cost.images]
    total = Cost(*map(sum, zip(*(networks or [Cost()]), strict=True)))
    runs = Counter((spec.data, spec.evaluation) for spec in specs)
    folds = sum(n * len(list(folds_of(clips[data], how))) for (data, how), n in runs.items())
    here = BESIDE_STEPS * total.seconds / side_by_side(device, workers)
    return Plan(len(specs), folds, len(missing), *total._replace(seconds=here))


def fold_costs(
    jobs: Iterable[Job], clips: Mapping[DataSpec, pd.DataFrame], device: str | None = None
) -> dict[Job, Cost]:
    """Estimate what each fold takes; a `device` is probed, without one nothing is measured.

    Raises
    ------
    MerError
        ``invalid option``, if a network does not take images of its size.
    """
    trained_on: dict[tuple[DataSpec, str], dict[str, int]] = {}
    return {job: _fold_cost(job, clips, device, trained_on) for job in jobs}


def planned_seconds(jobs: Sequence[Job], context: Context) -> dict[Job, float]:
    """Return what each fold takes by recorded rates, of the kind of device that computes it.

    Only their ratios are of use. If a network's operations cannot be counted, all count alike.
    """
    clips = {data: context.data(data).clips for data in {job.spec.data for job in jobs}}
    cuda = require("torch", "train").cuda
    gpu = cuda.is_available() if context.device == "auto" else context.device != "cpu"
    try:
        costs = fold_costs(jobs, clips)
    except MerError:
        return dict.fromkeys(jobs, 1.0)
    return {job: cost.gpu_seconds if gpu else cost.core_seconds for job, cost in costs.items()}


def _fold_cost(
    job: Job,
    clips: Mapping[DataSpec, pd.DataFrame],
    device: str | None,
    trained_on: dict[tuple[DataSpec, str], dict[str, int]],
) -> Cost:
    spec, table = job.spec, clips[job.spec.data]
    if not models.is_network(spec.model.name):
        return Cost(0, 0.0, *(_BASELINE_SECONDS,) * 4)
    kind = (spec.data, spec.evaluation)
    if kind not in trained_on:
        found = folds_of(table, spec.evaluation)
        trained_on[kind] = {fold.held_out: len(fold.train) for fold in found}
    shown = trained_on[kind][job.held_out] * len(spec.train_views) * spec.training.epochs
    classes, size = len(table["label"].cat.categories), spec.views.image_size
    each = STEP_OVER_FORWARD * forward_operations(spec.model, size, classes)
    like = spec.model.name if spec.model.name in CORE_OPERATIONS_PER_SECOND else _LIKE
    here = device and seconds_per_image(spec.model, size, classes, spec.training, device)
    paper_size = _PAPER_SIZES.get(like, _PAPER_SIZE)
    paper = STEP_OVER_FORWARD * forward_operations(ModelSpec(name=like), paper_size, classes)
    rate = GPU_OPERATIONS_PER_SECOND[like][spec.training.precision]
    gpu = shown * max(each, paper / GPU_GAIN) / rate
    small = max(gpu, SMALL_GPU_TIMES * shown * each / rate)
    core = shown * each / CORE_OPERATIONS_PER_SECOND[like]
    return Cost(shown, shown * each, shown * (here or 0.0), gpu, small, core)


def side_by_side(device: str, workers: int) -> int:
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
        network = models.create(
            model.name, classes, image_size, width=model.width, depth=model.depth
        )
        try:
            return models.count_operations(network, image_size)
        except Exception as error:  # whatever a network of timm, or the user's, stumbles over
            raise MerError(
                "invalid option",
                f"{model.name} does not take images of {image_size} pixels "
                f"({str(error).splitlines()[0][:200]})",
                "a size that the network takes",
                "choose another image size for it",
            ) from error


@lru_cache(maxsize=64)
def seconds_per_image(
    model: ModelSpec, image_size: int, classes: int, training: TrainingOptions, device: str
) -> float:
    """Measure the time of a training step an image: a few steps of an untrained network."""
    from mer_utils.training import Classifier  # with torch

    make_repeatable()
    place = resolve_device(device)
    network = models.create(model.name, classes, image_size, width=model.width, depth=model.depth)

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
