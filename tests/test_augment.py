"""Flips and rotations against NumPy and OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from helpers import raises

from mer_utils import augment
from mer_utils.training import Classifier


def smooth_images(rng, n=6, side=48):
    noise = rng.normal(size=(n, side, side, 3)).astype(np.float32)
    blurred = np.stack([cv2.GaussianBlur(image, (0, 0), 4) for image in noise])
    return torch.from_numpy(blurred.transpose(0, 3, 1, 2).copy())


def test_none_changes_nothing(rng):
    images = smooth_images(rng)
    assert torch.equal(augment.spatial(images, "none", torch.empty(0, len(images))), images)


def test_flip_mirrors_about_half_of_the_images_and_leaves_the_others():
    images = torch.arange(400 * 3 * 2 * 5, dtype=torch.float32).reshape(400, 3, 2, 5)
    flipped = augment.flip(images, torch.rand(400, generator=torch.Generator().manual_seed(0)))
    mirrored = [torch.equal(f, i.flip(-1)) for f, i in zip(flipped, images, strict=True)]
    kept = [torch.equal(f, i) for f, i in zip(flipped, images, strict=True)]
    assert all(m != k for m, k in zip(mirrored, kept, strict=True))
    assert 160 < sum(mirrored) < 240


@pytest.mark.parametrize("degrees", [-10, -3, 0, 7, 10])
def test_rotation_agrees_with_opencv(rng, degrees):
    images = smooth_images(rng)
    angles = torch.full((len(images),), np.deg2rad(degrees), dtype=torch.float32)
    turned = augment.rotate(images, angles).numpy().transpose(0, 2, 3, 1)
    side = images.shape[-1]
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, 1)
    for mine, image in zip(turned, images.numpy().transpose(0, 2, 3, 1), strict=True):
        theirs = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR)
        inside = np.s_[8:-8, 8:-8]
        # OpenCV rounds the sampling position to 1/32 pixel.
        assert np.abs(mine[inside] - theirs[inside]).max() < 0.05 * np.abs(theirs).max()


def test_a_quarter_turn_of_a_rectangle_does_not_shear():
    image = torch.zeros(1, 1, 41, 81)
    image[0, 0, 20, 30:51] = 1  # a horizontal bar through the centre
    turned = augment.rotate(image, torch.tensor([np.pi / 2], dtype=torch.float32))
    assert turned[0, 0, 11:30, 40].min() > 0.9


def test_the_same_seed_draws_the_same_transformation(rng):
    images = smooth_images(rng)

    def transformed(seed):
        numbers = augment.draw("flip+rotation", len(images), torch.Generator().manual_seed(seed))
        return augment.spatial(images, "flip+rotation", numbers)

    assert torch.equal(transformed(3), transformed(3))
    assert not torch.equal(transformed(3), transformed(4))


def test_unknown_setting():
    with raises("unknown name", "shear"):
        augment.draw("shear", 1, torch.Generator())
    with raises("unknown name", "shear"):
        augment.spatial(torch.zeros(1, 3, 4, 4), "shear", torch.zeros(1, 1))


@pytest.mark.scenario("C")
@pytest.mark.parametrize(
    ("own", "named"),
    [
        (lambda images, numbers: images[:, :, ::2, ::2], "(4, 3, 4, 4)"),
        (lambda images, numbers: images[:1], "(1, 3, 8, 8)"),
        (lambda images, numbers: images.double(), "float64"),
        (lambda images, numbers: None, "NoneType"),
    ],
)
def test_what_is_no_batch_like_the_one_given_is_refused(own, named, monkeypatch):
    monkeypatch.setitem(augment.SPATIAL, "own", (own,))
    with raises("invalid option", "'own'", named):
        augment.spatial(torch.zeros(4, 3, 8, 8), "own", torch.zeros(1, 4))


@pytest.mark.scenario("C")
def test_an_augmentation_that_returns_no_numbers_is_named(monkeypatch, rng):
    monkeypatch.setitem(augment.SPATIAL, "own", (augment.flip, lambda images, numbers: images / 0))
    images = rng.integers(0, 255, (6, 16, 16, 3), dtype=np.uint8)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16**2, 2))
    with raises("invalid option", "'own'", "NaN"):
        Classifier(network).fit(images, np.arange(6) % 2, spatial="own")


@pytest.mark.parametrize("colour", augment.COLOURS)
def test_a_mirrored_flow_moves_the_other_way(rng, colour):
    # Bytes, so that what a network sees is known: 255 - v is the motion of v, the other way.
    flow = rng.integers(0, 256, (2, 6, 4, 3), dtype=np.uint8)
    mean, std = np.float32([0.4, 0.5, 0.6]), np.float32([0.2, 0.3, 0.4])

    def scaled(images):
        values = (images.astype(np.float32) / 255 - mean) / std
        return torch.from_numpy(values.transpose(0, 3, 1, 2).copy())

    grey = torch.from_numpy((0.5 - mean) / std).reshape(1, 3, 1, 1)
    numbers = torch.tensor([[0.1, 0.9]])  # the first is mirrored, the second left
    found = augment.spatial(scaled(flow), f"flip-{colour}", numbers, grey)
    mirrored = flow[:, :, ::-1].copy()
    channel = augment.COLOURS.index(colour)
    mirrored[..., channel] = 255 - mirrored[..., channel]
    mirrored[1] = flow[1]
    torch.testing.assert_close(found, scaled(mirrored), atol=1e-5, rtol=1e-5)
