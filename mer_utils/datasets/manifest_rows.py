"""The rows of a manifest file: read and judged. What a manifest is, `manifest` says."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from mer_utils.datasets import integrity, spreadsheets
from mer_utils.datasets.problems import Problem
from mer_utils.datasets.rows import text
from mer_utils.datasets.schemes import Scheme
from mer_utils.errors import MerError
from mer_utils.frames import decoding_problem, layout
from mer_utils.frames.layout import printable
from mer_utils.phases import VIEWS

REQUIRED = ("subject", "clip", "label", "image")
OPTIONAL = ("dataset", "view")
SUFFIXES = (".csv", ".tsv", ".xlsx", ".parquet")


@dataclass
class ImageRow:
    """One row of a manifest; `reason` says why it is left out, `problem` what is wrong."""

    number: int
    cells: dict[str, str]
    reason: str = ""
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


def _file(root: str | os.PathLike[str]) -> Path:
    path = Path(root)
    if path.is_dir():
        found = [file for file in sorted(path.iterdir()) if file.suffix.lower() in SUFFIXES]
        if len(found) == 1:
            return found[0]
        raise MerError(
            "missing manifest" if not found else "several manifests",
            f"folder {printable(path)} holds {len(found)} files that may be a manifest",
            "one CSV or Parquet file",
            "name the manifest's file itself",
            printable(path),
        )
    if not path.is_file():
        raise MerError(
            "missing manifest",
            f"manifest {printable(path)} does not exist",
            "a CSV or Parquet file",
            "name an existing file",
            printable(path),
        )
    return path


def _tables(path: Path) -> list[list[list[Any]]]:
    if path.suffix.lower() != ".parquet":
        return spreadsheets.read_tables(path)
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises many kinds on a damaged file
        raise MerError(
            "unreadable manifest",
            f"{printable(path)} cannot be read as Parquet ({error})",
            "a Parquet file",
            "write the manifest again",
            printable(path),
        ) from error
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return [[list(frame.columns), *rows]]


def _read(path: Path) -> list[ImageRow]:
    best: list[str] = []
    for table in _tables(path):
        header = [text(cell).lower() for cell in table[0]]
        if all(name in header for name in REQUIRED):
            columns = {name: header.index(name) for name in REQUIRED + OPTIONAL if name in header}
            default = {"dataset": path.stem, "view": "full"}
            rows = []
            for number, cells in enumerate(table[1:], start=2):
                values = {n: text(cells[i]) for n, i in columns.items() if i < len(cells)}
                if any(values.values()):
                    filled = {name: value for name, value in values.items() if value}
                    rows.append(ImageRow(number, dict.fromkeys(REQUIRED, "") | default | filled))
            return rows
        best = max(best, header, key=lambda names: len(set(names) & set(REQUIRED)))
    lacking = [name for name in REQUIRED if name not in best]
    raise MerError(
        "missing column",
        f"manifest {printable(path)} has no column {', '.join(lacking)}",
        f"a header with {', '.join(REQUIRED)} [, {', '.join(OPTIONAL)}]",
        "add the column, or rename it",
        printable(path),
    )


def _judge(rows: list[ImageRow], folder: Path, decode: bool) -> None:
    """Note the faults of every row; a row that repeats another is left out."""
    seen: dict[tuple[str, str, str, str], ImageRow] = {}
    labels: dict[tuple[str, str, str], ImageRow] = {}
    for row in rows:
        blank = [name for name in REQUIRED if not row.cells[name]]
        if blank:
            row.fault("blank cell", f"{blank[0]} is blank", "a value", "fill in the cell")
            continue
        view = row.cells["view"]
        if view not in VIEWS:
            row.fault(
                "unknown view",
                f"view {view!r} does not exist",
                f"one of {', '.join(VIEWS)}",
                "name what the image shows, or leave the column out",
            )
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
    elif (why := integrity.glance(path)) or (decode and (why := decoding_problem(path))):
        row.fault("damaged image", f"image {name} {why}", "a whole image", "make it again")


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
    """What one pass over a manifest found."""

    path: Path
    rows: list[ImageRow]
    classes: tuple[str, ...]

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the rows, in order."""
        return [problem for row in self.rows for problem in row.problems]


def take(
    root: str | os.PathLike[str],
    scheme: Scheme,
    decode: bool = False,
) -> ManifestSurvey:
    """Read a manifest and judge every row.

    Raises
    ------
    MerError
        If there is no manifest, it cannot be read, or it lacks a column or any row.
    """
    path = _file(root)
    rows = _read(path)
    if not rows:
        raise MerError(
            "empty manifest",
            f"manifest {printable(path)} has a header but no row",
            "one row per image",
            "write the manifest again",
            printable(path),
        )
    _judge(rows, path.parent, decode)
    classes = _classes(rows, scheme)
    return ManifestSurvey(path, rows, classes)
