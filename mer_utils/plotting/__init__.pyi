from .clips import durations, subject_class_counts
from .curve import curve_figure
from .dynamic_images import (
    correlations_figure,
    di_grid,
    di_row,
    frames_row,
    ported_row,
    ported_vs_right,
    sample_frames,
    weights_figure,
)
from .errors import places_grid, subject_accuracy_figure
from .explorer import results_explorer
from .forest import forest_figure
from .markup import Markup
from .matrices import action_unit_heat_map, confusion_matrices, heat_map
from .overview import overview_figure
from .phase_viewer import phase_viewer
from .results import difference_figure, table2_figure, variants_figure
from .score_page import score_page
from .style import (
    MODEL_COLOURS,
    PHASE_COLOURS,
    SETTING_COLOURS,
    BookFigure,
    to_png,
    to_svg,
)
from .trends import curve_of_scores, effect_vs_parameter, spread_figure

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
