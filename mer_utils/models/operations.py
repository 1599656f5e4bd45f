"""Count a network's parameters and operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def count_operations(model: nn.Module, image_size: int, *, backward: bool = False) -> int:
    """Count the floating-point operations for one image of `image_size` pixels per side.

    Multiplications and additions of the convolutions and matrix products are one operation
    each (PyTorch's own counter); with `backward`, those of the backward pass are among them.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    was_training = model.training
    model.eval()
    x = torch.zeros(1, 3, image_size, image_size)
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(backward):
        scores = model(x)
        if backward:
            scores.sum().backward()
    model.zero_grad(set_to_none=True)
    model.train(was_training)
    return int(counter.get_total_flops())
