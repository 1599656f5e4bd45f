"""The data of a run: its clip table and its views, found on the machine at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from mer_utils import views
from mer_utils.datasets import data_fingerprint, load, load_composite, without_face
from mer_utils.errors import MerError
from mer_utils.frames import CropOptions, remember_faces
from mer_utils.runs.spec import DataSpec, RunSpec

#: Composites, and the data sets that they join.
COMPOSITES = {"megc2019": ("casme2", "samm", "smic")}
#: How the name of a manifest's data begins.
MANIFEST = "manifest:"
#: What stands between a data set's name and how a made variant of it differs from the twin.
VARIANT = "@"


@dataclass(frozen=True)
class Context:
    """Where things are on this machine: what a run needs but does not depend on.

    Parameters
    ----------
    roots : tuple of (data set, folder) pairs
        Where each data set lies; for a manifest, its file.
    store : Path
        Folder of the prediction store.
    cache : Path
        Folder of views and fingerprints, which can be made anew at any time.
    device : str
        "auto", "cpu", "cuda" or one GPU as in "cuda:1", see
        `mer_utils.runs.device.resolve_device`.
    worker : int
        Number of the process that computes, by which it takes one of several GPUs.
    corrections : Path, optional
        The user's own corrections, see :func:`mer_utils.datasets.load`.
    drop_without_face : bool
        Leave out the clips of `cropped` data sets on whose onset frame no face is found. False
        leaves them in, for :func:`mer_utils.views.build` to refuse.
    cropped : tuple of (data set, CropOptions) pairs
        Data sets whose frames are cropped to the face, and how.

    Notes
    -----
    The last three change which clips there are. They are no part of a run's specification
    because their effect is: its fingerprint is that of the clip table they lead to.
    """

    roots: tuple[tuple[str, Path], ...]
    store: Path
    cache: Path
    device: str = "auto"
    worker: int = 0
    corrections: Path | None = None
    drop_without_face: bool = False
    cropped: tuple[tuple[str, CropOptions], ...] = ()

    def root(self, dataset: str) -> Path:
        """Return the folder of a data set."""
        for name, folder in self.roots:
            if name == dataset:
                return folder
        raise MerError(
            "TODO",
            f"no folder is known for data set {dataset!r}",
            f"one of {', '.join(name for name, _ in self.roots)}",
            "name the folder of the data set",
        )

    def crop(self, dataset: str) -> CropOptions | None:
        """Return how a data set is cropped to the face, None if it is not."""
        return dict(self.cropped).get(dataset)

    def crops(self, dataset: str) -> tuple[tuple[str, CropOptions], ...]:
        """Return the crops of a data set, or of a composite's parts; empty if there is none."""
        parts = parts_of(dataset)
        return tuple((part, crop) for part in parts if (crop := self.crop(part)))


def load_clips(data: DataSpec, context: Context) -> pd.DataFrame:
    """Load the clip table of a run and make sure that it is the one the run names.

    Raises
    ------
    MerError
        If the data on this machine differ from those of the specification.
    """
    clips, fingerprint = _clips_and_fingerprint(data, context)
    if fingerprint != data.fingerprint:
        places = ", ".join(str(context.root(part)) for part in parts_of(data.dataset))
        raise MerError(
            "TODO",
            f"the data in {places} have fingerprint {fingerprint[:12]}...",
            f"{data.fingerprint[:12]}..., the data that this run was planned with",
            "plan the run anew with mer run, or put the original data back",
        )
    return clips


def describe_data(data: DataSpec, context: Context) -> DataSpec:
    """Return `data` with the fingerprint of the data on this machine."""
    return data.model_copy(update={"fingerprint": _clips_and_fingerprint(data, context)[1]})


def parts_of(dataset: str) -> tuple[str, ...]:
    """Return the data sets that a composite joins; one that is no composite is its own."""
    return COMPOSITES.get(dataset, (dataset,))


def layout_of(dataset: str) -> str:
    """Return the data set in whose layout a made variant of it is written.

    Examples
    --------
    >>> layout_of("casme2@difference=0,noise=2"), layout_of("samm")
    ('casme2', 'samm')
    """
    return dataset.partition(VARIANT)[0]


def clips_without_face(data: DataSpec, context: Context) -> pd.DataFrame:
    """Return the rows of the clip table that `Context.drop_without_face` leaves out."""
    return _tables(*_what_decides(data, context))[1]


def load_views(
    data: DataSpec, options: views.ViewOptions, context: Context, *, workers: int = 1
) -> views.Views:
    """Return the views of the clips, made now if they are not cached."""
    return views.build(
        load_clips(data, context),
        options,
        fingerprint=data.fingerprint,
        cache=context.cache / "views",
        missing_frames=data.missing_frames,
        workers=workers,
    )


def prepare_views(
    specs: list[RunSpec],
    context: Context,
    *,
    workers: int,
    progress: Callable[[str, Iterator, int], Iterator] | None = None,
) -> None:
    """Make the views of all these runs before any fold starts, decoding each clip once."""
    needed: dict[DataSpec, list[views.ViewOptions]] = {}
    for spec in specs:
        needed.setdefault(spec.data, []).append(spec.views)
    for data, options in needed.items():

        def shown(made: Iterator, n: int, title: str = f"views {data.dataset}") -> Iterator:
            return progress(title, made, n) if progress else made

        views.build_all(
            load_clips(data, context),
            options,
            fingerprint=data.fingerprint,
            cache=context.cache / "views",
            missing_frames=data.missing_frames,
            workers=workers,
            progress=shown,
        )


def _what_decides(data: DataSpec, context: Context) -> tuple:
    """Return what a clip table depends on."""
    roots = tuple((part, context.root(part)) for part in parts_of(data.dataset))
    drop = context.crops(data.dataset) if context.drop_without_face else ()
    remember_faces(context.cache / "faces")
    return data.model_copy(update={"fingerprint": ""}), roots, context.corrections, drop


def _clips_and_fingerprint(data: DataSpec, context: Context) -> tuple[pd.DataFrame, str]:
    return _fingerprinted(_what_decides(data, context), context.cache)


@lru_cache(maxsize=16)
def _fingerprinted(what: tuple, cache: Path) -> tuple[pd.DataFrame, str]:
    clips, _dropped = _tables(*what)
    return clips, data_fingerprint(clips, cache)


@lru_cache(maxsize=16)
def _tables(
    data: DataSpec,
    roots: tuple[tuple[str, Path], ...],
    corrections: Path | None,
    drop: tuple[tuple[str, CropOptions], ...],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the clip table, and the clips left out of it because no face was found."""
    if data.dataset.startswith(MANIFEST):
        clips = load("manifest", roots[0][1])
        return clips, clips.iloc[:0]
    dataset = layout_of(data.dataset)
    rules: dict[str, Any] = {
        "missing_apex": data.missing_apex,
        "degenerate_phase": data.degenerate_phase,
        "missing_frames": data.missing_frames,
        "corrections": corrections,
        # Made variants are written whole or not at all, by the program itself.
        "verify_frames": VARIANT not in data.dataset,
    }
    if data.dataset in COMPOSITES:
        clips = load_composite(dict(roots), data.scheme, **rules)
    else:
        clips = load(dataset, roots[0][1], data.scheme, **rules)
    faceless = [without_face(clips[clips["dataset"] == part], crop) for part, crop in drop]
    dropped = pd.concat([clips.iloc[:0], *faceless])
    kept = clips.drop(dropped.index).reset_index(drop=True)
    return kept, dropped
