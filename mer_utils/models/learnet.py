"""LEARNet (Verma et al., IEEE TIP 2020), after the authors' Keras file."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from mer_utils.models.architectures import SAFE_CHANNELS

# Keras' default epsilon. Its momentum (0.99, here 0.01) would leave the running statistics
# near their start in the few dozen steps of a small fold, so PyTorch's default is used.
_EPSILON, _MOMENTUM = 1e-3, 0.1
# Up to this side of a map, oneDNN was not seen to fail below `SAFE_CHANNELS` on one thread; on
# several it fails at smaller ones, wherever the batch is not shared out evenly.
_SAFE_SIDE = 32


class Column(nn.Module):
    """One lateral column: 1x1, 3x3 and 5x5 convolutions, each with stride 2 and ReLU.

    An *accretive* column adds its neighbour's first and second outputs to its own, each
    sum followed by batch normalisation.
    """

    def __init__(self, accretive: bool, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width, 1)
        self.second = _conv(width, 2 * width, 3)
        self.third = _conv(2 * width, 4 * width, 5)
        self.norm_first = _batch_norm(width) if accretive else None
        self.norm_second = _batch_norm(2 * width) if accretive else None

    def forward(
        self, x: torch.Tensor, neighbour: tuple[torch.Tensor, torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the outputs of the three convolutions."""
        first = self.first(x)
        if self.norm_first is not None and neighbour is not None:
            first = self.norm_first(first + neighbour[0])
        second = self.second(first)
        if self.norm_second is not None and neighbour is not None:
            second = self.norm_second(second + neighbour[1])
        return first, second, self.third(second)


class LEARNet(nn.Module):
    """Lateral accretive hybrid network.

    Parameters
    ----------
    num_classes : int
    img_size : int
        Side of the square input in pixels; the authors use 112.
    width : int
        Channels of the stem; the authors use 16. Every other size follows from it.
    drop_rate : float
        Dropout before the last layer.

    Notes
    -----
    With 5 classes at 112 px it has 1,866,053 trainable parameters, as the authors' network.
    Padding is Keras' 'same': with stride 2 an even size is padded right and below only.
    """

    def __init__(
        self,
        num_classes: int = 5,
        img_size: int = 112,
        width: int = 16,
        drop_rate: float = 0.5,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.num_features = self.head_hidden_size = 16 * width
        self.stem = _conv(3, width, 3)
        self.columns = nn.ModuleList(
            Column(accretive, width) for accretive in (False, True, False, True)
        )
        self.norm = _batch_norm(16 * width)
        self.merge = _conv(16 * width, 16 * width, 3)
        side = img_size
        for _halving in range(5):
            side = (side + 1) // 2
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(16 * width * side * side, 16 * width), nn.ReLU()
        )
        self.dropout = nn.Dropout(drop_rate)
        self.head = nn.Linear(16 * width, num_classes)
        self.apply(_keras_default_initialisation)

    def get_classifier(self) -> nn.Module:
        """Return the last layer."""
        return self.head

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the last layer by one for `num_classes`."""
        self.num_classes = num_classes
        self.head = nn.Linear(self.num_features, num_classes)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Return the (b, 16 * width, h, w) map before the dense layers."""
        x = self.stem(x)
        outputs = []
        for plain, accretive in ((0, 1), (2, 3)):
            first, second, third = self.columns[plain](x)
            outputs += [third, self.columns[accretive](x, (first, second))[2]]
        return self.merge(self.norm(torch.cat(outputs, dim=1)))

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        """Return the class scores, or what the last layer sees."""
        x = self.dense(x)
        return x if pre_logits else self.head(self.dropout(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (b, num_classes) scores before the softmax."""
        return self.forward_head(self.forward_features(x))


class HalvingConv2d(nn.Conv2d):
    """A convolution with stride 2, padded as Keras' 'same'."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (b, outputs, h, w), h and w half those of the input, rounded up."""
        kernel = self.kernel_size[0]
        unsafe = max(x.shape[-2:]) > _SAFE_SIDE or torch.get_num_threads() > 1
        if kernel == 1 and self.in_channels < SAFE_CHANNELS and unsafe:
            return functional.conv2d(x[..., ::2, ::2], self.weight, self.bias)
        down, right = (max(kernel - 2 + side % 2, 0) for side in x.shape[-2:])
        x = functional.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        return super().forward(x)


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(HalvingConv2d(inputs, outputs, kernel, stride=2), nn.ReLU())


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON, momentum=_MOMENTUM)


def _keras_default_initialisation(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
