"""Folders and frame files: found safely, in numeric order, without opening a file.

Nothing outside the given root is read: names that are not one plain path component are
refused, links that leave the root or loop are reported and never followed.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from mer_utils.errors import MerError
from mer_utils.files import cannot_read

#: Why a folder is not there, a looping link among them; all else says nothing of what is in it.
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)

FRAME_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})
_LAST_INTEGER = re.compile(r"([0-9]+)[^0-9]*$")
# "img46 (1).jpg" is a second download of frame 46, not frame 1.
_COPY = re.compile(r"\([0-9]+\)$|[- ]copy$|^copy of ", re.IGNORECASE)
_CLUTTER = re.compile(
    r"^(thumbs\.db|desktop\.ini|\..*|~\$.*|.*\.(lnk|tmp|bak|part))$", re.IGNORECASE
)
_PLAIN_NAME = re.compile(r"[\w][\w .()+-]*", re.UNICODE)
MAX_FOLDERS = 20_000


def printable(path: object) -> str:
    """Return a path as text that can always be printed and written as JSON."""
    return os.fsencode(str(path)).decode("utf-8", "backslashreplace")


def is_plain_name(name: str) -> bool:
    r"""Tell whether `name` is one ordinary path component.

    Examples
    --------
    >>> is_plain_name("EP02_01f"), is_plain_name("../.."), is_plain_name("C:\\x")
    (True, False, False)
    """
    return len(name) <= 200 and ".." not in name and _PLAIN_NAME.fullmatch(name) is not None


def is_inside(path: str | Path, root: str | Path) -> bool:
    """Tell whether `path`, with every link followed, lies in `root`."""
    try:
        real, real_root = os.path.realpath(path), os.path.realpath(root)
    except ValueError:  # no path, as it holds a NUL
        return False
    return real == real_root or real.startswith(real_root.rstrip(os.sep) + os.sep)


def is_clutter(name: str) -> bool:
    """Tell whether operating systems and editors leave files of this name about."""
    return _CLUTTER.match(name) is not None


@lru_cache(maxsize=100_000)  # frames of all clips have the same names
def frame_number(name: str) -> int | None:
    """Return the frame number of a file name: the last integer of its stem.

    None for a file that is not a frame: no image suffix, no number, hidden, or a copy.

    Examples
    --------
    >>> [frame_number(name) for name in ("reg_img46.jpg", "006_05562.JPG", "Thumbs.db")]
    [46, 5562, None]
    """
    stem, suffix = os.path.splitext(name)
    if suffix.lower() not in FRAME_SUFFIXES or is_clutter(name) or _COPY.search(stem):
        return None
    found = _LAST_INTEGER.search(stem)
    return int(found.group(1)) if found else None


@dataclass
class Listing:
    """What one folder holds: of a clip its `frames`, of others its `folders`.

    `frames` are names of files by number, in numeric order; `doubled` the numbers that more than
    one file claims. `clutter` is left about by systems, `unexpected` are files that are no frames;
    `refused` are links that leave the root, loop or lead nowhere, and names that are not UTF-8.
    `refused_numbers` are the frames that refused entries claim, `outward` those claimed by links
    that leave the root.
    """

    frames: dict[int, str] = field(default_factory=dict)
    doubled: dict[int, list[str]] = field(default_factory=dict)
    clutter: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    refused_numbers: set[int] = field(default_factory=set)
    outward: dict[int, str] = field(default_factory=dict)


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_good_file(entry: os.DirEntry[str], root: Path | None) -> bool:
    """Tell whether an entry is a file, or a link to one that stays inside `root`."""
    try:
        if not entry.is_symlink():
            return entry.is_file()
        return entry.is_file() and (root is None or is_inside(entry.path, root))
    except OSError:  # a looping link
        return False


def _is_good_folder(entry: os.DirEntry[str], root: Path) -> bool:
    """Tell whether an entry is a folder, or a link to one that stays inside `root`."""
    try:
        return entry.is_dir() and not (entry.is_symlink() and not is_inside(entry.path, root))
    except OSError:  # a looping link
        return False


def list_frames(folder: str | Path, root: Path | None = None) -> Listing:
    """List a clip folder in one pass, without opening a file; links out of `root` are refused.

    Raises
    ------
    MerError
        ``missing frame folder``, if it does not exist; ``cannot read``.
    """
    folder, listing, found = Path(folder), Listing(), dict[int, list[str]]()
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise cannot_read(folder, error) from error
        raise MerError(
            "missing frame folder",
            f"the frames of {printable(folder)} cannot be read ({error.strerror or error})",
            "a folder with the clip's frames, or a video of them",
            "move or copy the clip's frames there, or point the root at the folder that holds them",
            printable(folder),
        ) from error
    for entry in entries:
        number = frame_number(entry.name)
        if not _is_utf8(entry.name):
            listing.refused.append(printable(entry.name))
            listing.refused_numbers |= set() if number is None else {number}
        elif number is None:
            kind = listing.clutter if is_clutter(entry.name) else listing.unexpected
            kind.append(entry.name)
        elif not _is_good_file(entry, root):
            listing.refused.append(entry.name)
            listing.refused_numbers.add(number)
            if entry.is_symlink() and root is not None and not is_inside(entry.path, root):
                listing.outward[number] = entry.name
        else:
            found.setdefault(number, []).append(entry.name)
    for number, names in sorted(found.items()):
        listing.frames[number] = min(names)
        if len(names) > 1:
            listing.doubled[number] = sorted(names)
    return listing


def list_entries(folder: Path, root: Path, expected: Iterable[str] = ()) -> Listing:
    """List a folder of folders: the files beside those `expected`, and what is refused.

    A folder that may not be read gives nothing: the clips in it say so.
    """
    listing, known = Listing(), set(expected)
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return listing
    for entry in entries:
        if not _is_utf8(entry.name):
            listing.refused.append(printable(entry.name))
        elif is_clutter(entry.name):
            listing.clutter.append(entry.name)
        elif _is_good_folder(entry, root):
            listing.folders.append(entry.name)
        elif not _is_good_file(entry, root):
            listing.refused.append(entry.name)
        elif entry.name not in known:
            listing.unexpected.append(entry.name)
    for names in (listing.clutter, listing.unexpected, listing.refused, listing.folders):
        names.sort()
    return listing


def frame_files(folder: str | Path) -> dict[int, Path]:
    """Return the frames of a clip folder by number, in numeric order; raise as `frame_names`."""
    return {number: Path(folder, name) for number, name in frame_names(folder).items()}


def frame_names(folder: str | Path, listing: Listing | None = None) -> dict[int, str]:
    """Return the names of a folder's frames, listed here or before, by number in numeric order.

    Files that are no frames (``Thumbs.db``, ``.DS_Store``, ``*.lnk``, copies) are passed over.

    Raises
    ------
    MerError
        ``missing frame folder`` or ``doubled frame``.
    """
    listing = listing or list_frames(folder)
    for number, names in listing.doubled.items():
        raise doubled_frame(folder, number, names)
    return listing.frames


def doubled_frame(folder: str | Path, number: int, names: list[str]) -> MerError:
    """Return the error for a frame number that several files claim."""
    return MerError(
        "doubled frame",
        f"frame {number} of {printable(folder)} has {len(names)} files: {', '.join(names)}",
        "one file per frame number, which is the last integer of its name",
        "remove the copies, or move to another folder what are no frames of this clip; rename "
        "the files where another integer comes last",
        printable(folder),
    )


def subfolders(folder: Path, root: Path, *, needed: bool = False) -> list[str]:
    """Return the sorted names of the folders in `folder`; links must stay inside `root`.

    None of a folder that a link has led out of `root`, nor of one that may not be read, unless
    it is `needed`.

    Raises
    ------
    MerError
        ``cannot read``.
    """
    if not is_inside(folder, root):
        return []
    names = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_good_folder(entry, root) and _is_utf8(entry.name):
                    names.append(entry.name)
    except OSError as error:
        forbidden = error.errno in (errno.EACCES, errno.EPERM)
        if error.errno not in _NOT_THERE and (needed or not forbidden):
            raise cannot_read(folder, error) from error
        return []
    return sorted(names)


def folders_below(root: Path, depth: int) -> Iterator[Path]:
    """Yield the folders at most `depth` levels below `root`, the nearest first."""
    level = [root]
    for _ in range(depth):
        level = [folder / name for folder in level for name in subfolders(folder, root)]
        yield from level[:MAX_FOLDERS]


class Base(NamedTuple):
    """The folder that holds the subjects' folders, and others that could.

    `passed_over` are those that its name is preferred to, `smaller` those with fewer subjects.
    """

    folder: Path | None
    passed_over: Sequence[Path] = ()
    smaller: Sequence[Path] = ()


def find_base(
    root: Path, is_subject: Callable[[str], bool], prefer: Iterable[str] = (), depth: int = 3
) -> Base:
    """Return the folder that holds the subjects' folders, searched breadth first from `root`.

    This reads every layout in circulation, doubled folder names included, whichever level the
    user pointed at. Where several folders qualify, a folder under a name of `prefer` wins, in
    that order and in any case of letters, then the one with the most subjects; one base is used
    for all clips, so two versions of the frames are never mixed.

    Raises
    ------
    MerError
        ``several frame folders``, if nothing decides between two.
    """
    order = [name.casefold() for name in prefer]
    level, seen = [root], {os.path.realpath(root)}
    candidates: list[tuple[int, int, str]] = []
    for _ in range(depth + 1):
        deeper: list[Path] = []
        for folder in level:
            names = subfolders(folder, root)
            subjects = sum(map(is_subject, names))
            if subjects:
                parts = folder.relative_to(root.parent).as_posix().casefold().split("/")
                rank = min((order.index(p) for p in parts if p in order), default=len(order))
                candidates.append((rank, -subjects, str(folder)))
                continue
            # The preferred names first, so that no number of other folders hides them.
            for name in sorted(names, key=lambda name: name.casefold() not in order):
                real = os.path.realpath(folder / name)
                if real not in seen and len(seen) < MAX_FOLDERS:
                    seen.add(real)
                    deeper.append(folder / name)
        level = deeper
    if not candidates:
        return Base(None)
    (rank, size, best), *others = sorted(candidates)
    equal = [place for at, n, place in others if (at, n) == (rank, size)]
    if equal:
        raise MerError(
            "several frame folders",
            f"{' and '.join(map(printable, [best, *equal]))} hold {-size} subject(s) each",
            "one folder that holds the subjects",
            f"move all but one out of {printable(root)}",
            printable(root),
        )
    passed_over = [Path(place) for at, _, place in others if at != rank]
    return Base(Path(best), passed_over, [Path(p) for at, _, p in others if at == rank])
