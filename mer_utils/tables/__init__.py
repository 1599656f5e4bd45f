"""Tables: frames of clips, scores or settings in, what people read out.

- `style`: one look for every table
- `clips`: data sets counted: subjects, classes, durations, action units
- `models`: sizes and costs of the networks
- `results`: scores and differences of table 2, and the numbers its sentences quote
- `costs`: the recorded measurements of ``python -m benchmarks``
- `cost_trends`: what was tried, how cost grows, a projection to larger data
- `assumptions`: the register of assumptions, with each value read from the code
"""

from mer_utils.tables.assumptions import assumptions_list, assumptions_table
from mer_utils.tables.clips import action_unit_counts, against_published, clip_summary
from mer_utils.tables.cost_trends import (
    effects_table,
    growth_table,
    profile_table,
    projection_table,
)
from mer_utils.tables.costs import (
    SHARES,
    SPEEDS,
    costs_by_case,
    costs_quoted,
    costs_table,
    history_table,
    machine_table,
    read_costs,
)
from mer_utils.tables.models import full_models, profile_models
from mer_utils.tables.results import differences, quoted, scores, wide_differences, wide_scores
from mer_utils.tables.style import show

__all__ = [
    "SHARES",
    "SPEEDS",
    "action_unit_counts",
    "against_published",
    "assumptions_list",
    "assumptions_table",
    "clip_summary",
    "costs_by_case",
    "costs_quoted",
    "costs_table",
    "differences",
    "effects_table",
    "full_models",
    "growth_table",
    "history_table",
    "machine_table",
    "profile_models",
    "profile_table",
    "projection_table",
    "quoted",
    "read_costs",
    "scores",
    "show",
    "wide_differences",
    "wide_scores",
]
