"""Data sets that come as a coding sheet and a folder of frames per clip (CASME II, SAMM)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mer_utils.datasets import integrity, sheets
from mer_utils.datasets.dataset import DATASETS
from mer_utils.datasets.framed import Framed
from mer_utils.datasets.problems import Problem
from mer_utils.datasets.rows import CELL_FIELDS, Row, Source, oddity, text
from mer_utils.errors import MerError
from mer_utils.frames import layout


@dataclass(frozen=True)
class Coded(Framed):
    """A data set of a coding sheet and a folder of frames per clip; parameters as of `Framed`.

    A subclass says what differs between such data sets.

    Attributes
    ----------
    sheet_name : str
        The sheet's original name.
    subject_format : str
        How a subject number becomes the subject's name, ``"sub{:02d}"``.
    clip_pattern : re.Pattern
        How the clips' names begin, to tell a sheet of another data set.
    prefer : tuple of str
        Folder names to prefer where frames lie in several places.
    """

    sheet_name: ClassVar[str]
    subject_format: ClassVar[str]
    clip_pattern: ClassVar[re.Pattern[str]]
    prefer: ClassVar[tuple[str, ...]] = ()

    def _number(self, written: str) -> int | None:
        prefix = self.subject_format.partition("{")[0]
        digits = re.fullmatch(rf"(?:{prefix})?([0-9]{{1,4}})", written, re.IGNORECASE)
        return int(digits.group(1)) if digits else None

    def subject(self, cell: Any) -> str:
        """Return the subject's name for a cell: 1, 1.0, "1", "01" and "sub01" are the same."""
        number = self._number(text(cell))
        return text(cell) if number is None else self.subject_format.format(number)

    def is_subject(self, name: str) -> bool:
        """Tell whether a folder name is a subject's."""
        number = self._number(name)
        return number is not None and name == self.subject_format.format(number)

    def read(self, root: Path) -> Source:
        """Read the sheet of the data set in `root` and find the folder of its subjects."""
        try:
            found = sheets.find_sheet(
                root, self.title, self.sheet_name, self.sheet, tuple(self.columns)
            )
        except MerError as failure:
            raise self._with_level(root, failure) if self.sheet is None else failure from None
        rows = self._rows(found)
        base, beside = integrity.find_base(root, self.is_subject, self.prefer)
        for row in rows:
            if base is not None and not row.reason and not row.faults:
                row.frames_dir = base / row.subject / row.clip
        return Source(
            rows, found.path, base, [*found.problems, *beside, *_no_clips(found.path, rows)]
        )

    def _rows(self, sheet: sheets.Sheet) -> list[Row]:
        rows = [self._row(number, cells) for number, cells in sheet.rows]
        self._require_own_sheet(sheet.path, rows)
        return rows

    def _with_level(self, root: Path, failure: MerError) -> MerError:
        """Say which level the root should be, where it was set too high or too low."""
        if failure.kind == "several sheets":
            return failure
        here = layout.printable(root)
        if below := self._folder_with_sheet(root):
            where = layout.printable(below)
            message = f"the annotation sheet of {self.title} lies deeper, in {where}, not in {here}"
            remedy = f"point the root at {where}"
        elif failure.kind == "missing sheet" and self._is_frames(root):
            message = f"{failure.what}, only frames"
            remedy = (
                f"point the root at the folder above that holds the sheet, or copy it into {here}"
            )
        else:
            return failure
        expected = f"the annotation sheet of {self.title}, such as {self.sheet_name}"
        return MerError("missing sheet", message, expected, remedy, here)

    def _folder_with_sheet(self, root: Path) -> Path | None:
        for folder in layout.folders_below(root, depth=2):
            for path in sheets.candidates(folder)[: sheets.MAX_SHEETS]:
                try:
                    self._rows(sheets.read_sheet(path))
                except MerError:
                    continue
                return folder
        return None

    def _is_frames(self, root: Path) -> bool:
        """Tell whether `root` is the folder of the subjects, of a subject or of a clip."""
        subjects = [name for name in layout.subfolders(root, root) if self.is_subject(name)]
        return bool(subjects or self.is_subject(root.name) or layout.list_frames(root, root).frames)

    def _row(self, number: int, cells: dict[str, Any]) -> Row:
        row = Row(number, self.subject(cells["subject"]), text(cells["clip"]))
        row.cells = {field: text(cells[field]) for field in CELL_FIELDS}
        timed = [field for field in ("onset", "apex", "offset") if row.cells[field]]
        named = self._number(row.subject) is not None or self.clip_pattern.match(row.clip)
        if len(timed) < 2 and not (row.subject and row.clip and (timed or named)):
            row.reason = "note row, not a clip"
            return row
        for field, cell in cells.items():
            if why := oddity(cell):
                row.odd_cell(field, why)
                row.cells.pop(field, None)
        for field in ("subject", "clip"):
            name = getattr(row, field)
            if not layout.is_plain_name(name) and not oddity(cells[field]):
                row.fault(
                    "name leaves the root" if ".." in name else "bad name",
                    f"{sheets.TITLES[field]} {name!r} is not the name of a folder",
                    "one plain folder name",
                    "correct the cell in a copy of the sheet",
                )
        return row

    def _require_own_sheet(self, path: Path, rows: list[Row]) -> None:
        names = [row.clip for row in rows if not row.reason]
        if not names:
            raise MerError(
                "empty sheet",
                f"{layout.printable(path)} has a header but no clip",
                "one row per clip",
                f"copy the annotation sheet of {self.title} again",
                layout.printable(path),
            )
        fits = {
            known.title: sum(bool(known.clip_pattern.match(name)) for name in names)
            for known in (type(self), *DATASETS.values())
            if issubclass(known, Coded)
        }
        if fits[self.title] * 2 <= len(names):
            other = max(fits, key=lambda title: fits[title])
            known = other != self.title and fits[other] * 2 > len(names)
            raise MerError(
                "sheet of the wrong data set",
                f"{layout.printable(path)} "
                + (f"is a sheet of {other}" if known else "names its clips like no sheet known")
                + f" ({names[0]!r})",
                f"the annotation sheet of {self.title}, such as {self.sheet_name}",
                "point the root at the right data set, or choose the data set the sheet belongs to",
                layout.printable(path),
            )


def _no_clips(path: Path, rows: list[Row]) -> list[Problem]:
    """Say which rows below the header are taken for notes."""
    notes = [row for row in rows if row.reason]
    if not notes:
        return []
    shown = ", ".join(str(row.number) for row in notes[:10]) + (", ..." if notes[10:] else "")
    said = f"{layout.printable(path)}: {len(notes)} rows are no clips, and left out: {shown}"
    remedy = "none needed for notes and totals; a clip needs subject, name and frame numbers"
    return [Problem("note", "note rows", said, remedy, layout.printable(path))]
