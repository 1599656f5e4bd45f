"""Explain: where a trained network looked, as class activation maps (Grad-CAM).

Gradient-weighted class activation mapping (Selvaraju et al., 2017) weights the channels of a
convolution by how much the score of a class rises with each, and adds them up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from captum.attr import LayerGradCam
from torch import nn
from torch.nn import functional

from mer_utils.errors import MerError
from mer_utils.training.classifier import Classifier

#: Fewest places per side of the layer that is shown: with 2 x 2 a map cannot tell the brows from
#: the eyes. At 224 px (LEARNet: 112) the last convolution of every network here has them; on
#: smaller images the layer is an earlier one.
SMALLEST = 4


def class_activation_maps(
    classifier: Classifier,
    images: np.ndarray,
    targets: Sequence[int] | np.ndarray,
    *,
    smallest: int = SMALLEST,
    upsample: bool = True,
    batch_size: int = 64,
) -> np.ndarray:
    """Compute the Grad-CAM map of every image for its target class.

    Parameters
    ----------
    classifier : Classifier
        Of a convolutional network, which is left as it was.
    images : ndarray of shape (n, h, w, 3), uint8
    targets : sequence of int, length n
        The class whose score is explained, image by image.
    smallest : int
        Fewest places per side that the layer must have, see `last_convolution`.
    upsample : bool
        Enlarge the maps to the images' size (bilinear); else they keep the size of the
        convolution, which is all the resolution there is.
    batch_size : int
        Images at a time; the maps do not depend on it.

    Returns
    -------
    ndarray of shape (n, h, w), float32
        In 0..1: each map is divided by its own largest value, so maps of different images
        compare places, not strengths. A map without any positive value is all 0.

    Raises
    ------
    MerError
        ``bad frames``, if images and targets do not fit; ``invalid option``, if the network
        has no convolution whose output says where.

    Notes
    -----
    With the channels A_k (p, q) of the layer of `last_convolution` and the score s_c of class c
    before the softmax, the map is ``max(0, sum_k a_k A_k)`` with ``a_k`` the mean over places
    (p, q) of ``ds_c / dA_k(p, q)``.
    """
    targets = np.asarray(targets, np.int64)
    if images.ndim != 4 or images.dtype != np.uint8 or targets.shape != (len(images),):
        raise MerError(
            "bad frames",
            f"{images.dtype} images {images.shape} with targets {targets.shape} do not fit",
            "uint8 images (n, h, w, 3) and n class numbers",
            "pass the views as they are stored, and one class for each",
        )
    size, network = images.shape[1:3], classifier.network
    was_training = network.training
    network.eval()
    try:
        method = LayerGradCam(network, last_convolution(classifier, size, smallest))
        maps = []
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            shown = classifier.scaled(classifier.on_device(images[part]))
            wanted = classifier.on_device(targets[part])
            maps.append(method.attribute(shown, wanted, relu_attributions=True).detach())
    finally:
        network.train(was_training)
    if not maps:
        return np.zeros((0, *size), np.float32)
    # In one piece, so that the same map is enlarged alike whatever the batches were.
    found = torch.cat(maps)
    if upsample:
        found = functional.interpolate(found, size=size, mode="bilinear", align_corners=False)
    largest = found.amax(dim=(2, 3), keepdim=True)
    found = torch.where(largest > 0, found / largest.clamp_min(torch.finfo().tiny), 0.0)
    return found[:, 0].clamp(0, 1).cpu().numpy().astype(np.float32)


def last_convolution(
    classifier: Classifier, size: tuple[int, int], smallest: int = SMALLEST
) -> nn.Module:
    """Find the layer whose map is shown: the last convolution that still says where.

    Parameters
    ----------
    classifier : Classifier
    size : tuple of int
        Height and width of the images in pixels.
    smallest : int
        Fewest places along the shorter side of the convolution's output.

    Returns
    -------
    torch.nn.Module
        In the order in which one image passes through, the last convolution whose output has
        `smallest` places per side (VGG's dense layers, which timm writes as convolutions, have
        one place only).

    Raises
    ------
    MerError
        ``invalid option``, if there is none, or what follows it works on a list of tokens, as
        in a vision transformer: its only convolution cuts the image into patches.
    """
    trace: list[tuple[nn.Module, tuple[int, ...], tuple[int, ...]]] = []

    def record(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        trace.append((module, tuple(inputs[0].shape), tuple(output.shape)))

    network = classifier.network
    watched = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    handles = [module.register_forward_hook(record) for module in watched]
    try:
        classifier.predict(np.zeros((1, *size, 3), np.uint8))
    finally:
        for handle in handles:
            handle.remove()
    places = [
        i
        for i, (module, _, output) in enumerate(trace)
        if isinstance(module, nn.Conv2d) and min(output[2:]) >= smallest
    ]
    after = trace[places[-1] :] if places else []
    tokens = any(isinstance(m, nn.Linear) and len(shape) == 3 for m, shape, _ in after)
    if not places or tokens:
        raise MerError(
            "invalid option",
            f"{type(network).__name__} has no last convolution whose output says where, at "
            f"{size[0]} x {size[1]} px, in at least {smallest} x {smallest} places",
            "a convolutional network and images large enough for it",
            "leave class activation maps out for this network, or use larger images",
        )
    return trace[places[-1]][0]
