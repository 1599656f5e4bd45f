"""Views: dynamic images (DIs) as the arrays that a model sees.

One decode of a clip gives all its views, under any number of options. They are kept on disk
under a key made of the data's fingerprint, of the options and of the view, and read back as
memory maps, so that any number of workers share one copy.

- `make`: the views of a data set in one line
- `options`: how a clip becomes views
- `perturbation`: annotations moved on purpose
- `images`: the views of one clip
- `cache`: those of every clip, made once
- `estimator`: views as a step of a scikit-learn pipeline (imported by itself)
"""

from mer_utils.views.cache import VIEWS_VERSION, Note, Progress, Source, Views, load, prepare
from mer_utils.views.images import clip_views, given_views, views_of_frames
from mer_utils.views.make import make
from mer_utils.views.options import ViewOptions
from mer_utils.views.perturbation import Perturbation

__all__ = [
    "VIEWS_VERSION",
    "Note",
    "Perturbation",
    "Progress",
    "Source",
    "ViewOptions",
    "Views",
    "clip_views",
    "given_views",
    "load",
    "make",
    "prepare",
    "views_of_frames",
]
