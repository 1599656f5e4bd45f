"""Tables: frames of clips, scores or settings in, what people read out.

- `style`: one look for every table
- `clips`: data sets counted: subjects, classes, durations, action units
- `models`: sizes and costs of the networks
- `results`: scores and differences of table 2, and the numbers its sentences quote
- `claims`: the ledger of claims: what may be concluded, and what may not
- `assumptions`: the register of assumptions, with each value read from the code
"""

from mer_utils.tables.assumptions import assumptions_list, assumptions_table
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
from mer_utils.tables.models import full_models, profile_models
from mer_utils.tables.results import differences, quoted, scores, wide_differences, wide_scores
from mer_utils.tables.style import show

__all__ = [
    "action_unit_counts",
    "against_published",
    "assumptions_list",
    "assumptions_table",
    "claims_list",
    "claims_table",
    "clip_summary",
    "differences",
    "evidence",
    "full_models",
    "judge",
    "judge_all",
    "profile_models",
    "quoted",
    "quoted_claims",
    "read_claims",
    "scores",
    "show",
    "wide_differences",
    "wide_scores",
]
