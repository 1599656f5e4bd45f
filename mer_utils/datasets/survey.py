"""One pass over a data set, on which the clip table, the ledger and the check all rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from mer_utils import phases
from mer_utils.datasets import corrections, integrity, plausible, rules
from mer_utils.datasets.problems import Problem
from mer_utils.datasets.rows import Row, Source, interpret, leave_few
from mer_utils.frames import is_video, spotting
from mer_utils.frames.layout import Listing, printable

if TYPE_CHECKING:
    from mer_utils.datasets.framed import Framed

#: By folder or video, onset and offset: the files, if they can be listed, and what is wrong.
Judged = dict[tuple[Path, int, int], tuple[Listing | None, list[Problem]]]


#: Frames under other numbers are all there, a system that does not let them be read may soon, and
#: what decoding alone shows is not seen by a run: for none of them is a clip left out.
_NOT_LOST = {
    "renumbered frames", "cannot read", "undecodable frame", "bad frames", "no motion",
}  # fmt: skip


@dataclass
class Survey:
    """What one pass found: every row with its fate, and every problem.

    What was seen of frames, `judged` keeps for passes under other rules.
    """

    dataset: Framed
    root: Path
    source: Source
    problems: list[Problem] = field(default_factory=list)
    judged: Judged = field(default_factory=dict)

    @cached_property
    def places(self) -> set[Path]:
        """The folders of every row's clip and subject."""
        clips = {row.frames_dir for row in self.source.rows if row.frames_dir is not None}
        return clips | {clip.parent for clip in clips}

    @property
    def used(self) -> list[Row]:
        """The rows that the clip table has."""
        return [row for row in self.source.rows if not row.reason]


def annotated(dataset: Framed, root: Path) -> Survey:
    """Read what the data set in `root` says of its clips, corrected; no frame is looked at."""
    source = dataset.read(root)
    for row in source.rows:
        row.dataset = row.dataset or dataset.name
    survey = Survey(dataset, root, source, list(source.problems))
    known = corrections.packaged()
    if dataset.corrections is not None:
        own, said = corrections.read(Path(dataset.corrections), dataset.name)
        known, survey.problems = known + own, survey.problems + said
    clips = [row for row in source.rows if not row.reason]
    survey.problems += corrections.apply(clips, dataset.name, known)
    for row in clips:
        interpret(row)
    return survey


def take(dataset: Framed, root: Path, *, thorough: bool = False, decode: bool = False) -> Survey:
    """Read the data set in `root` and decide every row's fate.

    `thorough` looks at the frames of rows that the scheme leaves out, too. Problems of single
    rows are collected; a sheet that cannot be read at all raises `MerError`.
    """
    survey = annotated(dataset, root)
    if not thorough:
        survey.judged = dataset.judged
    source = survey.source
    clips = [row for row in source.rows if not row.reason]
    for row in clips:
        dataset.judge_label(row)
    _judge_repeats(clips)
    for row in clips:
        _judge_frame_numbers(row)
        _judge_phases(row, dataset)
    leave_few(clips, dataset.at_most)
    if source.base is None and not source.free:
        survey.problems.append(_no_base(dataset, root))
    for row in clips:
        if not row.faults and (thorough or not row.reason):
            _judge_frames(row, survey, decode, thorough)
    survey.problems += dataset.judge_table(survey)
    for row in clips:
        survey.problems += [p.demoted() for p in row.faults] if row.reason else row.faults
    survey.problems += plausible.names([row.key for row in survey.used], [])
    if dataset.verify_frames:
        survey.problems += _judge_copies(survey)
    return survey


def _judge_copies(survey: Survey) -> Iterator[Problem]:
    """Find clips that are copies: of another subject's by one frame, of the same one's by all."""
    ends: list[plausible.Picture] = []
    clips: dict[tuple[plausible.Key, str], Callable[[], list[plausible.Picture]]] = {}
    videos: set[Path] = set()
    for row in survey.used:
        key, folder = row.key, row.frames_dir
        if folder is None or row.faults or row.onset is None or row.offset is None:
            continue
        if (listing := survey.source.listings.get(folder)) is None:
            continue
        if is_video(folder):  # clips of one video share its bytes
            if folder not in videos:
                videos.add(folder)
                ends.append(plausible.Picture(key, row.label, "video", folder))
                clips[key, row.label] = partial(list, ends[-1:])
            continue
        shown = partial(_pictures, row, folder, listing)
        ends += shown(row.onset) + shown(row.offset)
        clips[key, row.label] = partial(shown, *range(row.onset, row.offset + 1))
    copied: dict[tuple[plausible.Key, plausible.Key], Problem] = {}
    for group in plausible.same(ends):
        first, *others = group
        if leak := plausible.across_subjects(group):
            copied.setdefault((first.key, first.key), leak)
            continue
        for other in others:
            one, two = clips[first.key, first.label](), clips[other.key, other.label]()
            alike = first.key != other.key and len(one) == len(two)
            if alike and all(map(plausible.same, zip(one, two, strict=True))):
                found = plausible.within_subject(one[0], two[0], "clip, frame by frame")
                copied.setdefault((first.key, other.key), found)
    yield from copied.values()


def _pictures(row: Row, folder: Path, listing: Listing, *numbers: int) -> list[plausible.Picture]:
    return [
        plausible.Picture(row.key, row.label, f"frame {number}", folder / listing.frames[number])
        for number in numbers
    ]


def _no_base(dataset: Framed, root: Path) -> Problem:
    return Problem(
        "error",
        "missing frame folder",
        f"no folder of a subject of {dataset.title} lies in {printable(root)}",
        "unpack the frames there, or point the root at the folder that holds sheet and frames",
        printable(root),
        "the frames, one folder per subject",
    )


def _judge_repeats(clips: list[Row]) -> None:
    first: dict[plausible.Key, Row] = {}
    for row in clips:
        original = first.setdefault(row.key, row)
        if original is row:
            continue
        if original.cells == row.cells:
            row.reason = f"repeats row {original.number}"
            row.fault(
                "repeated row", row.reason, "one row per clip", "remove it in a copy of the sheet"
            )
        else:
            row.fault(
                "contradicting rows",
                f"row {original.number} says something else about this clip",
                "one row per clip",
                "remove the wrong row in a copy of the sheet",
            )


def _judge_frame_numbers(row: Row) -> None:
    if row.onset is None or row.offset is None:
        return
    # As the sheet has them, where a correction is to find them.
    onset, offset = row.onset - row.shift, row.offset - row.shift
    apex = "/" if row.apex is None else row.apex - row.shift
    said = f"onset {onset}, apex {apex}, offset {offset}"
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
            f"old {apex}, new its true frame, or / to treat it as missing)",
        )


def _judge_phases(row: Row, dataset: Framed) -> None:
    if row.onset is None or row.offset is None or row.faults:
        return
    if row.apex is None:
        row.apex_source = "missing"
        if row.reason:
            return
        row.rules.append(f"missing_apex={dataset.missing_apex}")
        if dataset.missing_apex == "drop":
            row.reason = "no apex annotated (missing_apex=drop)"
        elif dataset.missing_apex == "midpoint":
            row.apex, row.apex_source = phases.midpoint_apex(row.onset, row.offset), "midpoint"
        elif spotting.is_spotted(dataset.missing_apex):
            row.apex_source = str(dataset.missing_apex)
    apex = rules.cut(row.onset, row.apex, row.offset, row.apex_source)
    missing = phases.missing_phases(row.onset, apex, row.offset)
    if row.reason or not missing:
        return
    if apex is not None or dataset.degenerate_phase == "drop_clip":
        row.rules.append(f"degenerate_phase={dataset.degenerate_phase}")
    if dataset.degenerate_phase == "drop_clip":
        row.reason = f"no {' and no '.join(missing)} phase (degenerate_phase=drop_clip)"


def _judge_frames(row: Row, survey: Survey, decode: bool, thorough: bool) -> None:
    if row.frames_dir is None or row.onset is None or row.offset is None:
        return
    place = row.frames_dir, row.onset, row.offset
    if place not in survey.judged:
        survey.judged[place] = _look(*place, survey, decode, thorough)
    found, faults = survey.judged[place]
    if found is not None:
        survey.source.listings[row.frames_dir] = found
    # What is no error keeps no clip from being used.
    survey.problems += [p for p in faults if p.severity != "error"]
    faults = [p for p in faults if p.severity == "error"]
    row.faults += faults
    lost = faults and all(f.kind not in _NOT_LOST for f in faults)
    if lost and survey.dataset.missing_frames == "drop_clip" and not row.reason:
        row.rules.append("missing_frames=drop_clip")
        row.reason = f"{faults[0].kind} (missing_frames=drop_clip)"


def _look(
    folder: Path, onset: int, offset: int, survey: Survey, decode: bool, thorough: bool
) -> tuple[Listing | None, list[Problem]]:
    """Return what a folder or video holds, if that can be told, and what is wrong with it."""
    least = None if thorough else offset  # what a video announces is counted by a check
    found = survey.source.listings.get(folder) or integrity.list_or_explain(
        folder, survey.root, survey.places, least
    )
    if isinstance(found, Problem):
        return None, [found]
    verify = survey.dataset.verify_frames
    return found, integrity.clip_faults(
        folder, found, onset, offset, verify=verify, decode=decode, deep=thorough and verify
    )
