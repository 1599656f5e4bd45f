"""Average ranks of models over subjects, with what a critical-difference picture needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, studentized_range

from mer_utils.errors import MerError
from mer_utils.metrics.predictions import CLIP_KEY, complete, refuse_repeats


@dataclass(frozen=True)
class Ranks:
    """Average ranks and the tests on them.

    Attributes
    ----------
    average : Series
        Mean rank of each model over the blocks, best (lowest) first; 1 is the best rank.
    friedman_p : float
        p value of "all models rank alike".
    pairwise : DataFrame
        Nemenyi's p value of each pair of models.
    critical_difference : float
        Two mean ranks further apart than this differ at `alpha`.
    alpha : float
        Level of the critical difference.
    n_blocks : int
        Number of subjects that ranked the models.
    n_left_out : int
        Clips that some run lacks, and that therefore rank nobody.
    """

    average: pd.Series
    friedman_p: float
    pairwise: pd.DataFrame
    critical_difference: float
    alpha: float
    n_blocks: int
    n_left_out: int


def average_ranks(
    predictions: pd.DataFrame,
    *,
    models: str = "model",
    runs: Sequence[str] = ("seed",),
    alpha: float = 0.05,
) -> Ranks:
    """Rank the models by accuracy within each subject, and average the ranks.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, of one setting; several data sets may be together.
    models : str, default "model"
        Column whose values are ranked.
    runs : sequence of str
        Columns that tell one model's runs apart; a subject's accuracy is their mean.
    alpha : float, default 0.05
        Level of the critical difference.

    Raises
    ------
    MerError
        "nothing to compare" with fewer than three models (compare two with `compare`) or two
        subjects; "bad predictions" if a clip occurs twice in a run.

    Notes
    -----
    Friedman's test with Nemenyi's comparisons (Demsar, 2006), subjects as blocks: two data sets
    alone would be two blocks, too few for any conclusion. Equal accuracies share their mean
    rank. With k models and n blocks the critical difference is
    ``q(alpha, k, inf) / sqrt(2) * sqrt(k (k + 1) / (6 n))``, q being the studentized range.

    Examples
    --------
    >>> from mer_utils.stats import simulate
    >>> rng = np.random.default_rng(0)
    >>> rows = simulate(20, rng=rng, n_seeds=3)
    >>> ranks = average_ranks(rows[rows["setting"] == "baseline"], models="seed", runs=[])
    >>> ranks.n_blocks, float(round(ranks.average.mean(), 6))
    (20, 2.0)
    """
    predictions = complete(predictions, [models, *runs])
    refuse_repeats(predictions, [models, *runs])
    names = sorted(predictions[models].unique())
    right = predictions.assign(_right=predictions["y_true"] == predictions["y_pred"])
    wide = right.pivot_table(
        index=list(CLIP_KEY),
        columns=[models, *runs],
        values="_right",
        aggfunc="mean",
        observed=True,
    )
    shared = wide.dropna().astype(np.float64)
    by_run = shared.groupby(level=["dataset", "subject"], observed=True).mean()
    # Means of ratios: rounding keeps equal accuracies equal.
    accuracy = by_run.T.groupby(level=0).mean().T.round(12)[names]
    if len(names) < 3 or len(accuracy) < 2:
        raise MerError(
            "nothing to compare",
            f"{len(names)} models on {len(accuracy)} shared subjects",
            "at least three models and two subjects",
            "use compare for two models, or run the missing ones",
        )
    # Imported here: it brings the plotting libraries with it.
    from scikit_posthocs import posthoc_nemenyi_friedman

    n, k = accuracy.shape
    average = accuracy.rank(axis=1, ascending=False).mean().sort_values()
    average.name = "average_rank"
    alike = bool(np.ptp(accuracy.to_numpy(), axis=1).max() == 0)
    pairwise = posthoc_nemenyi_friedman(accuracy.to_numpy())
    pairwise.index = pairwise.columns = pd.Index(names)
    q = studentized_range.ppf(1 - alpha, k, np.inf)
    return Ranks(
        average=average,
        # Friedman's statistic divides by the variance of the ranks, 0 where all subjects tie.
        friedman_p=1.0 if alike else float(friedmanchisquare(*accuracy.to_numpy().T).pvalue),
        pairwise=pairwise,
        critical_difference=float(q / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n))),
        alpha=alpha,
        n_blocks=n,
        n_left_out=len(wide) - len(shared),
    )
