"""Adaptive average pooling whose backward pass a GPU repeats bit for bit.

The head of timm's VGG stretches what is smaller than 7 x 7, as it is for images below 224 pixels,
by PyTorch's adaptive pooling. On a GPU its backward pass adds up in no fixed order, and refuses to
run where a run must be repeatable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from timm.models.vgg import ConvMlp
    from torch import nn


def adaptive_average(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Pool (b, c, h, w) to (b, c, height, width) as PyTorch does, by two matrix products."""
    import torch
    from torch.nn import functional

    # What pooling makes of each single row, or column, is its share of every average.
    rows, columns = (
        functional.adaptive_avg_pool1d(torch.eye(n, device=x.device)[None], m)[0].to(x)
        for n, m in zip(x.shape[-2:], (height, width), strict=True)
    )
    return rows.T @ x @ columns


def repeatable_on_gpu(network: nn.Module) -> nn.Module:
    """Return the network; if it is a VGG, its head is given what needs no stretching on a GPU.

    On a CPU nothing changes: there the pooling is repeatable as it is.
    """
    from timm.models.vgg import ConvMlp

    for module in network.modules():
        if isinstance(module, ConvMlp):
            module.register_forward_pre_hook(_stretch)
    return network


def _stretch(head: ConvMlp, inputs: tuple[torch.Tensor]) -> torch.Tensor | None:
    (x,) = inputs
    height, width = (max(n, head.input_kernel_size) for n in x.shape[-2:])
    if not x.is_cuda or (height, width) == tuple(x.shape[-2:]):
        return None
    return adaptive_average(x, height, width)
