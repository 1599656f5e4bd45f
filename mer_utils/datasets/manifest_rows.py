"""The rows of a manifest file: read and judged. What a manifest is, `manifest` says."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from mer_utils.datasets import integrity, plausible, spreadsheets
from mer_utils.datasets.plausible import Picture
from mer_utils.datasets.problems import Problem
from mer_utils.datasets.rows import oddity, text
from mer_utils.datasets.schemes import Scheme
from mer_utils.datasets.sheets import Fields, pick
from mer_utils.datasets.spreadsheets import Table
from mer_utils.errors import MerError
from mer_utils.frames import decode, layout, read_picture
from mer_utils.frames.layout import printable
from mer_utils.phases import VIEWS

REQUIRED = ("subject", "clip", "label", "image")
OPTIONAL = ("dataset", "view", "horizontal")
#: The channels of an image, in order, of which one may hold a horizontal flow.
COLOURS = ("red", "green", "blue")
HEADERS = {name: (name,) for name in (*REQUIRED, *OPTIONAL)}
#: What programs write for a value that is not there; no name of anything.
NO_VALUE = frozenset({"nan", "nat", "null", "<na>"})
#: What stands for an unknown person, and would make one subject of all of them; a label may be so.
_NOBODY = ("none", "n/a", "-", "/", "?")
SUFFIXES = (".csv", ".tsv", ".xlsx", ".parquet")


@dataclass
class ImageRow:
    """One row of a manifest; `reason` says why it is left out, `problem` what is wrong."""

    number: int
    cells: dict[str, str]
    reason: str = ""
    slashed: bool = False
    problems: list[Problem] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, str]:
        """Data set, subject and clip."""
        return self.cells["dataset"], self.cells["subject"], self.cells["clip"]

    @property
    def place(self) -> str:
        """Name the row for messages."""
        return f"manifest row {self.number}"

    def fault(self, kind: str, message: str, expected: str, remedy: str) -> None:
        """Note what is wrong with this row."""
        said = f"{self.place}: {message}"
        self.problems.append(Problem("error", kind, said, remedy, self.place, expected))

    def slash(self, folder: Path) -> None:
        """Read backslashes in the image's path as slashes, if that finds it."""
        name = self.cells["image"]
        slashed = name.replace("\\", "/")
        found = os.path.exists
        if slashed != name and not found(folder / name) and found(folder / slashed):
            self.cells["image"], self.slashed = slashed, True


def _file(root: str | os.PathLike[str]) -> Path:
    path = Path(root)
    if path.is_dir():
        found = [file for file in sorted(path.iterdir()) if file.suffix.lower() in SUFFIXES]
        if len(found) == 1:
            return found[0]
        raise MerError(
            "missing manifest" if not found else "several manifests",
            f"folder {printable(path)} holds {len(found)} files that may be a manifest",
            "one CSV, Excel or Parquet file",
            "name the manifest's file itself",
            printable(path),
        )
    if not path.is_file():
        raise MerError(
            "missing manifest",
            f"manifest {printable(path)} does not exist",
            "a CSV, Excel or Parquet file",
            "name an existing file",
            printable(path),
        )
    return path


def _tables(path: Path) -> list[Table]:
    if path.suffix.lower() != ".parquet":
        return spreadsheets.read_tables(path)
    try:
        frame = pd.read_parquet(path)
        if any(frame.index.names):
            frame = frame.reset_index()
    except Exception as error:  # pyarrow raises many kinds on a damaged file
        raise MerError(
            "unreadable manifest",
            f"{printable(path)} cannot be read as Parquet ({error})",
            "a Parquet file",
            "write the manifest again",
            printable(path),
        ) from error
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return [Table("parquet", [list(frame.columns), *rows])]


def _read(path: Path, worksheet: str, columns: tuple[str, ...]) -> ManifestSurvey:
    """Read the rows, and say what was guessed to read them."""
    fields = Fields(HEADERS, OPTIONAL, columns)
    tables = _tables(path)
    sheet = pick(path, tables, fields, worksheet)
    problems = list(sheet.problems)
    read = sheet.rows[0][1].keys() if sheet.rows else HEADERS
    for name in (name for name in OPTIONAL if name not in read):
        titles = [str(cell) for table in tables for cells in table.rows[:1] for cell in cells]
        for title in get_close_matches(name, titles, 1, 0.75):
            said = f"the column {title!r} is not read; is it {name}?"
            remedy = f"call it {name}, or rename it if it is something else"
            problems.append(Problem("warning", "odd sheet", said, remedy, printable(path)))
    default = {"dataset": path.stem, "view": "full", "horizontal": ""}
    rows = []
    for number, cells in sheet.rows:
        values = {name: text(cell) for name, cell in cells.items()}
        if isinstance(cells["image"], str):  # a file's name may hold several spaces in a row
            values["image"] = cells["image"].strip()
        if not any(values.values()):
            continue
        filled = {name: value for name, value in values.items() if value}
        row = ImageRow(number, dict.fromkeys(REQUIRED, "") | default | filled)
        rows.append(row)
        for name, cell in cells.items():
            if why := oddity(cell):
                row.fault("odd cell", f"{name} {why}", "the value itself", "type it as text")
            elif name == "dataset" and not values[name]:
                row.fault("blank cell", f"{name} is blank", "a value", "fill in the cell")
        row.slash(path.parent)
    if slashed := sum(row.slashed for row in rows):
        said = f"{slashed} images are written with backslashes, read as slashes"
        problems.append(Problem("note", "odd sheet", said, "none needed", printable(path)))
    blank = sum("view" in cells and not text(cells["view"]) for _, cells in sheet.rows)
    if blank:
        said = f"{blank} cells of view are blank, and taken for full"
        remedy = "none needed if these images show the whole clip"
        problems.append(Problem("note", "odd sheet", said, remedy, printable(path)))
    return ManifestSurvey(path, rows, (), problems)


def _judge(rows: list[ImageRow], folder: Path, decode: bool) -> None:
    """Note the faults of every row; a row that repeats another is left out."""
    seen: dict[tuple[str, str, str, str], ImageRow] = {}
    labels: dict[tuple[str, str, str], ImageRow] = {}
    for row in rows:
        if row.problems:  # the reader has said why
            continue
        for name in (*REQUIRED, "dataset"):
            if row.cells[name].lower() in ("", *NO_VALUE, *_NOBODY * (name == "subject")):
                said = f"{name} is {row.cells[name] or 'blank'}"
                row.fault("blank cell", said, "a value", "fill in the cell")
        if row.problems:
            continue
        view = row.cells["view"]
        if view not in VIEWS:
            row.fault(
                "unknown view",
                f"view {view!r} does not exist",
                f"one of {', '.join(VIEWS)}",
                "name what the image shows, or leave the column out",
            )
        _judge_horizontal(row, rows[0])
        first = seen.setdefault((*row.key, view), row)
        if first is not row and first.cells == row.cells:
            row.reason = f"repeats row {first.number}"
            continue
        if first is not row:
            row.fault(
                "contradicting rows",
                f"row {first.number} names another image or label for view {view} of this clip",
                "one row per clip and view",
                "remove one of them",
            )
        labelled = labels.setdefault(row.key, row)
        if labelled.cells["label"] != row.cells["label"]:
            row.fault(
                "contradicting labels",
                f"label {row.cells['label']!r}, but row {labelled.number} has "
                f"{labelled.cells['label']!r} for this clip",
                "one label per clip",
                "correct one of them",
            )
        _judge_image(row, folder, decode)


def _judge_horizontal(row: ImageRow, first: ImageRow) -> None:
    colour, other = row.cells["horizontal"], first.cells["horizontal"]
    if colour not in ("", *COLOURS):
        row.fault(
            "unknown label",
            f"horizontal {colour!r} is no channel",
            f"one of {', '.join(COLOURS)}, or blank where no image shows optical flow",
            "name the channel that holds the horizontal component",
        )
    elif colour != other:
        row.fault(
            "contradicting rows",
            f"horizontal {colour or 'blank'}, but {other or 'blank'} in row {first.number}",
            "one channel for all images",
            "write images of another kind into a table of their own",
        )


def _judge_image(row: ImageRow, folder: Path, decode: bool) -> None:
    name = row.cells["image"]
    path = folder / name
    if "\0" in name or not layout.is_inside(path, folder):
        row.fault(
            "name leaves the root",
            f"image {name!r} lies outside {printable(folder)}",
            "a path inside the manifest's folder",
            "put the manifest into a folder above all its images",
        )
    elif not os.path.isfile(path):
        row.fault(
            "missing image",
            f"image {name} does not exist in {printable(folder)}",
            "an image file",
            "copy the image there, or correct the path",
        )
    elif why := integrity.glance(path, "damaged image", f"image {name}"):
        row.fault(why.kind, why.what, why.expected, why.remedy)
    elif decode:
        try:
            changes = read_picture(path).changes
        except MerError as error:
            kind = "cannot read" if error.kind == "cannot read" else "damaged image"
            row.fault(kind, error.what, error.expected, error.remedy)
            return
        row.problems += [integrity.changed(f"{row.place}: {name}: {c}", row.place) for c in changes]


def _classes(rows: list[ImageRow], scheme: Scheme) -> tuple[str, ...]:
    found = {row.cells["label"] for row in rows if not row.reason and row.cells["label"]}
    if not scheme.classes:  # `OWN_LABELS`
        numbers = all(label.isdecimal() for label in found)
        return tuple(sorted(found, key=int if numbers else None))
    for row in rows:
        if row.cells["label"] not in scheme.classes:
            row.fault(
                "unknown label",
                f"label {row.cells['label']!r} is no class of {scheme.name}",
                f"one of {', '.join(scheme.classes)}",
                "correct the label, or leave the scheme out to use the manifest's own labels",
            )
    return scheme.classes


@dataclass
class ManifestSurvey:
    """What one pass over a manifest found; `said` is about the file as a whole."""

    path: Path
    rows: list[ImageRow]
    classes: tuple[str, ...]
    said: list[Problem]

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with rows and file, in order."""
        return [*(problem for row in self.rows for problem in row.problems), *self.said]

    @property
    def used(self) -> list[ImageRow]:
        """The rows that the clip table has."""
        return [row for row in self.rows if not row.reason and not row.problems]


def take(
    root: str | os.PathLike[str],
    scheme: Scheme,
    decode: bool = False,
    worksheet: str = "",
    columns: tuple[str, ...] = (),
) -> ManifestSurvey:
    """Read a manifest and judge every row.

    Raises
    ------
    MerError
        If there is no manifest, it cannot be read, or it lacks a column or any row.
    """
    path = _file(root)
    worksheet = worksheet.removeprefix(path.name).removeprefix(":")
    survey = _read(path, worksheet, columns)
    if not survey.rows:
        raise MerError(
            "empty manifest",
            f"manifest {printable(path)} has a header but no row",
            "one row per image",
            "write the manifest again",
            printable(path),
        )
    _judge(survey.rows, path.parent, decode)
    survey.classes = _classes(survey.rows, scheme)
    survey.said += _implausible(survey, decode)
    return survey


def _implausible(survey: ManifestSurvey, by_pixels: bool) -> list[Problem]:
    """Find what no sound table has; with `by_pixels`, pictures are compared by their pixels."""
    used, folder = survey.used, survey.path.parent
    found = list(plausible.names([row.key for row in used], [row.cells["label"] for row in used]))
    pictures = [
        Picture(row.key, row.cells["label"], row.cells["view"], folder / row.cells["image"])
        for row in used
    ]
    for group in plausible.same(pictures, _pixels if by_pixels else None):
        leak = plausible.across_subjects(group)
        found.append(leak or plausible.within_subject(group[0], group[1]))
    tested = {row.key for row in used if row.cells["view"] == "full"}
    labels = {row.key: row.cells["label"] for row in used}
    found += plausible.classes(list(labels), list(labels.values()), survey.path)
    for key in labels:
        if key not in tested:
            name = " ".join(key)
            said = f"clip {name} has no image of the view full, on which clips are tested"
            found.append(
                Problem(
                    "warning" if tested else "error",
                    "no full view",
                    f"{said}: it is trained on, and left out of every score",
                    "add an image for the view full",
                    name,
                    "an image of the view full",
                )
            )
    names = {(key[0], key[1]) for key in labels}
    if len({name for name, _ in names}) > 1 and len(names) > len({"-".join(n) for n in names}):
        said = "two subjects have one name once the data set's stands before it"
        remedy = "rename one of the data sets or subjects"
        found.append(Problem("error", "near-duplicate names", said, remedy, printable(survey.path)))
    return found


def _pixels(path: Path) -> object:
    pixels = decode(path)
    return pixels.shape, hashlib.sha256(pixels.tobytes()).digest()
