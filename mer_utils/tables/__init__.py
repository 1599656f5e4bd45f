"""Tables: frames of clips, scores or settings in, what people read out.

- `style`: one look for every table
- `clips`: data sets counted: subjects, classes, durations, action units
- `models`: sizes and costs of the networks
- `results`: scores and differences of table 2, and the numbers its sentences quote
- `every`: the scores of all tables, and what of them is computed
- `summary`: the words of the one-page summary
- `downloads`: a frame as a file that the reader can save
- `assumptions`: the register of assumptions, with each value read from the code
"""

from mer_utils.tables.assumptions import assumptions_list, assumptions_table
from mer_utils.tables.clips import action_unit_counts, against_published, clip_summary
from mer_utils.tables.downloads import download
from mer_utils.tables.every import all_scores, coverage, table_title, wide_all
from mer_utils.tables.models import full_models, profile_models
from mer_utils.tables.results import differences, quoted, scores, wide_differences, wide_scores
from mer_utils.tables.style import show
from mer_utils.tables.summary import summary, table2

__all__ = [
    "action_unit_counts",
    "against_published",
    "all_scores",
    "assumptions_list",
    "assumptions_table",
    "clip_summary",
    "coverage",
    "differences",
    "download",
    "full_models",
    "profile_models",
    "quoted",
    "scores",
    "show",
    "summary",
    "table2",
    "table_title",
    "wide_all",
    "wide_differences",
    "wide_scores",
]
