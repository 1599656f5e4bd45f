"""Frame files looked at: present, not empty, whole; decoded only where that is asked for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from mer_utils.datasets import rules
from mer_utils.datasets.problems import Problem, Severity
from mer_utils.errors import MerError
from mer_utils.files import cannot_read
from mer_utils.frames import (
    layout,
    no_motion,
    outside,
    read_picture,
    read_video,
    require_shape,
    video_facts,
)
from mer_utils.frames.formats import Refused, inspect, jpeg_precision

_TAIL = 512


def find_base(
    root: Path, is_subject: Callable[[str], bool], prefer: Iterable[str]
) -> tuple[Path | None, list[Problem]]:
    """Return the folder that holds the subjects' folders, and say which others are not read.

    Raises
    ------
    MerError
        ``several frame folders``, see :func:`mer_utils.frames.layout.find_base`.
    """
    found = layout.find_base(root, is_subject, prefer)
    read, problems = layout.printable(found.folder), list[Problem]()
    others: list[tuple[Sequence[Path], Severity, str]] = [
        (found.smaller, "warning", "has fewer subjects"),
        (found.passed_over, "note", "is another version"),
    ]
    for places, severity, why in others:
        for place in map(layout.printable, places):
            said = f"frames are read from {read}, not from {place}, which {why}"
            remedy = "none needed, if that is meant; else move the one that is read out of the root"
            problems.append(Problem(severity, "several frame folders", said, remedy, place))
    return found.folder, problems


def glance(path: Path, kind: str, said: str) -> MerError | None:
    """Return what is wrong with an image file at a glance, None if nothing shows.

    What is `said` to be no whole image is of this `kind`; what the system does not let be read
    is of the kind ``cannot read``, as nobody knows what is in it.

    Reads the first and the last bytes: the format's signature, and its end mark (JPEG, PNG) or
    declared length (BMP). A file that lacks them is looked at whole: bytes may follow the end
    mark. Damage in the middle is found by decoding alone.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(32)
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _TAIL))
            if not _looks_whole(head, file.read(_TAIL), size):
                file.seek(0)
                inspect(file.read())
    except OSError as error:
        return cannot_read(path, error)
    except Refused as refused:
        return _damaged(path, kind, said, refused)
    return None


def is_deep(path: Path) -> bool:
    """Tell by its head whether an image may hold more than bytes; decoding shows what it does."""
    with open(path, "rb") as file:
        head = file.read(4096)
    if head.startswith(b"\x89PNG"):
        return head[24:25] == b"\x10"
    return head[:4] in (b"II*\0", b"MM\0*") or jpeg_precision(head) not in (None, 8)


def _looks_whole(head: bytes, tail: bytes, size: int) -> bool:
    if head.startswith(b"\xff\xd8"):
        return b"\xff\xd9" in tail
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"IEND" in tail
    if head.startswith(b"BM"):
        return len(head) >= 6 and int.from_bytes(head[2:6], "little") <= size
    return head.startswith((b"II*\0", b"MM\0*"))


def _damaged(path: Path, kind: str, said: str, why: Refused) -> MerError:
    what = f"{said} is no whole image ({why.reason})"
    return MerError(kind, what, "a whole image file", why.remedy, layout.printable(path))


def _outward(path: Path) -> Problem:
    return Problem(
        "error",
        "link leaves the root",
        f"{layout.printable(path)} leads out of the data set's folder",
        "copy the frames into the root, or point the root at their real place",
        layout.printable(path),
        "frames inside the root",
    )


def _with_neighbour(problem: Problem, folder: Path, known: Container[Path]) -> Problem:
    """Name a similar folder beside the missing one that is no other clip's, if there is one."""
    if os.path.lexists(folder):
        return problem
    missing = folder if os.path.isdir(folder.parent) else folder.parent
    try:
        there = sorted(os.listdir(missing.parent))
        names = [name for name in there if missing.parent / name not in known]
    except OSError:
        names = []
    close = get_close_matches(missing.name, names, 1)
    said = "" if missing == folder else f"; so is the folder of the subject, {missing.name!r}"
    if close:
        what = "folder" if os.path.isdir(missing.parent / close[0]) else "file"
        said += f"; a {what} {layout.printable(close[0])!r} lies beside it"
    return replace(problem, message=problem.message + said)


def list_or_explain(
    folder: Path, root: Path, known: Container[Path] = (), least: int | None = None
) -> layout.Listing | Problem:
    """Return the listing of a clip's folder or video, or the problem that keeps it from being read.

    `known` are the folders of other clips and subjects, which are not the one misspelt; `least` is
    the number of frames from which on a video's own count is believed.
    """
    if not layout.is_inside(folder, root):
        return _outward(folder)
    try:
        if folder.is_file():
            numbers = range(1, video_facts(folder, least).frames + 1)
            return layout.Listing(dict.fromkeys(numbers, folder.name))
        return layout.list_frames(folder, root)
    except MerError as error:
        return _with_neighbour(Problem.of(error), folder, known)


def clip_faults(
    folder: Path,
    listing: layout.Listing,
    onset: int,
    offset: int,
    *,
    verify: bool = True,
    decode: bool = False,
    deep: bool = False,
) -> list[Problem]:
    """Return what is wrong with the frames onset..offset, both inclusive, of one clip.

    `verify` glances at every frame file, `decode` decodes it, `deep` only where it `is_deep`.
    """
    if folder.is_file():
        return _video_faults(folder, listing, onset, offset, decode)
    faults = []
    if rules.missing_numbers(onset, offset, listing.frames):
        faults.append(Problem.of(rules.missing_frames(folder, onset, offset, listing.frames)))
    # No rule for missing frames forgives these: whoever reads the clip later would follow them.
    faults += [
        _outward(folder / name)
        for number, name in sorted(listing.outward.items())
        if onset <= number <= offset
    ]
    whole = []
    faults += [
        Problem.of(layout.doubled_frame(folder, number, names))
        for number, names in listing.doubled.items()
        if onset <= number <= offset
    ]
    seen = [n for n in listing.frames if onset <= n <= offset] if verify or decode else []
    for path in (folder / listing.frames[number] for number in seen):
        said = f"frame {layout.printable(path)}"
        fault = glance(path, "damaged frame", said) if verify else None
        if fault is None:
            whole.append(path)
        else:
            faults.append(Problem.of(fault))
    if deep and not decode:
        whole = [path for path in whole if is_deep(path)]
    return faults + (_decoded(folder, whole, moving=decode) if decode or deep else [])


def _video_faults(
    video: Path, listing: layout.Listing, onset: int, offset: int, decode: bool
) -> list[Problem]:
    """Return what is wrong with the frames onset..offset of a video."""
    if onset < 1 or offset > len(listing.frames):
        return [Problem.of(outside(video, onset, offset, 1, len(listing.frames)))]
    if not decode:
        return []
    try:
        clip = read_video(video, onset, offset)
        if (clip.frames == clip.frames[0]).all():
            raise no_motion(f"the clip {onset} to {offset} of {layout.printable(video)}")
    except MerError as error:
        return [Problem.of(error)]
    where = layout.printable(video)
    return [changed(f"{where}: {remark}", where) for remark in clip.remarks]


def _decoded(folder: Path, paths: list[Path], moving: bool) -> list[Problem]:
    """Return what shows when frames are decoded: damage, differing shapes, changes; no motion."""
    where, faults = layout.printable(folder), list[Problem]()
    first: np.ndarray | None = None
    moves, changes = len(paths) < 2 or not moving, Counter[str]()
    for path in paths:
        try:
            picture = read_picture(path)
            first = picture.image if first is None else first
            require_shape(path, picture.image.shape, first.shape, paths[0])
        except MerError as error:
            faults.append(Problem.of(error))
            continue
        moves = moves or not np.array_equal(picture.image, first)
        changes.update(picture.changes)
    if not (faults or moves):
        faults.append(Problem.of(no_motion(f"the clip in {where}")))
    for change, count in sorted(changes.items()):
        faults.append(changed(f"{where}: {count} of {len(paths)} frames: {change}", where))
    return faults


def changed(said: str, place: str) -> Problem:
    """Return the warning that pictures are read by a rule that changes them."""
    return Problem("warning", "changed pictures", said, "none needed, if that is meant", place)
