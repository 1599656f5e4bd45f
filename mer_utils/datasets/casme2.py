"""CASME II: 255 clips at 200 frames per second, subjects ``sub01`` to ``sub26``.

Reads ``CASME2-coding-20140508.xlsx`` and its other versions, with the frames in
``Cropped/sub01/EP02_01f/reg_img46.jpg`` or ``CASME2_RAW_selected/sub01/EP02_01f/img46.jpg``
(also where that folder is doubled). Frame numbers on disk are those of the sheet. Where both
kinds of frames lie in the root, the cropped ones are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mer_utils.datasets.coded import Coded
from mer_utils.datasets.published import Durations, Published, Twin


@dataclass(frozen=True)
class Casme2(Coded):
    """CASME II; parameters are those of `Framed`."""

    name = "casme2"
    title = "CASME II"
    sheet_name = "CASME2-coding-20140508.xlsx"
    subject_format = "sub{:02d}"
    clip_pattern = re.compile(r"EP[0-9]", re.IGNORECASE)
    prefer = ("Cropped", "cropped", "CASME2_RAW_selected")
    published = Published(
        subjects=tuple(f"sub{n:02d}" for n in range(1, 27)),
        emotions={
            "others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25,
            "sadness": 7, "fear": 2,
        },
        fps=200.0,
        scheme="casme2-5",
        shown={"casme2-5": 26, "megc-3": 24},
        spellings=frozenset({"other"}),
        durations=Durations(67.2, 22.6, 24, 141, rise=(33.4, 14.7), fall=(32.9, 17.3)),
        twin=Twin(
            number=1,
            clips=(
                9, 12, 7, 6, 18, 5, 8, 3, 13, 12, 9, 12, 8, 4, 4, 5, 34, 3, 15, 10, 2, 3, 12, 11,
                7, 14,
            ),
            classes=("happiness", "disgust", "repression", "surprise", "others"),
            key_emotions=("happiness", "disgust", "repression", "surprise"),
            onset_range=(1, 401),
            frame_size=(280, 340),
            raw_size=(640, 480),
            raw_unit=140.0,
            folders={
                "cropped": "Cropped/{subject}/{clip}",
                "raw": "CASME2_RAW_selected/{subject}/{clip}",
            },
            frames={"cropped": "reg_img{number}.jpg", "raw": "img{number}.jpg"},
            # 26 subjects have a clip in the five classes, 24 one in the three: two show only
            # "others".
            only={"sub08": ("others",), "sub21": ("others",)},
            # Left out of the published three-class list, whose 88 negative clips are 63 + 27 - 2.
            forced={("sub04", "EP12_01f"): "disgust", ("sub05", "EP09_05f"): "repression"},
            quirks={
                ("sub04", "EP12_01f"): "missing",
                ("sub05", "EP09_05f"): ("rise", 0),
                ("sub05", "EP16_04f"): ("fall", 0),
                ("sub12", "EP09_06"): ("fall", 0),
                ("sub20", "EP16_01"): ("fall", 0),
                ("sub25", "EP18_04f"): ("fall", 0),
                ("sub16", "EP04_02f"): ("fall", 2),
                ("sub20", "EP12_01"): ("fall", 2),
            },
            odd_names={"sub02": ("EP06_02_01", "EP06_02_02"), "sub10": ("EP09f",)},
            odd_units=(
                ("others", "L14+L15", "L14+L15"),
                ("others", "R1+R2", "R1+R2"),
                ("others", "4+38", "4+38"),
                ("others", "4", "?"),
                ("disgust", "4+L10", "4+L10"),
            ),
        ),
    )  # fmt: skip
