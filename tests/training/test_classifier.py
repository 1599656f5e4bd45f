"""Fitting: it learns, it repeats itself bit for bit, it sees each image once per epoch."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
import torch
from helpers import raises
from torch import nn
from torch.overrides import TorchFunctionMode

from mer_utils import augment, models
from mer_utils.experiments import PROFILES
from mer_utils.training import Classifier, TrainingOptions
from mer_utils.training.classifier import _batches, _draw, class_weights
from mer_utils.training.steps import learning_rate_factor


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
    batches = _batches(n, 8, torch.Generator().manual_seed(0))
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
        options = TrainingOptions(epochs=3, batch_size=8)
        classifier = Classifier(network, options, micro_batch=micro_batch)
        report = classifier.fit(images, labels)
        counts = (report.steps, report.images)
        seen[micro_batch] = (counts, np.array(report.losses), classifier.predict(images))
    for micro_batch in (3, 8):
        assert seen[micro_batch][0] == seen[None][0]
        np.testing.assert_allclose(seen[micro_batch][1], seen[None][1], rtol=1e-4)
        np.testing.assert_allclose(seen[micro_batch][2], seen[None][2], atol=1e-4)


def test_a_batch_in_parts_is_refused_where_batches_are_normalised(rng):
    with raises("invalid option", "micro_batch is 4"):
        Classifier(small_network(), micro_batch=4).fit(*striped(rng, 20))


def test_bfloat16_runs_and_differs_little(rng):
    images, labels = striped(rng)
    options = TrainingOptions(epochs=8, batch_size=8, learning_rate=0.02, precision="bfloat16")
    classifier = Classifier(small_network(), options)
    classifier.fit(images, labels)
    p = classifier.predict(images)
    assert p.dtype == np.float32
    assert (p.argmax(1) == labels).mean() > 0.9


class Copies(TorchFunctionMode):
    """Counts the copies from the CPU to another device, for which a GPU would be waited for."""

    def __init__(self):
        super().__init__()
        self.seen = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        given = args[0].device.type if args and isinstance(args[0], torch.Tensor) else ""
        found = func(*args, **(kwargs or {}))
        self.seen += (
            given == "cpu" and isinstance(found, torch.Tensor) and found.device.type != "cpu"
        )
        return found


def steps_without_data(network, side, spatial="flip+rotation"):
    """Take steps on tensors that hold no data, of which nothing can be read; count copies."""
    classifier = Classifier(network, TrainingOptions(batch_size=8), device="meta")
    with (
        mock.patch.object(Classifier, "_autocast", return_value=nullcontext()),
        mock.patch(
            "torch.optim.optimizer._get_fused_kernels_supported_devices", return_value=["meta"]
        ),
        mock.patch("torch._fused_adamw_"),
        torch.device("meta"),
    ):
        images = torch.zeros(16, side, side, 3, dtype=torch.uint8)
        steps = classifier._prepared(spatial, [8, 5], images, None)
        labels, rates = torch.zeros(16, dtype=torch.long), steps.rates(4)
        with Copies() as copies:
            for n in (8, 5):
                batch = torch.zeros(n, dtype=torch.long)
                numbers = torch.zeros(len(augment.SPATIAL[spatial]), n)
                steps.take(images, labels, batch, numbers, rates[0])
    return copies.seen


def test_a_signed_flip_sends_no_numbers():
    assert steps_without_data(small_network(), 16, spatial="flip-blue") == 0


def uneven(rng):
    """Six images of one class and two of another."""
    return rng.integers(0, 256, (8, 16, 16, 3), dtype=np.uint8), np.array([0] * 6 + [1] * 2)


def plain_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(768, 2))


def test_class_weights_are_as_many_more_images_of_the_rare_class(rng):
    images, labels = uneven(rng)
    options = TrainingOptions(epochs=3, batch_size=16)
    weighted = Classifier(
        plain_network(), options.model_copy(update={"balance": "class_weights"}), micro_batch=3
    )
    weighted.fit(images, labels)
    tripled = Classifier(plain_network(), options)
    again = np.r_[: len(images), 6:8, 6:8]
    tripled.fit(images[again], labels[again])
    plain = Classifier(plain_network(), options)
    plain.fit(images, labels)
    found, expected, other = (c.predict(images) for c in (weighted, tripled, plain))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found - other).max() > 1e-3


def test_sampling_shows_every_class_equally_often():
    labels = np.array([0] * 60 + [2] * 4)
    options = TrainingOptions(epochs=50, batch_size=16, balance="sampling")
    generator = torch.Generator().manual_seed(0)
    drawn = _draw(labels, class_weights(labels, 3), options, "none", generator)
    shown = labels[np.concatenate([batch.numpy() for batch, _ in drawn])]
    assert len(shown) == 50 * 64
    assert abs((shown == 2).mean() - 0.5) < 0.05


def test_another_fold_has_class_weights_of_its_own(rng):
    images, labels = uneven(rng)
    options = TrainingOptions(epochs=2, batch_size=8, balance="class_weights")
    kept = Classifier(plain_network(), options)
    kept.fit(images, 1 - labels)
    kept.start_again(plain_network())
    kept.fit(images, labels)
    fresh = Classifier(plain_network(), options)
    fresh.fit(images, labels)
    assert kept.predict(images).tobytes() == fresh.predict(images).tobytes()


@pytest.mark.parametrize("name", models.networks())
def test_no_step_waits_for_the_device(name):
    width = PROFILES["smoke"].models[name].width
    assert steps_without_data(models.create(name, 5, 32, width=width), 32) == 0


@pytest.mark.parametrize(
    "impatient",
    [
        lambda x: x * float(x.detach().abs().max()),
        lambda x: x * x.detach().abs().max().item(),
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x[x[:, 0] > 0],
        lambda x: x * x.detach().cpu().to(x.device),
    ],
)
def test_a_step_that_waits_is_found(impatient):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(3, 2, 16)

        def forward(self, x):
            return impatient(self.layer(x).flatten(1))

    with pytest.raises((RuntimeError, NotImplementedError)):
        steps_without_data(Network(), 16)


def test_a_step_that_sends_numbers_is_found(monkeypatch):
    def sends(images, numbers):
        return images * torch.ones(1, device="cpu").to(images.device)

    monkeypatch.setitem(augment.SPATIAL, "sends", (sends,))
    assert steps_without_data(small_network(), 16, spatial="sends") == 2


def test_a_fit_waits_once_an_epoch(rng, monkeypatch):
    images, labels = striped(rng, 44)
    calls = Counter()

    def counted(name, plain):
        def call(*args, **kwargs):
            calls[name] += 1
            return plain(*args, **kwargs)

        return call

    for name in ("item", "tolist", "cpu", "numpy"):
        monkeypatch.setattr(torch.Tensor, name, counted(name, getattr(torch.Tensor, name)))
    Classifier(small_network(), TrainingOptions(epochs=3, batch_size=8)).fit(images, labels)
    assert calls == {"item": 3}


def test_going_on_with_other_weights_is_starting_with_them(rng):
    images, labels = striped(rng, 20)
    options = TrainingOptions(epochs=3, batch_size=8, learning_rate=0.02)
    used = Classifier(small_network(seed=1), options)
    used.fit(images, labels, spatial="flip", seed=1)
    for spatial in ("flip", "none"):
        fresh = Classifier(small_network(seed=2), options)
        used.start_again(small_network(seed=2))
        reports = [c.fit(images, labels, spatial=spatial, seed=3) for c in (fresh, used)]
        assert reports[0].losses == reports[1].losses
        assert fresh.predict(images).tobytes() == used.predict(images).tobytes()


def test_another_fit_goes_on_from_the_weights_with_a_new_optimiser(rng):
    images, labels = striped(rng, 20)
    options = TrainingOptions(epochs=2, batch_size=8, learning_rate=0.02)
    one = Classifier(small_network(), options)
    one.fit(images, labels, seed=1)
    copy = Classifier(small_network(), options)
    copy.network.load_state_dict(one.network.state_dict())
    for classifier in (one, copy):
        classifier.fit(images, labels, seed=2)
    assert one.predict(images).tobytes() == copy.predict(images).tobytes()


@pytest.mark.scenario("C")
@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_no_predictions(score):
    class Broken(torch.nn.Module):
        def forward(self, x):
            return torch.full((len(x), 3), 0.0).index_fill(1, torch.tensor([1]), score)

    with raises("diverged fold", "Broken"):
        Classifier(Broken()).predict(np.zeros((2, 8, 8, 3), np.uint8))


@pytest.mark.scenario("B", "C")
@pytest.mark.parametrize(
    ("scores", "kind"),
    [
        (lambda x: torch.zeros(len(x), 2), "invalid option"),
        (lambda x: torch.zeros(len(x) + 1, 3), "invalid option"),
        (lambda x: x, "invalid option"),
        (lambda x: torch.full((len(x), 3), torch.nan), "bad weights"),
    ],
)
def test_a_network_is_tried_before_it_is_trained(scores, kind):
    class Own(torch.nn.Linear):
        def forward(self, x):
            return scores(x)

    with raises(kind, "Own"):
        Classifier(Own(1, 1), pretrained=True).fit(
            np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 1, 2, 0])
        )


@pytest.mark.scenario("C")
def test_an_infinite_rate_is_refused_and_an_infinite_clip_is_read_back():
    for name in ("learning_rate", "weight_decay"):
        with pytest.raises(ValueError, match=name):
            TrainingOptions(**{name: float("inf")})
    options = TrainingOptions(gradient_clip=float("inf"))
    assert TrainingOptions.model_validate_json(options.model_dump_json()) == options


BYTES, CLASSES = np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 1, 2, 0])


@pytest.mark.scenario("A", "C")
@pytest.mark.parametrize(
    ("images", "labels", "kind"),
    [
        (BYTES / 255, CLASSES, "bad frames"),
        (BYTES.astype(np.uint16), CLASSES, "bad frames"),
        (BYTES > 100, CLASSES, "bad frames"),
        (BYTES[..., :1], CLASSES, "bad frames"),
        (BYTES.transpose(0, 3, 1, 2), CLASSES, "bad frames"),
        (BYTES, CLASSES - 1, "invalid option"),
        (BYTES, CLASSES + 0.5, "invalid option"),
        (BYTES, np.tile(CLASSES, 2), "invalid option"),
        (BYTES, CLASSES[:, None], "invalid option"),
        (BYTES[:0], CLASSES[:0], "invalid option"),
    ],
)
def test_images_and_labels_of_another_kind_are_refused(images, labels, kind):
    classifier = Classifier(small_network())
    with raises(kind):
        classifier.fit(images, labels)
    if kind == "bad frames":
        with raises(kind):
            classifier.predict(images)


def test_less_than_one_image_at_once_is_refused():
    with raises("invalid option", "micro_batch"):
        Classifier(small_network(), micro_batch=0).fit(BYTES, CLASSES)
