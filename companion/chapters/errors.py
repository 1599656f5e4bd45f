"""Which classes, subjects and clips the networks miss, and whether that is chance.

Every function takes prediction rows with the column ``setting`` and uses those of the networks,
tested on the full view.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.experiments import in_order
from mer_utils.metrics import class_scores, confusion_matrix, extremes, number_of_classes
from mer_utils.metrics.predictions import CLIP_KEY
from mer_utils.plotting.words import dataset_words

_KEY = ["subject", "clip"]


def of_networks(
    predictions: pd.DataFrame, dataset: str | None = None, setting: str | None = None
) -> pd.DataFrame:
    """Return the rows of networks tested on the full view, of a data set and setting if named.

    Raises
    ------
    MerError
        "no results" if none is left.
    """
    chosen = models.are_networks(predictions["model"]) & (predictions["test_view"] == "full")
    for column, value in (("dataset", dataset), ("setting", setting)):
        if value is not None:
            chosen &= predictions[column] == value
    if not chosen.any():
        raise MerError(
            "no results",
            f"no network's predictions for {dataset or 'any data set'}, {setting or 'any setting'}",
            "at least one run",
            "compute such a run, with mer run table2 on this data set",
        )
    return predictions[chosen]


def confusions(
    predictions: pd.DataFrame, dataset: str, settings: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Count which class was taken for which, all folds and seeds of a run together.

    Returns
    -------
    dict of str to ndarray of shape (k, k)
        By network and setting, a line each; of these `settings` only, if there are any.
    """
    rows = of_networks(predictions, dataset)
    k = number_of_classes(rows)
    return {
        f"{models.title(network)}\n{setting}": confusion_matrix(part["y_true"], part["y_pred"], k)
        for network, setting, part in _by_run(rows)
        if setting in settings or not settings
    }


def usual_confusion(matrices: dict[str, np.ndarray], classes: Sequence[str]) -> dict[str, Any]:
    """Say which confusion is most frequent over all matrices, as a share of its true class.

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


def said_of_confusions(predictions: pd.DataFrame, classes: Mapping[str, Sequence[str]]) -> str:
    """Say of each data set, by its classes, which is taken for which, beside a constant answer."""
    parts = []
    for name, labels in classes.items():
        found = usual_confusion(confusions(predictions, name), labels)
        clips = of_networks(predictions, name).drop_duplicates(list(CLIP_KEY))
        best = extremes(clips["y_true"], len(labels)).drop("perfect")["accuracy"].max()
        parts.append(
            f"on {dataset_words(name)} {found['true']} is most often taken for "
            f"{found['predicted']}, in {found['share']:.0%} of the predictions for its clips, and "
            f"always to name the most frequent class is right in {best:.0%} of all clips"
        )
    return f"over all networks and training sets together, {'; '.join(parts)}."


def by_class(predictions: pd.DataFrame, dataset: str, classes: Sequence[str]) -> pd.DataFrame:
    """Score every class under every network and setting, pooled over folds and seeds.

    Returns
    -------
    DataFrame
        One row per network, setting and class. ``clips`` counts no repeats over seeds;
        ``undefined`` names the measures that are 0 over 0.
    """
    parts = []
    for network, setting, part in _by_run(of_networks(predictions, dataset)):
        table = class_scores(part["y_true"], part["y_pred"], len(classes), classes)
        table["clips"] = table["n_true"] // part["seed"].nunique()
        parts.append(table.assign(model=network, setting=setting))
    columns = ["model", "setting", "class", "clips", "precision", "recall", "f1", "undefined"]
    return pd.concat(parts, ignore_index=True)[columns]


def by_subject(predictions: pd.DataFrame, dataset: str, setting: str) -> pd.DataFrame:
    """Score every subject: accuracy averaged over networks and seeds, with its range over networks.

    Returns
    -------
    DataFrame
        One row per subject. ``undefined`` says why no mean recall over all classes is given,
        where the subject lacks some.
    """
    rows = of_networks(predictions, dataset, setting)
    k = number_of_classes(rows)
    right = rows.assign(right=rows["y_true"] == rows["y_pred"])
    by_model = right.pivot_table(index="subject", columns="model", values="right", aggfunc="mean")
    clips = rows.drop_duplicates(list(CLIP_KEY)).groupby("subject", observed=True)
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

    Returns
    -------
    DataFrame
        One row per network and setting, means over seeds. ``sd`` is over subjects (n - 1);
        ``sd_if_alike`` what it would be if every clip had the same chance of being right. One
        subject has no spread: NaN.

    Notes
    -----
    With accuracy p over all clips and n_i clips of subject i, the expected variance over m
    subjects is ``p (1 - p) mean(1 / n_i)``: few clips alone make subjects look different.
    """
    found = []
    for network, setting, part in _by_run(of_networks(predictions, dataset)):
        seeds = pd.DataFrame([_spread(run) for _, run in part.groupby("seed")])
        found.append({"model": network, "setting": setting, **seeds.mean(skipna=False)})
    return pd.DataFrame(found).astype({"subjects": int})


def said_of_spread(spreads: Mapping[str, pd.DataFrame]) -> str:
    """Say of each data set how accuracy spreads over subjects, by its `subject_spread`."""
    parts = [
        f"{table['sd'].mean():.2f} on {dataset_words(name)}, where equal subjects of so few clips "
        f"would give {table['sd_if_alike'].mean():.2f}"
        for name, table in spreads.items()
    ]
    return (
        "the standard deviation of accuracy over subjects, the mean over networks and training "
        f"sets, is {'; '.join(parts)}."
    )


def hardest_clips(
    predictions: pd.DataFrame, dataset: str, classes: Sequence[str], most: int | None = None
) -> pd.DataFrame:
    """List the clips by how many runs miss them, at most so many.

    Returns
    -------
    DataFrame
        Hardest first, ties by subject and clip. ``taken_for`` is the class most often predicted
        in the clip's place, "" if it is never missed; ``runs`` are those that tested it.
    """
    rows = of_networks(predictions, dataset)
    wrong = rows[rows["y_true"] != rows["y_pred"]]
    table = rows.groupby(_KEY, observed=True).agg(y_true=("y_true", "first"), runs=("run", "size"))
    missed = wrong.groupby(_KEY, observed=True)["y_pred"]
    table["missed_by"] = missed.size().reindex(table.index, fill_value=0)
    names = dict(enumerate(classes))
    table["class"] = table["y_true"].map(names)
    # The lowest class number wins a tie.
    taken = missed.agg(lambda p: p.mode().iloc[0]).map(names)
    table["taken_for"] = taken.reindex(table.index).fillna("")
    table = table.reset_index().sort_values(
        ["missed_by", *_KEY], ascending=[False, True, True], kind="stable", ignore_index=True
    )
    return table[[*_KEY, "class", "taken_for", "missed_by", "runs"]].head(most or len(table))


def missed_by_all(predictions: pd.DataFrame, dataset: str) -> dict[str, Any]:
    """Count the clips that every run misses, beside how many chance would leave.

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
    by_clip = missed.assign(rate=rate).groupby(_KEY, observed=True)
    return {
        "clips": by_clip.ngroups,
        "runs": int(rows["run"].nunique()),
        "missed": int(by_clip["missed"].all().sum()),
        "expected": float(by_clip["rate"].prod().sum()),
    }


def said_of_missed(predictions: pd.DataFrame, names: Iterable[str]) -> str:
    """Say of each data set how many clips all runs miss, beside the number that chance leaves."""
    parts = []
    for name in names:
        found = missed_by_all(predictions, name)
        expected = f"{found['expected']:.1f}" if found["expected"] >= 0.05 else "none"
        parts.append(
            f"{found['missed']} of {found['clips']} clips of {dataset_words(name)} are missed by "
            f"all of {found['runs']} runs, where {expected} would be expected"
        )
    return f"{'; '.join(parts)}, if runs missed clips of a class independently of each other."


def _by_run(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield name, setting and rows of each network and setting, in the order of tables."""
    runs = in_order(rows).groupby(["model", "setting"], sort=False, observed=True)
    for (model, setting), part in runs:
        yield str(model), str(setting), part


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
