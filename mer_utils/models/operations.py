"""Count a network's parameters and operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def count_operations(model: nn.Module, image_size: int, *, backward: bool = False) -> int:
    """Return the floating-point operations for one image, counted, not timed.

    Parameters
    ----------
    model : torch.nn.Module
    image_size : int
        Side of the square input in pixels.
    backward : bool
        Include the backward pass, as in a training step.

    Returns
    -------
    int
        Multiplications and additions of the convolutions and matrix products, each
        counted as one operation (PyTorch's own counter).
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    was_training = model.training
    model.eval()
    x = torch.zeros(1, 3, image_size, image_size)
    with FlopCounterMode(display=False) as counter:
        if backward:
            model(x).sum().backward()
        else:
            with torch.no_grad():
                model(x)
    model.zero_grad(set_to_none=True)
    model.train(was_training)
    return int(counter.get_total_flops())
