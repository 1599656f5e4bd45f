"""Baselines: what the networks must beat, from scikit-learn and scikit-image.

They see the same views as the networks, fold by fold. Both libraries are imported where they
are used: the names of the baselines are wanted on every page, and cost no second there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from mer_utils.errors import MerError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class Baseline:
    """A classifier that is no network.

    Parameters
    ----------
    name, title : str
    describe : callable
        From (n, h, w, 3) bytes to (n, features).
    linear : bool
        A linear support vector machine on the features; else the class frequencies of the
        training set, whatever the image.
    """

    name: str
    title: str
    describe: Callable[[np.ndarray], np.ndarray]
    linear: bool = True


def pixels(images: np.ndarray) -> np.ndarray:
    """Return every pixel as a feature in 0..1; (n, h, w, 3) bytes to (n, h * w * 3)."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def gradients(images: np.ndarray) -> np.ndarray:
    """Return histograms of oriented gradients (HOG); (n, h, w, 3) bytes to (n, features).

    Nine orientations, cells of a sixth of the image, blocks of 2 x 2 cells, of the mean over
    the channels.
    """
    from skimage.feature import hog

    cell = max(images.shape[1] // 6, 2)
    return np.stack(
        [
            hog(image, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))
            for image in images.mean(axis=-1)
        ]
    ).astype(np.float32)


def _nothing(images: np.ndarray) -> np.ndarray:
    return np.zeros((len(images), 1), np.float32)


BASELINES: dict[str, Baseline] = {
    b.name: b
    for b in (
        Baseline("constant", "most frequent class", _nothing, linear=False),
        Baseline("svm_pixels", "linear SVM on pixels", pixels),
        Baseline("svm_hog", "linear SVM on HOG", gradients),
    )
}


def get_baseline(name: str) -> Baseline:
    """Return a baseline by name.

    Raises
    ------
    MerError
        If there is none of that name.
    """
    if name not in BASELINES:
        raise MerError(
            "TODO",
            f"baseline {name!r} is unknown",
            f"one of {', '.join(BASELINES)}",
            "choose one of them",
        )
    return BASELINES[name]


def fit_and_predict(
    name: str,
    features: np.ndarray,
    labels: np.ndarray,
    tested: list[np.ndarray],
    n_classes: int,
) -> list[np.ndarray]:
    """Fit a baseline and predict several sets of images.

    Parameters
    ----------
    name : str
        A key of `BASELINES`.
    features : ndarray of shape (n, features), float32
        As the baseline's `describe` makes them of the training images.
    labels : ndarray of shape (n,), int
        Class indices.
    tested : list of ndarray of shape (m, features), float32
    n_classes : int

    Returns
    -------
    list of ndarray of shape (m, n_classes), float32
        Rows sum to 1. Of a support vector machine they are the softmax of its decision values
        (one against one, votes first): they rank the classes as it does, but are not
        calibrated. A class that was not trained has probability 0.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    baseline = get_baseline(name)
    if baseline.linear and len(np.unique(labels)) > 1:
        model = make_pipeline(StandardScaler(), SVC(kernel="linear"))
    else:
        model = make_pipeline(DummyClassifier(strategy="prior"))
    model.fit(features, labels)
    classes = model[-1].classes_
    found = []
    for shown in tested:
        p = np.zeros((len(shown), n_classes), np.float32)
        if len(shown):
            p[:, classes] = _probabilities(model, shown)
        found.append(p)
    return found


def _probabilities(model: Pipeline, features: np.ndarray) -> np.ndarray:
    if not hasattr(model[-1], "decision_function"):
        return model.predict_proba(features)
    values = model.decision_function(features)
    if values.ndim == 1:  # two classes: one value, positive for the second
        values = np.stack([-values, values], axis=1)
    return softmax(values, axis=1)
