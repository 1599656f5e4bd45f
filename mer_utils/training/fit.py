"""Fit and predict.

torch is imported where it is used: it takes seconds, and who asks for training options, or for
the version of this code, trains nothing yet.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mer_utils import augment
from mer_utils.errors import MerError
from mer_utils.training.options import TrainingOptions

if TYPE_CHECKING:
    import torch
    from torch import nn


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


def fit(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    options: TrainingOptions,
    *,
    mean: torch.Tensor,
    std: torch.Tensor,
    spatial: str = "none",
    seed: int = 0,
    device: torch.device | str = "cpu",
    after_epoch: Callable[[int], None] | None = None,
) -> FitReport:
    """Train `model` in place.

    Parameters
    ----------
    model : torch.nn.Module
        From (b, 3, h, w) to (b, classes).
    images : ndarray of shape (n, h, w, 3), uint8
        Every training image; an image to be seen several times an epoch stands here as
        often.
    labels : ndarray of shape (n,), int
        Class indices.
    options : TrainingOptions
    mean, std : tensor of shape (1, 3, 1, 1)
        Constants by which images in 0..1 are scaled.
    spatial : str
        A key of :data:`mer_utils.augment.SPATIAL`.
    seed : int
        Of the order of the images, the augmentation and dropout.
    device : torch.device or str
    after_epoch : callable, optional
        Called with the number of epochs done. It may predict with the model; it must not
        change it, nor draw random numbers.

    Returns
    -------
    FitReport

    Raises
    ------
    MerError
        If a batch is to go in parts through a network with batch normalisation.
    """
    import torch
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm

    if options.micro_batch and any(isinstance(m, _BatchNorm) for m in model.modules()):
        raise MerError(
            "TODO",
            f"micro_batch is {options.micro_batch} for a network with batch normalisation",
            "whole batches, by which it normalises: parts would train another network",
            "leave micro_batch out for this network, and use smaller batches if memory is short",
        )
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    _place(model, device)
    # The whole fold lies on the device as bytes, channels last as views are stored, which
    # is also how these convolutions are fastest; batches are gathered and scaled there.
    x = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    y = torch.from_numpy(np.asarray(labels, np.int64)).to(device)
    mean, std = mean.to(device), std.to(device)
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        parameters,
        lr=options.learning_rate,
        weight_decay=options.weight_decay,
        fused=True,
    )
    total = options.epochs * math.ceil(len(x) / options.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, total, options.warmup_fraction)
    )
    report = FitReport()
    for epoch in range(1, options.epochs + 1):
        started = time.perf_counter()
        model.train()
        sum_of_losses = 0.0
        for batch in _batches(len(x), options.batch_size, generator):
            scaled = _scale(x[batch.to(device)], mean, std)
            augmented = augment.spatial(scaled, spatial, generator)
            optimizer.zero_grad(set_to_none=True)
            size = options.micro_batch or len(batch)
            targets = y[batch.to(device)].split(size)
            for part, target in zip(augmented.split(size), targets, strict=True):
                with _autocast(device, options):
                    scores = model(part)
                loss = nn.functional.cross_entropy(
                    scores.float(), target, label_smoothing=options.label_smoothing
                )
                loss = loss * (len(part) / len(batch))
                loss.backward()
                sum_of_losses += loss.item() * len(batch)
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


def predict(
    model: nn.Module,
    images: np.ndarray,
    options: TrainingOptions,
    *,
    mean: torch.Tensor,
    std: torch.Tensor,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Return the class probabilities of images that the model was not trained on.

    Parameters
    ----------
    model : torch.nn.Module
    images : ndarray of shape (n, h, w, 3), uint8
    options, mean, std, device
        As for `fit`.

    Returns
    -------
    ndarray of shape (n, classes), float32
        Each row sums to 1.
    """
    import torch

    _place(model, device).eval()
    mean, std = mean.to(device), std.to(device)
    parts = []
    for start in range(0, max(len(images), 1), 64):
        batch = np.ascontiguousarray(images[start : start + 64])
        with torch.no_grad(), _autocast(device, options):
            scores = model(_scale(torch.from_numpy(batch).to(device), mean, std))
        parts.append(scores.float().softmax(dim=1).cpu().numpy())
    return np.concatenate(parts)


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
    import torch

    batches = list(torch.randperm(n, generator=generator).split(size))
    # Batch normalisation cannot train on a single image: it joins the batch before it.
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    yield from batches


def _place(model: nn.Module, device: torch.device | str) -> nn.Module:
    import torch

    # One walk through the network; torch documents this pair and its type stubs lack it.
    return model.to(device=torch.device(device), memory_format=torch.channels_last)  # type: ignore[call-overload]


def _scale(images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Turn (b, h, w, c) bytes into scaled (b, c, h, w) floats, channels last in memory."""
    return (images.permute(0, 3, 1, 2).float() / 255 - mean) / std


def _autocast(device: torch.device | str, options: TrainingOptions) -> torch.autocast:
    import torch

    return torch.autocast(
        torch.device(device).type,
        torch.bfloat16,
        enabled=options.precision == "bfloat16",
    )
