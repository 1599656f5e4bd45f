"""Statistics: how sure a score or a difference is, from the predictions of the runs.

Subjects, not clips, are what is sampled; every interval and test says which it uses.

* `intervals`: pooled scores, their interval over subjects, their spread over seeds;
* `compare`: a treatment against a baseline: bootstrap, Wilcoxon, McNemar, Holm;
* `average_ranks`: models ranked within subjects, for a critical-difference picture;
* `simulate`, `true_scores`: predictions whose true scores are known, to check the rest with.
"""

from mer_utils.stats.counts import SubjectCounts, subject_counts
from mer_utils.stats.estimates import intervals
from mer_utils.stats.paired import compare, holm, mcnemar_p, wilcoxon_p
from mer_utils.stats.ranks import Ranks, average_ranks
from mer_utils.stats.simulate import CASME2_SHARES, Variances, simulate, true_scores

__all__ = [
    "CASME2_SHARES",
    "Ranks",
    "SubjectCounts",
    "Variances",
    "average_ranks",
    "compare",
    "holm",
    "intervals",
    "mcnemar_p",
    "simulate",
    "subject_counts",
    "true_scores",
    "wilcoxon_p",
]
