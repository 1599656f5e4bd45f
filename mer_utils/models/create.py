"""Create a network by name: timm's own, at full width or narrowed, or LEARNet.

torch and timm are imported where they are used: they take seconds, and the networks' names are
wanted on every page of the book and in every command.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from mer_utils.errors import MerError
from mer_utils.models.pooling import repeatable_on_gpu
from mer_utils.models.weights import WEIGHTS_SETTING, weights_file

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Architecture:
    """One of the six networks.

    Parameters
    ----------
    name : str
        timm's name.
    title : str
        The name in captions.
    family : str
        "CNN" or "transformer".
    image_size : int
        Side in pixels of the input it was designed for.
    narrowed : callable
        From the width to what builds the narrowed network, see `create`.
    """

    name: str
    title: str
    family: str
    image_size: int
    narrowed: Callable[[float], dict[str, Any]]


def _channels(width: float, *full: int) -> tuple[int, ...]:
    return tuple(max(8, round(c * width / 8) * 8) for c in full)


def _vgg(width: float) -> dict[str, Any]:
    from timm.models import vgg

    cfg = [v if isinstance(v, str) else _channels(width, v)[0] for v in vgg.cfgs["vgg19"]]
    return {"constructor": vgg.VGG, "cfg": cfg, "mlp_ratio": width}


def _resnet(width: float) -> dict[str, Any]:
    return {"channels": _channels(width, 64, 128, 256, 512)}


def _efficientnet(width: float) -> dict[str, Any]:
    from timm.models import efficientnet

    # timm has no public name for narrower EfficientNets; its generator takes the multiplier.
    return {
        "constructor": efficientnet._gen_efficientnet,
        "variant": "efficientnet_b0",
        "channel_multiplier": width,
    }


def _mobilenet(width: float) -> dict[str, Any]:
    from timm.models import efficientnet

    return {
        "constructor": efficientnet._gen_mobilenet_v2,
        "variant": "mobilenetv2_100",
        "channel_multiplier": width,
    }


def _vit(width: float) -> dict[str, Any]:
    heads = max(1, round(12 * width))
    return {"embed_dim": 64 * heads, "num_heads": heads}


def _learnet(width: float) -> dict[str, Any]:
    return {"width": max(2, round(16 * width))}


MODELS: dict[str, Architecture] = {
    a.name: a
    for a in (
        Architecture("vgg19", "VGG19", "CNN", 224, _vgg),
        Architecture("resnet50", "ResNet50", "CNN", 224, _resnet),
        Architecture("efficientnet_b0", "EfficientNet-B0", "CNN", 224, _efficientnet),
        Architecture("mobilenetv2_100", "MobileNetV2", "CNN", 224, _mobilenet),
        Architecture("vit_base_patch16_224", "ViT-B/16", "transformer", 224, _vit),
        Architecture("learnet", "LEARNet", "CNN", 112, _learnet),
    )
}


def create(
    name: str,
    num_classes: int,
    image_size: int,
    *,
    width: float = 1.0,
    pretrained: bool = False,
    weights_dir: Path | None = None,
) -> nn.Module:
    """Create a network with fresh or ImageNet weights.

    Parameters
    ----------
    name : str
        One of `MODELS`, or any other name timm knows (at full width).
    num_classes : int
        Number of classes.
    image_size : int
        Side of the square input in pixels.
    width : float
        Channels relative to the full network, for the small profiles. Depth and kinds of
        layers stay those of the full network.
    pretrained : bool
        Start from ImageNet weights. They exist for full width only, and not for LEARNet.
    weights_dir : Path, optional
        A folder of ``<name>.safetensors`` files as timm's hub has them; the default is the
        folder that ``MER_WEIGHTS`` names. Without either the hub is asked.

    Returns
    -------
    torch.nn.Module
        From (b, 3, image_size, image_size) to (b, num_classes) scores before the softmax.

    Raises
    ------
    MerError
        If the name is unknown, or ImageNet weights are wanted and not to be had. A
        network is never silently left untrained.

    Examples
    --------
    >>> count = sum(p.numel() for p in create("learnet", 5, 112).parameters())
    >>> f"{count:,}"
    '1,866,053'
    """
    import timm

    from mer_utils.models import learnet as _registers_learnet  # noqa: F401  (with timm)

    if name not in MODELS and not timm.is_model(name):
        raise MerError(
            "TODO",
            f"model {name!r} is unknown",
            f"one of {', '.join(MODELS)}, or another name that timm.list_models() gives",
            "correct the name",
        )
    arguments = _arguments(name, image_size)
    if pretrained:
        if width != 1.0 or name == "learnet":
            raise MerError(
                "TODO",
                f"{name} at width {width} has no ImageNet weights",
                "a timm network at width 1",
                "set pretrained to false for this model",
            )
        return repeatable_on_gpu(_pretrained(name, num_classes, weights_dir, arguments))
    if width == 1.0:
        return repeatable_on_gpu(timm.create_model(name, num_classes=num_classes, **arguments))
    if name not in MODELS:
        raise MerError(
            "TODO",
            f"{name} cannot be narrowed to width {width}",
            f"width 1, or one of {', '.join(MODELS)}",
            "use width 1 for other timm models",
        )
    arguments |= MODELS[name].narrowed(width)
    constructor = arguments.pop("constructor", None)
    if constructor is None:
        return timm.create_model(name, num_classes=num_classes, **arguments)
    return repeatable_on_gpu(constructor(num_classes=num_classes, **arguments))


def _arguments(name: str, image_size: int) -> dict[str, Any]:
    # timm's convolutional networks take any size; those with position embeddings, and
    # LEARNet with its dense layer, are told it.
    told = ("learnet", "vit", "deit", "beit", "eva", "swin")
    return {"img_size": image_size} if name.startswith(told) else {}


def _pretrained(
    name: str, num_classes: int, weights_dir: Path | None, arguments: dict[str, Any]
) -> nn.Module:
    import timm

    folder = weights_dir or os.environ.get(WEIGHTS_SETTING)
    overlay = None
    if folder:
        overlay = {"file": str(weights_file(name, Path(folder)))}
    try:
        return timm.create_model(
            name,
            pretrained=True,
            num_classes=num_classes,
            pretrained_cfg_overlay=overlay,
            **arguments,
        )
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise MerError(
            "TODO",
            f"the ImageNet weights of {name} could not be loaded "
            f"({type(error).__name__}: {str(error).splitlines()[0][:200]})",
            "a hub that can be reached, or a folder with the weights",
            f"copy {name}.safetensors into a folder and name the folder in {WEIGHTS_SETTING}",
        ) from error


def normalisation(model: nn.Module, pretrained: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the channel means and standard deviations that inputs in 0..1 are scaled by.

    Constants of the network, never statistics of the data: ImageNet's where its weights
    are used, else 0.5 and 0.5, which maps the zero level of a symmetric DI to 0.

    Returns
    -------
    tuple of two tensors of shape (1, 3, 1, 1), float32
    """
    import torch

    config = getattr(model, "pretrained_cfg", None) or {}
    mean = config.get("mean", (0.5,) * 3) if pretrained else (0.5,) * 3
    std = config.get("std", (0.5,) * 3) if pretrained else (0.5,) * 3
    shape = (1, 3, 1, 1)
    return torch.tensor(mean).reshape(shape), torch.tensor(std).reshape(shape)
