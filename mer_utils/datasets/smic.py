"""SMIC-HS: 164 clips at 100 frames per second, 16 subjects, three classes, no apex.

There is no sheet: the folders name subject, class and clip, as in
``SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/image000001.bmp``. A clip runs from its first
to its last frame. No apex is annotated, so the default rule for a missing apex is
``midpoint``; the column `apex_source` and the ledger say so for every clip.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar

from mer_utils.datasets import integrity
from mer_utils.datasets.framed import Framed
from mer_utils.datasets.plausible import canonical
from mer_utils.datasets.problems import Problem
from mer_utils.datasets.published import Durations, Published, Twin
from mer_utils.datasets.rows import Row, Source
from mer_utils.errors import MerError
from mer_utils.frames import layout

_EXAMPLE = "SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01"
_OTHER_CAMERAS = frozenset({"VIS", "NIR"})


@dataclass(frozen=True)
class Smic(Framed):
    """SMIC-HS; parameters are those of `Framed`, but there is no sheet to name."""

    name = "smic"
    title = "SMIC-HS"
    subject_format = "s{}"
    #: Class folders, and the code that stands for the class in a clip's name.
    codes: ClassVar[dict[str, str]] = {"negative": "ne", "positive": "po", "surprise": "sur"}
    published = Published(
        # Their number is published; which numbers they have is made up.
        subjects=tuple(
            f"s{n}" for n in (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20)
        ),
        emotions={"negative": 70, "positive": 51, "surprise": 43},
        fps=100.0,
        scheme="megc-3",
        shown={"megc-3": 16},
        missing_apex="midpoint",
        # Half of CASME II's phases at half its rate: an assumption.
        durations=Durations(None, None, 11, 58, rise=(16.7, 5.0), fall=(16.5, 5.5)),
        twin=Twin(
            number=3,
            clips=(6, 6, 36, 18, 3, 9, 13, 12, 9, 5, 10, 9, 6, 8, 3, 11),
            classes=("negative", "positive", "surprise"),
            key_emotions=("negative", "positive", "surprise"),
            onset_range=(1, 2),
            frame_size=(140, 170),
            folders={"cropped": "SMIC_all_cropped/HS/{subject}/micro/{emotion}/{clip}"},
            frames={"cropped": "image{number:06d}.jpg"},
            shown={
                "positive": ("happiness",),
                "negative": ("disgust", "anger", "sadness", "fear"),
            },
        ),
    )  # fmt: skip

    def is_subject(self, name: str) -> bool:
        """Tell whether a folder name is a subject's."""
        return re.fullmatch(r"s[0-9]{1,3}", name) is not None

    def read(self, root: Path) -> Source:
        """List the clips of SMIC-HS below `root`."""
        place = layout.printable(root)
        if self.sheet is not None or self.columns:
            raise MerError(
                "unexpected sheet",
                f"SMIC-HS has no sheet, but {self.sheet or ', '.join(self.columns)} was named",
                "none",
                "leave --sheet and --column out (in Python, sheet and columns)",
                place,
            )
        base, beside = integrity.find_base(root, self.is_subject, ("HS",))
        if base is None:
            raise MerError(
                "missing frame folder",
                f"no folder of a subject of SMIC-HS lies in {place}",
                f"folders such as {_EXAMPLE}",
                "unpack SMIC-HS there, or point the root at the folder that holds it",
                place,
            )
        camera = set(_OTHER_CAMERAS).intersection(base.parts[len(root.parts) - 1 :])
        if camera:
            raise MerError(
                "wrong data set",
                f"{layout.printable(base)} holds SMIC-{min(camera)}",
                f"SMIC-HS, in folders such as {_EXAMPLE}",
                "point the root at the folder that holds HS",
                place,
            )
        source = Source([], base, base, beside)
        people = {name for name in layout.subfolders(base, root) if self.is_subject(name)}
        source.problems += self._misnamed(base, root, people)
        for subject in filter(self.is_subject, layout.subfolders(base, root, needed=True)):
            micro = base / subject / "micro"
            inside = layout.subfolders(micro, root, needed=True)
            classes = micro if inside else base / subject
            source.problems += self._misnamed(classes, root, self.codes, subject)
            for emotion in self.codes:
                for clip in layout.subfolders(classes / emotion, root, needed=True):
                    source.rows.append(Row(len(source.rows) + 1, subject, clip))
                    self._read_clip(source, classes / emotion, root)
        if not source.rows:
            raise MerError(
                "missing frame folder",
                f"no clip folder lies below {layout.printable(base)}",
                f"folders such as {_EXAMPLE}",
                "unpack SMIC-HS again",
                place,
            )
        return source

    def _misnamed(
        self, folder: Path, root: Path, known: Collection[str], subject: str = ""
    ) -> Iterator[Problem]:
        """Find what would be left out in silence, as no sheet knows of it."""
        names = set(layout.subfolders(folder, root)).difference(known)
        meant = self.codes if subject else ["s1"]
        for name in sorted(names):
            plain = re.sub("[0-9]+", "1", canonical(name))
            begun = [word for word in meant if word.startswith(plain[:3])]
            if close := get_close_matches(plain, meant, 1) or begun:
                yield Problem(
                    "error",
                    "folder and name disagree",
                    f"{layout.printable(folder / name)} is no folder of a "
                    + (f"class; {close[0]!r} is close" if subject else "subject, such as 's1'"),
                    "rename it, or move it out of the data set",
                    layout.printable(folder),
                    f"one of {', '.join(self.codes)}" if subject else "s and a number",
                )
        if subject and not any((folder / emotion).is_dir() for emotion in self.codes):
            yield Problem(
                "error",
                "missing frame folder",
                f"no class of subject {subject} lies in {layout.printable(folder)}",
                "copy the subject's folder again, or move it out of the data set",
                layout.printable(folder),
                f"folders such as {_EXAMPLE}",
            )

    def _read_clip(self, source: Source, class_folder: Path, root: Path) -> None:
        """Fill in the last row from its folder's name and frames."""
        row, emotion = source.rows[-1], class_folder.name
        row.cells = {"apex": "", "emotion": emotion, "action_units": ""}
        start = f"{row.subject}_{self.codes[emotion]}_"
        if not row.clip.startswith(start):
            row.fault(
                "folder and name disagree",
                f"the clip lies in {row.subject}/{emotion}",
                f"a name that starts with {start}",
                "move the folder to its subject and class, or rename it",
            )
        row.frames_dir = folder = class_folder / row.clip
        try:
            listing = layout.list_frames(folder, root)
        except MerError as error:
            row.faults.append(Problem.of(error))
            return
        source.listings[folder] = listing
        # A refused first or last frame is a missing one; the clip is no shorter by it.
        numbers = listing.refused_numbers.union(listing.frames)
        if listing.frames and len(numbers) > 1:
            row.cells |= {"onset": str(min(numbers)), "offset": str(max(numbers))}
        else:
            row.fault(
                "missing frames",
                f"{layout.printable(folder)} holds {len(numbers) or 'no'} frame",
                "numbered images, two at least, such as image000001.bmp",
                "copy the clip's frames again, or remove the empty folder",
            )
