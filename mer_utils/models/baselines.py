"""Baselines: what the networks must beat, from scikit-learn and scikit-image.

They see the same views as the networks, fold by fold. Both libraries are imported where they
are used: the names of the baselines are wanted on every page, and cost no second there.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.metrics.arrays import fault_of_probabilities

log = logging.getLogger(__name__)
_said: set[str] = set()


def _svm() -> Any:
    require("sklearn", "train")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return make_pipeline(StandardScaler(), SVC(kernel="linear"))


def _class_frequencies() -> Any:
    return require("sklearn.dummy", "train").DummyClassifier(strategy="prior")


@dataclass(frozen=True)
class Baseline:
    """A classifier that is no network.

    Parameters
    ----------
    name, title : str
    describe : callable
        From (n, h, w, 3) bytes to (n, features) float32.
    classifier : callable
        Returns a scikit-learn classifier, not yet fitted; by default a linear support vector
        machine on standardised features.
    version : str
        Of a baseline of your own, as of an `Architecture`.
    """

    is_network: ClassVar[bool] = False

    name: str
    title: str
    describe: Callable[[np.ndarray], np.ndarray]
    classifier: Callable[[], Any] = _svm
    version: str = ""

    def fit_and_predict(
        self, features: np.ndarray, labels: np.ndarray, tested: list[np.ndarray], n_classes: int
    ) -> list[np.ndarray]:
        """Fit on (n, features) and n class indices; predict several (m, features).

        Returns
        -------
        list of ndarray of shape (m, n_classes), float32
            Rows sum to 1. Of a classifier without probabilities they are the softmax of its
            decision values (of a support vector machine one against one, votes first): they
            rank the classes as it does, but are not calibrated. A class that was not trained
            has probability 0.

        Raises
        ------
        MerError
            ``bad features``; ``bad predictions``, of the classifier.
        """
        if not all(np.isfinite(shown).all() for shown in (features, *tested)):
            raise MerError(
                "bad features",
                f"{self.name} describes images by values that are NaN or infinite",
                "finite features",
                "mend the function that describes the images",
            )
        several = len(np.unique(labels)) > 1
        model = (self.classifier if several else _class_frequencies)()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(features, labels)
        for words in {f"{self.name}: {str(w.message).splitlines()[0]}" for w in caught} - _said:
            _said.add(words)
            log.warning("%s", words)
        found = [np.zeros((len(shown), n_classes), np.float32) for shown in tested]
        for p, shown in zip(found, tested, strict=True):
            if len(shown):
                p[:, model.classes_] = _probabilities(model, shown)
            if fault := fault_of_probabilities(p):
                raise MerError(
                    "bad predictions",
                    f"{self.name} gives probabilities with {fault}",
                    "finite probabilities that sum to 1",
                    "mend its classifier, or standardise its features",
                )
        return found


def _probabilities(model: Any, features: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    if hasattr(model, "predict_proba"):
        return model.predict_proba(features)
    values = model.decision_function(features)
    if values.ndim == 1:  # two classes: one value, positive for the second
        values = np.stack([-values, values], axis=1)
    return softmax(values, axis=1)


def pixels(images: np.ndarray) -> np.ndarray:
    """Return every pixel as a feature in 0..1; (n, h, w, 3) bytes to (n, h * w * 3)."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def gradients(images: np.ndarray) -> np.ndarray:
    """Return histograms of oriented gradients (HOG); (n, h, w, 3) bytes to (n, features).

    Nine orientations, cells of a sixth of the image, blocks of 2 x 2 cells, of the mean over
    the channels.
    """
    hog = require("skimage.feature", "train").hog
    cell = max(images.shape[1] // 6, 2)
    cells = {"pixels_per_cell": (cell, cell), "cells_per_block": (2, 2)}
    return np.stack([hog(image, **cells) for image in images.mean(axis=-1)]).astype(np.float32)


def _nothing(images: np.ndarray) -> np.ndarray:
    return np.zeros((len(images), 1), np.float32)


BASELINES = (
    Baseline("constant", "most frequent class", _nothing, _class_frequencies),
    Baseline("svm_pixels", "linear SVM on pixels", pixels),
    Baseline("svm_hog", "linear SVM on HOG", gradients),
)
