"""VGG's head by matrix products: as fast as they are, and repeated bit for bit by a GPU.

timm's VGG stretches what is smaller than 7 x 7, as it is for images below 224 pixels, by
PyTorch's adaptive pooling, whose backward pass on a GPU adds up in no fixed order, and refuses to
run where a run must be repeatable. Its dense layers are convolutions as large as what they see,
for which a GPU's library has no fast algorithm: by them a step takes half as long again.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class WholeConv2d(nn.Conv2d):
    """A convolution that on a GPU, where its input is no larger than its kernel, is a product."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (b, outputs, h, w)."""
        if x.device.type == "cpu" or tuple(x.shape[-2:]) != self.kernel_size:
            return super().forward(x)
        return whole_convolution(x, self.weight, self.bias)


def whole_convolution(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """Convolve (b, c, h, w) with a kernel of the same h and w, by one matrix product."""
    # Channels last, as both lie in memory: nothing is copied.
    rows, columns = (values.permute(0, 2, 3, 1).flatten(1) for values in (x, weight))
    return functional.linear(rows, columns, bias)[:, :, None, None]


def adaptive_average(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Pool (b, c, h, w) to (b, c, height, width) as PyTorch does, by two matrix products."""
    # What pooling makes of each single row, or column, is its share of every average.
    rows, columns = (
        functional.adaptive_avg_pool1d(torch.eye(n, device=x.device)[None], m)[0].to(x)
        for n, m in zip(x.shape[-2:], (height, width), strict=True)
    )
    return rows.T @ x @ columns


def for_gpu(network: nn.Module) -> nn.Module:
    """Return the network; if it is a VGG, its head is given what suits a GPU.

    On a CPU nothing changes: there the pooling is repeatable and the convolution fast.
    """
    vgg = sys.modules.get("timm.models.vgg")  # else there is no VGG, and timm takes seconds
    for module in network.modules():
        if vgg and isinstance(module, vgg.ConvMlp):
            module.register_forward_pre_hook(_stretch)
            module.fc1.__class__, module.fc2.__class__ = WholeConv2d, WholeConv2d
    return network


def _stretch(head: Any, inputs: tuple[torch.Tensor]) -> torch.Tensor | None:
    (x,) = inputs
    height, width = (max(n, int(head.input_kernel_size)) for n in x.shape[-2:])
    if not x.is_cuda or (height, width) == tuple(x.shape[-2:]):
        return None
    return adaptive_average(x, height, width)
