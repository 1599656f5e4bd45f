"""The spreadsheets of CASME II and SAMM, in the originals' shape, byte for byte reproducible."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from openpyxl import Workbook

from mer_utils.synthetic.population import ClipPlan, original

CASME2_HEADER = (
    "Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None,
    "Action Units", "Estimated Emotion",
)  # fmt: skip

SAMM_HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame",
    "Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip

#: SAMM's sheet opens with 13 rows of notes; these are our own words.
SAMM_NOTES = (
    "Made data in the layout of SAMM: drawn faces, no evidence about real ones.",
    "Written by mer_utils.synthetic.",
    None,
    "Onset, apex and offset are frame numbers; onset and offset belong to the clip.",
    "Frames are numbered at 200 a second.",
    "Duration: frames from onset to offset, both counted.",
    "Action units: FACS numbers joined by +.",
    "L, R: the person's left or right side only.",
    "A to E: intensity, where it is given.",
    "ref, or, / and notes in words: as coders write them when unsure.",
    None,
    "Objective Classes: made from the emotion.",
    None,
)

_OBJECTIVE = {"happiness": 1, "surprise": 2, "anger": 3, "disgust": 4, "sadness": 5, "fear": 6}
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def write_sheet(dataset: str, plans: list[ClipPlan], folder: Path) -> None:
    """Write the data set's sheet into `folder`, if it has one."""
    name = original(dataset).sheet_name
    if name is None:
        return
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    if dataset == "casme2":
        sheet.title, rows = "Sheet1", [CASME2_HEADER, *map(_casme2_row, plans)]
    else:
        notes = [(note,) for note in SAMM_NOTES]
        sheet.title, rows = "MICRO_ONLY", [*notes, SAMM_HEADER, *map(_samm_row, plans)]
    for row in rows:
        sheet.append(row)
    book.save(folder / name)
    _fix_times(folder / name)


def _apex(row: ClipPlan) -> int | str:
    return "/" if row.noted_apex is None else row.noted_apex


def _casme2_row(row: ClipPlan) -> tuple[object, ...]:
    # A single unit stands in the sheet as a number, as a spreadsheet program makes it.
    units = int(row.noted_units) if row.noted_units.isdigit() else row.noted_units
    subject = int(re.sub(r"\D", "", row.subject))
    return (subject, row.clip, None, row.onset, _apex(row), row.offset, None, units, row.emotion)


def _samm_row(row: ClipPlan) -> tuple[object, ...]:
    inducement = int(row.clip.split("_")[1])
    objective = _OBJECTIVE.get(row.emotion, 7)
    return (
        row.subject, row.clip, inducement, row.onset, _apex(row), row.offset, row.n_frames,
        "Micro - 1/2", row.noted_units, row.emotion.capitalize(), objective, None,
    )  # fmt: skip


def _fix_times(path: Path) -> None:
    """Rewrite a workbook without the moment of writing, so that equal tables are equal files."""
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in sorted(source.namelist())}
    stamp = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            if name == "docProps/core.xml":
                content = stamp.sub(rb"\g<1>2014-05-08T00:00:00Z\g<2>", content)
            info = zipfile.ZipInfo(name, _FIXED_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)


def clip_folder(row: ClipPlan, layout: str = "cropped") -> Path:
    """Return a clip's folder, relative to the twin's root."""
    return Path(original(row.dataset).twin.folders[layout].format(**vars(row)))


def frame_name(row: ClipPlan, number: int, layout: str = "cropped") -> str:
    """Return the file name of frame `number` (the data set's own count)."""
    return original(row.dataset).twin.frames[layout].format(**{**vars(row), "number": number})
