"""The views of every clip of a table: made once, kept on disk, read back as a memory map."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer_utils import dynamic_image as di
from mer_utils.datasets import clip_frames
from mer_utils.errors import MerError
from mer_utils.files import atomic_write
from mer_utils.frames import decode, find_face, read_cropped_frames, read_frames
from mer_utils.views.images import given_views, views_of_frames
from mer_utils.views.options import ViewOptions

# Raised by hand whenever the code of this room changes what a view looks like.
VIEWS_VERSION = 4

Progress = Callable[[Iterator, int], Iterator]


@dataclass(frozen=True)
class Views:
    """The views of every clip of a table, in the table's order.

    Parameters
    ----------
    images : ndarray of shape (n, 3, h, w, 3), uint8, a memory map
        Axis 1 runs over ``dynamic_image.PHASES``; colours are red, green, blue.
    present : ndarray of shape (n, 3), bool
        Whether the clip has that phase. Where not, the image is zeros and never used.
    """

    images: np.ndarray
    present: np.ndarray

    def of(self, phase: str, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the images of `phase` for the `clips` that have it, and their positions."""
        column = di.PHASES.index(phase)
        having = clips[self.present[clips, column]]
        return self.images[having, column], having


def build(
    clips: pd.DataFrame,
    options: ViewOptions,
    *,
    fingerprint: str,
    cache: Path,
    missing_frames: str = "error",
    workers: int = 1,
    progress: Progress | None = None,
) -> Views:
    """Return the views of every clip, from the cache or made now.

    Parameters
    ----------
    clips : DataFrame of n rows
        The clip table. If it has the column ``images`` (a manifest's: view to path), those
        images are the views, resized; nothing is pooled, scaled or cropped.
    options : ViewOptions
    fingerprint : str
        Of the data, see :func:`mer_utils.datasets.data_fingerprint`.
    cache : Path
        Folder of the cache.
    missing_frames : str
        Rule by which frames are found, see :func:`mer_utils.datasets.clip_frames`.
    workers : int
        Threads that decode.
    progress : callable, optional
        Wraps the iteration over clips: called with the iterator and n.

    Returns
    -------
    Views

    Raises
    ------
    MerError
        If a frame cannot be decoded, or `options` crops and clips have no face: all of them
        are named. A cache is not left.
    """
    build_all(
        clips,
        [options],
        fingerprint=fingerprint,
        cache=cache,
        missing_frames=missing_frames,
        workers=workers,
        progress=progress,
    )
    found = _read_cache(_files(cache, fingerprint, options), _shape(clips, options))
    if found is None:
        raise MerError(
            "TODO",
            f"the views in {cache} vanished or changed while they were made",
            "a cache folder that nothing else clears",
            "run the same command again",
        )
    return found


def build_all(
    clips: pd.DataFrame,
    options: Sequence[ViewOptions],
    *,
    fingerprint: str,
    cache: Path,
    missing_frames: str = "error",
    workers: int = 1,
    progress: Progress | None = None,
) -> None:
    """Make the views of every clip under several options, decoding each clip once.

    What the cache has already is left as it is. Parameters are those of `build`; options that
    crop differently are made one after the other.
    """
    missing = [
        o
        for o in dict.fromkeys(options)
        if _read_cache(_files(cache, fingerprint, o), _shape(clips, o)) is None
    ]
    for crops in dict.fromkeys(o.crops for o in missing):
        alike = [o for o in missing if o.crops == crops]
        made = _make_all(clips, alike, missing_frames, workers)
        shown = progress(made, len(clips)) if progress else made
        _write(clips, alike, shown, [_files(cache, fingerprint, o) for o in alike])


def _write(
    clips: pd.DataFrame,
    options: Sequence[ViewOptions],
    made: Iterator[list[dict[str, np.ndarray]] | None],
    targets: Sequence[tuple[Path, Path]],
) -> None:
    """Write the views of all clips; `made` gives those of one clip, one set an option."""
    present = [np.zeros((len(clips), len(di.PHASES)), bool) for _ in options]
    faceless: list[str] = []
    with ExitStack() as stack:
        files = []
        for (images_file, _), o in zip(targets, options, strict=True):
            # Written clip by clip, not through a memory map: on a full disk a map kills the
            # process.
            file = stack.enter_context(open(stack.enter_context(atomic_write(images_file)), "wb"))
            header = {"descr": "|u1", "fortran_order": False, "shape": _shape(clips, o)}
            np.lib.format.write_array_header_1_0(file, header)
            files.append(file)
        for row, sets in enumerate(made):
            if sets is None:
                faceless.append(" ".join(clips.iloc[row][["dataset", "subject", "clip"]]))
                continue
            for o, views, there, file in zip(options, sets, present, files, strict=True):
                there[row] = [phase in views for phase in di.PHASES]
                nothing = np.zeros(_shape(clips, o)[2:], np.uint8)
                for phase in di.PHASES:
                    file.write(views.get(phase, nothing).tobytes())
        if faceless:
            raise _no_face(faceless)
    # Written last: images without it are never read.
    for (_, present_file), there in zip(targets, present, strict=True):
        with atomic_write(present_file) as temporary, open(temporary, "wb") as file:
            np.save(file, there)


def _shape(clips: pd.DataFrame, options: ViewOptions) -> tuple[int, ...]:
    return (len(clips), len(di.PHASES), options.image_size, options.image_size, 3)


def _files(cache: Path, fingerprint: str, options: ViewOptions) -> tuple[Path, Path]:
    key = cache_key(fingerprint, options)
    return cache / f"{key}.images.npy", cache / f"{key}.present.npy"


def _read_cache(files: tuple[Path, Path], shape: tuple[int, ...]) -> Views | None:
    # What is missing, cut off or of another shape is made anew: a cache costs only time.
    try:
        views = Views(np.load(files[0], mmap_mode="r"), np.load(files[1]))
    except (OSError, ValueError, EOFError):
        return None
    fits = views.images.shape == shape and views.present.shape == shape[:2]
    return views if fits else None


def cache_key(fingerprint: str, options: ViewOptions) -> str:
    """Return the name under which these views of these data are cached."""
    parts = [fingerprint, options.model_dump(mode="json"), VIEWS_VERSION]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _make_all(
    clips: pd.DataFrame, options: Sequence[ViewOptions], missing_frames: str, workers: int
) -> Iterator[list[dict[str, np.ndarray]] | None]:
    """Yield the views of each clip, one set an option; None for a clip without a face."""

    def given(images: dict[str, str]) -> list[dict[str, np.ndarray]]:
        return [given_views(images, o) for o in options]

    def made(row: Any) -> list[dict[str, np.ndarray]] | None:
        clip = clip_frames(row)
        crop = options[0].crop(row.dataset)
        frames = read_frames(clip.paths) if crop is None else read_cropped_frames(clip.paths, crop)
        try:
            return views_of_frames(frames, len(clip.paths), clip.apex, options, _key(row))
        except MerError:
            if crop and find_face(decode(clip.paths[0]), crop.detector) is None:
                return None
            raise

    # Threads do: decoding and resizing, nearly all of the work, let other threads run.
    with ThreadPoolExecutor(workers) as pool:
        if "images" in clips:
            yield from pool.map(given, clips["images"])
            return
        yield from pool.map(made, clips.itertuples())


def _key(row: Any) -> str:
    return f"{row.dataset}|{row.subject}|{row.clip}"


def _no_face(clips: list[str]) -> MerError:
    shown = ", ".join(clips[:20]) + (", ..." if len(clips) > 20 else "")
    return MerError(
        "TODO",
        f"no face was found on the onset frame of {len(clips)} clip(s): {shown}",
        "a face, upright and seen from the front, wherever faces are cropped",
        "look at those frames; set MER_NO_FACE=drop_clip to leave the clips out, counted; or "
        "use frames that are cropped already",
    )
