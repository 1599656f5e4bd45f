"""Figures: arrays or a results frame in, a figure out; nothing is trained or read from disk.

- `style`: colours, fonts and deterministic output
- `words`: what rows, comparisons, models and data sets are called
- `markup`: SVG and HTML strings that a notebook displays
- `clips`: subjects, classes, durations
- `dynamic_images`: rank-pooling weights, dynamic images and frames side by side
- `results`, `overview`, `forest`: scores with intervals, differences between settings
- `matrices`, `errors`: confusion matrices, heat maps, accuracy over subjects
- `score_page`: a scorecard as one page of HTML
- `trends`, `curve`: a score against a parameter, a difference under every specification
- `phase_viewer`, `explorer`: one clip, or every result, interactively

Every function raises `MerError` of the kind "nothing to draw" where a column is missing or there
is no row, and draws rows in the order in which they come.
"""

# ruff: noqa: E402 (what the room needs is asked for before its modules are)
from mer_utils.extras import require

require("matplotlib", "images")

from mer_utils.plotting.clips import durations, subject_class_counts
from mer_utils.plotting.curve import curve_figure
from mer_utils.plotting.dynamic_images import (
    correlations_figure,
    di_grid,
    di_row,
    frames_row,
    ported_row,
    ported_vs_right,
    sample_frames,
    weights_figure,
)
from mer_utils.plotting.errors import places_grid, said, subject_accuracy_figure
from mer_utils.plotting.explorer import results_explorer
from mer_utils.plotting.forest import forest_figure
from mer_utils.plotting.markup import Markup
from mer_utils.plotting.matrices import action_unit_heat_map, confusion_matrices, heat_map
from mer_utils.plotting.overview import overview_figure
from mer_utils.plotting.phase_viewer import phase_viewer
from mer_utils.plotting.results import difference_figure, table2_figure, variants_figure
from mer_utils.plotting.score_page import score_page
from mer_utils.plotting.style import (
    MODEL_COLOURS,
    PHASE_COLOURS,
    SETTING_COLOURS,
    BookFigure,
    to_png,
    to_svg,
)
from mer_utils.plotting.trends import curve_of_scores, effect_vs_parameter, spread_figure

__all__ = [
    "MODEL_COLOURS",
    "PHASE_COLOURS",
    "SETTING_COLOURS",
    "BookFigure",
    "Markup",
    "action_unit_heat_map",
    "confusion_matrices",
    "correlations_figure",
    "curve_figure",
    "curve_of_scores",
    "di_grid",
    "di_row",
    "difference_figure",
    "durations",
    "effect_vs_parameter",
    "forest_figure",
    "frames_row",
    "heat_map",
    "overview_figure",
    "phase_viewer",
    "places_grid",
    "ported_row",
    "ported_vs_right",
    "results_explorer",
    "said",
    "sample_frames",
    "score_page",
    "spread_figure",
    "subject_accuracy_figure",
    "subject_class_counts",
    "table2_figure",
    "to_png",
    "to_svg",
    "variants_figure",
    "weights_figure",
]
