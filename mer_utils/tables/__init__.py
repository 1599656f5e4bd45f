"""Tables: frames of clips, scores or settings in, what people read out.

- `style`: one look for every table
- `clips`: data sets counted: subjects, classes, durations, action units
- `models`: sizes and costs of the networks
- `results`: scores and differences of table 2, and the numbers its sentences quote
- `ground_truth`: where the skin of the made clips truly went
- `true_motion`: what dynamic images make of motion that is known
- `assumptions`: the register of assumptions, with each value read from the code
"""

from mer_utils.tables.assumptions import assumptions_list, assumptions_table
from mer_utils.tables.clips import action_unit_counts, against_published, clip_summary
from mer_utils.tables.ground_truth import (
    displacement_by_class,
    mean_fields,
    mean_unit_fields,
    true_field,
    truth_known,
)
from mer_utils.tables.models import full_models, profile_models
from mer_utils.tables.results import differences, quoted, scores, wide_differences, wide_scores
from mer_utils.tables.style import show
from mer_utils.tables.true_motion import (
    agreement_table,
    apex_error_table,
    apex_errors,
    measure,
    true_motion_quoted,
)

__all__ = [
    "action_unit_counts",
    "against_published",
    "agreement_table",
    "apex_error_table",
    "apex_errors",
    "assumptions_list",
    "assumptions_table",
    "clip_summary",
    "differences",
    "displacement_by_class",
    "full_models",
    "mean_fields",
    "mean_unit_fields",
    "measure",
    "profile_models",
    "quoted",
    "scores",
    "show",
    "true_field",
    "true_motion_quoted",
    "truth_known",
    "wide_differences",
    "wide_scores",
]
