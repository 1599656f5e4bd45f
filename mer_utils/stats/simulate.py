"""Simulated predictions whose true scores are known, to check intervals and tests with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from mer_utils.errors import MerError
from mer_utils.metrics import METRICS, scores_from_counts
from mer_utils.stats.counts import SubjectCounts

# The five classes by number of clips. CASME II: others, disgust, happiness, repression, surprise;
# SAMM: anger, other, happiness, surprise, contempt.
CASME2_SHARES = (99 / 246, 63 / 246, 32 / 246, 27 / 246, 25 / 246)
SAMM_SHARES = (57 / 136, 26 / 136, 26 / 136, 15 / 136, 12 / 136)


@dataclass(frozen=True)
class Variances:
    """Parts of the variance of a clip's latent score; what is left of 1 is noise.

    Attributes
    ----------
    subject : float
        Subjects differ in difficulty, alike in both settings and all seeds.
    interaction : float
        The treatment helps some subjects more than others.
    clip : float
        Clips differ in difficulty, alike in both settings and all seeds.
    seed : float
        A whole run is better or worse by luck.
    """

    subject: float = 0.1
    interaction: float = 0.0
    clip: float = 0.4
    seed: float = 0.0
    own_interaction: float = 0.0
    model: float = 0.0

    @property
    def noise(self) -> float:
        """Variance of what is drawn anew for each clip, setting and seed."""
        return 1.0 - sum(vars(self).values())


def simulate(
    n_subjects: int = 26,
    *,
    rng: np.random.Generator,
    mean_clips: float = 9.5,
    class_shares: Sequence[float] = CASME2_SHARES,
    recall: float = 0.6,
    difference: float = 0.0,
    n_seeds: int = 1,
    variances: Variances = Variances(),
    concentration: float = 5.0,
    model: str = "simulated",
) -> pd.DataFrame:
    r"""Draw the predictions of a baseline and a treatment on the same clips.

    Parameters
    ----------
    n_subjects : int, default 26
        Number of subjects; CASME II has 26.
    rng : numpy.random.Generator
        Source of all randomness.
    mean_clips : float, default 9.5
        Mean number of clips per subject (246 / 26 in CASME II): 2 plus a geometric number, so a
        few subjects hold many clips and most hold few.
    class_shares : sequence of float
        Expected share of each class, summing to 1; by default those of CASME II.
    recall : float, default 0.6
        True recall of every class under the baseline.
    difference : float, default 0.0
        True recall of the treatment minus that of the baseline, for every class.
    n_seeds : int, default 1
        Number of runs of each setting, seeds 0 to ``n_seeds - 1``.
    variances : Variances
        Which part of the luck belongs to subjects, to clips, to seeds.
    concentration : float, default 5.0
        How alike the subjects' class mixtures are (Dirichlet parameter; large: all alike).
    model : str, default "simulated"
        Name in the ``model`` column.

    Returns
    -------
    DataFrame
        Prediction rows with the columns of the run store (probabilities 1 and 0) and
        ``setting``, "baseline" or "treatment".

    Notes
    -----
    Clip c of subject s is predicted rightly in setting j and seed r when

    .. math:: \sqrt{a} U_s + \sqrt{b} V_{sj} + \sqrt{c} C_c + \sqrt{d} R_{jr}
              + \sqrt{e} E_{cjr} \le \Phi^{-1}(\mathrm{recall}_j),

    all variables standard normal and a + b + c + d + e = 1 (`Variances`). So the recall of the
    population is exactly ``recall`` whatever the parts are, and `true_scores` follows in closed
    form. A wrong prediction takes each other class with equal probability, and a clip that both
    settings miss is taken for the same class by both. Number of clips, class mixture and
    difficulty of a subject are drawn independently. Subjects are independent: the folds of a
    leave-one-subject-out run, which share training clips, are not imitated.

    Examples
    --------
    >>> rows = simulate(8, rng=np.random.default_rng(0), n_seeds=2)
    >>> rows.groupby(["setting", "seed"]).ngroups
    4
    >>> rows["subject"].nunique()
    8
    """
    shares = np.asarray(class_shares, dtype=np.float64)
    _require_parts(variances)
    if not (0 < recall < 1 and 0 < recall + difference < 1):
        raise MerError(
            "invalid option",
            f"recall is {recall} and difference {difference}",
            "true recalls strictly between 0 and 1 in both settings",
            "choose a smaller difference",
        )
    n_classes = len(shares)
    subject, y_true, wrong = _clips(rng, n_subjects, mean_clips, shares, concentration)

    part = {name: np.sqrt(value) for name, value in vars(variances).items()}
    shared = part["subject"] * rng.standard_normal(n_subjects)[subject]
    shared = shared + part["clip"] * rng.standard_normal(len(subject))
    names = {
        "dataset": "simulated",
        "scheme": f"simulated-{n_classes}",
        "model": model,
        "train_views": "full",
        "test_view": "full",
        "spatial": "none",
    }
    frames = []
    for setting, true_recall in (("baseline", recall), ("treatment", recall + difference)):
        own = shared + part["interaction"] * rng.standard_normal(n_subjects)[subject]
        for seed in range(n_seeds):
            latent = own + part["seed"] * rng.standard_normal()
            latent = latent + np.sqrt(variances.noise) * rng.standard_normal(len(subject))
            y_pred = np.where(latent <= ndtri(true_recall), y_true, wrong)
            frame = pd.DataFrame(
                {"run": f"{model}-{setting}-{seed}", **names}, index=range(len(y_pred))
            )
            frame["setting"] = setting
            frame["seed"] = seed
            frame["subject"] = [f"s{s:03d}" for s in subject]
            frame["clip"] = [f"c{c:05d}" for c in range(len(subject))]
            frame["y_true"], frame["y_pred"] = y_true, y_pred
            for k in range(n_classes):
                frame[f"p_{k}"] = (y_pred == k).astype(np.float32)
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def simulate_counts(
    recalls: NDArray[np.float64],
    n_subjects: int = 26,
    *,
    rng: np.random.Generator,
    mean_clips: float = 9.5,
    class_shares: Sequence[float] = CASME2_SHARES,
    n_seeds: int = 5,
    variances: Variances = Variances(),
    concentration: float = 5.0,
) -> SubjectCounts:
    """Draw as `simulate`, for several settings and models, counted at once.

    Parameters
    ----------
    recalls : ndarray, shape (settings, models)
        True recall of every class.
    n_subjects, rng, mean_clips, class_shares, n_seeds, variances, concentration
        As of `simulate`.

    Returns
    -------
    SubjectCounts
        Its settings are those of `recalls`, model after model within each setting.
    """
    _require_parts(variances)
    shares = np.asarray(class_shares, dtype=np.float64)
    subject, y_true, wrong = _clips(rng, n_subjects, mean_clips, shares, concentration)
    n, k = len(subject), len(shares)
    arms, models = recalls.shape
    part = {name: np.sqrt(value) for name, value in vars(variances).items()}
    normal = rng.standard_normal
    latent = np.sqrt(variances.noise) * normal((arms, models, n_seeds, n))
    latent += part["seed"] * normal((arms, models, n_seeds, 1))
    latent += part["own_interaction"] * normal((arms, models, 1, n_subjects))[..., subject]
    latent += part["interaction"] * normal((arms, 1, 1, n_subjects))[..., subject]
    latent += part["model"] * normal((1, models, 1, n))
    latent += part["clip"] * normal(n) + part["subject"] * normal(n_subjects)[subject]
    right = latent <= ndtri(recalls)[:, :, None, None]
    run = np.arange(arms * models * n_seeds)[:, None]
    y_pred = np.where(right, y_true, wrong).reshape(len(run), n)
    cell = ((run * n_subjects + subject) * k + y_true) * k + y_pred
    counts = np.bincount(cell.ravel(), minlength=len(run) * n_subjects * k * k)
    counts = counts.reshape(arms * models, n_seeds, n_subjects, k, k)
    names = tuple(str(c) for c in range(k))
    return SubjectCounts(tuple(counts), tuple(right.reshape(-1, n_seeds, n)), subject, 0, names)


def _require_parts(variances: Variances) -> None:
    if min(variances.noise, *vars(variances).values()) < 0:
        raise MerError(
            "invalid option",
            f"the parts of the variance are {variances}",
            "numbers from 0 that sum to at most 1",
            "make some of them smaller",
        )


def _clips(
    rng: np.random.Generator,
    n_subjects: int,
    mean_clips: float,
    shares: NDArray[np.float64],
    concentration: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw the clips: each one's subject, its class, and the class it is mistaken for."""
    clips = 2 + rng.geometric(1 / (mean_clips - 1), n_subjects) - 1
    subject = np.repeat(np.arange(n_subjects), clips)
    mixture = rng.dirichlet(concentration * shares, n_subjects).cumsum(axis=1)
    uniform = rng.random(len(subject))
    y_true = (uniform[:, None] > mixture[subject, :-1]).sum(axis=1)
    wrong = (y_true + rng.integers(1, len(shares), len(subject))) % len(shares)
    return subject, y_true, wrong


def true_scores(recall: float, class_shares: Sequence[float] = CASME2_SHARES) -> dict[str, float]:
    """Return accuracy, UF1 and UAR of the population that `simulate` draws from.

    They are those of the expected confusion matrix, the limit for many subjects.

    Examples
    --------
    >>> {name: round(value, 3) for name, value in true_scores(0.6).items()}
    {'accuracy': 0.6, 'uf1': 0.566, 'uar': 0.6}
    """
    shares: NDArray[np.float64] = np.asarray(class_shares, dtype=np.float64)
    n_classes = len(shares)
    wrong = (1 - recall) / (n_classes - 1)
    expected = shares[:, None] * np.where(np.eye(n_classes, dtype=bool), recall, wrong)
    return {n: float(v) for n, v in zip(METRICS, scores_from_counts(expected), strict=True)}
