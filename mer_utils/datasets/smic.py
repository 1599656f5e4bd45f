"""SMIC-HS: 164 clips at 100 frames a second, 16 subjects, three classes, no apex.

There is no sheet: the folders name subject, class and clip, as in
``SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/image000001.bmp``. A clip runs from its first
to its last frame. No apex is annotated, so the default rule for a missing apex is
``midpoint``; the column `apex_source` and the ledger say so for every clip.
"""

from __future__ import annotations

import re
from pathlib import Path

from mer_utils.datasets import layout
from mer_utils.datasets.problems import DataProblem, fail
from mer_utils.datasets.source import DataSet, Row, Source

#: Class folders, and the code that stands for the class in a clip's name.
CLASS_CODES = {"negative": "ne", "positive": "po", "surprise": "sur"}
_SUBJECT = re.compile(r"s[0-9]{1,3}")
_OTHER_CAMERAS = frozenset({"VIS", "NIR"})


def _is_subject(name: str) -> bool:
    return _SUBJECT.fullmatch(name) is not None


def _rows(base: Path, root: Path, listings: dict[Path, layout.Listing]) -> list[Row]:
    rows: list[Row] = []
    for subject in filter(_is_subject, layout.subfolders(base, root)):
        micro = base / subject / "micro"
        classes = micro if layout.subfolders(micro, root) else base / subject
        for emotion in CLASS_CODES:
            for clip in layout.subfolders(classes / emotion, root):
                row = Row(len(rows) + 1, subject, clip)
                _read_clip(row, classes, emotion, root, listings)
                rows.append(row)
    return rows


def _read_clip(
    row: Row, classes: Path, emotion: str, root: Path, listings: dict[Path, layout.Listing]
) -> None:
    row.cells = {"apex": "", "emotion": emotion, "action_units": ""}
    if not row.clip.startswith(f"{row.subject}_{CLASS_CODES[emotion]}_"):
        row.fault(
            "folder and name disagree",
            f"the clip lies in {row.subject}/{emotion}",
            f"a name that starts with {row.subject}_{CLASS_CODES[emotion]}_",
            "move the folder to its subject and class, or rename it",
        )
    folder = classes / emotion / row.clip
    row.frames_dir = folder
    try:
        listing = layout.list_frames(folder, root)
    except DataProblem as error:
        row.faults.append(error.problem)
        return
    listings[folder] = listing
    if listing.frames:
        # A refused first or last frame is a missing one; the clip does not become shorter by it.
        numbers = listing.refused_numbers.union(listing.frames)
        row.cells |= {"onset": str(min(numbers)), "offset": str(max(numbers))}
    else:
        row.fault(
            "missing frames",
            f"{layout.printable(folder)} holds no frame",
            "numbered images, such as image000001.bmp",
            "copy the clip's frames again, or remove the empty folder",
        )


def read(root: Path, sheet: str | Path | None = None) -> Source:
    """List the clips of SMIC-HS below `root`; there is no sheet, so `sheet` must be None.

    Raises
    ------
    MerError
        If the folders are missing, or are those of another of SMIC's cameras.
    """
    example = "SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01"
    place = layout.printable(root)
    if sheet is not None:
        raise fail(
            "unexpected sheet",
            f"SMIC-HS has no sheet, but {sheet} was named",
            "none",
            "leave the argument sheet out",
            place,
        )
    base = layout.find_base(root, _is_subject, ("HS",))
    if base is None:
        raise fail(
            "missing frame folder",
            f"no folder of a subject of SMIC-HS lies in {place}",
            f"folders such as {example}",
            "unpack SMIC-HS there, or point the root at the folder that holds it",
            place,
        )
    camera = set(_OTHER_CAMERAS).intersection(base.parts[len(root.parts) - 1 :])
    if camera:
        raise fail(
            "wrong data set",
            f"{layout.printable(base)} holds SMIC-{camera.pop()}",
            f"SMIC-HS, in folders such as {example}",
            "point the root at the folder that holds HS",
            place,
        )
    listings: dict[Path, layout.Listing] = {}
    rows = _rows(base, root, listings)
    if not rows:
        raise fail(
            "missing frame folder",
            f"no clip folder lies below {layout.printable(base)}",
            f"folders such as {example}",
            "unpack SMIC-HS again",
            place,
        )
    return Source(rows, base, base, listings=listings)


SMIC = DataSet(
    name="smic",
    title="SMIC-HS",
    fps=100.0,
    emotions=frozenset(CLASS_CODES),
    missing_apex="midpoint",
    read=read,
    published={"negative": 70, "positive": 51, "surprise": 43},
)
