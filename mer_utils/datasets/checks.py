"""Every problem of a data set, found in one pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mer_utils import phases
from mer_utils.datasets import action_units, layout, schemes
from mer_utils.datasets.problems import SEVERITIES, DataProblem, Problem, Severity
from mer_utils.datasets.schemes import Scheme
from mer_utils.datasets.source import DataSet, Row
from mer_utils.datasets.survey import Survey, checked_root, dataset_named, options_for, take

#: Marks the root of a made data set, whose clips are not meant to be complete.
SYNTHETIC_MARK = "synthetic.json"
#: Files that belong in a root beside the sheet.
KNOWN_FILES = frozenset({SYNTHETIC_MARK, "ground_truth.parquet"})
_MAX_NAMED = 3


def check(
    dataset: str,
    root: str | os.PathLike[str],
    scheme: str | Scheme | None = None,
    *,
    decode: Callable[[Path], str | None] | None = None,
    **options: Any,
) -> list[Problem]:
    """Return every problem of a data set, worst first.

    Parameters
    ----------
    dataset, root, scheme
        As in `load`.
    decode : callable, optional
        Takes a frame's path and returns what is wrong with it, or None. Called for every
        frame from onset to offset; without it no frame is decoded, and only the first and
        last bytes of each are looked at.
    **options
        The keyword options of `load`; `load` with the same arguments succeeds exactly if no
        problem has the severity ``"error"`` (undecodable frames apart, which `load` never
        looks for).

    Returns
    -------
    list of Problem
        Empty for a healthy data set without peculiarities. `grouped`, `worst` and `to_json`
        of `mer_utils.datasets.problems` count them, judge them and write them out.

    Raises
    ------
    MerError
        If an argument itself is wrong: an unknown data set, scheme or option.
    """
    if dataset == "manifest":
        from mer_utils.datasets.manifest import check_manifest

        return in_order(check_manifest(root, scheme, decode=decode, **options))
    known = dataset_named(dataset)
    chosen, labels = options_for(known, **options), schemes.resolve(dataset, scheme)
    try:
        survey = take(known, root, labels, chosen, thorough=True, decode=decode)
        path = checked_root(root, known.title)
    except DataProblem as failure:
        return [failure.problem]
    found = [
        *survey.problems,
        *_unread_units(survey),
        *_peculiarities(survey),
        *_lying_about(survey, path),
        *_unlisted_clips(survey, path),
        *_unpublished_counts(known, survey.source.rows, path),
    ]
    return in_order(found)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems worst first, otherwise in the order found."""
    return sorted(problems, key=lambda p: SEVERITIES.index(p.severity))


def _unread_units(survey: Survey) -> list[Problem]:
    found = []
    for row in survey.source.rows:
        try:
            coding = action_units.parse(row.action_units)
        except DataProblem as failure:
            problem = failure.problem
            found.append(
                Problem(
                    "warning",
                    problem.kind,
                    f"{row.place}: {problem.message}",
                    problem.remedy,
                    row.place,
                    problem.expected,
                )
            )
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
                layout.printable(survey.source.place),
            )
        )
    return found


def _named(names: list[str]) -> str:
    shown = ", ".join(layout.printable(name) for name in names[:_MAX_NAMED])
    return shown + (", ..." if len(names) > _MAX_NAMED else "")


def _about_folder(place: Path, listing: layout.Listing) -> list[Problem]:
    """Report the entries of one folder that are not used, one finding a kind."""
    where = layout.printable(place)
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


def _lying_about(survey: Survey, root: Path) -> list[Problem]:
    """Report what lies about in the root, the folders of the subjects and those of the clips."""
    found = []
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


def _unlisted_clips(survey: Survey, root: Path) -> list[Problem]:
    """Report the clip folders that no row of the sheet names."""
    base = survey.source.base
    if base is None or survey.source.place == base:
        return []
    known = {(row.subject, row.clip) for row in survey.source.rows}
    found = []
    for subject in sorted({subject for subject, _ in known if layout.is_plain_name(subject)}):
        extra = [
            name for name in layout.subfolders(base / subject, root) if (subject, name) not in known
        ]
        if extra:
            where = layout.printable(base / subject)
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
    where = layout.printable(base)
    return [
        Problem(
            "note",
            "folders of no subject",
            f"{where}: {len(extra)} folders that belong to no subject ({_named(extra)})",
            "none needed, unless a subject or clip is missing elsewhere: then move or rename it",
            where,
        )
    ]


def _unpublished_counts(dataset: DataSet, rows: list[Row], root: Path) -> list[Problem]:
    """Note where a data set without a sheet differs from its published number of clips."""
    if (root / SYNTHETIC_MARK).exists():
        return []
    found = []
    for emotion, published in dataset.published.items():
        there = sum(row.emotion == emotion for row in rows)
        if there != published:
            found.append(
                Problem(
                    "note",
                    "clips differ from the published number",
                    f"{there} clips of {emotion}; {dataset.title} was published with {published}",
                    "compare the folders with the original data set; some copies lack clips",
                    layout.printable(root),
                )
            )
    return found
