"""Fitting: it learns, it repeats itself bit for bit, it sees each image once per epoch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from helpers import raises
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mer_utils import models
from mer_utils.experiments import PROFILES
from mer_utils.training import Classifier, TrainingOptions
from mer_utils.training.classifier import _batches, learning_rate_factor


def striped(rng, n=48):
    """Images whose class shows as the direction of stripes under noise."""
    labels = np.arange(n) % 2
    images = rng.integers(0, 100, (n, 16, 16, 3), dtype=np.uint8)
    images[labels == 0, ::2] += 120
    images[labels == 1, :, ::2] += 120
    return images, labels


def small_network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Dropout(0.1), nn.Linear(8, 2),
    )  # fmt: skip


def fitted(images, labels, **changes):
    classifier = Classifier(
        small_network(), TrainingOptions(epochs=12, batch_size=8, learning_rate=0.02)
    )
    return classifier, classifier.fit(images, labels, **changes)


def test_it_learns_what_can_be_learnt(rng):
    classifier, report = fitted(*striped(rng))
    new_images, new_labels = striped(rng)
    assert (classifier.predict(new_images).argmax(1) == new_labels).mean() > 0.95
    assert report.losses[-1] < 0.5 * report.losses[0]


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(rng):
    images, labels = striped(rng)
    one, same, other = (
        fitted(images, labels, seed=seed, spatial="flip+rotation")[0].predict(images).tobytes()
        for seed in (1, 1, 2)
    )
    assert one == same != other


def test_counts_of_steps_and_images(rng):
    _, report = fitted(*striped(rng, 20))
    assert (report.images, report.steps, len(report.losses)) == (20 * 12, 3 * 12, 12)


def test_probabilities_sum_to_one_and_do_not_depend_on_the_batch(rng):
    images, labels = striped(rng, 70)
    classifier, _ = fitted(images, labels)
    together = classifier.predict(images)
    alone = np.concatenate([classifier.predict(images[i : i + 1]) for i in range(70)])
    np.testing.assert_allclose(together.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert classifier.predict(images[:0]).shape == (0, 2)


@pytest.mark.parametrize("n", [1, 2, 8, 9, 17, 24])
def test_every_image_is_in_one_batch_and_none_is_alone(n):
    batches = list(_batches(n, 8, torch.Generator().manual_seed(0)))
    assert sorted(torch.cat(batches).tolist()) == list(range(n))
    assert n == 1 or min(len(b) for b in batches) > 1


def test_learning_rate_rises_then_falls():
    factors = [learning_rate_factor(step, 100, 0.1) for step in range(101)]
    assert factors[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert all(a >= b for a, b in pairwise(factors[10:]))
    assert factors[-1] == pytest.approx(0, abs=1e-12)


def test_a_batch_in_parts_takes_the_same_steps(rng):
    images, labels = striped(rng, 20)
    seen = {}
    for micro_batch in (None, 3, 8):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 2))
        options = TrainingOptions(epochs=3, batch_size=8, micro_batch=micro_batch)
        classifier = Classifier(network, options)
        report = classifier.fit(images, labels)
        counts = (report.steps, report.images)
        seen[micro_batch] = (counts, np.array(report.losses), classifier.predict(images))
    for micro_batch in (3, 8):
        assert seen[micro_batch][0] == seen[None][0]
        np.testing.assert_allclose(seen[micro_batch][1], seen[None][1], rtol=1e-4)
        np.testing.assert_allclose(seen[micro_batch][2], seen[None][2], atol=1e-4)


def test_a_batch_in_parts_is_refused_where_batches_are_normalised(rng):
    options = TrainingOptions(epochs=1, batch_size=8, micro_batch=4)
    with raises("invalid option", "micro_batch is 4"):
        Classifier(small_network(), options).fit(*striped(rng, 20))


def test_no_network_of_a_profile_normalises_the_parts_of_a_batch():
    for profile in PROFILES.values():
        for name, plan in profile.models.items():
            if plan.micro_batch:
                with torch.device("meta"):
                    network = models.create(name, 5, plan.image_size, width=plan.width)
                assert not any(isinstance(m, _BatchNorm) for m in network.modules())


def test_bfloat16_runs_and_differs_little(rng):
    images, labels = striped(rng)
    options = TrainingOptions(epochs=8, batch_size=8, learning_rate=0.02, precision="bfloat16")
    classifier = Classifier(small_network(), options)
    classifier.fit(images, labels)
    p = classifier.predict(images)
    assert p.dtype == np.float32
    assert (p.argmax(1) == labels).mean() > 0.9
