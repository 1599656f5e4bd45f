"""Views of a data set in one line."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mer_utils.datasets import Dataset
from mer_utils.files import build_dir
from mer_utils.phases import VIEWS
from mer_utils.views.cache import Source, Views, load
from mer_utils.views.options import ViewOptions


def make(
    data: Dataset,
    *,
    views: Sequence[str] = tuple(VIEWS),
    cache: str | Path | None = None,
    workers: int = 1,
    **options: Any,
) -> Views:
    """Return the views of every clip of a data set: decoded once, then read from the cache.

    Parameters
    ----------
    data : Dataset
    views : sequence of str
        Of :data:`mer_utils.phases.VIEWS`; by default all, so that any training set can be had.
    cache : path, optional
        Folder of the cache; by default ``cache`` in the build folder.
    workers : int
        Threads that decode.
    **options
        Fields of `ViewOptions`, as in ``image_size=112``.

    Returns
    -------
    Views
        Its ``training_set(fold, "dual")`` and ``test_set(fold)`` give images and classes.
    """
    folder = Path(cache) if cache else build_dir() / "cache"
    now = partial(data.fingerprint, folder)
    source = Source(data.clips(), now(), dict(data.crops), now)
    wanted = ViewOptions(**options)
    return load(source, wanted, views=views, cache=folder / "views", workers=workers)
