"""Class activation maps by class, and how they agree with where skin moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import cv2
import numpy as np
import pandas as pd
from scipy.stats import rankdata

from companion.chapters.page import number, p_value, signed
from mer_utils.errors import MerError
from mer_utils.experiments import Workspace
from mer_utils.plotting.words import dataset_title
from mer_utils.views import Views

#: Up to so many classes every pairing is tried: 7! = 5,040.
MOST_CLASSES = 7


def stored_maps(
    workspace: Workspace, dataset: str, model: str, setting: str
) -> tuple[pd.DataFrame, np.ndarray, str]:
    """Read the class activation maps that the runs of table 2 left in the store.

    Returns
    -------
    rows : DataFrame
        The predictions that have a map; empty if there are none.
    maps : ndarray of shape (n, h, w), float32
    why : str
        Why there are none, else "".
    """
    specs = [
        spec
        for spec in workspace.specs("table2")
        if (spec.data.dataset, spec.model.name, spec.setting) == (dataset, model, setting)
    ]
    nothing = pd.DataFrame({"y_true": pd.Series(dtype=int)}), np.zeros((0, 1, 1), np.float32)
    if not specs:
        return *nothing, f"no run of {model} on {dataset} makes class activation maps"
    try:
        return *workspace.store.maps(specs), ""
    except MerError as error:
        return *nothing, str(error)


def mean_maps(
    rows: pd.DataFrame, maps: np.ndarray, classes: Sequence[str]
) -> dict[str, np.ndarray]:
    """Average class activation maps (n, h, w) over the clips of each true class that has one.

    Examples
    --------
    >>> rows = pd.DataFrame({"y_true": [1, 1]})
    >>> means = mean_maps(rows, np.array([[[0.0, 1.0]], [[1.0, 1.0]]]), ["a", "b"])
    >>> {name: mean.tolist() for name, mean in means.items()}
    {'b': [[0.5, 1.0]]}
    """
    true = rows["y_true"].to_numpy()
    return {
        name: maps[true == k].mean(axis=0).astype(np.float32)
        for k, name in enumerate(classes)
        if (true == k).any()
    }


def mean_views(views: Views, clips: pd.DataFrame) -> dict[str, np.ndarray]:
    """Average the full dynamic images of each class that has a clip, (h, w, 3) uint8."""
    codes = clips["label"].cat.codes.to_numpy()
    found = {}
    for k, name in enumerate(clips["label"].cat.categories):
        images, _ = views.of("full", np.flatnonzero(codes == k))
        if len(images):
            found[str(name)] = images.mean(axis=0).round().astype(np.uint8)
    return found


def agreement(maps: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Correlate the mean map of each class with the true displacement of each class.

    Parameters
    ----------
    maps : mapping of class to ndarray of shape (h, w)
    truth : mapping of class to ndarray of shape (s, s)
        Averaged down to the cells of the maps.

    Returns
    -------
    DataFrame
        Spearman's rank correlation over the cells; a row the class of the map, a column that of
        the displacement. NaN where one of the two is the same everywhere.
    """
    classes = [name for name in maps if name in truth]
    grid = pd.DataFrame(index=classes, columns=classes, dtype=float)
    for one in classes:
        h, w = maps[one].shape
        for other in classes:
            cells = cv2.resize(truth[other], (w, h), interpolation=cv2.INTER_AREA)
            grid.loc[one, other] = rank_correlation(maps[one], cells)
    return grid.rename_axis(index="map of", columns="displacement of")


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's rank correlation of two arrays of a shape; NaN if one is constant.

    Examples
    --------
    >>> rank_correlation(np.array([1, 2, 3]), np.array([10, 20, 15]))
    0.5
    >>> rank_correlation(np.array([1, 1, 1]), np.array([10, 20, 15]))
    nan
    """
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    found = np.corrcoef(rankdata(one.ravel()), rankdata(other.ravel()))[0, 1]
    return round(float(found), 12)


def agreement_summary(grid: pd.DataFrame) -> dict[str, Any]:
    """Say whether maps follow the displacement of their own class more than that of others.

    Parameters
    ----------
    grid : DataFrame
        As `agreement` returns it.

    Returns
    -------
    dict
        ``own`` and ``others``, the mean correlations; ``n_classes``; ``n_own_highest``, the
        classes whose map follows their own displacement best; ``p``, the share of all pairings
        of maps and displacements whose mean correlation is at least ``own``. What is not
        defined is NaN, and ``undefined`` says why.

    Notes
    -----
    Every map and every displacement lies mostly on the face, so a high correlation with the
    own class alone says little; that is what the other classes are for. The pairing test is
    exact: with k classes its smallest p value is 1 / k!.
    """
    values = grid.to_numpy(float)
    k = len(values)
    defined = [i for i in range(k) if np.isfinite(values[i]).all()]
    result: dict[str, Any] = {
        "n_classes": k,
        "n_own_highest": sum(int(values[i].argmax() == i) for i in defined),
        **dict.fromkeys(("own", "others", "p"), float("nan")),
        "undefined": "",
    }
    if k < 2:
        return result | {"undefined": "fewer than two classes have maps and a known displacement"}
    if len(defined) < k:
        flat = ", ".join(str(grid.index[i]) for i in range(k) if i not in defined)
        return result | {"undefined": f"a map or displacement is the same everywhere: {flat}"}
    own = float(np.trace(values) / k)
    others = float((values.sum() - np.trace(values)) / (k * (k - 1)))
    result |= {"own": own, "others": others}
    if k > MOST_CLASSES:
        return result | {"undefined": f"p: more than {MOST_CLASSES} classes"}
    rows = np.arange(k)
    means = np.array([values[rows, list(order)].mean() for order in permutations(range(k))])
    return result | {"p": float((means >= own - 1e-9).mean())}


def said(summaries: Mapping[str, Mapping[str, Any]]) -> str:
    """Say of each data set whether maps follow their own class, see `agreement_summary`."""
    parts = []
    for name, found in summaries.items():
        words = found["undefined"]
        if not words:
            words = (
                f"maps correlate {signed(found['own'])} with the movement of their own class and "
                f"{signed(found['others'])} with that of others (p {p_value(found['p'])}); "
                f"{number(found['n_own_highest'])} of {found['n_classes']} classes fit theirs best"
            )
        parts.append(f"{dataset_title(name)}: {words}")
    return f"{'. '.join(parts)}."
