"""Data sets of clips whose frames lie in folders: options, clip table, check and ledger."""

from __future__ import annotations

import os
from abc import abstractmethod
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import pandas as pd

from mer_utils.datasets import checks, rules, schema, schemes
from mer_utils.datasets.dataset import Dataset, Root, absolute, counted, made_at
from mer_utils.datasets.faces import face_findings, without_face
from mer_utils.datasets.ledger import ledger_of
from mer_utils.datasets.problems import Problem, in_order, raise_errors, remarkable
from mer_utils.datasets.published import Published
from mer_utils.datasets.rows import Row, Source
from mer_utils.datasets.survey import Judged, Survey, annotated, take
from mer_utils.errors import MerError
from mer_utils.frames import CropOptions
from mer_utils.frames.layout import Listing


@dataclass(frozen=True)
class Framed(Dataset):
    """A data set of clips whose frames lie in folders.

    A subclass has `name`, `title`, `published` and `read`.

    Parameters
    ----------
    root : path
        Folder with the sheet and the frames.
    scheme : str or Scheme, optional
        Label scheme; None takes the published default.
    missing_apex : {"skip_view", "drop", "midpoint", "spotted"}, optional
        What becomes of a clip without an apex: it stays, with the ``full`` view only; it is
        left out; its apex is set halfway; or it is estimated from the frames where they are read,
        by the first of `mer_utils.frames.spotting.SPOTTERS` or that of ``spotted:NAME``,
        and the clip table has its apex_source only. None takes the data set's own rule.
    degenerate_phase : {"skip_view", "drop_clip"}
        What becomes of a clip where half of it has fewer than two frames (or does not exist,
        for want of an apex): it stays without that view, or is left out.
    missing_frames : {"error", "drop_clip"}
        What becomes of a clip with missing or damaged frames between onset and offset.
    corrections : path, optional
        A corrections CSV, applied after the one that comes with the package.
    sheet : path, optional
        The sheet to read, where the root holds several: ``FILE``, or ``FILE:WORKSHEET``.
    columns : sequence of str
        Columns of the sheet by title or letter, where several fit: ``("apex=ApexFrame",)``.
    crop : CropOptions, optional
        How frames are cropped to the face; None takes them as they are.
    no_face : {"error", "drop_clip"}
        With `crop`, what becomes of a clip on whose onset frame no face is found: it stays, for
        :mod:`mer_utils.views` to refuse, or is left out.
    at_most : int, optional
        How many subjects are left: those who have most clips. The rows of others are left out.
    verify_frames : bool
        Glance at the first and last bytes of every frame. False only lists the folders, which
        is faster on a slow disk.

    Raises
    ------
    MerError
        ``unknown name`` for a scheme or rule that is unknown, ``invalid option`` for a scheme
        that does not label the data set.
    """

    root: Root
    scheme: Any = None
    missing_apex: str | None = None
    degenerate_phase: str = "skip_view"
    missing_frames: str = "error"
    corrections: Root | None = None
    sheet: Root | None = None
    columns: tuple[str, ...] = ()
    crop: CropOptions | None = None
    no_face: str = "error"
    verify_frames: bool = True
    at_most: int | None = None

    published: ClassVar[Published]

    def __post_init__(self) -> None:
        filled = {
            "root": absolute(self.root),
            "scheme": self.resolve(self.scheme or self.published.scheme),
            "missing_apex": self.missing_apex or self.published.missing_apex,
            "columns": tuple(self.columns),
            "corrections": None if self.corrections is None else absolute(self.corrections),
        }
        for name, value in filled.items():
            object.__setattr__(self, name, value)
        for rule, chosen in self.rules.items():
            object.__setattr__(self, rule, rules.require_rule(rule, str(chosen)))

    def resolve(self, scheme: str | schemes.Scheme) -> schemes.Scheme:
        """Return a label scheme that labels the data set, by name or as it is."""
        return schemes.resolve(self.name, scheme)

    def classes(self, rows: list[Row]) -> tuple[str, ...]:
        """Return the classes of the scheme; of labels of its own, those of the rows."""
        return self.scheme.classes

    def fps(self, row: Row) -> float:
        """Return the frames per second of a clip, NaN where nobody states them."""
        return self.published.fps

    @abstractmethod
    def read(self, root: Path) -> Source:
        """Read the rows of the data set in `root`, before any rule is applied."""

    @property
    def folder(self) -> Path:
        """The folder that holds the frames; none of what is read leads out of it."""
        return Path(self.root)

    @property
    def rules(self) -> dict[str, str | None]:
        """The rules for what the annotations leave open."""
        return {rule: getattr(self, rule) for rule in rules.RULES}

    def under(self, **rules: Any) -> Self:
        """Return the same data set under other rules; what was seen of its frames it knows."""
        other = replace(self, **rules)
        vars(other)["_judged"] = self.judged
        return other

    @property
    def judged(self) -> Judged:
        """What was seen of frames, for passes under other rules."""
        seen: Judged = vars(self).setdefault("_judged", {})
        return seen

    @property
    def crops(self) -> tuple[tuple[str, CropOptions], ...]:
        """The name and the crop, if there is one."""
        return () if self.crop is None else ((self.name, self.crop),)

    @property
    def made(self) -> dict[str, Any] | None:
        """How a made twin was made; None for what a camera saw."""
        return made_at(self.root)

    @property
    def drawn(self) -> dict[str, tuple[str, str]]:
        """Of each folder of made clips, the bytes as they were drawn and what was drawn."""
        made = self.made or {}
        return {
            str(Path(self.root) / place): (found, f"{made.get('key')} {place}")
            for place, found in made.get("sha256", {}).items()
        }

    @property
    def remarks(self) -> list[Problem]:
        """What to know before anything is run on these data, as far as reading them shows it."""
        return remarkable([*self._survey.problems, *checks.lone(self._survey)])

    @property
    def listed(self) -> dict[Path, Listing]:
        """What `clips` found in the folders of frames."""
        return self._survey.source.listings

    def clips(self) -> pd.DataFrame:
        """Return the clip table."""
        return self._kept_and_faceless[0].copy()

    def check(self, decode: bool = False) -> list[Problem]:
        """Return every problem, worst first; with `decode`, those of the faces to crop to, too."""
        try:
            survey = take(self, self.checked_root(), thorough=True, decode=decode)
        except MerError as failure:
            return [Problem.of(failure)]
        problems = [*survey.problems, *checks.findings(survey)]
        if decode and self.crops:
            clips = self._clip_table([row for row in survey.used if not row.faults])
            for name, crop in self.crops:
                problems += face_findings(clips[clips["dataset"] == name], crop, self.no_face)
        return in_order(problems)

    def counts(self) -> pd.DataFrame:
        """Count clips and subjects that sheet or folders name, by label scheme."""
        rows = [row for row in annotated(self, self.checked_root()).source.rows if not row.reason]
        known = {self.scheme.name: self.scheme, **dict(schemes.SCHEMES.items())}
        return counted(
            [
                self._counted(scheme, {(r.emotion, r.subject, r.clip) for r in rows})
                for scheme in known.values()
                if self.name in scheme.mapping
            ]
        )

    def _counted(
        self, scheme: schemes.Scheme, clips: set[tuple[str, str, str]]
    ) -> tuple[str, int, int, int, int | None]:
        words = {word for word in self.published.words if scheme.label(self.name, word)}
        left_out = [key[1:] for key in scheme.exclusions if key[0] == self.name]
        named = {(subject, clip) for word, subject, clip in clips if word in words}
        found = named.difference(left_out)
        published = sum(self.published.emotions.get(word, 0) for word in words) - len(left_out)
        subjects = len({subject for subject, _ in found})
        return scheme.name, len(found), subjects, published, self.published.shown.get(scheme.name)

    def judge_label(self, row: Row) -> None:
        """Give a row its class under the scheme, or the reason why it is left out."""
        if "emotion" not in row.cells:  # the reader has said why
            return
        words = sorted(self.published.words)
        if row.emotion not in words:
            close = get_close_matches(row.emotion, words, 1)
            row.fault(
                "unknown emotion",
                f"emotion {row.emotion!r} is not one of {self.title}'s"
                + (f"; {close[0]!r} is close" if close else ""),
                f"one of {', '.join(words)}",
                "correct the cell in a copy of the sheet, or add a corrections row for emotion",
            )
            return
        self.apply_scheme(row)

    def apply_scheme(self, row: Row) -> None:
        """Give a row of a known emotion its class, or the reason why it is left out."""
        label = self.scheme.label(row.dataset, row.emotion)
        excluded = self.scheme.exclusions.get(row.key)
        if label is None:
            row.reason = f"emotion {row.emotion} is not in {self.scheme.name}"
        elif excluded is not None:
            row.reason = excluded
        else:
            row.label = label

    def judge_table(self, survey: Survey) -> list[Problem]:
        """Return what is wrong with all rows together; a row's own fault is noted in it."""
        return []

    def ledger(self) -> pd.DataFrame:
        """Return one line per row of the sheet."""
        return ledger_of(self._survey.source.rows, self._kept_and_faceless[1])

    @cached_property
    def _survey(self) -> Survey:
        survey = take(self, self.checked_root())
        raise_errors(survey.problems)
        return survey

    @cached_property
    def _kept_and_faceless(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The clip table, and the clips left out of it for want of a face."""
        clips = self._clip_table(self._survey.used)
        if not self.crops or self.no_face == "error":
            return clips, clips.iloc[:0]
        parts = [without_face(clips[clips["dataset"] == name], c) for name, c in self.crops]
        faceless = pd.concat(parts)
        return clips.drop(faceless.index).reset_index(drop=True), faceless

    def _clip_table(self, rows: list[Row]) -> pd.DataFrame:
        return schema.finished(schema.of_rows(rows, self.classes(rows), map(self.fps, rows)))

    def checked_root(self) -> Path:
        """Return the root.

        Raises
        ------
        MerError
            ``missing root`` or ``bad name``.
        """
        root = self.folder
        what = f"the root of {self.title}, {checks.printable(root)}, "
        kind, why = "missing root", ""
        expected = "a folder with the data set"
        remedy = "name the folder that holds the sheet and the frames"
        if not root.is_dir():
            why = "is not a folder" if root.exists() else "does not exist"
        elif checks.printable(root) != str(root):
            # The clip table and every file made from it are UTF-8.
            kind, why, expected = "bad name", "is not UTF-8", "a path that is UTF-8 throughout"
            remedy = "rename the folder, or move the data set"
        elif not os.access(root, os.R_OK | os.X_OK):
            why, expected = "may not be read", "a folder that you may read"
            remedy = "ask its owner for permission to read it and the folders in it"
        if why:
            raise MerError(kind, what + why, expected, remedy, checks.printable(root))
        return root
