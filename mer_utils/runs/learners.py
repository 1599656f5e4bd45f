"""What a fold trains and predicts: a network, or a baseline."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.phases import PHASES
from mer_utils.protocol import Fold
from mer_utils.runs.data import Context, load_views, tested_views, views_of
from mer_utils.runs.device import device_name, resolve_device
from mer_utils.runs.spec import DataSpec, RunSpec
from mer_utils.runs.weights import require_same_weights
from mer_utils.training.classifier import Classifier, normalises_batches
from mer_utils.views import ViewOptions, Views


@dataclass
class Predicted:
    """What a fold's model predicted.

    Parameters
    ----------
    predictions : list of tuple
        View, epochs trained, positions of the tested clips, probabilities.
    record : dict
        Device, times and counts.
    maps : ndarray of shape (n, h, w), float32, or None
        Class activation maps of the clips tested on ``full``.
    """

    predictions: list[tuple[str, int, np.ndarray, np.ndarray]] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    maps: np.ndarray | None = None


def train_network(spec: RunSpec, context: Context, clips: pd.DataFrame, fold: Fold) -> Predicted:
    """Train a network on the fold; predict `full` after every epoch, the halves at the end."""
    device = resolve_device(context.device, context.worker)
    seed = spec.fold_seed(fold.held_out)
    if spec.model.pretrained:
        require_same_weights(spec)
    views = load_views(spec, context)
    images, labels = training_set(views, fold, spec)
    torch.manual_seed(seed)
    network = models.create(
        spec.model.name,
        len(clips["label"].cat.categories),
        spec.views.image_size,
        width=spec.model.width,
        depth=spec.model.depth,
        pretrained=spec.model.pretrained,
    )
    classifier = _classifier(spec, network, device, context.micro_batch)
    done, seconds = Predicted(), 0.0

    def predicted(epoch: int) -> None:
        nonlocal seconds
        started = time.perf_counter()
        for view in tested_views(spec) if epoch == spec.training.epochs else ("full",):
            shown, tested = views.of(view, fold.test)
            if len(tested) or view == "full":
                done.predictions.append((view, epoch, tested, classifier.predict(shown)))
        seconds += time.perf_counter() - started

    report = classifier.fit(images, labels, spatial=spec.spatial, seed=seed, after_epoch=predicted)
    done.maps = _maps(classifier, views, fold)
    done.record = {
        "device": device_name(device),
        "precision": spec.training.precision,
        "micro_batch": classifier.micro_batch,
        "compute_seconds": report.compute_seconds,
        "predict_seconds": seconds,
        "training_images": len(images),
        "images_shown": report.images,
        "steps": report.steps,
        "losses": report.losses,
    }
    return done


# The classifier of the last fold on a GPU, by what it was made of.
_KEPT: dict[tuple[Any, ...], Classifier] = {}


def _classifier(
    spec: RunSpec, network: nn.Module, device: torch.device, micro_batch: int | None
) -> Classifier:
    """Return a classifier of the network; on a GPU that of the last fold, if it was of its like.

    What the GPU has captured of that one's steps is replayed: capturing them takes as long as
    a fold of a small network.
    """
    known = models.find(spec.model.name)
    shapes = tuple((name, value.shape) for name, value in network.state_dict().items())
    key = (known, spec.own_code, shapes, spec.views.image_size, spec.training, device, micro_batch)
    if device.type == "cuda" and key in _KEPT:
        _KEPT[key].start_again(network)
        return _KEPT[key]
    release()  # its memory is free before that of another is asked for
    pretrained = spec.model.pretrained
    if normalises_batches(network):
        micro_batch = None
    classifier = Classifier(
        network, spec.training, pretrained=pretrained, device=device, micro_batch=micro_batch
    )
    if device.type == "cuda":
        _KEPT[key] = classifier
    return classifier


def release() -> None:
    """Let go of what the last fold left on a GPU for the next."""
    _KEPT.clear()


def _maps(classifier: Classifier, views: Views, fold: Fold) -> np.ndarray | None:
    """Return where the network looked for each tested clip's true class, if it can be said."""
    # Imported here: captum takes a while to load, and a baseline needs none of it.
    require("captum", "train")
    from mer_utils.training.explain import class_activation_maps

    shown, classes = views.test_set(fold)
    try:
        return class_activation_maps(classifier, shown, classes, upsample=False)
    except MerError as error:
        if error.kind != "invalid option":
            raise
        return None  # a transformer, or images too small for the last convolution


def fit_baseline(spec: RunSpec, context: Context, clips: pd.DataFrame, fold: Fold) -> Predicted:
    """Fit a baseline on the fold and predict every view."""
    described = _described(
        spec.data, spec.views, views_of(spec), (spec.model.name, spec.own_code), context
    )
    features, labels = training_set(described, fold, spec)
    views = tested_views(spec)
    tested = [described.of(view, fold.test) for view in views]
    found = models.MODELS[spec.model.name].fit_and_predict(
        features,
        labels,
        [shown for shown, _ in tested],
        len(clips["label"].cat.categories),
    )
    epoch = spec.training.epochs
    return Predicted(
        [
            (view, epoch, having, p)
            for view, (_, having), p in zip(views, tested, found, strict=True)
            if len(having) or view == "full"
        ],
        {"device": "cpu", "precision": "float32", "training_images": len(features)},
    )


@lru_cache(maxsize=4)
def _described(
    data: DataSpec,
    options: ViewOptions,
    wanted: tuple[str, ...],
    baseline: tuple[str, str | None],
    context: Context,
) -> Views:
    """Return the features of every view, in place of the images: once for all folds."""
    views = context.data(data).views(options, wanted)
    describe = models.MODELS[baseline[0]].describe
    features = {view: describe(np.asarray(images)) for view, images in views.images.items()}
    return Views(features, views.present, views.labels)


def training_set(views: Views, fold: Fold, spec: RunSpec) -> tuple[np.ndarray, np.ndarray]:
    """Return the images that a fold trains on and their classes, see `Views.training_set`.

    With the evaluation ``"held-out copies"``, a mistake to be measured, the halves of the
    tested clips are among them.
    """
    images, labels = views.training_set(fold, spec.train_views)
    if spec.evaluation == "held-out copies":
        leaked = [views.test_set(fold, view) for view in PHASES if view != "full"]
        images = np.concatenate([images, *(copies for copies, _ in leaked)])
        labels = np.concatenate([labels, *(classes for _, classes in leaked)])
    if len(images) < 2:
        raise MerError(
            "too few subjects",
            f"the fold that holds {fold.held_out} out has {len(images)} training images",
            "two at least",
            "add clips of other subjects",
        )
    return images, labels
