"""The views of every clip of a table: made once, kept on disk, read back as memory maps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mer_utils.datasets import clip_frames
from mer_utils.errors import MerError
from mer_utils.files import atomic_write, cannot_read, identity
from mer_utils.frames import CropOptions, read_cropped_frames, read_frames
from mer_utils.phases import PHASES, TRAINING_SETS, training_images
from mer_utils.protocol import Fold
from mer_utils.registry import unknown
from mer_utils.views.images import given_views, views_of_frames
from mer_utils.views.options import ViewOptions

# Raised by hand whenever the code of this room changes what a view looks like.
VIEWS_VERSION = 5

Progress = Callable[[Iterator, int], Iterator]


@dataclass(frozen=True)
class Source:
    """A data set as it was read: the clips whose views are made.

    Parameters
    ----------
    clips : DataFrame of n rows
        The clip table. If it has the column ``images`` (view to path), those images are the
        views, resized; nothing is pooled, scaled or cropped.
    fingerprint : str
        Of the table and of every frame's bytes.
    crops : mapping of str to CropOptions
        The data sets whose frames are cropped to the face, and how.
    now : callable, optional
        Gives the fingerprint as it is now, to make sure that no frame was changed while views
        were made.
    """

    clips: pd.DataFrame
    fingerprint: str
    crops: Mapping[str, CropOptions] = field(default_factory=dict)
    now: Callable[[], str] | None = None


class Note(NamedTuple):
    """What was changed, chosen or left out when the views of a clip were made."""

    clip: str
    said: str


@dataclass(frozen=True)
class Views:
    """Views of every clip of a table, in the table's order.

    Parameters
    ----------
    images : mapping of str to ndarray of shape (n, h, w, 3), uint8
        The images of each view, memory maps; colours are red, green, blue.
    present : mapping of str to ndarray of shape (n,), bool
        Whether the clip has that view. Where not, its image is zeros and never used.
    labels : ndarray of shape (n,), int
        The class of each clip.
    notes : tuple of Note
        What was changed, chosen or left out when the views were made.
    """

    images: Mapping[str, np.ndarray]
    present: Mapping[str, np.ndarray]
    labels: np.ndarray
    notes: tuple[Note, ...] = ()

    def of(self, view: str, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the images of `view` for the `clips` that have it, and their positions."""
        if view not in self.images:
            raise unknown("view", view, self.images)
        having = clips[self.present[view][clips]]
        return self.images[view][having], having

    def training_set(
        self, fold: Fold, training: str | tuple[str, ...] = "dual"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the images that a fold trains on, and their classes.

        Parameters
        ----------
        fold : Fold
        training : str or tuple of str
            A name of :data:`mer_utils.phases.TRAINING_SETS`, or views named one by one.

        Returns
        -------
        images : ndarray of shape (m, h, w, 3), uint8
        labels : ndarray of shape (m,), int
        """
        wanted = TRAINING_SETS.find(training)
        for view in wanted.views:
            self.of(view, fold.train[:0])
        images, at = training_images(self.images, self.present, fold.train, wanted)
        return images, self.labels[at]

    def test_set(self, fold: Fold, view: str = "full") -> tuple[np.ndarray, np.ndarray]:
        """Return the images that a fold is tested on, and their classes."""
        images, at = self.of(view, fold.test)
        return images, self.labels[at]


class _Sheet(NamedTuple):
    """The files of one view under one set of options."""

    options: ViewOptions
    view: str
    images: Path
    present: Path
    notes: Path


class _Cached(NamedTuple):
    """One view of every clip, as it is read back."""

    images: np.ndarray
    present: np.ndarray
    notes: list[Note]


class _Made(NamedTuple):
    """The views of one clip, one per sheet, or the kind of error that keeps it from having any."""

    views: list[np.ndarray | None]
    said: set[str]
    failure: str = ""


def load(
    source: Source,
    options: ViewOptions,
    *,
    cache: Path,
    views: Sequence[str] = PHASES,
    workers: int = 1,
    progress: Progress | None = None,
) -> Views:
    """Return views of every clip, from the cache or made now.

    Parameters
    ----------
    source : Source
    options : ViewOptions
    cache : Path
        Folder of the cache.
    views : sequence of str
        Of :data:`mer_utils.phases.VIEWS`.
    workers : int
        Threads that decode.
    progress : callable, optional
        Wraps the iteration over clips: called with the iterator and n.

    Raises
    ------
    MerError
        If a frame cannot be decoded; if clips do not move, or frames are cropped and clips have
        no face: all of them are named. A cache is not left.
    """
    wanted = {options: views}
    notes = prepare(source, wanted, cache=cache, workers=workers, progress=progress)
    shape = _shape(source, options)
    found = {sheet.view: _read(sheet, shape) for sheet in _sheets(source, wanted, cache)}
    # Written a moment ago or found whole; a view that is gone by now is an error of its own.
    there = {view: parts for view, parts in found.items() if parts is not None}
    images = {view: made.images for view, made in there.items()}
    present = {view: made.present for view, made in there.items()}
    labels = source.clips["label"].cat.codes.to_numpy(np.int64)
    return Views(images, present, labels, tuple(notes))


def prepare(
    source: Source,
    wanted: Mapping[ViewOptions, Iterable[str]],
    *,
    cache: Path,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Note]:
    """Make the views that the cache lacks under several options, decoding each clip once.

    Parameters are those of `load`; `wanted` names the views under each set of options. What was
    changed, chosen or left out is returned, whether it was now or when the cache was made.
    """
    sheets = _sheets(source, wanted, cache)
    missing = [s for s in sheets if _read(s, _shape(source, s.options)) is None]
    if missing:
        made = _make_all(source, missing, workers)
        _write(source, missing, progress(made, len(source.clips)) if progress else made)
    notes: dict[Note, None] = {}
    for sheet in sheets:
        if (found := _read(sheet, _shape(source, sheet.options))) is not None:
            notes |= dict.fromkeys([*found.notes, *_lacking(source, sheet.view, found)])
    return list(notes)


def _lacking(source: Source, view: str, found: _Cached) -> list[Note]:
    """Say which clips lack a view that others have, if it is not said why."""
    if not found.present.any():
        return []
    said = f"no view {view}: in training the full image takes its place"
    if view == "full":
        said = "no view full: the clip is neither trained on nor tested under these options"
    names, known = _names(source.clips), {note.clip for note in found.notes if view in note.said}
    return [
        Note(names[row], said) for row in np.flatnonzero(~found.present) if names[row] not in known
    ]


def _names(
    clips: pd.DataFrame, columns: Sequence[str] = ("dataset", "subject", "clip")
) -> list[str]:
    return [" ".join(key) for key in clips[list(columns)].itertuples(index=False)]


def _sheets(
    source: Source, wanted: Mapping[ViewOptions, Iterable[str]], cache: Path
) -> list[_Sheet]:
    sheets = []
    for options, views in wanted.items():
        for view in dict.fromkeys(views):
            key = cache_key(source, options, view)
            ends = ("images.npy", "present.npy", "notes.json")
            sheets.append(_Sheet(options, view, *(cache / f"{key}.{end}" for end in ends)))
    return sheets


def _write(source: Source, sheets: Sequence[_Sheet], made: Iterator[_Made]) -> None:
    """Write the views of all clips."""
    present = np.zeros((len(sheets), len(source.clips)), bool)
    failed: dict[str, list[str]] = {}
    notes: list[list[Note]] = [[] for _ in sheets]
    seen: list[dict[bytes, int]] = [{} for _ in sheets]
    names, subjects = _names(source.clips), _names(source.clips, ["dataset", "subject"])
    with ExitStack() as stack:
        files = []
        for sheet in sheets:
            # Written clip by clip, not through a memory map: on a full disk a map kills the
            # process.
            file = stack.enter_context(open(stack.enter_context(atomic_write(sheet.images)), "wb"))
            shape = _shape(source, sheet.options)
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            files.append((file, np.zeros(shape[1:], np.uint8)))
        for row, (name, (views, said, failure)) in enumerate(zip(names, made, strict=True)):
            if failure:
                failed.setdefault(failure, []).append(name)
                continue
            for place, (view, (file, nothing)) in enumerate(zip(views, files, strict=True)):
                present[place, row] = view is not None
                content = _as_bytes(nothing if view is None else view, nothing, name)
                file.write(content)
                if view is not None:
                    first = seen[place].setdefault(hashlib.sha256(content).digest(), row)
                    if subjects[first] != subjects[row]:
                        raise _shared(names[first], name)
                notes[place] += [Note(name, words) for words in sorted(said)]
        if failed:
            raise _of_all(*next(iter(failed.items())))
        if source.now and source.now() != source.fingerprint:
            raise MerError(
                "other data",
                "frames were changed after they were fingerprinted, while views were made of them",
                "data that stay as they are",
                "run the same command again when nothing changes them any more",
            )
    # Written last: images without it are never read.
    for sheet, there, of_sheet in zip(sheets, present, notes, strict=True):
        digests = _digest(sheet.images, identity(sheet.images)), _of_array(there)
        note = {"sha256": digests, "notes": of_sheet}
        with atomic_write(sheet.notes) as temporary:
            temporary.write_text(json.dumps(note), "utf-8")
        with atomic_write(sheet.present) as temporary, open(temporary, "wb") as file:
            np.save(file, there)


def _shared(one: str, other: str) -> MerError:
    """Return the error for clips of two subjects that show one picture, however encoded."""
    return MerError(
        "same picture twice",
        f"{one} and {other} show one picture: the fold of one subject would train on it",
        "every picture under one subject",
        "remove the one that is wrong, or give both the subject's one name",
    )


def _as_bytes(view: np.ndarray, like: np.ndarray, clip: str) -> bytes:
    """Return the bytes of a view, if they are what the file's head promises."""
    if view.shape == like.shape and view.dtype == like.dtype:
        return view.tobytes()
    raise MerError(
        "bad frames",
        f"a view of {clip} is {view.dtype} of shape {view.shape}",
        f"{like.dtype} of shape {like.shape}",
        "report it: views are made in one way only",
    )


def _shape(source: Source, options: ViewOptions) -> tuple[int, ...]:
    return (len(source.clips), options.image_size, options.image_size, 3)


def _read(sheet: _Sheet, shape: tuple[int, ...]) -> _Cached | None:
    # What is missing, damaged or of another shape is made anew: a cache costs only time.
    try:
        images, present = np.load(sheet.images, mmap_mode="r"), np.load(sheet.present)
        said = json.loads(sheet.notes.read_text("utf-8"))
        notes = [Note(*note) for note in said["notes"]]
        images_digest = _digest(sheet.images, identity(sheet.images))
        if said["sha256"] != [images_digest, _of_array(present)]:
            return None
    except (FileNotFoundError, ValueError, TypeError, KeyError, EOFError):
        return None
    except OSError as error:
        raise cannot_read(sheet.images, error) from error
    typed = images.dtype == np.uint8 and present.dtype == bool
    fits = typed and images.shape == shape and present.shape == shape[:1]
    return _Cached(images, present, notes) if fits else None


@lru_cache(maxsize=256)
def _digest(file: Path, stamp: str) -> str:
    """Return the SHA-256 of a file, read once as long as it stays what it is."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _of_array(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def cache_key(source: Source, options: ViewOptions, view: str) -> str:
    """Return the name under which a view of these data is cached."""
    crops = {name: crop.model_dump(mode="json") for name, crop in source.crops.items()}
    parts = [source.fingerprint, crops, options.model_dump(mode="json"), view, VIEWS_VERSION]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _make_all(source: Source, sheets: Sequence[_Sheet], workers: int) -> Iterator[_Made]:
    """Yield the views of each clip."""
    wanted: dict[ViewOptions, list[str]] = {}
    for sheet in sheets:
        wanted.setdefault(sheet.options, []).append(sheet.view)

    def in_order(found: dict[ViewOptions, dict[str, np.ndarray]]) -> list[np.ndarray | None]:
        return [found[sheet.options].get(sheet.view) for sheet in sheets]

    def given(images: dict[str, str]) -> _Made:
        said: set[str] = set()
        return _Made(in_order({o: given_views(images, o, said) for o in wanted}), said)

    def made(row: Any) -> _Made:
        clip, said = clip_frames(row), set[str]()
        crop, key, n = source.crops.get(row.dataset), _key(row), len(clip.paths)
        if crop is None:
            frames = read_frames(clip.paths, said)
        else:
            frames = read_cropped_frames(clip.paths, crop, said)
        try:
            found = views_of_frames(frames, n, clip.apex, wanted, key, said, clip.spotted)
            return _Made(in_order(found), said)
        except MerError as error:
            if error.kind in _SHARED:
                return _Made([], said, error.kind)
            raise

    # Threads do: decoding and resizing, nearly all of the work, let other threads run.
    with ThreadPoolExecutor(workers) as pool:
        if "images" in source.clips:
            yield from pool.map(given, source.clips["images"])
            return
        yield from pool.map(made, source.clips.itertuples())


def _key(row: Any) -> str:
    return f"{row.dataset}|{row.subject}|{row.clip}"


#: Kinds of errors of single clips of which all clips are named: expected, and remedy.
_SHARED = {
    "no face": (
        "a face, upright and seen from the front, on every onset frame that is cropped",
        "look at those frames; set MER_NO_FACE=drop_clip to leave the clips out, counted; or "
        "use frames that are cropped already",
    ),
    "no motion": (
        "frames that differ",
        "copy those clips' frames anew, or leave their rows out of a copy of the sheet",
    ),
}


def _of_all(kind: str, clips: list[str]) -> MerError:
    shown = ", ".join(clips[:20]) + (", ..." if len(clips) > 20 else "")
    return MerError(kind, f"{kind} in {len(clips)} clip(s): {shown}", *_SHARED[kind])
