"""Errors: which classes, subjects and clips the networks miss, and whether that is chance.

Every function takes prediction rows with the column ``setting`` and uses those of the networks,
tested on the full view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.experiments import COMPARED
from mer_utils.metrics import class_scores, confusion_matrix, number_of_classes
from mer_utils.metrics.predictions import CLIP_KEY

CLIP = list(CLIP_KEY)


def of_networks(
    predictions: pd.DataFrame, dataset: str | None = None, setting: str | None = None
) -> pd.DataFrame:
    """Return the rows that this module speaks of: networks, tested on the full view.

    Parameters
    ----------
    predictions : DataFrame
    dataset, setting : str, optional
        Only these rows.

    Raises
    ------
    MerError
        If none is left.
    """
    chosen = models.are_networks(predictions["model"]) & (predictions["test_view"] == "full")
    if dataset is not None:
        chosen &= predictions["dataset"] == dataset
    if setting is not None:
        chosen &= predictions["setting"] == setting
    if not chosen.any():
        raise MerError(
            "TODO",
            f"no network's predictions for {dataset or 'any data set'}, {setting or 'any setting'}",
            "at least one run",
            "run the table first, with mer run",
        )
    return predictions[chosen]


def confusions(
    predictions: pd.DataFrame, dataset: str, n_classes: int | None = None
) -> dict[str, np.ndarray]:
    """Count which class was taken for which, all folds and seeds of a run together.

    Parameters
    ----------
    predictions : DataFrame
    dataset : str
    n_classes : int, optional
        By default counted from the probability columns.

    Returns
    -------
    dict of str to ndarray of shape (k, k)
        By network and setting, a line each: what
        :func:`mer_utils.plotting.confusion_matrices` draws.
    """
    rows = of_networks(predictions, dataset)
    k = number_of_classes(rows) if n_classes is None else n_classes
    return {
        f"{models.title(model)}\n{setting}": confusion_matrix(part["y_true"], part["y_pred"], k)
        for (model, setting), part in _by_run(rows)
    }


def usual_confusion(matrices: dict[str, np.ndarray], classes: Sequence[str]) -> dict[str, Any]:
    """Say which confusion is most frequent over all matrices, as a share of its true class.

    Parameters
    ----------
    matrices : dict of str to ndarray of shape (k, k)
        As `confusions` returns them.
    classes : sequence of str

    Returns
    -------
    dict
        ``true``, ``predicted``, ``share``; the words "none" and 0 if nothing is ever missed.
    """
    total = np.sum(list(matrices.values()), axis=0).astype(float)
    clips = total.sum(axis=1, keepdims=True)
    share = np.divide(total, clips, out=np.zeros_like(total), where=clips > 0)
    np.fill_diagonal(share, 0)
    i, j = divmod(int(share.argmax()), len(share))
    if share[i, j] == 0:
        return {"true": "none", "predicted": "none", "share": 0.0}
    return {"true": classes[i], "predicted": classes[j], "share": float(share[i, j])}


def scores_by_class(
    predictions: pd.DataFrame, dataset: str, classes: Sequence[str]
) -> pd.DataFrame:
    """Score every class under every network and setting.

    Parameters
    ----------
    predictions : DataFrame
    dataset : str
    classes : sequence of str
        The scheme's class names in order.

    Returns
    -------
    DataFrame
        One row a network, setting and class: model (title), setting, class, clips (without
        repeats over seeds), precision, recall, f1 (pooled over folds and seeds), undefined
        (which of them are not defined, being 0 over 0).
    """
    rows = of_networks(predictions, dataset)
    parts = []
    for (model, setting), part in _by_run(rows):
        table = class_scores(part["y_true"], part["y_pred"], len(classes), classes)
        table["clips"] = table["n_true"] // part["seed"].nunique()
        parts.append(table.assign(model=models.title(model), setting=setting))
    columns = ["model", "setting", "class", "clips", "precision", "recall", "f1", "undefined"]
    return pd.concat(parts, ignore_index=True)[columns]


def recall_grid(by_class: pd.DataFrame, setting: str) -> pd.DataFrame:
    """Lay out the recalls of one setting: a row a network, a column a class.

    Parameters
    ----------
    by_class : DataFrame
        As `scores_by_class` returns it.
    setting : str

    Returns
    -------
    DataFrame
        NaN where a class has no clip.
    """
    part = by_class[by_class["setting"] == setting]
    grid = part.pivot_table(
        index="model", columns="class", values="recall", sort=False, dropna=False
    )
    grid = grid.reindex(columns=list(dict.fromkeys(part["class"]))).astype(float)
    return grid.rename_axis(index="network", columns="true class")


def scores_by_subject(predictions: pd.DataFrame, dataset: str, setting: str) -> pd.DataFrame:
    """Score every subject, averaged over the networks and seeds.

    Parameters
    ----------
    predictions : DataFrame
    dataset, setting : str

    Returns
    -------
    DataFrame
        One row a subject: subject, clips, classes (how many the subject shows), networks (that
        tested the subject), accuracy (mean over networks and seeds), lowest and highest (over
        networks), undefined: why no mean recall over all classes is given, where the subject
        lacks some.
    """
    rows = of_networks(predictions, dataset, setting)
    k = number_of_classes(rows)
    right = rows.assign(right=rows["y_true"] == rows["y_pred"])
    by_model = right.pivot_table(index="subject", columns="model", values="right", aggfunc="mean")
    clips = rows.drop_duplicates(CLIP).groupby("subject", observed=True)
    shown = clips["y_true"].nunique()
    return pd.DataFrame(
        {
            "clips": clips.size(),
            "classes": shown,
            "networks": by_model.notna().sum(axis=1),
            "accuracy": by_model.mean(axis=1),
            "lowest": by_model.min(axis=1),
            "highest": by_model.max(axis=1),
            "undefined": ["" if n == k else f"recall of {k - n} classes" for n in shown],
        }
    ).reset_index()


def subject_spread(predictions: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Compare the spread of accuracy over subjects with what equal subjects would show.

    Parameters
    ----------
    predictions : DataFrame
    dataset : str

    Returns
    -------
    DataFrame
        One row a network and setting: model (title), setting, subjects, lowest, median,
        highest, ``sd`` (over subjects, n - 1), and ``sd_if_alike``: what it would be if every
        clip had the same chance of being right. One subject has no spread: NaN.

    Notes
    -----
    With accuracy p over all clips and n_i clips of subject i, the expected variance over m
    subjects is ``p (1 - p) mean(1 / n_i)``: few clips alone make subjects look different. With
    several seeds both are means over the seeds.
    """
    rows = of_networks(predictions, dataset)
    found = []
    for (model, setting), part in _by_run(rows):
        seeds = [_spread(run) for _, run in part.groupby("seed")]
        found.append(
            {
                "model": models.title(model),
                "setting": setting,
                **{name: float(np.mean([s[name] for s in seeds])) for name in seeds[0]},
            }
        )
    return pd.DataFrame(found).astype({"subjects": int})


def hardest_clips(
    predictions: pd.DataFrame, dataset: str, classes: Sequence[str], most: int | None = None
) -> pd.DataFrame:
    """List the clips by how many runs miss them, every network, setting and seed being a run.

    Parameters
    ----------
    predictions : DataFrame
    dataset : str
    classes : sequence of str
        The scheme's class names in order.
    most : int, optional
        Return so many at most.

    Returns
    -------
    DataFrame
        Hardest first, ties by subject and clip: subject, clip, class, taken_for (the class most
        often predicted in its place; "" if never missed), missed_by, runs (those that tested
        the clip).
    """
    rows = of_networks(predictions, dataset)
    wrong = rows[rows["y_true"] != rows["y_pred"]]
    key = ["subject", "clip"]
    table = rows.groupby(key, observed=True).agg(y_true=("y_true", "first"), runs=("run", "size"))
    table["missed_by"] = wrong.groupby(key, observed=True).size().reindex(table.index, fill_value=0)
    # The lowest class number wins a tie.
    taken = wrong.groupby(key, observed=True)["y_pred"].agg(lambda p: p.mode().iloc[0])
    names = dict(enumerate(classes))
    table["class"] = table["y_true"].map(names)
    table["taken_for"] = taken.map(names).reindex(table.index).fillna("")
    table = table.reset_index().sort_values(
        ["missed_by", *key], ascending=[False, True, True], kind="stable", ignore_index=True
    )
    found = table[["subject", "clip", "class", "taken_for", "missed_by", "runs"]]
    return found if most is None else found.head(most)


def missed_by_all(predictions: pd.DataFrame, dataset: str) -> dict[str, Any]:
    """Count the clips that every run misses, beside how many chance would leave.

    Parameters
    ----------
    predictions : DataFrame
    dataset : str

    Returns
    -------
    dict
        ``clips``, ``runs``, ``missed`` and ``expected``: the number if the runs missed clips of
        a class independently of each other, each as often as it does on the whole.

    Notes
    -----
    ``expected`` is the sum over clips of the product over runs of one minus the run's recall of
    the clip's class. Far more than that means that the same clips are hard for all.
    """
    rows = of_networks(predictions, dataset)
    missed = rows.assign(missed=rows["y_true"] != rows["y_pred"])
    rate = missed.groupby(["run", "y_true"], observed=True)["missed"].transform("mean")
    by_clip = missed.assign(rate=rate).groupby(["subject", "clip"], observed=True)
    return {
        "clips": by_clip.ngroups,
        "runs": int(rows["run"].nunique()),
        "missed": int(by_clip["missed"].all().sum()),
        "expected": float(by_clip["rate"].prod().sum()),
    }


def _by_run(rows: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Return the rows of each network and setting, in the order of tables."""
    order = {name: place for place, name in enumerate(models.MODELS)}
    found = list(dict.fromkeys(rows["setting"]))
    settings = [s for s in COMPARED if s in found] + [s for s in found if s not in COMPARED]
    return [
        ((model, setting), part)
        for model in sorted(rows["model"].unique(), key=lambda name: order.get(name, len(order)))
        for setting in settings
        if len(part := rows[(rows["model"] == model) & (rows["setting"] == setting)])
    ]


def _spread(run: pd.DataFrame) -> dict[str, float]:
    right = (run["y_true"] == run["y_pred"]).groupby(run["subject"])
    accuracy, clips = right.mean(), right.size()
    p = float((run["y_true"] == run["y_pred"]).mean())
    alone = len(accuracy) < 2
    return {
        "subjects": len(accuracy),
        "lowest": float(accuracy.min()),
        "median": float(accuracy.median()),
        "highest": float(accuracy.max()),
        "sd": float("nan") if alone else float(accuracy.std()),
        "sd_if_alike": float("nan") if alone else float(np.sqrt(p * (1 - p) * (1 / clips).mean())),
    }
