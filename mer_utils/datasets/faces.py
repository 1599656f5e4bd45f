"""The faces on the onset frames of a clip table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mer_utils.datasets.problems import Problem
from mer_utils.datasets.rules import clip_frames
from mer_utils.errors import MerError
from mer_utils.frames import CropOptions, crop, decode, face_on, get_detector, several


@dataclass(frozen=True)
class SubjectCrop:
    """The crop (size, size, c) of one clip's onset frame; None where no face was found."""

    dataset: str
    subject: str
    clip: str
    image: np.ndarray | None


def crops_of(
    clips: pd.DataFrame, crops: Sequence[tuple[str, CropOptions]] = ()
) -> list[SubjectCrop]:
    """Crop the onset frame of each subject's first clip, to be looked at, in the table's order.

    Data sets that are not among `crops` are shown with the default crop.
    """
    found = []
    for row in clips.drop_duplicates(["dataset", "subject"]).itertuples():
        path = clip_frames(row).paths[0]
        onset = decode(path)
        options = dict(crops).get(str(row.dataset), CropOptions())
        face = face_on(path, options.detector, onset)
        cut = crop([onset], face, margin=options.margin, size=options.size)[0] if face else None
        found.append(SubjectCrop(str(row.dataset), str(row.subject), str(row.clip), cut))
    return found


def face_findings(clips: pd.DataFrame, options: CropOptions, no_face: str) -> Iterator[Problem]:
    """Report the clips whose onset frame shows no face, or several.

    `no_face` is the rule for the former: it is an error unless such clips are left out.
    """
    try:
        get_detector(options.detector)
    except MerError as error:
        yield Problem.of(error)
        return
    for row in clips.itertuples():
        name = f"clip {row.subject} {row.clip}"
        try:
            face = face_on(clip_frames(row).paths[0], options.detector)
        except MerError:  # an onset frame that cannot be read is a finding of its own
            continue
        if face is None:
            said, remedy = f"{name}: no face on the onset frame", "look at it, or crop it yourself"
            found = Problem("error", "no face", said, remedy, name, "one face")
            yield found if no_face == "error" else found.demoted()
        elif face.others:
            remedy = "look at the crop; take another detector, or crop the clip yourself"
            yield Problem("warning", "several faces", f"{name}: {several(face)}", remedy, name)


def without_face(clips: pd.DataFrame, options: CropOptions) -> pd.DataFrame:
    """Return the rows of the clips on whose onset frame no face is found, with their index."""
    missing = [
        face_on(clip_frames(row).paths[0], options.detector) is None for row in clips.itertuples()
    ]
    return clips[np.array(missing, bool)]
