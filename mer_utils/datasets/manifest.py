"""A manifest: images made elsewhere, as a data set for everything after the views.

A manifest is a CSV, Excel or Parquet file with one row an image, for optical flow, somebody
else's dynamic images or any other picture of a clip. Its columns, in any order:

======== ===================================================================================
subject  Who is seen; leave-one-subject-out folds are made from it.
clip     Name of the clip; (dataset, subject, clip) is the key.
label    Class of the clip, the same in all its rows.
image    Path of the image, relative to the manifest's own folder, and inside it.
dataset  Optional. Name of the data set; the default is the file's name without its suffix.
view     Optional. ``full`` (the default), ``onset_apex`` or ``apex_offset``: which phase of
         the clip the image shows.
======== ===================================================================================

Further columns are ignored. `load` returns the clip table of `mer_utils.datasets.load`, one row
a clip, with one column more:

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
>>> for name in ("a.png", "b.png"):
...     _ = (folder / name).write_bytes(bytes.fromhex("89504e470d0a1a0a") + b"IEND")
>>> _ = (folder / "flow.csv").write_text('''subject,clip,label,image,view
... s1,c1,positive,a.png,full
... s1,c1,positive,b.png,onset_apex
... s2,c9,negative,b.png,full
... ''')
>>> table = load(folder / "flow.csv")
>>> table[["dataset", "subject", "clip", "label"]]
  dataset subject clip     label
0    flow      s1   c1  positive
1    flow      s2   c9  negative
>>> [sorted(images) for images in table["images"]]
[['full', 'onset_apex'], ['full']]
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from mer_utils.datasets import layout, schema
from mer_utils.datasets.manifest_rows import ImageRow, take
from mer_utils.datasets.problems import DataProblem, Problem, raise_errors
from mer_utils.datasets.schemes import Scheme
from mer_utils.errors import MerError


def load(
    root: str | os.PathLike[str], scheme: str | Scheme | None = None, **options: Any
) -> pd.DataFrame:
    """Load a manifest as a clip table with the further column `images`.

    Parameters
    ----------
    root : path
        The manifest's file, or a folder that holds no other table.
    scheme : str or Scheme, optional
        Whose classes the labels are; None takes the manifest's own labels.
    **options
        None is known: the rules for frames do not concern images made elsewhere.

    Returns
    -------
    DataFrame
        As described at the head of this module.

    Raises
    ------
    MerError
        On any error in the manifest or its images.
    """
    _no_options(options)
    survey = take(root, scheme)
    raise_errors(survey.problems)
    clips: dict[tuple[str, str, str], ImageRow] = {}
    images: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in survey.rows:
        if not row.reason:
            clips.setdefault(row.key, row)
            image = os.path.normpath(survey.path.parent / row.cells["image"])
            images.setdefault(row.key, {})[row.cells["view"]] = image
    labels = [row.cells["label"] for row in clips.values()]
    count = range(len(clips))
    key = pd.DataFrame(list(clips), columns=schema.KEY, dtype="str")
    table = key.assign(
        **{name: pd.Series(pd.NA, index=count, dtype="Int64") for name in schema.FRAME_COLUMNS},
        apex_source=pd.Series("missing", index=count, dtype="str"),
        emotion=pd.Series(labels, dtype="str"),
        label=pd.Categorical(labels, survey.classes),
        action_units=pd.Series("", index=count, dtype="str"),
        fps=pd.Series(float("nan"), index=count),
        frames_dir=pd.Series("", index=count, dtype="str"),
        images=pd.Series(list(images.values()), dtype=object),
    )
    if len(set(table["dataset"])) > 1:
        table = schema.prefixed(table)
    return schema.finished(table[[*schema.COLUMNS, "images"]])


def check_manifest(
    root: str | os.PathLike[str],
    scheme: str | Scheme | None = None,
    *,
    decode: Callable[[Path], str | None] | None = None,
    **options: Any,
) -> list[Problem]:
    """Return every problem of a manifest; see `mer_utils.datasets.check`."""
    _no_options(options)
    try:
        survey = take(root, scheme, decode)
    except DataProblem as failure:
        return [failure.problem]
    problems = survey.problems
    views: dict[tuple[str, str, str], set[str]] = {}
    for row in survey.rows:
        views.setdefault(row.key, set()).add(row.cells["view"])
        if row.reason:
            where = f"manifest row {row.number}"
            message = f"{where} {row.reason}"
            problems.append(
                Problem("warning", "repeated row", message, "none needed: it is left out", where)
            )
    for key, found in views.items():
        if "full" not in found:
            name = " ".join(key)
            problems.append(
                Problem(
                    "warning",
                    "no full view",
                    f"clip {name} has only {', '.join(sorted(found))}, so it cannot be tested on "
                    "the full view",
                    "add an image for the view full",
                    name,
                )
            )
    sound = all(problem.severity != "error" for problem in problems)
    if sound and views and set().union(*views.values()) == {"full"}:
        problems.append(
            Problem(
                "note",
                "full view only",
                "every image shows the view full, so dual trains on the same images as single",
                "add images of the views onset_apex and apex_offset, or do not compare the two",
                layout.printable(survey.path),
            )
        )
    return problems


def manifest_ledger(
    root: str | os.PathLike[str], scheme: str | Scheme | None = None, **options: Any
) -> pd.DataFrame:
    """Return one line for every row of a manifest; see `mer_utils.datasets.ledger`."""
    _no_options(options)
    survey = take(root, scheme)
    raise_errors(survey.problems)
    return pd.DataFrame(
        [
            {
                "row": row.number,
                **dict(zip(schema.KEY, row.key, strict=True)),
                "emotion": row.cells["label"],
                "label": "" if row.reason else row.cells["label"],
                "status": "left out" if row.reason else "used",
                "reason": row.reason,
                "apex_source": "missing",
                "rules": "",
            }
            for row in survey.rows
        ]
    )


def _no_options(options: dict[str, Any]) -> None:
    chosen = sorted(name for name, value in options.items() if value is not None)
    if chosen:
        raise MerError(
            "TODO",
            f"option {chosen[0]!r} does not apply to a manifest",
            "none of the rules for frames",
            "leave it out",
        )
