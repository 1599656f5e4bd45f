"""Scores of predictions: accuracy, and two that weigh every class alike (macro-averaged).

These are unweighted F1 (UF1, also macro F1) and unweighted average recall (UAR, also balanced
accuracy or macro recall).

A score is *pooled* when the confusion counts of all folds are summed before anything is
divided, as in MEGC2019, and a *subject mean* when it is computed per subject and then
averaged. The two differ, so every column states which it is: ``uf1_pooled``,
``uf1_subject_mean``.

With true positives TP, false positives FP and false negatives FN of a class,

* recall = TP / (TP + FN), undefined for a class without true clips;
* F1 = 2 TP / (2 TP + FP + FN), undefined for a class that is neither true nor predicted, and
  0 for a class that is predicted but never true;
* UAR and UF1 are the means of recall and F1 over the classes for which they are defined. A
  class without true clips is always named, in ``undefined``; it never drops out in silence;
* where all clips are of one class, the pooled UAR and UF1 are undefined (NaN), not perfect.
"""

from mer_utils.metrics.arrays import (
    METRICS,
    Scores,
    confusion_matrix,
    grouped_confusion_matrices,
    scores,
    scores_from_counts,
)
from mer_utils.metrics.by_class import class_scores, extremes
from mer_utils.metrics.by_group import scores_by
from mer_utils.metrics.predictions import number_of_classes
from mer_utils.metrics.views import average_seeds, average_views

__all__ = [
    "METRICS",
    "Scores",
    "average_seeds",
    "average_views",
    "class_scores",
    "confusion_matrix",
    "extremes",
    "grouped_confusion_matrices",
    "number_of_classes",
    "scores",
    "scores_by",
    "scores_from_counts",
]
