"""Made sheets and folders with the quirks of the licensed ones; no face and no real row."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import cv2
import numpy as np
from openpyxl import Workbook

from mer_utils.datasets import SYNTHETIC_MARK, Casme2, Samm
from mer_utils.synthetic.sheets import CASME2_HEADER, SAMM_HEADER

JPEG = b"\xff\xd8\xff\xe0made\xff\xd9"


def jpeg(name: object) -> bytes:
    """Return what looks like a JPEG of its own: no two clips are one picture."""
    return JPEG[:-2] + str(name).encode() + JPEG[-2:]


CASME2_NAME, SAMM_NAME = Casme2.sheet_name, Samm.sheet_name


def casme2_row(subject, clip, onset, apex, offset, emotion, units="12"):
    return [subject, clip, None, onset, apex, offset, None, units, emotion]


def samm_row(subject, clip, onset, apex, offset, emotion, units="4+7"):
    micro = "Micro - 1/2"
    return [subject, clip, 1, onset, apex, offset, 70, micro, units, emotion, 1, None]


def write_xlsx(path: Path, rows: list[list]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def write_csv(path: Path, rows: list[list], delimiter=",", encoding="utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows(
            [["" if cell is None else cell for cell in row] for row in rows]
        )
    return path


def write_like_libreoffice(path: Path, rows: list[list]) -> Path:
    """Write a workbook as LibreOffice Calc lays one out, cell by cell."""
    strings: dict[str, int] = {}
    lines = []
    for number, row in enumerate(rows, 1):
        cells = []
        for column, value in zip("ABCDEFGHIJKLMNOP", row, strict=False):
            place = f'<c r="{column}{number}" s="0"'
            if value is None:
                cells.append(f"{place}/>")
            elif isinstance(value, str):
                index = strings.setdefault(value, len(strings))
                cells.append(f'{place} t="s"><v>{index}</v></c>')
            else:
                cells.append(f'{place} t="n"><v>{value}</v></c>')
        style = 'customFormat="false" ht="12.8" hidden="false" customHeight="false"'
        lines.append(f'<row r="{number}" {style}>{"".join(cells)}</row>')
    lines.append('<row r="1048576" customFormat="false" ht="12.8" hidden="false"/>')
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    shared = "".join(f'<si><t xml:space="preserve">{escape(s)}</t></si>' for s in strings)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" state="visible" r:id="rId2"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId2" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId3" Type="{office}/sharedStrings" Target="sharedStrings.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}'
        "</sheetData></worksheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{main}" count="{len(strings)}" '
        f'uniqueCount="{len(strings)}">{shared}</sst>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in parts.items():
            packed.writestr(name, head + text)
    return path


def toml(value) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_mark(root: Path) -> dict:
    """Mark a root as that of made data, and return what the mark says."""
    arguments = {"dataset": "casme2", "seed": 3, "phase_difference": 0.5, "noise": 1.0}
    (root / SYNTHETIC_MARK).write_text(json.dumps({"arguments": arguments}))
    return {"arguments": arguments}


def write_frames(folder: Path, onset: int, offset: int, name="reg_img{}.jpg") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(onset, offset + 1):
        (folder / name.format(number)).write_bytes(jpeg(f"{folder} {number}"))
    return folder


def write_casme2(root: Path, rows: list[list], frames="Cropped/{subject}/{clip}", **kwargs) -> Path:
    """Write a CASME II sheet and the frames of its well-formed rows."""
    write_xlsx(root / CASME2_NAME, [CASME2_HEADER, *rows])
    for row in rows:
        if isinstance(row[3], int) and isinstance(row[5], int):
            place = frames.format(subject=f"sub{int(row[0]):02d}", clip=row[1].strip())
            write_frames(root / place, row[3], row[5], **kwargs)
    return root


def write_samm(root: Path, rows: list[list], frames="{subject}/{clip}") -> Path:
    """Write a SAMM sheet, 13 rows of notes above its header, and its frames."""
    notes = [["SAMM Micro-Movement Dataset"], *[[f"note {i}"] for i in range(12)]]
    write_xlsx(root / SAMM_NAME, [*notes, SAMM_HEADER, *rows])
    for row in rows:
        if isinstance(row[3], int) and isinstance(row[5], int):
            place = frames.format(subject=row[0], clip=row[1])
            write_frames(root / place, row[3], row[5], name=f"{row[0]}_" + "{:05d}.jpg")
    return root


CASME2_ROWS = [
    casme2_row(1, "EP02_01f", 46, 59, 86, "happiness"),
    casme2_row(1, "EP03_02", 131, 161, 181, "others", "4+L10"),
    casme2_row(2, "EP09f", 10, "/", 30, "disgust", "?"),
    casme2_row(2, "EP06_02_01", 10, 20, 30, "sadness", "R1+R2"),
    casme2_row(26, "EP16_01", 10, 30, 30, "repression", "L14+L15"),
]
SAMM_ROWS = [
    samm_row("006", "006_1_2", 5562, 5588, 5632, "Anger"),
    samm_row("006", "006_1_3", 12003, 12010, 12040, "Happiness", "(R6 or R12)+R15"),
    samm_row("007", "007_3_1", 95, 100, 105, "Fear", "R14+17+soft focus"),
    samm_row("032", "032_3_2", 5126, 5127, 5207, "Other", "ref(7B)+43"),
]


def write_video(path, images, codec="MJPG", fps=200.0, size=(64, 48)):
    """Write images (h, w, 3), red, green, blue; `size` is width and height."""
    code = cv2.VideoWriter_fourcc(*codec)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, size)
    assert writer.isOpened()
    for image in images:
        writer.write(np.ascontiguousarray(image[..., ::-1]))
    writer.release()
    return path


def write_clip_table(folder: Path, subjects=4, clips=5) -> Path:
    """Write a table of clips in videos: a square that falls or rises, and comes back."""
    folder.mkdir(parents=True)
    rng, lines = np.random.default_rng(0), ["subject,clip,label,frames,onset,apex,offset,fps"]
    for subject in range(subjects):
        for clip in range(clips):
            sign, frames = (-1) ** clip, rng.integers(90, 110, (12, 48, 48, 3), np.uint8)
            for t in range(12):
                y = 20 + sign * 2 * min(t, 11 - t)
                frames[t, y : y + 8, 18:30] = 220
            name = f"s{subject} {clip}.avi"
            write_video(folder / name, frames, fps=30, size=(48, 48))
            label = ("down", "up")[clip % 2]
            lines.append(f"s{subject},c{clip},{label},{name},1,6,12,30")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder / "clips.csv"
