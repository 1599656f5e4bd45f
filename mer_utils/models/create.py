"""Create a network by name: timm's own, at full width or narrowed, LEARNet, or one of your own.

torch and timm are imported where they are used: they take seconds, and the networks' names are
wanted on every page of the book and in every command; LEARNet does without timm.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.models.architectures import LEAST_CHANNELS, SAFE_CHANNELS, Architecture
from mer_utils.models.loading import load_weights
from mer_utils.models.registered import find
from mer_utils.models.weights import fetch_weights_file, weights_file

if TYPE_CHECKING:
    import torch
    from torch import nn

log = logging.getLogger(__name__)


def create(
    name: str,
    num_classes: int,
    image_size: int,
    *,
    width: float = 1.0,
    depth: float = 1.0,
    pretrained: bool = False,
    weights_dir: Path | None = None,
) -> nn.Module:
    """Create a network with fresh or ImageNet weights.

    Parameters
    ----------
    name : str
        A network of `MODELS`, or any other that timm knows (at full width).
    num_classes : int
    image_size : int
        Side of the square input in pixels.
    width : float
        Channels relative to the full network, for the small profiles.
    depth : float
        Layers of each stage relative to the full network, rounded up, of a narrowed one. Kinds of
        layers and number of stages stay those of the full network.
    pretrained : bool
        Start from ImageNet weights. They exist for full width only, and not for LEARNet.
    weights_dir : Path, optional
        A folder of ``<name>.safetensors`` files as timm's hub has them, for three input channels;
        the default is the folder that ``MER_WEIGHTS`` names. Without either the hub's cache is
        read, and the hub asked for what it lacks.

    Returns
    -------
    torch.nn.Module
        From (b, 3, image_size, image_size) to (b, num_classes) scores before the softmax.

    Raises
    ------
    MerError
        ``unknown name``; ``invalid option``, if the network does not come so; ``missing
        weights`` or ``bad weights``, as a network is never silently left untrained, not even in
        one of its layers; ``missing extra``.

    Examples
    --------
    >>> count = sum(p.numel() for p in create("learnet", 5, 112).parameters())
    >>> f"{count:,}"
    '1,866,053'
    """
    found = find(name)
    if not isinstance(found, Architecture):
        raise MerError(
            "invalid option",
            f"{name} is a baseline",
            "a network",
            "fit baselines by their own method",
        )
    found.require(image_size, width, pretrained, depth)
    library = require("torch" if found.constructor else "timm", "train")
    from mer_utils.models.vgg_head import for_gpu

    narrowed = {}
    if found.narrowed and width != 1.0:
        narrowed = found.narrowed(width, depth) if found.shortens else found.narrowed(width)
    if found.constructor:
        return for_gpu(found.constructor(num_classes, image_size, **narrowed))
    arguments = {"num_classes": num_classes, **_size(name, image_size), **narrowed}
    constructor = arguments.pop("constructor", None)
    network = constructor(**arguments) if constructor else library.create_model(name, **arguments)
    if pretrained:
        file = weights_file(name, weights_dir) or fetch_weights_file(name)
        load_weights(network, file, name, head=num_classes == network.pretrained_cfg["num_classes"])
    return for_gpu(network)


def _size(name: str, image_size: int) -> dict[str, Any]:
    # timm's convolutional networks take any size; those with position embeddings are told it.
    told = ("vit", "deit", "beit", "eva", "swin")
    return {"img_size": image_size} if name.startswith(told) else {}


def memory_format(network: nn.Module) -> torch.memory_format:
    """Return how images lie in memory for a network: channels last, which is faster, if it is safe.

    See `SAFE_CHANNELS`; what it computes is the same up to rounding.
    """
    import torch

    from mer_utils.models.learnet import HalvingConv2d  # safe by itself

    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.Conv2d) and set(layer.kernel_size) == {1}:
            few = layer.in_channels < SAFE_CHANNELS or layer.out_channels < LEAST_CHANNELS
            if max(layer.stride) > 1 and few and not isinstance(layer, HalvingConv2d):
                log.warning(
                    "Layer %s has %d channels, with which some processors crash where channels "
                    "lie last in memory: they lie first, which is slower.",
                    name, min(layer.in_channels, layer.out_channels),
                )  # fmt: skip
                return torch.contiguous_format
    return torch.channels_last


def normalisation(model: nn.Module, pretrained: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the channel means and standard deviations, (1, 3, 1, 1), that scale inputs in 0..1.

    Constants of the network, never statistics of the data: ImageNet's where its weights
    are used, else 0.5 and 0.5, which maps the zero level of a symmetric DI to 0.
    """
    import torch

    config = (getattr(model, "pretrained_cfg", None) or {}) if pretrained else {}
    mean, std = (
        torch.tensor(config.get(key, (0.5,) * 3)).reshape(1, 3, 1, 1) for key in ("mean", "std")
    )
    return mean, std
