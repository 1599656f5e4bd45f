"""Baselines: what they predict is known in closed form on small made images."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from helpers import raises
from sklearn.exceptions import ConvergenceWarning
from sklearn.tree import DecisionTreeClassifier

from mer_utils.models import MODELS, Baseline
from mer_utils.models.baselines import gradients, pixels


def stripes(rng, n, horizontal):
    """Images of noisy stripes, across or down."""
    wave = 60 * np.sin(np.arange(24) / 1.5)
    pattern = wave[:, None] if horizontal else wave[None, :]
    noise = rng.normal(0, 10, (n, 24, 24, 3))
    return np.clip(128 + pattern[None, :, :, None] + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["svm_pixels", "svm_hog"])
@pytest.mark.parametrize("classes", [(0, 1), (1, 3)])
def test_a_linear_svm_tells_stripes_across_from_stripes_down(rng, name, classes):
    baseline = MODELS[name]
    images = np.concatenate([stripes(rng, 12, True), stripes(rng, 12, False)])
    labels = np.repeat(classes, 12)
    shown = np.concatenate([stripes(rng, 5, True), stripes(rng, 5, False)])
    (p,) = baseline.fit_and_predict(
        baseline.describe(images), labels, [baseline.describe(shown)], 4
    )
    assert p.shape == (10, 4)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)
    assert p.argmax(1).tolist() == np.repeat(classes, 5).tolist()
    assert (p[:, [k for k in range(4) if k not in classes]] == 0).all()


def test_more_than_two_classes_are_told_apart(rng):
    grey = [np.full((8, 24, 24, 3), level) for level in (40, 120, 200)]
    images = np.concatenate(grey) + rng.integers(0, 20, (24, 24, 24, 3))
    images, labels = images.astype(np.uint8), np.repeat([0, 1, 2], 8)
    (p,) = MODELS["svm_pixels"].fit_and_predict(pixels(images), labels, [pixels(images)], 3)
    assert p.argmax(1).tolist() == labels.tolist()


def test_the_constant_predicts_the_frequencies_of_the_training_set(rng):
    labels = np.array([0, 2, 2, 2])
    features = rng.normal(size=(4, 3)).astype(np.float32)
    first, second = MODELS["constant"].fit_and_predict(
        features, labels, [features, features[:0]], 4
    )
    np.testing.assert_allclose(first, np.tile([0.25, 0, 0.75, 0], (4, 1)))
    assert second.shape == (0, 4)


def test_one_class_in_training_is_predicted_for_sure(rng):
    features = rng.normal(size=(5, 3)).astype(np.float32)
    (p,) = MODELS["svm_hog"].fit_and_predict(features, np.full(5, 1), [features], 3)
    np.testing.assert_allclose(p, np.tile([0, 1, 0], (5, 1)))


def test_gradients_ignore_brightness(rng):
    images = rng.integers(0, 120, (2, 48, 48, 3), dtype=np.uint8)
    np.testing.assert_allclose(gradients(images), gradients(images + 100), atol=1e-6)
    assert gradients(images).shape == (2, 900)


def test_a_classifier_of_ones_own_may_give_probabilities(rng):
    features = rng.normal(size=(20, 2)).astype(np.float32)
    labels = (features[:, 0] > 0).astype(int)
    own = Baseline("tree", "Tree", pixels, lambda: DecisionTreeClassifier(random_state=0))
    (p,) = own.fit_and_predict(features, labels, [features], 3)
    np.testing.assert_array_equal(p, np.eye(3)[labels])


@pytest.mark.scenario("C")
@pytest.mark.parametrize("where", ["trained", "tested"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(rng, where, value):
    features, shown = rng.normal(size=(20, 3)), rng.normal(size=(4, 3))
    (features if where == "trained" else shown)[1, 1] = value
    with raises("bad features", "svm_hog"):
        MODELS["svm_hog"].fit_and_predict(features, np.arange(20) % 2, [shown], 2)


@pytest.mark.scenario("C")
def test_constant_features_are_no_division_by_zero(rng):
    features = np.column_stack([rng.normal(size=20), np.full(20, 7.0)]).astype(np.float32)
    labels = (features[:, 0] > 0).astype(int)
    (p,) = MODELS["svm_hog"].fit_and_predict(features, labels, [features], 2)
    assert (p.argmax(axis=1) == labels).mean() >= 0.9
    (flat,) = MODELS["svm_hog"].fit_and_predict(features[:, 1:], labels, [features[:, 1:]], 2)
    np.testing.assert_allclose(flat.sum(axis=1), 1, rtol=1e-5)


class Own:
    """A classifier whose probabilities are what a test says, or that does not converge."""

    classes_ = np.array([0, 1])

    def __init__(self, row):
        self.row = row

    def fit(self, features, labels):
        warnings.warn("it did not converge\nIncrease max_iter", ConvergenceWarning, stacklevel=1)
        return self

    def predict_proba(self, features):
        return np.tile(self.row, (len(features), 1))


@pytest.mark.scenario("C")
@pytest.mark.parametrize("row", [[np.nan, 1], [np.inf, 0], [0.4, 0.4], [1.5, -0.5], [0, 0]])
def test_probabilities_that_are_none_are_refused(rng, row):
    own = Baseline("own", "own", lambda images: images, lambda: Own(row))
    with raises("bad predictions", "own"):
        own.fit_and_predict(np.ones((4, 1)), np.arange(4) % 2, [np.ones((3, 1))], 2)


@pytest.mark.scenario("C")
def test_a_classifier_that_does_not_converge_is_said_once(caplog):
    own = Baseline("slow", "slow", lambda images: images, lambda: Own([0.5, 0.5]))
    for _fold in range(2):
        own.fit_and_predict(np.ones((4, 1)), np.arange(4) % 2, [np.ones((3, 1))], 2)
    assert caplog.text.count("slow: it did not converge") == 1
