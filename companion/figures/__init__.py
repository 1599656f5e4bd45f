"""Figures: everything people look at that is not a table.

Functions take arrays or DataFrames and give back a matplotlib figure, an SVG drawing or
a piece of HTML that works without a network. They never train and never read the store.

- `style`: colours, fonts and deterministic output
- `markup`: SVG and HTML strings that a notebook displays
- `diagrams`: the phases of a clip, leave-one-subject-out
- `learnet`: the layers of LEARNet
- `clips`: subjects, classes, durations, action units, sample frames
- `crops`: the face crop of one clip of each subject
- `dynamic_images`: rank-pooling weights, dynamic images side by side
- `ground_truth`: displacement fields of made clips, and how dynamic images follow them
- `rows`: rows of the picture grids, from a clip's frames
- `results`: scores with intervals, differences between settings
- `overview`: every score of every table
- `matrices`: confusion matrices, heat maps
- `errors`: accuracy over subjects, where networks look
- `trends`: a score against a parameter, average ranks
- `costs`: learning curves of two training loops, growth of a run's time
- `phase_viewer`: one clip, its phases and its dynamic images, interactively
- `explorer`: every result, filtered, as a chart and a table
"""

from companion.figures.costs import growth_figure, loss_curves
from companion.figures.crops import face_crops
from companion.figures.diagrams import loso_diagram, phases_diagram
from companion.figures.ground_truth import (
    agreement_figure,
    apex_error_figure,
    field_grid,
    strength_figure,
    truth_grid,
    truth_row,
)
from companion.figures.learnet import learnet_diagram
from mer_utils.plotting.clips import (
    action_unit_heat_map,
    durations,
    sample_frames,
    subject_class_counts,
)
from mer_utils.plotting.dynamic_images import di_grid, ported_vs_right, weights_figure
from mer_utils.plotting.errors import places_grid, said, subject_accuracy_figure
from mer_utils.plotting.explorer import results_explorer
from mer_utils.plotting.markup import Markup
from mer_utils.plotting.matrices import confusion_matrices, heat_map
from mer_utils.plotting.overview import overview_figure
from mer_utils.plotting.phase_viewer import phase_viewer
from mer_utils.plotting.results import difference_figure, table2_figure, variants_figure
from mer_utils.plotting.rows import di_row, frames_row, ported_row
from mer_utils.plotting.style import (
    MODEL_COLOURS,
    PHASE_COLOURS,
    SETTING_COLOURS,
    BookFigure,
    PhotoFigure,
    to_jpeg,
    to_png,
    to_svg,
)
from mer_utils.plotting.trends import curve_of_scores, effect_vs_parameter, rank_figure

__all__ = [
    "MODEL_COLOURS",
    "PHASE_COLOURS",
    "SETTING_COLOURS",
    "BookFigure",
    "Markup",
    "PhotoFigure",
    "action_unit_heat_map",
    "agreement_figure",
    "apex_error_figure",
    "confusion_matrices",
    "curve_of_scores",
    "di_grid",
    "di_row",
    "difference_figure",
    "durations",
    "effect_vs_parameter",
    "face_crops",
    "field_grid",
    "frames_row",
    "growth_figure",
    "heat_map",
    "learnet_diagram",
    "loso_diagram",
    "loss_curves",
    "overview_figure",
    "phase_viewer",
    "phases_diagram",
    "places_grid",
    "ported_row",
    "ported_vs_right",
    "rank_figure",
    "results_explorer",
    "said",
    "sample_frames",
    "strength_figure",
    "subject_accuracy_figure",
    "subject_class_counts",
    "table2_figure",
    "to_jpeg",
    "to_png",
    "to_svg",
    "truth_grid",
    "truth_row",
    "variants_figure",
    "weights_figure",
]
