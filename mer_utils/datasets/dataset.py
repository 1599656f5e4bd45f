"""What every data set is: one class each, registered by name, all used alike."""

from __future__ import annotations

import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, Self

import pandas as pd

from mer_utils.datasets.fingerprint import data_fingerprint
from mer_utils.datasets.problems import Problem
from mer_utils.datasets.published import Published
from mer_utils.datasets.schemes import Scheme
from mer_utils.errors import MerError
from mer_utils.frames import CropOptions
from mer_utils.frames.layout import Listing
from mer_utils.registry import Registry, unknown

#: Marks the root of a made data set, and says how it was made.
SYNTHETIC_MARK = "synthetic.json"

Root = str | Path


class Dataset(ABC):
    """Clips with their labels; subclasses are frozen dataclasses whose first field is the place.

    Attributes
    ----------
    name, title : str
        Short, and for people.
    published : Published or None
        What is published about the data set.
    recorded : bool
        Whether only results are at hand, and no frames.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    published: ClassVar[Published | None] = None
    recorded: ClassVar[bool] = False

    @property
    @abstractmethod
    def scheme(self) -> Scheme:
        """The label scheme."""

    @classmethod
    def open(cls, root: Any, **options: Any) -> Dataset:
        """Return the data set at `root`; `options` are the fields of the class.

        Raises
        ------
        MerError
            ``unknown name``, if an option or what was chosen for it is unknown.
        """
        for option in options:
            if option not in (known := cls.options()):
                raise unknown(f"option of {cls.title}", option, known)
        return cls(root, **options)  # type: ignore[call-arg]  # as of every dataclass below

    @classmethod
    def options(cls) -> list[str]:
        """Return the names of what `open` takes beside the place."""
        # Every subclass is a dataclass; this base is none.
        return [field.name for field in fields(cls)[1:]]  # type: ignore[arg-type]

    @property
    def parts(self) -> tuple[Dataset, ...]:
        """The data sets that this one joins: itself, unless it is a composite."""
        return (self,)

    @property
    def rules(self) -> dict[str, str | None]:
        """The rules for what the annotations leave open; None where the parts differ."""
        return {}

    def under(self, **rules: Any) -> Self:
        """Return the same data set under other rules."""
        return self

    @property
    def crops(self) -> tuple[tuple[str, CropOptions], ...]:
        """The parts that are cropped to the face, by name, and how."""
        return ()

    @property
    def made(self) -> dict[str, Any] | None:
        """How a made data set was made; None for what a camera saw."""
        return None

    @property
    def drawn(self) -> dict[str, tuple[str, str]]:
        """Of each folder of made clips, the bytes as they were drawn and what was drawn."""
        return {}

    @property
    def remarks(self) -> list[Problem]:
        """What to know before anything is run on these data, as far as reading them shows it."""
        return []

    @property
    def horizontal(self) -> str:
        """The colour whose channel holds a horizontal optical flow; empty if none does."""
        return ""

    @abstractmethod
    def clips(self) -> pd.DataFrame:
        """Return the clip table, one row per clip.

        The data are read once; make a new instance to read them again.

        Returns
        -------
        DataFrame
            Columns dataset, subject, clip (together the key), onset, apex, offset (the data
            set's own frame numbers, both ends inclusive; apex may be missing), apex_source,
            emotion, label (categories are the scheme's classes in order), action_units, fps,
            frames_dir. Sorted by key, index 0..n-1.

        Raises
        ------
        MerError
            On any error that concerns a clip in use, naming the first and counting the others.
        """

    @abstractmethod
    def check(self, decode: bool = False) -> list[Problem]:
        """Return every problem, worst first; `clips` succeeds exactly if none is an error.

        Parameters
        ----------
        decode : bool
            Decode every frame from onset to offset too, which `clips` never does; else only
            the first and last bytes of each are looked at.
        """

    def counts(self) -> pd.DataFrame:
        """Count clips and subjects, beside the published numbers where there are any.

        Returns
        -------
        DataFrame
            Columns scheme, clips, subjects, published_clips, published_subjects.
        """
        clips = self.clips()
        return counted([(self.scheme.name, len(clips), clips["subject"].nunique(), None, None)])

    @abstractmethod
    def ledger(self) -> pd.DataFrame:
        """Return one line per row of the sheet: used or left out, with the reason.

        Returns
        -------
        DataFrame
            Columns row (number in the sheet, from 1; without a sheet the position among the
            folders), dataset, subject, clip, emotion, label, status ("used" or "left out"),
            reason (empty for a used row), apex_source, rules (those applied, joined by
            ``"; "``). The used rows are those of `clips`.
        """

    @property
    def listed(self) -> Mapping[Path, Listing]:
        """What `clips` found in the folders of frames."""
        return {}

    def fingerprint(self, cache: Path | None = None, *, anew: bool = True) -> str:
        """Return the SHA-256 (hex) of the clip table and of the bytes of every frame it names.

        Made clips that are as they were drawn count by what was drawn, not by their bytes.

        Parameters
        ----------
        cache : Path, optional
            A folder that keeps each clip's fingerprint, as reading every frame takes a while.
        anew : bool
            Look again at what the folders hold, which may be other than `clips` found.
        """
        return data_fingerprint(self.clips(), cache, self.drawn, {} if anew else self.listed)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


DATASETS: Registry[type[Dataset]] = Registry(
    "data set", parts=("title", "clips", "check", "ledger", "open")
)


def open(name: str, root: Root | Mapping[str, Root], **options: Any) -> Dataset:
    """Return the data set of that name at `root`; a composite takes a root per part.

    Examples
    --------
    >>> open("casme2", "somewhere", missing_apex="drop").title
    'CASME II'
    """
    return DATASETS[name].open(root, **options)


def joined(text: str) -> list[str]:
    """Return the data sets that ``A+B`` joins, each as `named` takes it.

    Examples
    --------
    >>> joined("casme2+clips:a+b.csv+clips:c.csv")
    ['casme2', 'clips:a+b.csv', 'clips:c.csv']
    """
    known = "|".join(map(re.escape, DATASETS))
    return re.split(rf"\+(?=(?:{known})(?::|\+|$))", text)


def named(text: str) -> tuple[type[Dataset], Path | None]:
    """Return the class that ``NAME`` or ``NAME:PLACE`` means, and the place.

    Examples
    --------
    >>> named("samm")[0].title, named("clips:mine.csv")[1].name
    ('SAMM', 'mine.csv')
    """
    name, _, place = text.partition(":")
    found = DATASETS[name]
    if name in ("manifest", "clips") and not place:
        raise MerError(
            "invalid option",
            f"{text!r} names no file",
            f"{name}:FILE",
            "name the table's file after the colon",
        )
    return found, Path(place).expanduser().absolute() if place else None


def title(name: str) -> str:
    """Return how a data set's name is written for a reader.

    Examples
    --------
    >>> title("casme2+samm"), title("clips:day1")
    ('CASME II and SAMM', 'table day1')
    """
    parts = joined(name)
    if len(parts) > 1:
        return " and ".join(map(title, parts))
    if name in DATASETS:
        return DATASETS[name].title
    return name.replace("clips:", "table ").replace(":", " ")


def counted(rows: list[tuple[str, int, int, int | None, int | None]]) -> pd.DataFrame:
    """Return the table of :meth:`Dataset.counts`."""
    columns = ["scheme", "clips", "subjects", "published_clips", "published_subjects"]
    return pd.DataFrame(rows, columns=columns).convert_dtypes()


def absolute(root: Root) -> Path:
    """Return a path as it is stored: absolute, links as they are."""
    return Path(os.path.abspath(Path(root).expanduser()))


def made_at(root: Root) -> dict[str, Any] | None:
    """Return how the made data set at `root` was made, or None if nothing there says it is one.

    Raises
    ------
    MerError
        ``other twin``, if what lies there does not say it whole: nothing is filled in.
    """
    path = Path(root) / SYNTHETIC_MARK
    try:
        found: Any = json.loads(path.read_text("utf-8"))
        arguments = found["arguments"].keys()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        arguments = ()
    if not {"dataset", "seed", "phase_difference", "noise"}.issubset(arguments):
        raise MerError(
            "other twin",
            f"{path} does not say how the data were made",
            "the file that mer synth wrote",
            "make the twin again; if the data are no twin, remove the file",
            str(path),
        )
    return dict(found)
