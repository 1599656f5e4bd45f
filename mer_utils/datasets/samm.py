"""SAMM: 159 clips at 200 frames a second, subjects written as text, ``006``.

Reads ``SAMM_Micro_FACS_Codes_v2.xlsx`` with the notes above its header, and the frames in
``006/006_1_2/006_05562.jpg``. Frame numbers on disk are those of the sheet.
"""

from __future__ import annotations

from mer_utils.datasets.coded import Coding
from mer_utils.datasets.source import DataSet

_CODING = Coding(title="SAMM", example="SAMM_Micro_FACS_Codes_v2.xlsx", subject_format="{:03d}")


SAMM = DataSet(
    name="samm",
    title="SAMM",
    fps=200.0,
    emotions=frozenset(
        {
            "anger",
            "contempt",
            "disgust",
            "fear",
            "happiness",
            "other",
            "others",
            "sadness",
            "surprise",
        }
    ),
    missing_apex="skip_view",
    read=_CODING.read,
)
