"""What no sound table of clips has: two spellings of one name, one picture twice, lone classes.

A person under two names, or one picture under two people, is a leak that no guard on names can
see: leave-one-subject-out would train on what it tests. These findings are errors.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mer_utils.datasets.problems import Problem, Severity
from mer_utils.errors import MerError
from mer_utils.frames.layout import printable

Key = tuple[str, str, str]
#: Letters of other scripts, in lower case, that look like Latin ones in either case.
_LOOKALIKES = str.maketrans(
    "авекмнорстухѕіјһԁԛԝ" + "αβεζηικμνορτυχ" + "ıɑɡ",
    "abekmhopctyxsijhdqw" + "abezhikmnoptyx" + "iag",
)


class Picture(NamedTuple):
    """A picture of a clip: whose (data set, subject, clip), of which class, what of it, where."""

    key: Key
    label: str
    view: str
    path: Path

    def __str__(self) -> str:
        return f"{self.view} of {' '.join(self.key)} ({self.label}, {printable(self.path)})"


def canonical(name: str) -> str:
    r"""Return a name without what people and programs vary in writing it.

    Case, white space, Unicode form, width of letters, script of digits, letters that look alike,
    a mark at the end or between a letter and what follows, zeros before a number and ``.0`` after
    it.

    Examples
    --------
    >>> canonical("Sub 01") == canonical("sub1"), canonical("1.0") == canonical("01")
    (True, True)
    >>> canonical("sub-01") == canonical("sub_1"), canonical("happy.") == canonical("happy")
    (True, True)
    >>> canonical("s\u0430m") == canonical("sam")  # Cyrillic
    True
    >>> canonical("1_11") == canonical("11_1"), canonical("1 11") == canonical("11 1")
    (False, False)
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    plain = "".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Cc"))
    plain = "".join(str(unicodedata.decimal(c, c)) for c in plain).translate(_LOOKALIKES)
    plain = re.sub(r"(?<![0-9])\s+|\s+(?![0-9])", "", plain).rstrip(".,;:")
    plain = re.sub(r"(?<=[^\W\d_])[_-]+", "", plain)
    plain = re.sub(r"(?<![0-9.])([0-9]+)\.0+$", r"\1", plain)
    return re.sub(r"(?<![0-9]\.)(?<![0-9])0+(?=[0-9])", "", plain)


def _alike(names: Iterable[str]) -> Iterator[list[str]]:
    groups: dict[str, dict[str, None]] = {}
    for name in names:
        groups.setdefault(canonical(name), {})[name] = None
    return (sorted(found) for found in groups.values() if len(found) > 1)


def names(keys: Sequence[Key], labels: Sequence[str]) -> Iterator[Problem]:
    """Find names that differ in spelling alone: an error, but for clips of one subject."""
    by_place: dict[tuple[str, ...], list[str]] = {(): [dataset for dataset, *_ in keys]}
    for dataset, subject, clip in keys:
        by_place.setdefault((dataset,), []).append(subject)
        by_place.setdefault((dataset, subject), []).append(clip)
    nouns = ("data set", "subject", "clip")
    found = [(nouns[len(at)], at, group) for at, all_ in by_place.items() for group in _alike(all_)]
    for noun, at, group in [*found, *(("label", (), group) for group in _alike(labels))]:
        spelt = " and ".join(ascii(name) if not name.isascii() else repr(name) for name in group)
        where = f" of {' '.join(at)}" if any(at) else ""
        severity: Severity = "warning" if noun == "clip" else "error"
        yield Problem(
            severity,
            "near-duplicate names",
            f"{noun}s {spelt}{where} differ in case, zeros, spaces, marks, Unicode form or letters "
            "that look alike, and in nothing else",
            f"write one {noun} in one way, or give two {noun}s names that differ by more",
            group[0],
            f"one spelling per {noun}",
        )


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same(
    pictures: Iterable[Picture], content: Callable[[Path], Hashable] | None = None
) -> list[list[Picture]]:
    """Return the groups of pictures that are one by content: by their bytes, if no other is said.

    Files of different sizes are not read. One that cannot be read is like no other.
    """
    by_size: dict[Any, list[Picture]] = {}
    for picture in pictures:
        try:
            size = 0 if content else os.path.getsize(picture.path)
        except OSError:
            continue
        by_size.setdefault(size, []).append(picture)
    groups: dict[Any, list[Picture]] = {}
    for size, found in by_size.items():
        for picture in found if len(found) > 1 else ():
            try:
                groups.setdefault((size, (content or _digest)(picture.path)), []).append(picture)
            except (OSError, MerError):
                continue
    return [group for group in groups.values() if len(group) > 1]


def across_subjects(group: list[Picture]) -> Problem | None:
    """Return the error for a picture that several subjects share."""
    first = group[0]
    other = next((p for p in group if p.key[:2] != first.key[:2]), None)
    if other is None:
        return None
    return Problem(
        "error",
        "same picture twice",
        f"{first} and {other} are one picture: the fold of one subject would train on it",
        "remove the one that is wrong, or give both the subject's one name",
        str(first.path),
        "every picture under one subject",
    )


def within_subject(one: Picture, other: Picture, what: str = "picture") -> Problem:
    """Return the warning for two clips, or two views, of one subject that are one."""
    labels = "" if one.label == other.label else ", with different labels"
    return Problem(
        "warning",
        "same picture twice",
        f"{one} and {other} are one {what}{labels}",
        "remove the one that is wrong",
        str(one.path),
        "different pictures",
    )


def classes(keys: Sequence[Key], labels: Sequence[str], place: object) -> Iterator[Problem]:
    """Find what leave-one-subject-out cannot learn or score: lone subjects and lone classes."""
    where = printable(place)
    subjects: dict[str, dict[tuple[str, str], None]] = {}
    for (dataset, subject, _), label in zip(keys, labels, strict=True):
        subjects.setdefault(label, {})[dataset, subject] = None
    everybody = {key[:2] for key in keys}
    if len(everybody) < 2:
        said = f"{len(everybody)} subjects, so that none can be held out"
        yield Problem("warning", "too few subjects", said, "add clips of others", where, "two")
        return
    most = max(Counter(key[:2] for key in keys).values())
    if len(keys) - most < 2:
        said = f"a fold would train on {len(keys) - most} clips"
        yield Problem("warning", "too few subjects", said, "add clips of others", where, "two")
    if len(subjects) == 1:
        said = f"every clip is of class {next(iter(subjects))}: UF1 and UAR are undefined"
        yield Problem("warning", "one class", said, "add clips of other classes", where, "two")
        return
    for label, seen in sorted(subjects.items()):
        if len(seen) == 1:
            (dataset, subject), clips = next(iter(seen)), sum(found == label for found in labels)
            said = (
                f"class {label} occurs in subject {subject} of {dataset} alone ({clips} clip(s)): "
            )
            said += "the fold that tests it has trained on no such clip"
            remedy = "read this class's scores with that in mind, or leave the class out"
            yield Problem("warning", "class of one subject", said, remedy, where, "two subjects")
