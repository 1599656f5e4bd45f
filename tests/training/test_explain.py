"""Class activation maps: a network whose maps are known in closed form, and what changes none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import raises
from torch import nn

from mer_utils import models
from mer_utils.training import Classifier
from mer_utils.training.explain import class_activation_maps, last_convolution


class Pooled(nn.Module):
    """Two 1x1 convolutions, the mean over places, a linear layer: Grad-CAM is known exactly.

    A channel's gradient is its weight in the class divided by the number of places.
    """

    def __init__(self, weights, inplace=False):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 1, bias=False)
        self.last = nn.Conv2d(3, 3, 1, bias=False)
        self.act = nn.ReLU(inplace=inplace)
        self.head = nn.Linear(3, len(weights), bias=False)
        with torch.no_grad():
            for layer in (self.first, self.last):
                layer.weight.copy_(torch.eye(3)[:, :, None, None])
            self.head.weight.copy_(torch.tensor(weights))

    def forward(self, x):
        return self.head(self.act(self.last(self.first(x))).mean(dim=(2, 3)))


def unscaled(network):
    """A classifier that shows its network images in 0..1."""
    classifier = Classifier(network)
    classifier.mean, classifier.std = torch.zeros(1), torch.ones(1)
    return classifier


@pytest.fixture
def images(rng):
    # No 0: there a rectifier has no gradient, and the closed form would have to know.
    return rng.integers(1, 256, (6, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def small():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return Classifier(models.create("learnet", 5, 48, width=0.5))


@pytest.mark.parametrize("inplace", [False, True])
def test_a_pooled_network_gives_its_closed_form(images, inplace):
    weights = [[1.0, -0.5, 0.2], [-1.0, 2.0, 0.0]]
    targets = np.array([0, 1, 0, 1, 0, 1])
    found = class_activation_maps(unscaled(Pooled(weights, inplace)), images, targets)
    expected = np.maximum(np.einsum("nhwc,nc->nhw", images / 255, np.array(weights)[targets]), 0)
    expected /= expected.max(axis=(1, 2), keepdims=True)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_class_that_nothing_speaks_for_gives_zeros(images):
    network = unscaled(Pooled([[-1.0, -1.0, -1.0]]))
    assert not class_activation_maps(network, images, np.zeros(6, int)).any()


def test_a_class_scaled_or_shifted_has_the_same_map(images):
    targets = np.array([0, 1, 0, 1, 0, 1])
    weights = np.array([[1.0, -0.5, 0.2], [-1.0, 2.0, 0.0]])
    plain = class_activation_maps(unscaled(Pooled(weights.tolist())), images, targets)
    scaled = Pooled((3 * weights).tolist())
    scaled.head.bias = nn.Parameter(torch.tensor([5.0, -7.0]))
    found = class_activation_maps(unscaled(scaled), images, targets)
    np.testing.assert_allclose(found, plain, atol=1e-5)


def test_order_and_batches_do_not_matter(small, rng):
    images = rng.integers(0, 256, (7, 48, 48, 3), dtype=np.uint8)
    targets = rng.integers(0, 5, 7)
    whole = class_activation_maps(small, images, targets)
    parts = class_activation_maps(small, images, targets, batch_size=3)
    turned = class_activation_maps(small, images[::-1], targets[::-1])
    np.testing.assert_allclose(parts, whole, atol=1e-4)
    np.testing.assert_allclose(turned[::-1], whole, atol=1e-4)
    np.testing.assert_array_equal(class_activation_maps(small, images, targets), whole)


def test_the_network_is_left_as_it_was(small, rng):
    images = rng.integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
    network = small.network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    class_activation_maps(small, images, [0, 1, 2])
    assert network.training
    assert all(p.grad is None for p in network.parameters())
    assert not any(m._forward_hooks for m in network.modules())
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


@pytest.mark.parametrize("name", [n for n, a in models.networks().items() if a.family == "CNN"])
def test_every_convolutional_network_has_maps(name, rng):
    classifier = Classifier(models.create(name, 4, 48, width=1 / 2))
    images = rng.integers(0, 256, (2, 48, 48, 3), dtype=np.uint8)
    found = class_activation_maps(classifier, images, [0, 3])
    assert found.shape == (2, 48, 48)
    assert 0 <= found.min() <= found.max() <= 1
    coarse = class_activation_maps(classifier, images, [0, 3], upsample=False)
    assert 4 <= coarse.shape[1] < 48


def test_the_layer_is_the_last_convolution_with_places():
    learnet = models.create("learnet", 4, 48, width=1 / 2)
    assert last_convolution(Classifier(learnet), (48, 48), 2) is learnet.merge[0]
    assert last_convolution(Classifier(learnet), (48, 48)) is learnet.columns[3].second[0]
    full = models.create("learnet", 4, 112, width=1 / 2)
    assert last_convolution(Classifier(full), (112, 112)) is full.merge[0]
    vgg = models.create("vgg19", 4, 48, width=1 / 16)
    convolutions = [m for m in vgg.features if isinstance(m, nn.Conv2d)]
    assert last_convolution(Classifier(vgg), (48, 48), 2) is convolutions[-1]
    # 3 x 3 places; the block before it has 6 x 6.
    assert last_convolution(Classifier(vgg), (48, 48)) is convolutions[-5]


def test_what_has_no_map_is_refused(images):
    vit = Classifier(models.create("vit_base_patch16_224", 4, 48, width=1 / 12))
    with raises("invalid option", "VisionTransformer"):
        class_activation_maps(vit, np.zeros((1, 48, 48, 3), np.uint8), [0])
    pooled = Classifier(Pooled([[1.0, 0.0, 0.0]]))
    with raises("invalid option", "1 x 1 px"):
        last_convolution(pooled, (1, 1))
    with raises("bad frames", "targets"):
        class_activation_maps(pooled, images, [0])
    assert class_activation_maps(pooled, images[:0], []).shape == (0, 8, 8)
