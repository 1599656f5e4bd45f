"""One pass over a data set, on which the clip table, the ledger and the check all rest."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from mer_utils import phases
from mer_utils.datasets import corrections, integrity, layout, rules
from mer_utils.datasets.casme2 import CASME2
from mer_utils.datasets.problems import Problem, fail
from mer_utils.datasets.samm import SAMM
from mer_utils.datasets.schemes import Scheme
from mer_utils.datasets.smic import SMIC
from mer_utils.datasets.source import DataSet, Row, Source, interpret
from mer_utils.errors import MerError

DATASETS: dict[str, DataSet] = {known.name: known for known in (CASME2, SAMM, SMIC)}


@dataclass(frozen=True)
class Options:
    """The rules by which clips are used or left out; see `mer_utils.datasets.load`."""

    missing_apex: str
    degenerate_phase: str = "skip_view"
    missing_frames: str = "error"
    corrections: str | Path | None = None
    sheet: str | Path | None = None
    verify_frames: bool = True

    def __post_init__(self) -> None:
        rules.require_option("missing_apex", self.missing_apex, rules.MISSING_APEX)
        rules.require_option("degenerate_phase", self.degenerate_phase, rules.DEGENERATE_PHASE)
        rules.require_option("missing_frames", self.missing_frames, rules.MISSING_FRAMES)


def options_for(dataset: DataSet, **chosen: Any) -> Options:
    """Return the options of `load`, with the data set's own rule for a missing apex.

    Raises
    ------
    MerError
        If an option or its value is unknown.
    """
    unknown = sorted(set(chosen) - {option.name for option in fields(Options)})
    if unknown:
        raise MerError(
            "TODO",
            f"option {unknown[0]!r} is unknown",
            f"one of {', '.join(option.name for option in fields(Options))}",
            "correct its name",
        )
    chosen["missing_apex"] = chosen.get("missing_apex") or dataset.missing_apex
    return Options(**chosen)


@dataclass
class Survey:
    """What one pass found: every row with its fate, and every problem."""

    dataset: DataSet
    scheme: Scheme
    source: Source
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def places(self) -> set[Path]:
        """The folders of every row's clip and subject."""
        clips = {row.frames_dir for row in self.source.rows if row.frames_dir is not None}
        return clips | {clip.parent for clip in clips}

    @property
    def used(self) -> list[Row]:
        """The rows that the clip table has."""
        return [row for row in self.source.rows if not row.reason]


def checked_root(root: str | os.PathLike[str], title: str) -> Path:
    """Return the root as an absolute path.

    Raises
    ------
    MerError
        If it is no folder.
    """
    path = Path(os.path.abspath(Path(root).expanduser()))
    if not path.is_dir():
        raise fail(
            "missing root",
            f"the root of {title}, {layout.printable(path)}, "
            + ("is not a folder" if path.exists() else "does not exist"),
            "a folder with the data set",
            "name the folder that holds the sheet and the frames",
            layout.printable(path),
        )
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        # The clip table and every file made from it are UTF-8.
        raise fail(
            "bad name",
            f"the name of the root of {title}, {layout.printable(path)}, is not UTF-8",
            "a path that is UTF-8 throughout",
            "rename the folder, or move the data set",
            layout.printable(path),
        ) from error
    if not os.access(path, os.R_OK | os.X_OK):
        raise fail(
            "missing root",
            f"the root of {title}, {layout.printable(path)}, may not be read",
            "a folder that you may read",
            "ask its owner for permission to read it and the folders in it",
            layout.printable(path),
        )
    return path


def dataset_named(name: str) -> DataSet:
    """Return the data set of that name, or raise `MerError`."""
    if name not in DATASETS:
        raise MerError(
            "TODO",
            f"data set {name!r} is unknown",
            f"one of {', '.join([*DATASETS, 'manifest'])}",
            "choose one of them",
        )
    return DATASETS[name]


def take(
    dataset: DataSet,
    root: str | os.PathLike[str],
    scheme: Scheme,
    options: Options,
    *,
    thorough: bool = False,
    decode: Callable[[Path], str | None] | None = None,
) -> Survey:
    """Read the data set in `root` and decide every row's fate.

    Parameters
    ----------
    dataset, root, scheme, options
        What to read, and by which rules.
    thorough : bool
        Look at the frames of rows that the scheme leaves out, too.
    decode : callable, optional
        Takes a frame's path, returns what is wrong with it or None; called for every frame
        from onset to offset.

    Raises
    ------
    MerError
        If the root or the sheet cannot be read at all. Problems of single rows are collected.
    """
    path = checked_root(root, dataset.title)
    source = dataset.read(path, options.sheet)
    survey = Survey(dataset, scheme, source, list(source.problems))
    known = corrections.packaged()
    if options.corrections is not None:
        known += corrections.read(options.corrections)
    clips = [row for row in source.rows if not row.reason]
    survey.problems += corrections.apply(clips, dataset.name, known)
    for row in clips:
        interpret(row)
        _judge_emotion(row, dataset, scheme)
    _judge_repeats(clips)
    for row in clips:
        _judge_frame_numbers(row)
        _judge_phases(row, options)
    if source.base is None:
        survey.problems.append(_no_base(dataset, path))
    for row in clips:
        if not row.faults and (thorough or not row.reason):
            _judge_frames(row, survey, path, options, decode)
    for row in clips:
        survey.problems += [p.demoted() for p in row.faults] if row.reason else row.faults
    return survey


def _no_base(dataset: DataSet, root: Path) -> Problem:
    return Problem(
        "error",
        "missing frame folder",
        f"no folder of a subject of {dataset.title} lies in {layout.printable(root)}",
        "unpack the frames there, or point the root at the folder that holds sheet and frames",
        layout.printable(root),
        "the frames, one folder a subject",
    )


def _judge_emotion(row: Row, dataset: DataSet, scheme: Scheme) -> None:
    if row.emotion not in dataset.emotions:
        close = get_close_matches(row.emotion, sorted(dataset.emotions), 1)
        row.fault(
            "unknown emotion",
            f"emotion {row.emotion!r} is not one of {dataset.title}'s"
            + (f"; {close[0]!r} is close" if close else ""),
            f"one of {', '.join(sorted(dataset.emotions))}",
            "correct the cell in a copy of the sheet, or add a corrections row for emotion",
        )
        return
    label = scheme.label(dataset.name, row.emotion)
    excluded = scheme.exclusions.get((dataset.name, row.subject, row.clip))
    if label is None:
        row.reason = f"emotion {row.emotion} is not in {scheme.name}"
    elif excluded is not None:
        row.reason = excluded
    else:
        row.label = label


def _judge_repeats(clips: list[Row]) -> None:
    first: dict[tuple[str, str], Row] = {}
    for row in clips:
        original = first.setdefault((row.subject, row.clip), row)
        if original is row:
            continue
        if original.cells == row.cells:
            row.reason = f"repeats row {original.number}"
            row.fault("repeated row", row.reason, "one row a clip", "none needed: it is left out")
        else:
            row.fault(
                "contradicting rows",
                f"row {original.number} says something else about this clip",
                "one row a clip",
                "remove the wrong row in a copy of the sheet",
            )


def _judge_frame_numbers(row: Row) -> None:
    if row.onset is None or row.offset is None:
        return
    said = f"onset {row.onset}, apex {'/' if row.apex is None else row.apex}, offset {row.offset}"
    if row.onset >= row.offset:
        row.fault(
            "onset after offset" if row.onset > row.offset else "clip of one frame",
            said,
            "onset before offset",
            "add a corrections row for onset or offset, or correct a copy of the sheet",
        )
    elif row.apex is not None and not row.onset <= row.apex <= row.offset:
        row.fault(
            "apex outside the clip",
            said,
            "onset <= apex <= offset",
            "look at the frames and add a corrections row for apex (field apex, "
            f"old {row.apex}, new its true frame, or / to treat it as missing)",
        )


def _judge_phases(row: Row, options: Options) -> None:
    if row.onset is None or row.offset is None or row.faults:
        return
    if row.apex is None:
        row.apex_source = "missing"
        if row.reason:
            return
        row.rules.append(f"missing_apex={options.missing_apex}")
        if options.missing_apex == "drop":
            row.reason = "no apex annotated (missing_apex=drop)"
        elif options.missing_apex == "midpoint":
            row.apex, row.apex_source = phases.midpoint_apex(row.onset, row.offset), "midpoint"
    missing = phases.missing_phases(row.onset, row.apex, row.offset)
    if row.reason or not missing:
        return
    if row.apex is not None or options.degenerate_phase == "drop_clip":
        row.rules.append(f"degenerate_phase={options.degenerate_phase}")
    if options.degenerate_phase == "drop_clip":
        row.reason = f"no {' and no '.join(missing)} phase (degenerate_phase=drop_clip)"


def _judge_frames(
    row: Row,
    survey: Survey,
    root: Path,
    options: Options,
    decode: Callable[[Path], str | None] | None,
) -> None:
    if row.frames_dir is None or row.onset is None or row.offset is None:
        return
    folder, listings = row.frames_dir, survey.source.listings
    found = listings.get(folder) or integrity.list_or_explain(folder, root, survey.places)
    if isinstance(found, Problem):
        faults, there = [found], False
    else:
        listings[folder] = found
        there = any(row.onset <= number <= row.offset for number in found.frames)
        faults = integrity.clip_faults(
            folder, found, row.onset, row.offset, verify=options.verify_frames, decode=decode
        )
    if faults and options.missing_frames == "drop_clip" and not row.reason:
        row.rules.append("missing_frames=drop_clip")
        row.reason = f"{faults[0].kind} (missing_frames=drop_clip)"
    for problem in faults:
        if problem.kind == "missing frames" and options.missing_frames == "nearest" and there:
            row.rules.append("missing_frames=nearest")
            problem = problem.demoted()
        row.faults.append(problem)
