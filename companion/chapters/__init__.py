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
- `ground_truth`: where the skin of the made clips truly went
- `true_motion`: what dynamic images make of motion that is known
- `errors`: which classes, subjects and clips the networks miss
- `attention`: class activation maps by class, and where skin truly moved
- `assumptions`: the register of assumptions, with each value read from the code
"""

from companion.chapters.ablations import Ablation, ablation, chosen_epoch, fold_averages
from companion.chapters.assumptions import assumptions_list, assumptions_table
from companion.chapters.attention import (
    agreement,
    agreement_summary,
    mean_maps,
    mean_views,
    stored_maps,
)
from companion.chapters.clips import action_unit_counts, against_published, clip_summary
from companion.chapters.curves import learning_curves
from companion.chapters.downloads import download
from companion.chapters.errors import (
    confusions,
    hardest_clips,
    missed_by_all,
    recall_grid,
    scores_by_class,
    scores_by_subject,
    subject_spread,
    usual_confusion,
)
from companion.chapters.every import all_scores, coverage, table_title, wide_all
from companion.chapters.ground_truth import (
    displacement_by_class,
    mean_fields,
    mean_unit_fields,
    true_field,
    truth_known,
)
from companion.chapters.models import full_models, profile_models
from companion.chapters.phase_difference import phase_gains
from companion.chapters.questions import QUESTIONS, by_question
from companion.chapters.results import (
    chance,
    differences,
    on_view,
    p_words,
    quoted,
    scores,
    wide_differences,
    wide_scores,
)
from companion.chapters.style import heading, show
from companion.chapters.summary import summary, table2
from companion.chapters.true_motion import (
    agreement_table,
    apex_error_table,
    apex_errors,
    measure,
    true_motion_quoted,
)
from companion.chapters.variants import (
    add_variant,
    facts,
    missing_note,
    missing_runs,
    variant_differences,
    variant_scores,
    wide_variants,
)

__all__ = [
    "QUESTIONS",
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
    "clip_summary",
    "confusions",
    "coverage",
    "differences",
    "displacement_by_class",
    "download",
    "facts",
    "fold_averages",
    "full_models",
    "hardest_clips",
    "heading",
    "learning_curves",
    "mean_fields",
    "mean_maps",
    "mean_unit_fields",
    "mean_views",
    "measure",
    "missed_by_all",
    "missing_note",
    "missing_runs",
    "on_view",
    "p_words",
    "phase_gains",
    "profile_models",
    "quoted",
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
