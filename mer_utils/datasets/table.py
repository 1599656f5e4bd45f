"""The three views of one survey: the clip table, the list of problems and the ledger."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pandas as pd

from mer_utils.datasets import manifest, schema, schemes
from mer_utils.datasets.problems import raise_errors
from mer_utils.datasets.schemes import Scheme
from mer_utils.datasets.survey import Survey, dataset_named, options_for, take
from mer_utils.errors import MerError

Root = str | os.PathLike[str]


def clip_table(survey: Survey) -> pd.DataFrame:
    """Return the clip table of a survey without errors, checked and sorted by key."""
    rows = survey.used
    text = {
        "dataset": [survey.dataset.name] * len(rows),
        "subject": [row.subject for row in rows],
        "clip": [row.clip for row in rows],
        "apex_source": [row.apex_source for row in rows],
        "emotion": [row.emotion for row in rows],
        "action_units": [row.action_units for row in rows],
        "frames_dir": [str(row.frames_dir) for row in rows],
    }
    frames = {
        "onset": [row.onset for row in rows],
        "apex": [row.apex for row in rows],
        "offset": [row.offset for row in rows],
    }
    columns = {
        **{name: pd.Series(values, dtype="str") for name, values in text.items()},
        **{name: pd.Series(values, dtype="Int64") for name, values in frames.items()},
        "label": pd.Categorical([row.label for row in rows], survey.scheme.classes),
        "fps": pd.Series(survey.dataset.fps, index=range(len(rows)), dtype="float64"),
    }
    return schema.finished(pd.DataFrame(columns)[schema.COLUMNS])


def load(
    dataset: str,
    root: Root,
    scheme: str | Scheme | None = None,
    *,
    corrections: Root | None = None,
    missing_apex: str | None = None,
    degenerate_phase: str = "skip_view",
    missing_frames: str = "error",
    sheet: Root | None = None,
    verify_frames: bool = True,
) -> pd.DataFrame:
    """Load the clip table of a data set, one row a clip.

    Parameters
    ----------
    dataset : str
        ``"casme2"``, ``"samm"``, ``"smic"`` or ``"manifest"``.
    root : path
        Folder with the sheet and the frames; for a manifest, its file.
    scheme : str or Scheme, optional
        Label scheme; None takes the data set's default (five classes; three for SMIC; the
        manifest's own labels).
    corrections : path, optional
        A corrections CSV, applied after the one that comes with the package.
    missing_apex : {"skip_view", "drop", "midpoint"}, optional
        What becomes of a clip without an apex: it stays, with the ``full`` view only; it is
        left out; or its apex is set halfway. None takes the data set's own: ``skip_view``, but
        ``midpoint`` for SMIC, which annotates no apex at all.
    degenerate_phase : {"skip_view", "drop_clip"}
        What becomes of a clip where half of it has fewer than two frames (or does not exist,
        for want of an apex): it stays without that view, or is left out.
    missing_frames : {"error", "drop_clip", "nearest"}
        What becomes of a clip with frames missing between onset and offset. ``drop_clip`` also
        leaves out clips with damaged frames. ``nearest`` keeps clips of which some frames
        exist, for `clip_frames` to fill the gaps.
    sheet : path, optional
        The sheet to read, where the root holds several.
    verify_frames : bool
        Glance at the first and last bytes of every frame. False only lists the folders, which
        is faster on a slow disk.

    Returns
    -------
    DataFrame
        Columns dataset, subject, clip (together the key), onset, apex, offset (the data set's
        own frame numbers, both ends inclusive; apex may be missing), apex_source, emotion,
        label (categories are the scheme's classes in order), action_units, fps, frames_dir.
        Sorted by key, index 0..n-1. A manifest's table is described in
        `mer_utils.datasets.manifest`.

    Raises
    ------
    MerError
        On any error that concerns a clip in use, naming the first and counting the others.
    """
    if dataset == "manifest":
        return manifest.load(root, scheme)
    known = dataset_named(dataset)
    options = options_for(
        known,
        missing_apex=missing_apex,
        corrections=corrections,
        degenerate_phase=degenerate_phase,
        missing_frames=missing_frames,
        sheet=sheet,
        verify_frames=verify_frames,
    )
    survey = take(known, root, schemes.resolve(dataset, scheme), options)
    raise_errors(survey.problems)
    return clip_table(survey)


def load_composite(
    roots: Mapping[str, Root], scheme: str | Scheme = "megc-3", **options: Any
) -> pd.DataFrame:
    """Load several data sets as one clip table, such as the MEGC2019 composite.

    Parameters
    ----------
    roots : mapping of str to path
        Data set name to root: ``{"casme2": ..., "samm": ..., "smic": ...}``.
    scheme : str or Scheme
        A scheme that labels all of them.
    **options
        The keyword options of `load`; `corrections` may name rows of every data set. A rule
        for a missing apex that is not chosen is each data set's own.

    Returns
    -------
    DataFrame
        As `load`, with subjects prefixed by data set, as in ``"casme2-sub01"``.

    Raises
    ------
    MerError
        As `load`, and if `roots` is empty.
    """
    if not roots:
        raise MerError(
            "TODO",
            "the composite names no data set",
            "at least one",
            "name data sets and their roots",
        )
    tables = [load(dataset, root, scheme, **options) for dataset, root in roots.items()]
    return schema.finished(schema.prefixed(pd.concat(tables, ignore_index=True)))
