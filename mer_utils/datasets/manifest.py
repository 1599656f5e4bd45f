"""A manifest: images made elsewhere, as a data set for everything after the views.

A manifest is a CSV, Excel or Parquet file with one row per image, for optical flow, somebody
else's dynamic images or any other picture of a clip. Its columns, in any order:

========== ===================================================================================
subject    Who is seen; leave-one-subject-out folds are made from it.
clip       Name of the clip; (dataset, subject, clip) is the key.
label      Class of the clip, the same in all its rows.
image      Path of the image, relative to the manifest's own folder, and inside it.
dataset    Optional. Name of the data set; the default is the file's name without its suffix.
view       Optional. What the image shows: ``full`` (the default), ``onset_apex``,
           ``apex_offset`` or another of :data:`mer_utils.phases.VIEWS`.
horizontal Optional. Of optical flow: the channel of its horizontal component, ``red``,
           ``green`` or ``blue``, with zero at mid-grey.
========== ===================================================================================

Further columns are ignored. The clip table has one column more:

images
    A dict of view name to the image's absolute path (str).

The columns that only frames can fill are empty: onset, apex and offset are missing,
apex_source is ``"missing"``, action_units and frames_dir are ``""``, fps is NaN; emotion repeats
the label. The categories of label are the manifest's own labels, numbers in numeric order and
words in alphabetical order, unless a scheme names them. Where a manifest holds several data
sets, subjects are prefixed as in ``"casme2-sub01"``, so that no fold mixes two people.

Examples
--------
>>> import tempfile
>>> from pathlib import Path
>>> folder = Path(tempfile.mkdtemp())
>>> for name in ("a.png", "b.png", "c.png"):
...     data = bytes.fromhex("89504e470d0a1a0a") + name.encode() + b"IEND"
...     _ = (folder / name).write_bytes(data)
>>> _ = (folder / "flow.csv").write_text('''subject,clip,label,image,view
... s1,c1,positive,a.png,full
... s1,c1,positive,b.png,onset_apex
... s2,c9,negative,c.png,full
... ''')
>>> table = Manifest(folder / "flow.csv").clips()
>>> table[["dataset", "subject", "clip", "label"]]
  dataset subject clip     label
0    flow      s1   c1  positive
1    flow      s2   c9  negative
>>> [sorted(images) for images in table["images"]]
[['full', 'onset_apex'], ['full']]
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from mer_utils.datasets import schema, schemes
from mer_utils.datasets.dataset import Dataset, Root, absolute
from mer_utils.datasets.ledger import ledger_of
from mer_utils.datasets.manifest_rows import ManifestSurvey, take
from mer_utils.datasets.problems import Problem, in_order, raise_errors, remarkable
from mer_utils.datasets.rows import Row
from mer_utils.errors import MerError
from mer_utils.frames.layout import printable


@dataclass(frozen=True)
class Manifest(Dataset):
    """A table of images; the rules for frames do not concern it.

    Parameters
    ----------
    root : path
        The manifest's file, or a folder that holds no other table.
    scheme : str or Scheme, optional
        Whose classes the labels are; None takes the manifest's own labels.
    sheet : str, optional
        The worksheet to read, where the file holds several; or the delimiter of a text file
        (comma, semicolon or tab).
    columns : sequence of str
        Columns by title or letter, where several fit or none does: ``("image=flow_path",)``.
    at_most : int, optional
        How many subjects are left: those who have most images. The rows of others are left out.
    """

    root: Root
    scheme: Any = None
    sheet: str | None = None
    columns: tuple[str, ...] = ()
    at_most: int | None = None

    name = "manifest"
    title = "table of images"

    def __post_init__(self) -> None:
        root = absolute(self.root)
        filled = {
            "root": root,
            "columns": tuple(self.columns),
            "scheme": schemes.of_table(self.scheme),
            "name": f"manifest:{root.stem}",
            "title": f"images of the manifest {root.name}",
        }
        for name, value in filled.items():
            object.__setattr__(self, name, value)

    @property
    def remarks(self) -> list[Problem]:
        """What to know before anything is run on these images."""
        return remarkable(self._survey.problems)

    @property
    def horizontal(self) -> str:
        """The channel that holds a horizontal flow; empty if none is named."""
        return self._survey.rows[0].cells["horizontal"]

    def clips(self) -> pd.DataFrame:
        """Return the clip table, with the further column `images`."""
        clips: dict[tuple[str, str, str], Row] = {}
        images: dict[tuple[str, str, str], dict[str, str]] = {}
        for row in self._survey.rows:
            if not row.reason:
                clips.setdefault(row.key, row)
                image = os.path.normpath(self._survey.path.parent / row.cells["image"])
                images.setdefault(row.key, {})[row.cells["view"]] = image
        rows = list(clips.values())
        table = schema.of_rows(rows, self._survey.classes, [row.fps for row in rows])
        table["images"] = pd.Series(list(images.values()), dtype=object)
        if len(set(table["dataset"])) > 1:
            table = schema.prefixed(table)
        return schema.finished(table)

    def check(self, decode: bool = False) -> list[Problem]:
        """Return every problem, worst first."""
        try:
            survey = self._take(decode)
        except MerError as failure:
            return [Problem.of(failure)]
        return in_order([*survey.problems, *_peculiarities(survey)])

    def ledger(self) -> pd.DataFrame:
        """Return one line per row of the manifest."""
        return ledger_of(self._survey.rows)

    def _take(self, decode: bool = False) -> ManifestSurvey:
        sheet = str(self.sheet or "")
        return take(self.root, self.scheme, decode, sheet, self.columns, self.at_most)

    @cached_property
    def _survey(self) -> ManifestSurvey:
        survey = self._take()
        raise_errors(survey.problems)
        return survey


def _peculiarities(survey: ManifestSurvey) -> list[Problem]:
    """Return the warnings and notes about a manifest."""
    problems = []
    views: dict[tuple[str, str, str], set[str]] = {}
    for row in survey.rows:
        views.setdefault(row.key, set()).add(row.cells["view"])
        if row.reason:
            said, remedy = f"{row.place} {row.reason}", "none needed: it is left out"
            problems.append(Problem("warning", "repeated row", said, remedy, row.place))
    sound = all(problem.severity != "error" for problem in survey.problems)
    if sound and views and set().union(*views.values()) == {"full"}:
        problems.append(
            Problem(
                "note",
                "full view only",
                "every image shows the view full, so nothing can be trained on phases",
                "add images of the views onset_apex and apex_offset to compare dual with single",
                printable(survey.path),
            )
        )
    return problems
