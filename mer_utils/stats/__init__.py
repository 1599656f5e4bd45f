"""Statistics: how sure a score or a difference is, from the predictions of the runs.

Subjects, not clips, are what is sampled; every interval and test says which it uses.

* `intervals`: pooled scores, their interval over subjects, their spread over seeds;
* `compare`: a treatment against a baseline: bootstrap, Wilcoxon, McNemar, Holm;
* `pooled_differences`, `verdicts`: the same over several models and data sets, with
  equivalence; `odds_ratio`: a marginal model beside it; `detectable`: what could be found;
* `chance_p`: whether a score is above chance at all;
* `specification_curve`, `expected_best`: how much hangs on what was assumed or tuned;
* `simulate`, `simulate_counts`, `true_scores`: predictions whose true scores are known, to check
  the rest with.
"""

# ruff: noqa: E402 (what the room needs is asked for before its modules are)
from mer_utils.extras import require

for _package in ("scipy", "statsmodels"):
    require(_package, "stats")

from mer_utils.stats.counts import SubjectCounts, subject_counts
from mer_utils.stats.curve import CurveTest, expected_best, specification_curve
from mer_utils.stats.estimates import intervals
from mer_utils.stats.floor import FLOOR_ALPHA, chance_p
from mer_utils.stats.paired import compare, holm, mcnemar_p, wilcoxon_p
from mer_utils.stats.pooled import (
    EQUIVALENT,
    EVERY,
    SUPERIOR,
    UNDECIDED,
    WORSE,
    detectable,
    equivalence_p,
    pooled_differences,
    verdicts,
)
from mer_utils.stats.regression import odds_ratio
from mer_utils.stats.simulate import (
    CASME2_SHARES,
    SAMM_SHARES,
    Variances,
    simulate,
    simulate_counts,
    true_scores,
)

__all__ = [
    "CASME2_SHARES",
    "EQUIVALENT",
    "EVERY",
    "FLOOR_ALPHA",
    "SAMM_SHARES",
    "SUPERIOR",
    "UNDECIDED",
    "WORSE",
    "CurveTest",
    "SubjectCounts",
    "Variances",
    "chance_p",
    "compare",
    "detectable",
    "equivalence_p",
    "expected_best",
    "holm",
    "intervals",
    "mcnemar_p",
    "odds_ratio",
    "pooled_differences",
    "simulate",
    "simulate_counts",
    "specification_curve",
    "subject_counts",
    "true_scores",
    "verdicts",
    "wilcoxon_p",
]
