"""SAMM: 159 clips at 200 frames per second, subjects written as text, ``006``.

Reads ``SAMM_Micro_FACS_Codes_v2.xlsx`` with the notes above its header, and the frames in
``006/006_1_2/006_05562.jpg``. Frame numbers on disk are those of the sheet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mer_utils.datasets.coded import Coded
from mer_utils.datasets.published import Durations, Published, Twin

_RARE = ("disgust", "fear", "sadness")


@dataclass(frozen=True)
class Samm(Coded):
    """SAMM; parameters are those of `Framed`."""

    name = "samm"
    title = "SAMM"
    sheet_name = "SAMM_Micro_FACS_Codes_v2.xlsx"
    subject_format = "{:03d}"
    clip_pattern = re.compile(r"[0-9]{1,3}_[0-9]+_[0-9]+$")
    published = Published(
        # Their number is published; the twin's names beyond a few are made up.
        subjects=tuple(f"{n:03d}" for n in range(6, 38) if n not in (8, 27, 29)),
        emotions={
            "anger": 57, "other": 26, "happiness": 26, "surprise": 15, "contempt": 12,
            "disgust": 9, "fear": 8, "sadness": 6,
        },
        fps=200.0,
        scheme="samm-5",
        shown={"samm-5": 27, "megc-3": 28},
        spellings=frozenset({"others"}),
        durations=Durations(74.3, 19.0, 30, 101),
        twin=Twin(
            number=2,
            clips=(
                12, 4, 3, 4, 12, 8, 5, 8, 6, 4, 3, 7, 2, 6, 4, 4, 7, 3, 8, 5, 2, 4, 2, 4, 5, 2, 3,
                4, 1,
            ),
            classes=("anger", "contempt", "happiness", "surprise", "other"),
            key_emotions=("anger", "contempt", "happiness", "surprise"),
            onset_range=(120, 12600),
            # A face crop, where the real frames have 2040 x 1088.
            frame_size=(280, 340),
            raw_size=(2040, 1088),
            raw_unit=230.0,
            grey=True,
            folders=dict.fromkeys(("cropped", "raw"), "{subject}/{clip}"),
            frames=dict.fromkeys(("cropped", "raw"), "{subject}_{number:05d}.jpg"),
            # 27 of the 29 subjects have a clip in the five classes; 28 have one in the three.
            only={"021": _RARE, "031": _RARE, "037": ("other",)},
            quirks={
                ("032", "032_3_2"): (5126, 5127, 5207),
                ("026", "026_3_3"): (1704, 1736, 1737),
                ("017", "017_3_3"): (1393, 1489, 1492),
            },
            odd_units=(
                ("other", "R12+R15", "(R6 or R12)+R15"),
                ("anger", "7+43", "ref(7B)+43"),
                ("contempt", "R14+17", "R14+17+soft focus"),
                ("sadness", "15+17", "15A+17"),
                ("disgust", "10", "10A/B"),
                ("happiness", "L12", "A/L12"),
                ("other", "18+39", "T18+39"),
                ("anger", "4+6+7+43", "4D+ref(6)+7C+43E"),
            ),
        ),
    )  # fmt: skip
