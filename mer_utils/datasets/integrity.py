"""Frame files looked at without decoding: present, not empty, not cut short."""

from __future__ import annotations

import os
import struct
from collections.abc import Container
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from mer_utils.datasets import rules
from mer_utils.datasets.problems import Problem
from mer_utils.errors import MerError
from mer_utils.frames import decoding_problem, layout

_TAIL = 512
_REMEDY = "copy the file again from the original data set"


def glance(path: str | Path) -> str | None:
    """Return what is wrong with an image file at a glance, None if nothing shows.

    Reads the first and the last bytes only: the format's signature, and its end mark (JPEG,
    PNG) or declared length (BMP). Damage in the middle is found by decoding alone.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(32)
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    if size == 0:
        return "is empty (0 bytes)"
    if head.startswith(b"\xff\xd8"):
        return None if b"\xff\xd9" in tail else "is cut short (no JPEG end mark)"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return None if b"IEND" in tail else "is cut short (no PNG end chunk)"
    if head.startswith(b"BM") and len(head) >= 6:
        (declared,) = struct.unpack_from("<I", head, 2)
        return None if size >= declared else f"is cut short ({size} of {declared} bytes)"
    if head.startswith((b"II*\0", b"MM\0*")):
        return None
    return "is not a JPEG, PNG, BMP or TIFF image"


def _damaged(path: Path, why: str, kind: str = "damaged frame") -> Problem:
    return Problem(
        "error",
        kind,
        f"frame {layout.printable(path)} {why}",
        _REMEDY,
        layout.printable(path),
        "a whole image file",
    )


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
        names = [name for name in os.listdir(missing.parent) if missing.parent / name not in known]
    except OSError:
        names = []
    close = get_close_matches(missing.name, names, 1)
    said = "" if missing == folder else f"; so is the folder of the subject, {missing.name!r}"
    if close:
        said += f"; a folder {layout.printable(close[0])!r} lies beside it"
    return replace(problem, message=problem.message + said)


def list_or_explain(
    folder: Path, root: Path, known: Container[Path] = ()
) -> layout.Listing | Problem:
    """Return the listing of a clip folder, or the problem that keeps it from being read.

    `known` are the folders of other clips and subjects, which are not the one misspelt.
    """
    if not layout.is_inside(folder, root):
        return _outward(folder)
    try:
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
) -> list[Problem]:
    """Return what is wrong with the frames onset..offset, both inclusive, of one clip.

    `verify` glances at every frame file, `decode` decodes it.
    """
    faults = []
    missing = rules.missing_numbers(onset, offset, listing.frames)
    if missing:
        faults.append(Problem.of(rules.missing_frames(folder, onset, offset, missing)))
    # No rule for missing frames forgives these: whoever reads the clip later would follow them.
    faults += [
        _outward(folder / name)
        for number, name in sorted(listing.outward.items())
        if onset <= number <= offset
    ]
    for number, path in listing.frames.items():
        if not onset <= number <= offset:
            continue
        if number in listing.doubled:
            doubled = layout.doubled_frame(folder, number, listing.doubled[number])
            faults.append(Problem.of(doubled))
        if number in listing.empty:
            faults.append(_damaged(path, "is empty (0 bytes)"))
            continue
        why = glance(path) if verify else None
        if why is not None:
            faults.append(_damaged(path, why))
        elif decode and (why := decoding_problem(path)) is not None:
            faults.append(_damaged(path, why, "undecodable frame"))
    return faults
