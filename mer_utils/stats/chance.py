"""What a predictor that knows nothing of the labels would score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer_utils.errors import MerError
from mer_utils.metrics import (
    METRICS,
    grouped_confusion_matrices,
    number_of_classes,
    scores_from_counts,
)
from mer_utils.metrics.arrays import class_numbers
from mer_utils.metrics.by_group import CLIP_KEY, refuse_repeats, require_columns
from mer_utils.stats.counts import FloatArray

Within = Literal["dataset", "subject"]


def chance_level(
    predictions: pd.DataFrame,
    by: Sequence[str] = ("dataset", "scheme", "model", "setting", "seed"),
    *,
    within: Within = "dataset",
    level: float = 0.95,
    n_permutations: int = 2000,
    n_classes: int | None = None,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Permute the true labels among clips, and score the predictions as they are.

    Parameters
    ----------
    predictions : DataFrame
        One row a prediction, one run a group.
    by : sequence of str
        Columns that tell the groups apart.
    within : {"dataset", "subject"}
        Labels change places among all clips of the group, or only among those of a subject.
        The second keeps what can be known from who is shown, not from how the face moves.
    level : float, default 0.95
        Share of the permutations between ``low`` and ``high``.
    n_permutations : int, default 2000
        Number of permutations.
    n_classes : int, optional
        Number of classes; by default counted from each group's probability columns.
    rng : int or numpy.random.Generator, default 0
        An int gives every group a stream of its own from the start.

    Returns
    -------
    DataFrame
        One row a group and metric: the columns of `by`, ``metric`` ("accuracy_pooled", ...),
        ``observed``, ``chance`` (mean of the permutations), ``low`` and ``high`` (their central
        part), ``p_chance``, the share of permutations, the observed one included, that score at
        least as high; ``n_clips``.

    Raises
    ------
    MerError
        If the frame is empty, lacks a column, or a clip occurs twice in a group.

    Notes
    -----
    With `within` "dataset" every class has the same expected recall sum, and the mean of UAR is
    exactly 1 / K over the K classes that occur, whatever the predictor prefers. Its uncertainty
    is that of N exchangeable clips: it depends on the class sizes and on the predictor. A
    predictor that answers by subject is not exchangeable over clips where the subjects differ
    in their classes; for it `within` "subject" is the honest chance level.

    Examples
    --------
    >>> from mer_utils.stats import simulate
    >>> rows = simulate(10, rng=np.random.default_rng(0), recall=0.3)
    >>> table = chance_level(rows, by=["setting"], n_permutations=500)
    >>> table.loc[table["metric"] == "uar_pooled", "chance"].round(2).tolist()
    [0.2, 0.2]
    """
    by = list(by)
    require_columns(predictions, [*by, *CLIP_KEY, "y_true", "y_pred"])
    refuse_repeats(predictions, by)
    if within not in ("dataset", "subject"):
        raise MerError(
            "TODO", f"within is {within!r}", '"dataset" or "subject"', "choose one of them"
        )
    rows: list[dict[str, object]] = []
    for names, group in predictions.groupby(by, sort=True, observed=True, dropna=False):
        # In a fixed order, so that the order of the rows changes nothing.
        ordered = group.sort_values(list(CLIP_KEY))
        k = number_of_classes(group) if n_classes is None else n_classes
        true = class_numbers("y_true", ordered["y_true"], k)
        pred = class_numbers("y_pred", ordered["y_pred"], k)
        keys = ["dataset", "subject"] if within == "subject" else ["dataset"]
        block = ordered.groupby(keys, observed=True).ngroup().to_numpy().astype(np.int64)
        permuted = _permuted_scores(true, pred, block, k, n_permutations, rng)
        counts = grouped_confusion_matrices(np.zeros_like(true), true, pred, 1, k)
        observed = np.stack(scores_from_counts(counts))[:, 0]
        # Rounding: equal scores of different sums must count as equal.
        as_high = (permuted >= observed[:, None] - 1e-12).sum(axis=1)
        tail = (1 - level) / 2
        ends = np.quantile(permuted, [tail, 1 - tail], axis=1)
        for m, name in enumerate(METRICS):
            rows.append(
                {
                    **dict(zip(by, names, strict=True)),
                    "metric": f"{name}_pooled",
                    "observed": observed[m],
                    "chance": permuted[m].mean(),
                    "low": ends[0, m],
                    "high": ends[1, m],
                    "p_chance": (1 + as_high[m]) / (1 + n_permutations),
                    "n_clips": len(true),
                }
            )
    return pd.DataFrame(rows)


def _permuted_scores(
    true: NDArray[np.int64],
    pred: NDArray[np.int64],
    block: NDArray[np.int64],
    n_classes: int,
    n_permutations: int,
    rng: int | np.random.Generator,
) -> FloatArray:
    """Scores after permuting `true` inside each block (sorted); shape (3, n_permutations)."""
    keys = np.random.default_rng(rng).random((n_permutations, len(true))) + block
    permuted = true[np.argsort(keys, axis=1)]
    number = np.repeat(np.arange(n_permutations), len(true))
    counts = grouped_confusion_matrices(
        number, permuted.ravel(), np.tile(pred, n_permutations), n_permutations, n_classes
    )
    return np.stack(scores_from_counts(counts))
