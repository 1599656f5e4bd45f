"""The steps of a fit, in which nothing waits for the device, so that a GPU can replay them."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from mer_utils import augment
from mer_utils.training.options import TrainingOptions

log = logging.getLogger(__name__)

#: Runs before a capture, in which libraries choose their algorithms and make their workspaces.
WARM_UPS = 3


@dataclass
class Step:
    """The work on a batch of one size: what the batch is copied into, and what is then done.

    Parameters
    ----------
    images : tensor of shape (b, h, w, 3), uint8
    labels : tensor of shape (b,), int64
    numbers : tensor of shape (transformations, b)
        Random numbers of the augmentation.
    work : callable
        Takes one step on them.
    """

    images: torch.Tensor
    labels: torch.Tensor
    numbers: torch.Tensor
    work: Callable[[], None] = field(default=lambda: None)


class Steps:
    """Optimiser steps of a network on batches that lie on its device.

    A step is a fixed sequence of operations on fixed tensors, without an answer that Python
    would wait for. On a GPU it is captured once for each size of batch, as a CUDA graph, and
    replayed: starting its hundreds of kernels one by one takes longer than they do. Elsewhere
    it is called.

    Parameters
    ----------
    network : torch.nn.Module
    options : TrainingOptions
    spatial : str
        A key of :data:`mer_utils.augment.SPATIAL`.
    scaled : callable
        From a batch of bytes to what the network takes.
    grey : tensor of shape (1, 3, 1, 1)
        What mid-grey is, scaled.
    autocast : callable
        Makes the context in which the network computes.
    device : torch.device
    micro_batch : int or None
        Images of a batch that go through the network at once; None takes all.
    """

    def __init__(
        self,
        network: nn.Module,
        options: TrainingOptions,
        spatial: str,
        *,
        scaled: Callable[[torch.Tensor], torch.Tensor],
        grey: torch.Tensor,
        autocast: Callable[[], torch.autocast],
        device: torch.device,
        micro_batch: int | None = None,
    ) -> None:
        self.network, self.options, self.spatial = network, options, spatial
        self.scaled, self.autocast, self.micro_batch = scaled, autocast, micro_batch
        self.grey = grey
        self.device, self.on_gpu = device, device.type == "cuda"
        self.parameters = list(network.parameters())
        #: Sum of the losses of the images shown.
        self.losses = torch.zeros((), dtype=torch.float64, device=device)
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            weight_decay=options.weight_decay,
            fused=True,
            capturable=self.on_gpu,
        )
        # A rate that changes from step to step must be a tensor where steps are replayed. A GPU
        # takes it in single precision only; elsewhere it is as exact as a number would be.
        exact = torch.float32 if self.on_gpu else torch.float64
        self.rate = torch.zeros((), dtype=exact, device=device)
        self.optimizer.param_groups[0]["lr"] = self.rate
        self._steps: dict[int, Step] = {}
        self._class_weights: torch.Tensor | None = None
        self._pool = torch.cuda.graph_pool_handle() if self.on_gpu else None

    def prepare(
        self,
        sizes: Iterable[int],
        images: torch.Tensor,
        class_weights: torch.Tensor | None = None,
    ) -> None:
        """Make ready for batches of these sizes, and forget every step that was taken.

        The network's weights and statistics stay as they are.
        """
        if class_weights is None or self._class_weights is None:
            self._class_weights = class_weights
        else:  # in place, where steps that are replayed look for them
            self._class_weights.copy_(class_weights)
        self.network.train()
        for size in sorted(set(sizes) - self._steps.keys(), reverse=True):
            self._steps[size] = self._step(size, images)
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()
        self.losses.zero_()

    def rates(self, total: int) -> torch.Tensor:
        """Return the learning rates of `total` steps."""
        warmup, highest = self.options.warmup_fraction, self.options.learning_rate
        rates = [highest * learning_rate_factor(step, total, warmup) for step in range(total)]
        return torch.tensor(rates, dtype=torch.float64).to(self.rate)

    def take(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        batch: torch.Tensor,
        numbers: torch.Tensor,
        rate: torch.Tensor,
    ) -> None:
        """Take one step, on the images of a batch."""
        step = self._steps[len(batch)]
        torch.index_select(images, 0, batch, out=step.images)
        torch.index_select(labels, 0, batch, out=step.labels)
        step.numbers.copy_(numbers)
        self.rate.copy_(rate)
        step.work()

    def _step(self, size: int, images: torch.Tensor) -> Step:
        step = Step(
            images.new_zeros((size, *images.shape[1:])),
            torch.zeros(size, dtype=torch.int64, device=self.device),
            augment.draw(self.spatial, size, torch.Generator()).to(self.device),
        )

        def work() -> None:
            scaled = self.scaled(step.images)
            shown = augment.spatial(scaled, self.spatial, step.numbers, self.grey)
            self.optimizer.zero_grad(set_to_none=True)
            self._backward(shown, step.labels)
            nn.utils.clip_grad_norm_(self.parameters, self.options.gradient_clip)
            self.optimizer.step()

        step.work = captured(work, self.network, self.device, self._pool) if self.on_gpu else work
        return step

    def _backward(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Add up the gradients of a batch, part by part, and its losses."""
        size = self.micro_batch or len(images)
        for part, target in zip(images.split(size), labels.split(size), strict=True):
            with self.autocast():
                scores = self.network(part)
            loss = self._loss(scores.float(), target) * (len(part) / len(images))
            loss.backward()
            self.losses += loss.detach().double() * len(images)

    def _loss(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of images, each weighted by its class if classes have weights."""
        smoothing, weights = self.options.label_smoothing, self._class_weights
        if weights is None:
            return nn.functional.cross_entropy(scores, target, label_smoothing=smoothing)
        each = nn.functional.cross_entropy(
            scores, target, label_smoothing=smoothing, reduction="none"
        )
        return (each * weights.index_select(0, target)).mean()


def captured(
    work: Callable[[], None], network: nn.Module, device: torch.device, pool: Any = None
) -> Callable[[], None]:
    """Return what replays the work on a GPU, as a CUDA graph; nothing has been done then.

    Parameters
    ----------
    work : callable
        Training steps of the network, on fixed tensors. If something in it waits for the GPU, it
        cannot be captured: a warning says so, and the work itself is returned.
    network : torch.nn.Module
        Its weights and statistics are left as they are.
    device : torch.device
    pool : optional
        Of the memory in which it works, which graphs may share that leave nothing in it.
    """
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    side, before = torch.cuda.Stream(device), torch.cuda.get_sync_debug_mode()
    side.wait_stream(torch.cuda.current_stream(device))
    try:
        with torch.cuda.stream(side):
            work()  # what is set up at the first call may wait
            with warnings.catch_warnings():
                # PyTorch calls this mode a prototype: what must not wait here, it detects.
                warnings.filterwarnings("ignore", "Synchronization debug mode is a prototype")
                torch.cuda.set_sync_debug_mode("error")
            for _ in range(WARM_UPS - 1):
                work()
    except RuntimeError as error:
        if "synchroniz" not in str(error):
            raise
        log.warning("Training steps are not replayed on the GPU, and slower so: %s", error)
        return work
    finally:
        torch.cuda.set_sync_debug_mode(before)
        torch.cuda.current_stream(device).wait_stream(side)
        network.load_state_dict(weights)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool):
        work()
    return graph.replay


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
