"""Fit and predict."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mer_utils import augment
from mer_utils.errors import MerError
from mer_utils.models import normalisation
from mer_utils.training.options import TrainingOptions

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
    """

    def __init__(
        self,
        network: nn.Module,
        options: TrainingOptions | None = None,
        *,
        pretrained: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        self.options, self.device = options or TrainingOptions(), torch.device(device)
        # One walk through the network; torch documents this pair and its type stubs lack it.
        self.network = network.to(  # type: ignore[call-overload]
            device=self.device, memory_format=torch.channels_last
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
            ``invalid option``, if a batch is to go in parts through a network with batch
            normalisation.
        """
        options, parameters = self.options, list(self.network.parameters())
        self._require_whole_batches()
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        # The whole fold lies on the device as bytes, channels last as views are stored, which
        # is also how these convolutions are fastest; batches are gathered and scaled there.
        x = self.on_device(images)
        y = torch.from_numpy(np.asarray(labels, np.int64)).to(self.device)
        optimizer = torch.optim.AdamW(
            parameters, lr=options.learning_rate, weight_decay=options.weight_decay, fused=True
        )
        total = options.epochs * math.ceil(len(x) / options.batch_size)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(step, total, options.warmup_fraction)
        )
        report = FitReport()
        for epoch in range(1, options.epochs + 1):
            started = time.perf_counter()
            self.network.train()
            sum_of_losses = 0.0
            for batch in _batches(len(x), options.batch_size, generator):
                shown = self.scaled(x[batch.to(self.device)])
                shown = augment.spatial(shown, spatial, generator)
                optimizer.zero_grad(set_to_none=True)
                sum_of_losses += self._backward(shown, y[batch.to(self.device)])
                nn.utils.clip_grad_norm_(parameters, options.gradient_clip)
                optimizer.step()
                schedule.step()
                report.steps += 1
                report.images += len(batch)
            report.losses.append(sum_of_losses / len(x))
            report.compute_seconds += time.perf_counter() - started
            if after_epoch:
                after_epoch(epoch)
        return report

    def _backward(self, images: torch.Tensor, labels: torch.Tensor) -> float:
        """Add up the gradients of a batch, part by part; return the sum of its losses."""
        size, sum_of_losses = self.options.micro_batch or len(images), 0.0
        for part, target in zip(images.split(size), labels.split(size), strict=True):
            with self._autocast():
                scores = self.network(part)
            loss = nn.functional.cross_entropy(
                scores.float(), target, label_smoothing=self.options.label_smoothing
            )
            loss = loss * (len(part) / len(images))
            loss.backward()
            sum_of_losses += loss.item() * len(images)
        return sum_of_losses

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the class probabilities of images that the network was not trained on.

        Parameters
        ----------
        images : ndarray of shape (n, h, w, 3), uint8

        Returns
        -------
        ndarray of shape (n, classes), float32
            Each row sums to 1.
        """
        self.network.eval()
        parts = []
        for start in range(0, max(len(images), 1), PREDICTED_AT_ONCE):
            batch = self.on_device(images[start : start + PREDICTED_AT_ONCE])
            with torch.no_grad(), self._autocast():
                scores = self.network(self.scaled(batch))
            parts.append(scores.float().softmax(dim=1).cpu().numpy())
        return np.concatenate(parts)

    def on_device(self, array: np.ndarray) -> torch.Tensor:
        """Return an array as a tensor on the device."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def scaled(self, images: torch.Tensor) -> torch.Tensor:
        """Turn (b, h, w, c) bytes into scaled (b, c, h, w) floats, channels last in memory."""
        return (images.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std

    def _autocast(self) -> torch.autocast:
        enabled = self.options.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def _require_whole_batches(self) -> None:
        parts = self.options.micro_batch
        if parts and any(isinstance(m, _BatchNorm) for m in self.network.modules()):
            raise MerError(
                "invalid option",
                f"micro_batch is {parts} for a network with batch normalisation",
                "whole batches, by which it normalises: parts would train another network",
                "leave micro_batch out for this network, and use smaller batches if memory is "
                "short",
            )


def learning_rate_factor(step: int, total: int, warmup_fraction: float) -> float:
    """Return the share of the learning rate at `step` (0-based) of `total`.

    It rises linearly over the first ``warmup_fraction * total`` steps and then falls to 0
    along half a cosine.

    Examples
    --------
    >>> [round(learning_rate_factor(s, 10, 0.2), 2) for s in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    warmup = math.ceil(warmup_fraction * total)
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


def _batches(n: int, size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    batches = list(torch.randperm(n, generator=generator).split(size))
    # Batch normalisation cannot train on a single image: it joins the batch before it.
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    yield from batches
