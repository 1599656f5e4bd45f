"""Several data sets as one, such as the composite of the challenge MEGC2019."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mer_utils.datasets import plausible, schema
from mer_utils.datasets.dataset import DATASETS, Dataset, Root
from mer_utils.datasets.problems import Problem, in_order, raise_errors, worst
from mer_utils.datasets.rules import clip_frames
from mer_utils.datasets.schemes import Scheme, own_classes
from mer_utils.errors import MerError
from mer_utils.frames import CropOptions, VideoFrame
from mer_utils.frames.layout import Listing
from mer_utils.registry import unknown


@dataclass(frozen=True)
class Composite(Dataset):
    """Several data sets as one clip table, with subjects named as in ``"casme2-sub01"``.

    Two data sets may use one subject name for two people; prefixed, no fold can mix them.

    Parameters
    ----------
    parts : tuple of Dataset
        All with one label scheme, each with rules, corrections and crop of its own.

    Raises
    ------
    MerError
        ``invalid option``, if there is no part, one twice, or their schemes differ.

    Examples
    --------
    >>> both = Composite.open({"casme2": "a", "smic": "b"})
    >>> [part.missing_apex for part in both.parts], both.rules["missing_apex"]
    (['skip_view', 'midpoint'], None)
    """

    parts: tuple[Dataset, ...] = ()

    name = "megc2019"
    title = "MEGC2019 composite"
    members = ("casme2", "samm", "smic")

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        names = sorted(part.name for part in self.parts)
        labelled = {part.scheme for part in self.parts}
        if len(self.parts) > 1 and names != sorted(self.members):
            object.__setattr__(self, "name", "+".join(names))
            object.__setattr__(self, "title", " and ".join(part.title for part in self.parts))
        of_clips = all(part.rules for part in self.parts)
        if of_clips and len(names) == len(set(names)) and len(labelled) == 1:
            return
        raise MerError(
            "invalid option",
            f"{self.title} joins {', '.join(names) or 'no data set'}"
            + (f" under {', '.join(sorted(s.name for s in labelled))}" if names else ""),
            "different data sets of clips, at least one, under one label scheme",
            "name each data set once (a table has its file's name: rename one of two namesakes), "
            "none that is a table of images, and one scheme for all",
        )

    @classmethod
    def open(
        cls,
        root: Mapping[str, Root],
        *,
        scheme: str | Scheme | None = None,
        crop: Mapping[str, CropOptions] | None = None,
        sheet: Mapping[str, Root] | None = None,
        columns: Mapping[str, Sequence[str]] | None = None,
        **options: Any,
    ) -> Composite:
        """Return the composite of the data sets at these roots.

        Parameters
        ----------
        root : mapping of str to path
            Data set name to root.
        scheme : str or Scheme, optional
            That labels all of them; None is ``"megc-3"``.
        crop, sheet, columns : mapping of str, optional
            By data set, as of each part.
        **options
            As of each part; a rule for a missing apex that is not chosen is each part's own.
        """
        if not isinstance(root, Mapping):
            raise MerError(
                "invalid option",
                f"{cls.title} was given one root, {root}",
                f"a root for each of {', '.join(cls.members)}",
                "name the data sets and their roots",
            )
        known = {option for name in root for option in DATASETS[name].options()}
        for option in options:
            if option not in known:
                raise unknown(f"option of {cls.title}", option, sorted(known))
        chosen = options | {"scheme": scheme or "megc-3"}
        each: dict[str, Mapping[str, Any]] = {
            "crop": crop or {},
            "sheet": sheet or {},
            "columns": columns or {},
        }
        return cls(
            tuple(
                DATASETS[name].open(
                    place, **chosen, **{o: by[name] for o, by in each.items() if name in by}
                )
                for name, place in root.items()
            )
        )

    @property
    def scheme(self) -> Scheme:
        """The label scheme of all parts."""
        return self.parts[0].scheme

    @property
    def rules(self) -> dict[str, str | None]:
        """The rules for what the annotations leave open; None where the parts differ."""
        each = [part.rules for part in self.parts]
        return {
            rule: chosen if all(other.get(rule) == chosen for other in each) else None
            for rule, chosen in each[0].items()
        }

    @property
    def crops(self) -> tuple[tuple[str, CropOptions], ...]:
        """The parts that are cropped to the face, by name, and how."""
        return tuple(crop for part in self.parts for crop in part.crops)

    @property
    def made(self) -> dict[str, Any] | None:
        """How the made parts were made, by name; None if none is."""
        return {part.name: part.made for part in self.parts if part.made is not None} or None

    @property
    def drawn(self) -> dict[str, tuple[str, str]]:
        """Of each folder of made clips, the bytes as they were drawn and what was drawn."""
        return {folder: known for part in self.parts for folder, known in part.drawn.items()}

    @property
    def listed(self) -> dict[Path, Listing]:
        """What the parts found in the folders of frames."""
        return {folder: found for part in self.parts for folder, found in part.listed.items()}

    @property
    def remarks(self) -> list[Problem]:
        """What to know before anything is run on the parts."""
        return [problem for part in self.parts for problem in part.remarks]

    def clips(self) -> pd.DataFrame:
        """Return the parts' clip tables as one.

        Raises
        ------
        MerError
            ``taken name``, if two parts have a data set of one name; ``near-duplicate names`` or
            ``same picture twice``, of labels or clips of different parts.
        """
        tables = [part.clips() for part in self.parts]
        for name, count in Counter(n for t in tables for n in t["dataset"].unique()).items():
            if count > 1:
                raise MerError(
                    "taken name",
                    f"{count} parts of {self.title} hold a data set {name!r}",
                    "a name of its own for each",
                    "rename it in the column dataset of one table",
                )
        table = _below(tables)
        for problem in _across(table, self.listed):
            raise_errors([problem])
        classes = self.scheme.classes or own_classes(table["label"])
        table["label"] = pd.Categorical(table["label"], classes)
        return schema.finished(table)

    def check(self, decode: bool = False) -> list[Problem]:
        """Return every problem of every part, worst first; without errors, the parts' together."""
        found = [problem for part in self.parts for problem in part.check(decode)]
        if worst(found) != "error":
            try:
                self.clips()
            except MerError as failure:
                found.append(Problem.of(failure))
        return in_order(found)

    def ledger(self) -> pd.DataFrame:
        """Return the parts' ledgers, one below the other."""
        return _below(part.ledger() for part in self.parts)


def _across(table: pd.DataFrame, listed: Mapping[Path, Listing]) -> Iterator[Problem]:
    """Find what no part can see: one class in two spellings, one picture under two people."""
    yield from plausible.names([], list(table["label"].unique()))
    ends: list[plausible.Picture] = []
    rows: Iterator[Any] = table.itertuples()
    for row in rows:
        first, *_, last = clip_frames(row, listed).paths
        for frame in (first, last):
            path = frame.path if isinstance(frame, VideoFrame) else frame
            key = (row.dataset, row.subject, row.clip)
            ends.append(plausible.Picture(key, row.label, path.name, path))
    yield from filter(None, map(plausible.across_subjects, plausible.same(ends)))


def _below(tables: Any) -> pd.DataFrame:
    # A table of several data sets has prefixed them itself.
    parts = [t if len(set(t["dataset"])) > 1 else schema.prefixed(t) for t in tables]
    return pd.concat(parts, ignore_index=True)
