"""What a check reports besides errors: text that was not read, and what else lies about."""

from __future__ import annotations

import os
from pathlib import Path

from mer_utils import phases
from mer_utils.datasets import action_units
from mer_utils.datasets.dataset import SYNTHETIC_MARK
from mer_utils.datasets.problems import Problem, Severity
from mer_utils.datasets.survey import Survey
from mer_utils.errors import MerError
from mer_utils.frames import layout
from mer_utils.frames.layout import printable

#: Files that belong in a root beside the sheet.
KNOWN_FILES = frozenset({SYNTHETIC_MARK, "ground_truth.parquet"})
_MAX_NAMED = 3


def findings(survey: Survey) -> list[Problem]:
    """Return the warnings and notes about a survey, beyond its own problems."""
    return [
        *_unread_units(survey),
        *_peculiarities(survey),
        *_lying_about(survey),
        *_unlisted_clips(survey),
        *_unpublished_counts(survey),
    ]


def _unread_units(survey: Survey) -> list[Problem]:
    found = []
    for row in survey.source.rows:
        try:
            coding = action_units.parse(row.action_units)
        except MerError as e:
            said = f"{row.place}: {e.what}"
            found.append(Problem("warning", e.kind, said, e.remedy, row.place, e.expected))
            continue
        words = [remark for _, remark in coding.remarks if remark != "?"]
        if words:
            found.append(
                Problem(
                    "note",
                    "remark among action units",
                    f"{row.place}: {', '.join(map(repr, words))} in {row.action_units!r} is kept "
                    "as a remark",
                    "none needed",
                    row.place,
                )
            )
    return found


def _peculiarities(survey: Survey) -> list[Problem]:
    """Note the used clips that lack a phase, by reason."""
    found = []
    for row in survey.used:
        if row.onset is None or row.offset is None or row.faults:
            continue
        if row.apex_source == "missing":
            kind, said = "missing apex", "no apex is annotated, so only the full view exists"
            remedy = "none needed, or choose missing_apex='drop' or 'midpoint'"
        elif missing := phases.missing_phases(row.onset, row.apex, row.offset):
            kind = "degenerate phase"
            said = f"fewer than two frames in {' and '.join(missing)}, so it has no such view"
            remedy = "none needed, or choose degenerate_phase='drop_clip'"
        else:
            continue
        found.append(Problem("note", kind, f"{row.place}: {said}", remedy, row.place))
    midpoint = [row for row in survey.used if row.apex_source == "midpoint"]
    if midpoint:
        found.append(
            Problem(
                "note",
                "apex at the midpoint",
                f"{len(midpoint)} clips have no annotated apex; it is set halfway",
                "none needed, or choose missing_apex='drop' or 'skip_view'",
                printable(survey.source.place),
            )
        )
    return found


def _named(names: list[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:_MAX_NAMED])
    return shown + (", ..." if len(names) > _MAX_NAMED else "")


def _about_folder(place: Path, listing: layout.Listing) -> list[Problem]:
    """Report the entries of one folder that are not used, one finding a kind."""
    where = printable(place)
    kinds: list[tuple[Severity, str, list[str], str, str]] = [
        (
            "note",
            "clutter",
            listing.clutter,
            "left about by the system or an editor, not read",
            "none needed; they may be removed",
        ),
        (
            "note",
            "unexpected files",
            listing.unexpected,
            "not frames, not read",
            "none needed; remove them if they do not belong there",
        ),
        (
            "warning",
            "refused entries",
            listing.refused,
            "refused: no plain files, links that loop, lead nowhere or leave the root, or names "
            "that are not UTF-8",
            "replace links by the files themselves, and rename the files",
        ),
    ]
    return [
        Problem(severity, kind, f"{where}: {len(names)} {said} ({_named(names)})", remedy, where)
        for severity, kind, names, said, remedy in kinds
        if names
    ]


def _lying_about(survey: Survey) -> list[Problem]:
    """Report what lies about in the root, the folders of the subjects and those of the clips."""
    found, root = [], survey.root
    for folder, listing in survey.source.listings.items():
        found += _about_folder(folder, listing)
    base = survey.source.base or root
    expected = {survey.source.place.name, *KNOWN_FILES}
    subjects = {base / row.subject for row in survey.source.rows if row.frames_dir is not None}
    for folder in sorted({root, base, *subjects}):
        if not os.path.isdir(folder) or not layout.is_inside(folder, root):
            continue
        listing = layout.list_entries(folder, root, expected)
        found += _about_folder(folder, listing)
        if folder == base:
            known = {row.subject for row in survey.source.rows}
            found += _of_no_subject(base, [name for name in listing.folders if name not in known])
    return found


def _unlisted_clips(survey: Survey) -> list[Problem]:
    """Report the clip folders that no row of the sheet names."""
    base = survey.source.base
    if base is None or survey.source.place == base:
        return []
    known = {(row.subject, row.clip) for row in survey.source.rows}
    found = []
    for subject in sorted({subject for subject, _ in known if layout.is_plain_name(subject)}):
        extra = [
            name
            for name in layout.subfolders(base / subject, survey.root)
            if (subject, name) not in known
        ]
        if extra:
            where = printable(base / subject)
            found.append(
                Problem(
                    "note",
                    "clips not in the sheet",
                    f"{where}: {len(extra)} folders that the sheet does not name ({_named(extra)})",
                    "none needed if the sheet is the right edition",
                    where,
                )
            )
    return found


def _of_no_subject(base: Path, extra: list[str]) -> list[Problem]:
    """Report the folders beside the subjects' that are none, such as one misspelt or moved."""
    if not extra:
        return []
    where = printable(base)
    return [
        Problem(
            "note",
            "folders of no subject",
            f"{where}: {len(extra)} folders that belong to no subject ({_named(extra)})",
            "none needed, unless a subject or clip is missing elsewhere: then move or rename it",
            where,
        )
    ]


def _unpublished_counts(survey: Survey) -> list[Problem]:
    """Note where a data set without a sheet differs from its published number of clips."""
    if survey.source.place != survey.source.base or (survey.root / SYNTHETIC_MARK).exists():
        return []
    found = []
    for emotion, published in survey.dataset.published.emotions.items():
        there = sum(row.emotion == emotion for row in survey.source.rows)
        if there != published:
            found.append(
                Problem(
                    "note",
                    "clips differ from the published number",
                    f"{there} clips of {emotion}; {survey.dataset.title} was published with "
                    f"{published}",
                    "compare the folders with the original data set; some copies lack clips",
                    printable(survey.root),
                )
            )
    return found
