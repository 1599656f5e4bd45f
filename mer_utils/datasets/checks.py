"""What a check reports besides errors: text that was not read, and what else lies about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mer_utils import phases
from mer_utils.datasets import action_units, plausible, rules
from mer_utils.datasets.dataset import SYNTHETIC_MARK
from mer_utils.datasets.problems import Problem, Severity
from mer_utils.datasets.rows import Row
from mer_utils.datasets.survey import Survey
from mer_utils.errors import MerError
from mer_utils.frames import layout
from mer_utils.frames.layout import printable
from mer_utils.frames.spotting import is_spotted

#: Files that belong in a root beside the sheet.
KNOWN_FILES = frozenset({SYNTHETIC_MARK, "ground_truth.parquet"})
_MAX_NAMED = 3
#: Of all clips; of more of another kind, the kind is how the data set comes.
_FEW = 0.1
_UNREAD = "none needed: the clip is used, and its units are left unread; or correct action_units"
#: What may lie in a folder besides frames: kind, what is said of it, remedy.
_LYING_ABOUT = {
    "clutter": (
        "clutter",
        "left about by the system or an editor, not read",
        "none needed; they may be removed",
    ),
    "unexpected": (
        "unexpected files",
        "not frames, not read",
        "none needed; remove them if they do not belong there",
    ),
    "refused": (
        "refused entries",
        "refused: no plain files, links that loop, lead nowhere or leave the root, or names that "
        "are not UTF-8",
        "replace links by the files themselves, and rename the files",
    ),
}


def findings(survey: Survey) -> list[Problem]:
    """Return the warnings and notes about a survey, beyond its own problems."""
    parts = (
        _unread_units, _peculiarities, _shifted, _lying_about, _unlisted_clips,
        _unpublished_counts, _left_out,
    )  # fmt: skip
    return [*lone(survey), *(problem for part in parts for problem in part(survey))]


def lone(survey: Survey) -> list[Problem]:
    """Return the warnings about lone subjects and classes."""
    rows = [row for row in survey.used if row.label]
    keys, labels = [row.key for row in rows], [row.label for row in rows]
    return list(plausible.classes(keys, labels, survey.source.place))


def _note(kind: str, said: str, remedy: str, place: object) -> Problem:
    return Problem("note", kind, said, remedy, printable(place))


def _unread_units(survey: Survey) -> Iterator[Problem]:
    for row in survey.source.rows:
        try:
            coding = action_units.parse(row.action_units)
        except MerError as e:
            said = f"{row.place}: {e.what}"
            yield Problem("warning", e.kind, said, _UNREAD, row.place, e.expected)
            continue
        words = ", ".join(repr(remark) for _, remark in coding.remarks if remark != "?")
        if words:
            said = f"{row.place}: {words} in {row.action_units!r} is kept as a remark"
            yield _note("remark among action units", said, "none needed", row.place)


def _left_out(survey: Survey) -> Iterator[Problem]:
    """Say what the rules leave out of the clips that the sheet names, which are counted."""
    if said := rules.left_out(row.reason for row in survey.source.rows):
        message = f"clips that the sheet names are left out: {said}"
        yield _note("clips left out", message, "none needed, if that is meant", survey.source.place)


def _peculiarities(survey: Survey) -> Iterator[Problem]:
    """Note the used clips that lack a phase, by reason."""
    for row in survey.used:
        if row.onset is None or row.offset is None or row.faults:
            continue
        if row.apex_source == "missing":
            kind, said = "missing apex", "no apex is annotated, so only the full view exists"
            remedy = "none needed, or choose missing_apex='spotted', 'midpoint' or 'drop'"
        elif missing := phases.missing_phases(
            row.onset, rules.cut(row.onset, row.apex, row.offset, row.apex_source), row.offset
        ):
            kind = "degenerate phase"
            said = f"fewer than two frames in {' and '.join(missing)}, so it has no such view"
            remedy = "none needed, or choose degenerate_phase='drop_clip'"
        else:
            continue
        yield _note(kind, f"{row.place}: {said}", remedy, row.place)
    if midpoint := sum(row.apex_source == "midpoint" for row in survey.used):
        said = f"{midpoint} clips have no annotated apex; it is set halfway"
        remedy = "none needed, or choose missing_apex='spotted', 'drop' or 'skip_view'"
        yield _note("apex at the midpoint", said, remedy, survey.source.place)
    if spotted := sum(is_spotted(row.apex_source) for row in survey.used):
        said = f"{spotted} clips have no annotated apex; it is estimated from their frames "
        said += f"({survey.dataset.missing_apex})"
        remedy = "none needed, or choose missing_apex='midpoint', 'drop' or 'skip_view'"
        yield _note("missing apex", said, remedy, survey.source.place)


def _shifted(survey: Survey) -> Iterator[Problem]:
    """Report clips that hold more frames than the sheet says, where all others hold just those.

    So does one whose frames were copied under numbers shifted by one, with one too many. Where
    folders hold longer recordings nothing shows it.
    """
    held: list[tuple[Row, int, int]] = []
    for row in survey.used:
        if row.frames_dir is None or row.onset is None or row.offset is None or row.faults:
            continue
        listing = survey.source.listings.get(row.frames_dir)
        if listing is not None and not os.path.isfile(row.frames_dir):
            held.append((row, len(listing.frames), row.offset - row.onset + 1))
    longer = [(row, there, said) for row, there, said in held if there > said]
    if len(longer) > _FEW * len(held):
        return
    for row, there, said in longer:
        message = f"{row.place}: {there} frames, but {said} from onset to offset, and only "
        message += f"{len(longer)} of {len(held)} clips hold others than those: their numbers may "
        message += "be shifted"
        remedy = "compare its first and last frame with the original data set"
        yield Problem("warning", "renumbered frames", message, remedy, row.place, f"{said} frames")


def _in_another_case(folder: Path, extra: list[str], known: set[str]) -> Iterator[Problem]:
    """Report folders that are not read, whose names are those of others but for their case."""
    meant = {name.casefold(): name for name in known}
    for name in extra:
        if twin := meant.get(name.casefold()):
            where = printable(folder)
            said = f"{where}: {printable(name)!r} is not read, beside {twin!r}"
            remedy = "keep the one that is meant, and move the other out of the data set"
            yield Problem("warning", "near-duplicate names", said, remedy, where, "one of them")


def _named(names: list[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:_MAX_NAMED])
    return shown + (", ..." if len(names) > _MAX_NAMED else "")


def _about_folder(place: Path, listing: layout.Listing) -> Iterator[Problem]:
    """Report the entries of one folder that are not used, one finding per kind."""
    where = printable(place)
    for entries, (kind, said, remedy) in _LYING_ABOUT.items():
        if names := getattr(listing, entries):
            severity: Severity = "warning" if entries == "refused" else "note"
            message = f"{where}: {len(names)} {said} ({_named(names)})"
            yield Problem(severity, kind, message, remedy, where)


def _lying_about(survey: Survey) -> Iterator[Problem]:
    """Report what lies about in the root, the folders of the subjects and those of the clips."""
    source, root = survey.source, survey.root
    for folder, listing in source.listings.items():
        yield from _about_folder(folder, listing)
    if source.free:
        return
    base = source.base or root
    expected = {source.place.name, *KNOWN_FILES}
    subjects = {base / row.subject for row in source.rows if row.frames_dir is not None}
    for folder in sorted({root, base, *subjects}):
        if not os.path.isdir(folder) or not layout.is_inside(folder, root):
            continue
        listing = layout.list_entries(folder, root, expected)
        yield from _about_folder(folder, listing)
        known = {row.subject for row in source.rows}
        extra = [name for name in listing.folders if name not in known]
        if folder == base:
            yield from _in_another_case(base, extra, known)
        if folder == base and extra:
            said = f"{len(extra)} folders that belong to no subject ({_named(extra)})"
            remedy = "none needed, unless a subject or clip is missing elsewhere: then move or "
            remedy += "rename it"
            yield _note("folders of no subject", f"{printable(base)}: {said}", remedy, base)


def _unlisted_clips(survey: Survey) -> Iterator[Problem]:
    """Report the clip folders that no row of the sheet names."""
    base = survey.source.base
    if base is None or survey.source.place == base:
        return
    known = {(row.subject, row.clip) for row in survey.source.rows}
    for subject in sorted({subject for subject, _ in known if layout.is_plain_name(subject)}):
        there = layout.subfolders(base / subject, survey.root)
        extra = [name for name in there if (subject, name) not in known]
        clips = {clip for of, clip in known if of == subject}
        yield from _in_another_case(base / subject, extra, clips)
        if extra:
            said = f"{printable(base / subject)}: {len(extra)} folders that the sheet does not name"
            remedy = "none needed if the sheet is the right edition"
            said += f" ({_named(extra)})"
            yield _note("clips not in the sheet", said, remedy, base / subject)


def _unpublished_counts(survey: Survey) -> Iterator[Problem]:
    """Note where a data set without a sheet differs from its published number of clips."""
    if survey.source.place != survey.source.base or (survey.root / SYNTHETIC_MARK).exists():
        return
    kind = "clips differ from the published number"
    remedy = "compare the folders with the original data set; some copies lack clips"
    for emotion, published in survey.dataset.published.emotions.items():
        there = sum(row.emotion == emotion for row in survey.source.rows)
        if there != published:
            said = f"{there} clips of {emotion}; {survey.dataset.title} was published with "
            yield _note(kind, f"{said}{published}", remedy, survey.root)
