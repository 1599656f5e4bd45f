"""Tables: frames of clips, scores or settings in, what people read out.

- `style`: one look for every table
- `clips`: data sets counted: subjects, classes, durations, action units
- `models`: sizes and costs of the networks
- `results`: scores and differences of table 2, and the numbers its sentences quote
- `errors`: which classes, subjects and clips the networks miss
- `attention`: class activation maps by class, and where skin truly moved
- `claims`: the ledger of claims: what may be concluded, and what may not
- `assumptions`: the register of assumptions, with each value read from the code
"""

from mer_utils.tables.assumptions import assumptions_list, assumptions_table
from mer_utils.tables.attention import (
    agreement,
    agreement_summary,
    mean_maps,
    mean_views,
    stored_maps,
)
from mer_utils.tables.claims import (
    claims_list,
    claims_table,
    evidence,
    judge,
    judge_all,
    quoted_claims,
    read_claims,
)
from mer_utils.tables.clips import action_unit_counts, against_published, clip_summary
from mer_utils.tables.errors import (
    confusions,
    hardest_clips,
    missed_by_all,
    recall_grid,
    scores_by_class,
    scores_by_subject,
    subject_spread,
    usual_confusion,
)
from mer_utils.tables.models import full_models, profile_models
from mer_utils.tables.results import differences, quoted, scores, wide_differences, wide_scores
from mer_utils.tables.style import show

__all__ = [
    "action_unit_counts",
    "against_published",
    "agreement",
    "agreement_summary",
    "assumptions_list",
    "assumptions_table",
    "claims_list",
    "claims_table",
    "clip_summary",
    "confusions",
    "differences",
    "evidence",
    "full_models",
    "hardest_clips",
    "judge",
    "judge_all",
    "mean_maps",
    "mean_views",
    "missed_by_all",
    "profile_models",
    "quoted",
    "quoted_claims",
    "read_claims",
    "recall_grid",
    "scores",
    "scores_by_class",
    "scores_by_subject",
    "show",
    "stored_maps",
    "subject_spread",
    "usual_confusion",
    "wide_differences",
    "wide_scores",
]
