"""CASME II: 255 clips at 200 frames a second, subjects ``sub01`` to ``sub26``.

Reads ``CASME2-coding-20140508.xlsx`` and its other versions, with the frames in
``Cropped/sub01/EP02_01f/reg_img46.jpg`` or ``CASME2_RAW_selected/sub01/EP02_01f/img46.jpg``
(also where that folder is doubled). Frame numbers on disk are those of the sheet. Where both
kinds of frames lie in the root, the cropped ones are read.
"""

from __future__ import annotations

from mer_utils.datasets.coded import Coding
from mer_utils.datasets.source import DataSet

_CODING = Coding(
    title="CASME II",
    example="CASME2-coding-20140508.xlsx",
    subject_format="sub{:02d}",
    prefer=("Cropped", "cropped", "CASME2_RAW_selected"),
)


CASME2 = DataSet(
    name="casme2",
    title="CASME II",
    fps=200.0,
    emotions=frozenset(
        {"others", "other", "disgust", "happiness", "repression", "surprise", "sadness", "fear"}
    ),
    missing_apex="skip_view",
    read=_CODING.read,
)
