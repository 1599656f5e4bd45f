"""The rows of a manifest file: read and judged. What a manifest is, `manifest` says."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from mer_utils.datasets import integrity, plausible, table_rows
from mer_utils.datasets.plausible import Picture
from mer_utils.datasets.problems import Problem
from mer_utils.datasets.rows import Row, leave_few
from mer_utils.datasets.schemes import Scheme, own_classes
from mer_utils.errors import MerError
from mer_utils.frames import decode, read_picture
from mer_utils.frames.layout import printable
from mer_utils.phases import VIEWS

HEADERS = {
    name: (name,) for name in ("subject", "clip", "label", "image", "dataset", "view", "horizontal")
}
#: The channels of an image, in order, of which one may hold a horizontal flow.
COLOURS = ("red", "green", "blue")


def _judge(rows: list[Row], folder: Path, decode: bool) -> None:
    """Note the faults of every row; a row that repeats another is left out."""
    seen: dict[tuple[str, str, str, str], Row] = {}
    labels: dict[plausible.Key, Row] = {}
    for row in rows:
        if not row.faults:  # else the reader has said why
            table_rows.judge_blanks(row, ("label", "image"))
        if row.faults:
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


def _judge_horizontal(row: Row, first: Row) -> None:
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


def _judge_image(row: Row, folder: Path, decode: bool) -> None:
    name, path = row.cells["image"], table_rows.judge_place(row, "image", folder)
    if path is None:
        return
    if not os.path.isfile(path):
        row.fault(
            "missing image",
            f"image {name} {'is a folder' if os.path.isdir(path) else 'does not exist'} in "
            f"{printable(folder)}",
            "an image file",
            "copy the image there, or correct the path",
        )
    elif why := integrity.glance(path, "damaged image", f"image {name}"):
        row.fault(why.kind, why.what, why.expected, why.remedy)
    elif decode or integrity.is_deep(path):
        try:
            changes = read_picture(path).changes
        except MerError as error:
            kind = "cannot read" if error.kind == "cannot read" else "damaged image"
            row.fault(kind, error.what, error.expected, error.remedy)
            return
        row.faults += [integrity.changed(f"{row.place}: {name}: {c}", row.place) for c in changes]


def _classes(rows: list[Row], scheme: Scheme) -> tuple[str, ...]:
    if not scheme.classes:  # `OWN_LABELS`
        return own_classes(row.cells["label"] for row in rows if not row.reason)
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
    rows: list[Row]
    classes: tuple[str, ...]
    said: list[Problem]

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with rows and file, in order."""
        return [*(problem for row in self.rows for problem in row.faults), *self.said]

    @property
    def used(self) -> list[Row]:
        """The rows that the clip table has."""
        return [
            row
            for row in self.rows
            if not row.reason and all(fault.severity != "error" for fault in row.faults)
        ]


def take(
    root: str | os.PathLike[str],
    scheme: Scheme,
    decode: bool = False,
    worksheet: str = "",
    columns: tuple[str, ...] = (),
    at_most: int | None = None,
) -> ManifestSurvey:
    """Read a manifest and judge every row.

    Raises
    ------
    MerError
        If there is no manifest, it cannot be read, or it lacks a column or any row.
    """
    path = table_rows.find(root)
    optional = {"dataset": path.stem, "view": "full", "horizontal": ""}
    rows, said = table_rows.read(path, HEADERS, optional, "image", worksheet, columns)
    for row in rows:
        row.emotion = row.label = row.cells["label"]
        row.apex_source = "missing"
    survey = ManifestSurvey(path, rows, (), said)
    leave_few(rows, at_most)
    _judge(rows, path.parent, decode)
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
    tested = {row.key for row in survey.rows if row.cells["view"] == "full"}
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
    return found + table_rows.joined_names(labels, survey.path)


def _pixels(path: Path) -> object:
    pixels = decode(path)
    return pixels.shape, hashlib.sha256(pixels.tobytes()).digest()
