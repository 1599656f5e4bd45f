"""A table of clips: any frames, in folders or videos, as a data set with phases.

A table is a CSV, Excel or Parquet file with one row for each clip. Its columns, in any order:

============ ===============================================================================
subject      Who is seen; leave-one-subject-out folds are made from it.
clip         Name of the clip; (dataset, subject, clip) is the key.
label        Class or emotion of the clip.
frames       Folder of frames or video (mp4, avi, mov, mkv), relative to the table's folder.
onset        First frame of the clip, and
offset       last, both included.
apex         Optional, may be blank: the frame of strongest expression.
dataset      Optional. Name of the data set; the default is the file's name without suffix.
action_units Optional. In FACS notation.
fps          Optional. Frames per second; of a video it must be the file's own.
crop         Optional, the same for a whole data set: blank or ``no`` takes frames as they are,
             ``face`` crops them to the face, ``margin=0.2:size=256`` does so with options.
counted_from Optional, 0 or 1: the number that the table gives the first frame of the folder or
             video. Without it numbers are those of the file names, and videos count from 1.
============ ===============================================================================

Further columns are ignored. In the clip table, numbers are those of the file names, and a video's
count from 1. Where a table holds several data sets, subjects are prefixed as in ``"mmew-S01"``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mer_utils.datasets import plausible, table_rows
from mer_utils.datasets.dataset import Dataset, Root, absolute, made_at
from mer_utils.datasets.framed import Framed
from mer_utils.datasets.problems import Problem, Severity
from mer_utils.datasets.published import Published
from mer_utils.datasets.rows import Row, Source, frame
from mer_utils.datasets.schemes import OWN_LABELS, Scheme, of_table, own_classes
from mer_utils.datasets.sheets import HEADERS as SHEET_HEADERS
from mer_utils.datasets.survey import Survey, annotated
from mer_utils.errors import MerError
from mer_utils.frames import CropOptions, is_video, layout, video_facts
from mer_utils.frames.layout import printable

HEADERS = {
    "subject": ("subject",),
    "clip": ("clip",),
    "label": ("label",),
    "frames": ("frames",),
    **{name: (name, *SHEET_HEADERS[name]) for name in ("onset", "offset", "apex", "action_units")},
    **{name: (name,) for name in ("dataset", "fps", "crop", "counted_from")},
}
OPTIONAL = dict.fromkeys(("apex", "action_units", "fps", "crop", "counted_from"), "")
#: A file's own rate and a table's are one if they differ by less than this share: 29.97 is 30.
_SAME_RATE = 0.01


@dataclass(frozen=True)
class Clips(Framed):
    """A table of clips; the parameters are those of `Framed`, with these differences.

    Parameters
    ----------
    root : path
        The table's file, or a folder that holds no other table.
    scheme : str or Scheme, optional
        Whose classes, or whose words for the column `dataset`, the labels are; None takes the
        table's own labels.
    sheet : str, optional
        The worksheet to read, where the file holds several; or the delimiter of a text file
        (comma, semicolon or tab).
    columns : sequence of str
        Columns by title or letter, where several fit or none does: ``("frames=path",)``.
    crop : CropOptions, optional
        How frames are cropped to the face, of data sets for which the table does not say.
    frames : path, optional
        The folder that the paths of the frames start from; by default the table's own.
    """

    frames: Root | None = None

    name = "clips"
    title = "table of clips"
    published = Published({}, fps=math.nan, scheme=OWN_LABELS.name)

    def __post_init__(self) -> None:
        super().__post_init__()
        root = Path(self.root)
        object.__setattr__(self, "name", f"clips:{root.stem}")
        object.__setattr__(self, "title", f"clips of the table {root.name}")

    def resolve(self, scheme: str | Scheme) -> Scheme:
        """Return a label scheme: any, as the table's labels may be its classes."""
        return of_table(scheme)

    @property
    def folder(self) -> Path:
        """The folder that the paths of the frames start from."""
        if self.frames is not None:
            return absolute(self.frames)
        return Path(self.root) if Path(self.root).is_dir() else Path(self.root).parent

    @property
    def made(self) -> dict[str, Any] | None:
        """How the clips were made, if a mark above any of their frames says so."""
        folder, places = self.folder, {row.frames_dir for row in self._rows}
        above = {folder, *(p for place in places if place for p in place.parents)}
        marks = (made_at(p) for p in sorted(above) if p == folder or folder in p.parents)
        return next((mark for mark in marks if mark), None)

    @property
    def crops(self) -> tuple[tuple[str, CropOptions], ...]:
        """The data sets of the table that are cropped to the face, and how."""
        cells = {row.dataset: row.cells.get("crop", "no") for row in reversed(self._rows)}
        found = {name: _crop_options(cell, self.crop) for name, cell in sorted(cells.items())}
        return tuple((name, crop) for name, crop in found.items() if crop is not None)

    @cached_property
    def _rows(self) -> list[Row]:
        """The rows as they are read, before any frame is looked at."""
        return [row for row in annotated(self, self.checked_root()).source.rows if row.cells]

    def counts(self) -> Any:
        """Count clips and subjects."""
        return Dataset.counts(self)

    def checked_root(self) -> Path:
        """Return the folder that the paths of the frames start from."""
        table_rows.find(self.root)
        return super().checked_root()

    def classes(self, rows: list[Row]) -> tuple[str, ...]:
        """Return the classes of the scheme, or the labels of the rows."""
        return self.scheme.classes or own_classes(row.label for row in rows)

    def fps(self, row: Row) -> float:
        """Return the frames per second that the table states, or else the video."""
        return row.fps

    def read(self, root: Path) -> Source:
        """Read the rows of the table; `root` is the folder of the frames."""
        path = table_rows.find(self.root)
        rows, problems = table_rows.read(
            path, HEADERS, OPTIONAL | {"dataset": path.stem}, "frames",
            str(self.sheet or ""), tuple(self.columns),
        )  # fmt: skip
        source = Source(rows, path, None, problems, free=True)
        for row in rows:
            if not row.faults:
                table_rows.judge_blanks(row, ("label", "frames"))
            if row.faults:
                row.cells.clear()  # what they say of the clip is not read
                continue
            row.cells["emotion"] = row.cells.pop("label")
            row.frames_dir = table_rows.judge_place(row, "frames", root)
            if row.frames_dir is not None:
                _judge_place(row, source, root)
            _judge_crop(row)
        problems += table_rows.joined_names((row.key for row in rows), path)
        if len({row.dataset for row in rows}) > 1:
            for row in rows:
                row.subject = f"{row.dataset}-{row.subject}"
        return source

    def judge_label(self, row: Row) -> None:
        """Give a row its class: its label, or what the scheme says of it in its data set."""
        if "emotion" not in row.cells:  # the reader has said why
            return
        if not self.scheme.classes:
            row.label = row.cells["emotion"]
        elif row.dataset in self.scheme.mapping:
            self.apply_scheme(row)
        elif row.emotion in self.scheme.classes:
            row.label = row.emotion
        else:
            row.fault(
                "unknown label",
                f"label {row.cells['emotion']!r} is no class of {self.scheme.name}, which has no "
                f"words for the data set {row.dataset!r}",
                f"one of {', '.join(self.scheme.classes)}",
                "correct the label, or leave the scheme out to use the table's own labels",
            )

    def judge_table(self, survey: Survey) -> list[Problem]:
        """Return what is wrong with rows together: labels, clips of one video, rates."""
        rows = [row for row in survey.used if not row.faults]
        for row in rows:
            _judge_rate(row)
        labels = [] if self.scheme.classes else [row.label for row in rows]
        _judge_crops(rows)
        placed = [row for row in survey.used if row.frames_dir is not None]
        found = [*plausible.names([], labels), *_overlaps(placed)]
        uncounted = [r for r in rows if _on_video(r) and not r.cells["counted_from"]]
        if uncounted:
            said = f"the frames of {len(uncounted)} clips in videos are counted from 1"
            remedy = "none needed if the table counts so; else add the column counted_from with 0"
            place = printable(survey.source.place)
            found.append(Problem("note", "odd sheet", said, remedy, place))
        return found


def _on_video(row: Row) -> bool:
    return row.frames_dir is not None and is_video(row.frames_dir)


def _judge_place(row: Row, source: Source, root: Path) -> None:
    """Say what is added to the row's frame numbers, and refuse those that are too small."""
    stated, video = row.cells["counted_from"], _on_video(row)
    if stated not in ("", "0", "1"):
        said = f"counted_from is {stated!r}"
        row.fault("odd cell", said, "0, 1 or nothing", "say from which number the table counts")
        return
    if not stated and not video:
        return
    base, first = int(stated or 1), 1
    if not video and row.frames_dir is not None:
        try:
            listing = source.listings.get(row.frames_dir) or layout.list_frames(
                row.frames_dir, root
            )
        except MerError:  # it is said where the frames are looked at
            return
        source.listings[row.frames_dir] = listing
        first = min(listing.frames, default=base)
    row.shift = first - base
    if row.shift:
        row.rules.append(f"counted_from={base}")
    for name in ("onset", "apex", "offset"):
        try:
            number = frame(row.cells[name])
        except ValueError:  # it is said where the cells are read
            continue
        if number is not None and number < base:
            row.fault(
                "frames outside",
                f"{name} is {number}, but the table counts from {base}"
                + ("" if stated else ", as it does not say otherwise of its video"),
                f"frame numbers from {base} upward",
                "correct the number, or write 0 into the column counted_from",
            )


def _crop_options(cell: str, usual: CropOptions | None) -> CropOptions | None:
    """Return how a cell says that frames are cropped; a blank one leaves it to `usual`."""
    if cell.lower() in ("", "no", "face"):
        return {"": usual, "no": None, "face": usual or CropOptions()}[cell.lower()]
    return CropOptions.model_validate(dict(part.split("=", 1) for part in cell.split(":")))


def _judge_crop(row: Row) -> None:
    try:
        _crop_options(row.cells["crop"], None)
    except ValueError:
        said = f"crop is {row.cells['crop']!r}"
        expected = "face, no, or options as in margin=0.2:size=256"
        row.fault("odd cell", said, expected, "correct the cell, or leave it blank")
        row.cells["crop"] = ""


def _judge_crops(rows: list[Row]) -> None:
    """Refuse two crops of one data set, as views and keys know one for each."""
    first: dict[str, Row] = {}
    for row in rows:
        other = first.setdefault(row.dataset, row)
        if row.cells["crop"] != other.cells["crop"]:
            row.fault(
                "contradicting rows",
                f"crop is {row.cells['crop'] or 'blank'}, but row {other.number} of the same data "
                f"set has {other.cells['crop'] or 'a blank'}",
                "one crop for a whole data set",
                "correct the cell, or give the rows a data set of their own",
            )


def _judge_rate(row: Row) -> None:
    """Read the frames per second that the table states, and compare it with a video's own."""
    stated = row.cells["fps"]
    try:
        row.fps = float(stated) if stated else math.nan
        if stated and not 0 < row.fps < math.inf:
            raise ValueError
    except ValueError:
        row.fault("odd cell", f"fps is {stated!r}", "a number above 0", "correct it, or leave it")
        return
    if not _on_video(row) or row.frames_dir is None:
        return
    own = video_facts(row.frames_dir, row.offset).fps
    if not stated:
        row.fps = own or math.nan
    elif own and abs(row.fps - own) > _SAME_RATE * own:
        row.fault(
            "other frame rate",
            f"the table says {row.fps:g} frames per second, {printable(row.frames_dir)} {own:g}",
            "one rate",
            "correct the cell, or leave it blank to take the file's; if the video was converted to "
            "another rate, its frames are not those that were annotated: take the original",
        )


def _overlaps(rows: list[Row]) -> Iterator[Problem]:
    """Find clips that share frames; two that only touch, in one frame, are no finding."""
    by_place: dict[Path | None, list[tuple[int, int, Row]]] = {}
    for row in rows:
        if row.onset is not None and row.offset is not None:
            by_place.setdefault(row.frames_dir, []).append((row.onset, row.offset, row))
    for place, group in by_place.items():
        group.sort(key=lambda clip: clip[:2])
        for n, (onset, offset, one) in enumerate(group):
            for start, end, other in group[n + 1 :]:
                if start >= offset:
                    break
                if one.key == other.key:  # said of the repeated row
                    continue
                same = (onset, offset) == (start, end)
                leak = one.key[:2] != other.key[:2]
                said = f"{one.place} and {other.place} share frames {start} to {min(offset, end)} "
                said += f"of {printable(place)}"
                if one.shift or other.shift:
                    said += (
                        ", where frames are counted from 1" if _on_video(one) else ", by its files"
                    )
                if leak:
                    said += ": the fold of one subject would train on the other's frames"
                remedy = "correct the frame numbers, or remove one of the rows"
                kind = "same picture twice" if same else "overlapping clips"
                severity: Severity = "error" if leak or same else "warning"
                yield Problem(severity, kind, said, remedy, other.place, "clips apart")
