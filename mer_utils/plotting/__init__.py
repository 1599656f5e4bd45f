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

from mer_utils.extras import require

require("matplotlib", "images")
_loader = require("lazy_loader", "images")

# What a name stands for is imported when it is asked for, as the stub beside this file lists it:
# to say what a row is called, as most pages begin, takes no matplotlib.
__getattr__, __dir__, __all__ = _loader.attach_stub(__name__, __file__)
