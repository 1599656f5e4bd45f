"""Fit and predict."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mer_utils import augment
from mer_utils.errors import MerError
from mer_utils.metrics.arrays import fault_of_probabilities
from mer_utils.models import memory_format, normalisation
from mer_utils.training.options import TrainingOptions
from mer_utils.training.steps import Steps

PREDICTED_AT_ONCE = 64


@dataclass
class FitReport:
    """What a fit did.

    Parameters
    ----------
    steps : int
        Optimiser steps.
    images : int
        Training images shown, repeats counted.
    losses : list of float
        Mean training loss of each epoch.
    compute_seconds : float
        Time in forward, backward, optimiser and augmentation.
    """

    steps: int = 0
    images: int = 0
    losses: list[float] = field(default_factory=list)
    compute_seconds: float = 0.0


class Classifier:
    """A network with what its input is scaled by, how it is trained, and where it computes.

    Parameters
    ----------
    network : torch.nn.Module
        From (b, 3, h, w) to (b, classes) scores. It is moved to the device.
    options : TrainingOptions
    pretrained : bool
        Whether it starts from ImageNet weights, and so wants images scaled as they were.
    device : torch.device or str
    micro_batch : int, optional
        So many images of a batch go through the network at once, and their gradients add up
        to those of the batch: the same step in less memory. Not for networks with batch
        normalisation, which would normalise other batches. By default all.
    """

    def __init__(
        self,
        network: nn.Module,
        options: TrainingOptions | None = None,
        *,
        pretrained: bool = False,
        device: torch.device | str = "cpu",
        micro_batch: int | None = None,
    ) -> None:
        self.options, self.device = options or TrainingOptions(), torch.device(device)
        self.micro_batch, self.pretrained = micro_batch, pretrained
        self._steps: Steps | None = None
        self._goes_on = False
        # One walk through the network; torch documents this pair and its type stubs lack it.
        self.network = network.to(  # type: ignore[call-overload]
            device=self.device, memory_format=memory_format(network)
        )
        mean, std = normalisation(network, pretrained)
        self.mean, self.std = mean.to(self.device), std.to(self.device)

    def fit(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        spatial: str = "none",
        seed: int = 0,
        after_epoch: Callable[[int], None] | None = None,
    ) -> FitReport:
        """Train the network in place.

        Parameters
        ----------
        images : ndarray of shape (n, h, w, 3), uint8
            Every training image; an image to be seen several times per epoch stands here as
            often.
        labels : ndarray of shape (n,), int
            Class indices.
        spatial : str
            A key of :data:`mer_utils.augment.SPATIAL`.
        seed : int
            Of the order of the images, the augmentation and dropout.
        after_epoch : callable, optional
            Called with the number of epochs done. It may predict; it must not change the
            network, nor draw random numbers.

        Raises
        ------
        MerError
            ``bad frames``, if images are not as above; ``invalid option``, if labels are not, the
            network gives no scores of these classes, or a batch is to go in parts through one
            with batch normalisation, or the augmentation returns no numbers; ``bad weights``, if
            scores are no numbers before training.
        """
        self._require_whole_batches()
        _require_images(images)
        labels = _require_labels(labels, len(images))
        options, n = self.options, len(images)
        # The whole fold lies on the device as bytes, channels last as views are stored, which
        # is also how these convolutions are fastest; batches are gathered and scaled there.
        x = self.on_device(images)
        y = self.on_device(labels)
        n_classes = self._require_scores(x[:2], int(labels.max()) + 1)
        weights = class_weights(labels, n_classes)
        drawn = _draw(labels, weights, options, spatial, torch.Generator().manual_seed(seed))
        sizes = [len(batch) for batch, _ in drawn]
        # In one piece, ahead: to send each batch's to a GPU would make it wait at every step.
        order = torch.cat([batch for batch, _ in drawn]).to(self.device).split(sizes)
        numbers = torch.cat([each for _, each in drawn], 1).to(self.device).split(sizes, 1)
        weighted = weights if options.balance == "class_weights" else None
        steps = self._prepared(spatial, sizes, x, weighted)
        rates = steps.rates(options.epochs * math.ceil(n / options.batch_size))
        torch.manual_seed(seed)
        report, per_epoch = FitReport(), len(drawn) // options.epochs
        for epoch in range(1, options.epochs + 1):
            started = time.perf_counter()
            self.network.train()
            for k in range((epoch - 1) * per_epoch, epoch * per_epoch):
                steps.take(x, y, order[k], numbers[k], rates[k])
            report.steps += per_epoch
            report.images += n
            report.losses.append(steps.losses.item() / n)
            if not math.isfinite(report.losses[-1]):
                batches = zip(order[:per_epoch], numbers[:per_epoch], strict=True)
                for batch, each in batches:  # of every epoch the first's will do
                    augment.require_numbers(self.scaled(x[batch]), spatial, each, steps.grey)
            steps.losses.zero_()
            report.compute_seconds += time.perf_counter() - started
            if after_epoch:
                after_epoch(epoch)
        return report

    def start_again(self, network: nn.Module) -> None:
        """Go on with the weights of another network of the same making.

        What a GPU has captured of this one's steps is replayed with them, in fits of the same
        augmentation, so the network must not be changed otherwise from now on.
        """
        self.network.load_state_dict(network.state_dict())
        self._goes_on = True

    def _prepared(
        self,
        spatial: str,
        sizes: list[int],
        images: torch.Tensor,
        class_weights: torch.Tensor | None,
    ) -> Steps:
        if not (self._goes_on and self._steps and self._steps.spatial == spatial):
            self._steps = None  # its memory is free before that of others is asked for
            self._steps = Steps(
                self.network,
                self.options,
                spatial,
                scaled=self.scaled,
                grey=(0.5 - self.mean) / self.std,
                autocast=self._autocast,
                device=self.device,
                micro_batch=self.micro_batch,
            )
        self._goes_on = False
        on_device = None if class_weights is None else class_weights.to(self.device)
        self._steps.prepare(sizes, images, on_device)
        return self._steps

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the class probabilities of images that the network was not trained on.

        Parameters
        ----------
        images : ndarray of shape (n, h, w, 3), uint8

        Returns
        -------
        ndarray of shape (n, classes), float32
            Each row sums to 1.

        Raises
        ------
        MerError
            ``diverged fold``, if they are no numbers; ``bad frames``.
        """
        _require_images(images)
        self.network.eval()
        parts = []
        for start in range(0, max(len(images), 1), PREDICTED_AT_ONCE):
            batch = self.on_device(images[start : start + PREDICTED_AT_ONCE])
            with torch.no_grad(), self._autocast():
                scores = self.network(self.scaled(batch))
            parts.append(scores.float().softmax(dim=1).cpu().numpy())
        probabilities = np.concatenate(parts)
        if fault := fault_of_probabilities(probabilities):
            raise MerError(
                "diverged fold",
                f"{type(self.network).__name__} gives probabilities with {fault} (learning rate "
                f"{self.options.learning_rate:g})",
                "finite probabilities",
                "lower the learning rate, train in float32, or mend an augmentation of your own",
            )
        return probabilities

    def on_device(self, array: np.ndarray) -> torch.Tensor:
        """Return an array as a tensor on the device."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def scaled(self, images: torch.Tensor) -> torch.Tensor:
        """Turn (b, h, w, c) bytes into scaled (b, c, h, w) floats, channels last in memory."""
        return (images.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std

    def _autocast(self) -> torch.autocast:
        enabled = self.options.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def _require_scores(self, images: torch.Tensor, classes: int) -> int:
        """Try the network before it is trained, and return for how many classes it gives scores.

        On a GPU, too few of them would stop the process.
        """
        self.network.eval()
        with torch.no_grad(), self._autocast():
            scores = self.network(self.scaled(images))
        name, shape = type(self.network).__name__, tuple(getattr(scores, "shape", ()))
        if len(shape) != 2 or shape[0] != len(images) or shape[1] < classes:
            raise MerError(
                "invalid option",
                f"{name} gives {type(scores).__name__} of shape {shape} for {len(images)} images",
                f"scores of each image for {classes} classes at least, which the labels name",
                "mend the network's last layer, or its labels",
            )
        # Random weights may overflow until batch normalisation has seen images.
        if self.pretrained and not bool(scores.isfinite().all()):
            raise MerError(
                "bad weights",
                f"{name} gives scores that are NaN or infinite before it is trained",
                "weights with which scores are numbers",
                "fetch its weights again",
            )
        return int(shape[1])

    def _require_whole_batches(self) -> None:
        parts = self.micro_batch
        if parts is not None and parts < 1:
            raise MerError(
                "invalid option",
                f"micro_batch is {parts}",
                "one image or more at once, or None for all of a batch",
                "correct it",
            )
        if parts and normalises_batches(self.network):
            raise MerError(
                "invalid option",
                f"micro_batch is {parts} for a network with batch normalisation",
                "whole batches, by which it normalises: parts would train another network",
                "leave micro_batch out for this network, and use smaller batches if memory is "
                "short",
            )


def _require_images(images: np.ndarray) -> None:
    """Refuse what would be scaled as if it were bytes, which a network takes without a word."""
    shape, dtype = np.shape(images), getattr(images, "dtype", None)
    if dtype != np.uint8 or len(shape) != 4 or shape[-1] != 3:
        raise MerError(
            "bad frames",
            f"images are {dtype or type(images).__name__} of shape {shape}",
            "uint8 of shape (n, h, w, 3), red, green, blue",
            "convert them; views are made so",
        )


def _require_labels(labels: np.ndarray, n: int) -> np.ndarray:
    found = np.asarray(labels)
    if n and found.shape == (n,) and found.dtype.kind in "iu" and found.min() >= 0:
        return found.astype(np.int64)
    raise MerError(
        "invalid option",
        f"labels are {found.dtype} of shape {found.shape} for {n} images",
        "the index of its class, 0 or more, for each of one image or more",
        "number the classes from 0, as clips['label'].cat.codes does",
    )


def normalises_batches(network: nn.Module) -> bool:
    """Say whether a network normalises batches, and so cannot take one in parts."""
    return any(isinstance(module, _BatchNorm) for module in network.modules())


def class_weights(labels: np.ndarray, n_classes: int) -> torch.Tensor:
    """Return the weight of each class, the inverse of its share; over images their mean is 1.

    Parameters
    ----------
    labels : ndarray of shape (n,), int
    n_classes : int
        A class without an image has weight 0, and is never asked for it.

    Examples
    --------
    >>> class_weights(np.array([0, 0, 0, 2]), 3).tolist()
    [0.6666666865348816, 0.0, 2.0]
    """
    counts = np.bincount(labels, minlength=n_classes)
    weights = np.where(counts, len(labels) / np.maximum(counts, 1) / np.count_nonzero(counts), 0)
    return torch.from_numpy(weights.astype(np.float32))


def _draw(
    labels: np.ndarray,
    weights: torch.Tensor,
    options: TrainingOptions,
    spatial: str,
    generator: torch.Generator,
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Draw the images and the random numbers of every batch of a fit, in the order of use."""
    chances = weights[torch.from_numpy(labels)] if options.balance == "sampling" else None
    return [
        (batch, augment.draw(spatial, len(batch), generator))
        for _epoch in range(options.epochs)
        for batch in _batches(len(labels), options.batch_size, generator, chances)
    ]


def _batches(
    n: int, size: int, generator: torch.Generator, chances: torch.Tensor | None = None
) -> list[torch.Tensor]:
    if chances is None:
        order = torch.randperm(n, generator=generator)
    else:
        order = torch.multinomial(chances, n, replacement=True, generator=generator)
    batches = list(order.split(size))
    # Batch normalisation cannot train on a single image: it joins the batch before it.
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches
