"""Tables: frames of clips, scores or settings in, what people read out.

- `style`: one look for every table
- `clips`: data sets counted: subjects, classes, durations, action units
- `models`: sizes and costs of the networks
- `results`: scores and differences of table 2, and the numbers its sentences quote
- `variants`: scores and differences of what the ablations vary
- `ablations`: tables 3 to 8 as variants and their comparisons
- `questions`: which comparisons of an ablation answer which question
- `curves`: scores against training images seen
- `phase_difference`: the gain of dual on made clips of known phases
- `every`: the scores of all tables, and what of them is computed
- `summary`: the words of the one-page summary
- `downloads`: a frame as a file that the reader can save
- `costs`: the recorded measurements of ``python -m benchmarks``
- `cost_trends`: what was tried, how cost grows, a projection to larger data
- `ground_truth`: where the skin of the made clips truly went
- `true_motion`: what dynamic images make of motion that is known
- `errors`: which classes, subjects and clips the networks miss
- `attention`: class activation maps by class, and where skin truly moved
- `claims`: the ledger of claims: what may be concluded, and what may not
- `assumptions`: the register of assumptions, with each value read from the code
"""

from mer_utils.tables.ablations import Ablation, ablation, chosen_epoch, fold_averages
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
from mer_utils.tables.cost_trends import (
    effects_table,
    growth_table,
    profile_table,
    projection_table,
)
from mer_utils.tables.costs import (
    GPU_RATES,
    SHARES,
    SPEEDS,
    costs_by_case,
    costs_quoted,
    costs_table,
    history_table,
    machine_table,
    read_costs,
)
from mer_utils.tables.curves import learning_curves
from mer_utils.tables.downloads import download
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
from mer_utils.tables.every import all_scores, coverage, table_title, wide_all
from mer_utils.tables.ground_truth import (
    displacement_by_class,
    mean_fields,
    mean_unit_fields,
    true_field,
    truth_known,
)
from mer_utils.tables.models import full_models, profile_models
from mer_utils.tables.phase_difference import phase_gains
from mer_utils.tables.questions import QUESTIONS, by_question
from mer_utils.tables.results import (
    chance,
    differences,
    model_title,
    on_view,
    p_words,
    quoted,
    scores,
    wide_differences,
    wide_scores,
)
from mer_utils.tables.style import heading, show
from mer_utils.tables.summary import summary, table2
from mer_utils.tables.true_motion import (
    agreement_table,
    apex_error_table,
    apex_errors,
    measure,
    true_motion_quoted,
)
from mer_utils.tables.variants import (
    add_variant,
    facts,
    missing_note,
    missing_runs,
    variant_differences,
    variant_scores,
    wide_variants,
)

__all__ = [
    "GPU_RATES",
    "QUESTIONS",
    "SHARES",
    "SPEEDS",
    "Ablation",
    "ablation",
    "action_unit_counts",
    "add_variant",
    "against_published",
    "agreement",
    "agreement_summary",
    "agreement_table",
    "all_scores",
    "apex_error_table",
    "apex_errors",
    "assumptions_list",
    "assumptions_table",
    "by_question",
    "chance",
    "chosen_epoch",
    "claims_list",
    "claims_table",
    "clip_summary",
    "confusions",
    "costs_by_case",
    "costs_quoted",
    "costs_table",
    "coverage",
    "differences",
    "displacement_by_class",
    "download",
    "effects_table",
    "evidence",
    "facts",
    "fold_averages",
    "full_models",
    "growth_table",
    "hardest_clips",
    "heading",
    "history_table",
    "judge",
    "judge_all",
    "learning_curves",
    "machine_table",
    "mean_fields",
    "mean_maps",
    "mean_unit_fields",
    "mean_views",
    "measure",
    "missed_by_all",
    "missing_note",
    "missing_runs",
    "model_title",
    "on_view",
    "p_words",
    "phase_gains",
    "profile_models",
    "profile_table",
    "projection_table",
    "quoted",
    "quoted_claims",
    "read_claims",
    "read_costs",
    "recall_grid",
    "scores",
    "scores_by_class",
    "scores_by_subject",
    "show",
    "stored_maps",
    "subject_spread",
    "summary",
    "table2",
    "table_title",
    "true_field",
    "true_motion_quoted",
    "truth_known",
    "usual_confusion",
    "variant_differences",
    "variant_scores",
    "wide_all",
    "wide_differences",
    "wide_scores",
    "wide_variants",
]
