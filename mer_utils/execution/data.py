"""The data of a run: its clip table and its views, found on the machine at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from mer_utils import views
from mer_utils.annotations import load
from mer_utils.errors import MerError
from mer_utils.frames import data_fingerprint
from mer_utils.runs import DataSpec, RunSpec


@dataclass(frozen=True)
class Context:
    """Where things are on this machine: what a run needs but does not depend on.

    Parameters
    ----------
    roots : tuple of (data set, folder) pairs
        Where each data set lies.
    store : Path
        Folder of the prediction store.
    cache : Path
        Folder of views and fingerprints, which can be made anew at any time.
    device : str
        "auto", "cpu" or "cuda".
    """

    roots: tuple[tuple[str, Path], ...]
    store: Path
    cache: Path
    device: str = "auto"

    def root(self, dataset: str) -> Path:
        """Return the folder of a data set."""
        for name, folder in self.roots:
            if name == dataset:
                return folder
        raise MerError(
            f"no folder is known for data set {dataset!r}",
            f"one of {', '.join(name for name, _ in self.roots)}",
            "name the folder of the data set",
        )


def load_clips(data: DataSpec, context: Context) -> pd.DataFrame:
    """Load the clip table of a run and make sure that it is the one the run names.

    Raises
    ------
    MerError
        If the data on this machine differ from those of the specification.
    """
    clips, fingerprint = _load(
        data.model_copy(update={"fingerprint": ""}), context.root(data.dataset), context.cache
    )
    if fingerprint != data.fingerprint:
        raise MerError(
            f"the data in {context.root(data.dataset)} have fingerprint {fingerprint[:12]}...",
            f"{data.fingerprint[:12]}..., the data that this run was planned with",
            "plan the run anew with mer run, or put the original data back",
        )
    return clips


def describe_data(data: DataSpec, root: Path, cache: Path) -> DataSpec:
    """Return `data` with the fingerprint of the data in `root`."""
    _clips, fingerprint = _load(data.model_copy(update={"fingerprint": ""}), root, cache)
    return data.model_copy(update={"fingerprint": fingerprint})


def load_views(
    spec: RunSpec,
    context: Context,
    *,
    workers: int = 1,
    progress: Callable[[Iterator, int], Iterator] | None = None,
) -> views.Views:
    """Return the views of a run's clips, made now if they are not cached."""
    return views.build(
        load_clips(spec.data, context),
        spec.views,
        fingerprint=spec.data.fingerprint,
        cache=context.cache / "views",
        missing_frames=spec.data.missing_frames,
        workers=workers,
        progress=progress,
    )


def prepare_views(
    specs: list[RunSpec],
    context: Context,
    *,
    workers: int,
    progress: Callable[[str, Iterator, int], Iterator] | None = None,
) -> None:
    """Make the views of all these runs, each kind once, before any fold starts."""
    needed = {(spec.data, spec.views): spec for spec in specs}
    for spec in needed.values():
        title = f"views {spec.data.dataset} {spec.views.image_size} px"

        def shown(made: Iterator, n: int, title: str = title) -> Iterator:
            return progress(title, made, n) if progress else made

        load_views(spec, context, workers=workers, progress=shown)


@lru_cache(maxsize=16)
def _load(data: DataSpec, root: Path, cache: Path) -> tuple[pd.DataFrame, str]:
    clips = load(
        data.dataset,
        root,
        data.scheme,
        missing_apex=data.missing_apex,
        degenerate_phase=data.degenerate_phase,
        missing_frames=data.missing_frames,
    )
    return clips, data_fingerprint(clips, data.missing_frames, cache)
