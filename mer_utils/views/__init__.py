"""Views: each phase's dynamic image (DI) as the array that a model sees.

One decode of a clip gives all its views, under any number of options. They are kept on disk
under a key made of the data's fingerprint and of the options, and read back as a memory map,
so that any number of workers share one copy.

- `options`: how a clip becomes views
- `perturbation`: annotations moved on purpose
- `images`: the views of one clip
- `cache`: those of every clip, made once
"""

from mer_utils.views.cache import VIEWS_VERSION, Views, build, build_all, cache_key
from mer_utils.views.images import clip_views, given_views, views_of_frames
from mer_utils.views.options import ViewOptions
from mer_utils.views.perturbation import Perturbation

__all__ = [
    "VIEWS_VERSION",
    "Perturbation",
    "ViewOptions",
    "Views",
    "build",
    "build_all",
    "cache_key",
    "clip_views",
    "given_views",
    "views_of_frames",
]
