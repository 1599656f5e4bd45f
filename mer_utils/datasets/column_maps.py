"""Tables of clips written from other data sets' sheets, by column maps, or from folders.

A column map is a TOML file that says which columns of a sheet mean what, and where a clip's frames
lie; those in `maps` beside this module are of data sets that no class reads, each with how sure we
are of it. What is written is a table of `clips`, to be looked at, corrected and read.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from mer_utils.datasets.problems import Problem, Severity
from mer_utils.datasets.rows import BLANKS, oddity, text
from mer_utils.datasets.sheets import Fields, find_sheet
from mer_utils.errors import MerError
from mer_utils.frames import VIDEO_SUFFIXES, layout, video_facts
from mer_utils.frames.layout import printable
from mer_utils.frozen import Frozen
from mer_utils.registry import Registry

#: How deep below its root a data set's frames are looked for.
_DEPTH = 6
#: Whether a cell of a column of a label says that it is the clip's.
_MARKS = {"": False, "0": False, "0.0": False, "1": True, "1.0": True}
_NEEDED = ("subject", "clip", "onset", "offset")
_COLUMNS = (*_NEEDED, "apex", "label", "action_units")


class ColumnMap(Frozen):
    """What the columns of a data set's sheet mean, and where its frames lie.

    In the patterns, ``{subject}`` and the like stand for the row's cells; a whole number may be
    padded, as in ``{subject:02d}``.

    Parameters
    ----------
    name, title : str
        Short, for the column `dataset`; and for people.
    sure : str
        Where it is from, and how sure that makes it.
    sheet : str
        What the sheet is called.
    columns : mapping of str to str
        Of subject, clip, onset, offset, apex, label and action_units the column's title.
    labels : tuple of str
        Columns of 0 and 1, of which those with a 1 are the label, joined by ``+``.
    subject, clip : str
        Patterns of the names that are written.
    frames : tuple of str
        Patterns of the ends of the clips' folders, of which the first that is there is taken,
        whatever their case and the folders above.
    fps : float, optional
    counted_from : {0, 1}, optional
        See `clips`.
    action_units : mapping of str to str
        What is replaced in the action units.
    schemes : mapping of str to mapping of str to str
        For each label scheme, emotion word (lower case) to class.
    """

    name: str
    title: str
    sure: str
    sheet: str = ""
    columns: Mapping[str, str]
    labels: tuple[str, ...] = ()
    subject: str = "{subject}"
    clip: str = "{clip}"
    frames: tuple[str, ...] = Field(min_length=1)
    fps: float | None = Field(default=None, gt=0)
    counted_from: int | None = Field(default=None, ge=0, le=1)
    action_units: Mapping[str, str] = {}
    schemes: Mapping[str, Mapping[str, str]] = {}

    @classmethod
    def read(cls, path: Path) -> ColumnMap:
        """Read a TOML file; the name is the file's.

        Raises
        ------
        MerError
            ``invalid option``, if there is none, or it says something else.
        """
        try:
            found = tomllib.loads(path.read_text("utf-8"))
            made = cls(
                **{"name": path.stem, "title": path.stem, "sure": "a map of your own"} | found
            )
            lacking = [n for n in _NEEDED if n not in made.columns]
            lacking += ["label"] * ("label" not in made.columns and not made.labels)
            odd = sorted(made.columns.keys() - set(_COLUMNS))
            if lacking or odd:
                raise ValueError(f"columns lacks {lacking}" if lacking else f"columns has {odd}")
            for pattern in (made.subject, made.clip, *made.frames):
                _require_pattern(pattern, {*made.columns, "label"})
        except (OSError, ValueError, TypeError) as error:
            raise MerError(
                "invalid option",
                f"{printable(path)} is no column map ({' '.join(str(error).split())})",
                "a TOML file with frames, and columns for subject, clip, onset, offset and label",
                f"see the page Any clips for an example, or name one of {', '.join(MAPS)}",
                printable(path),
            ) from error
        return made


def _require_pattern(pattern: str, known: set[str]) -> None:
    for _, name, padded, conversion in string.Formatter().parse(pattern):
        if name is None:
            continue
        if name not in known or conversion or not re.fullmatch(r"(0[0-9]{1,2}d)?", padded or ""):
            fields = ", ".join(sorted(known))
            raise ValueError(f"in {pattern!r} fields are not {fields}, or as {{subject:02d}}")


def _packaged() -> Iterator[ColumnMap]:
    folder = resources.files("mer_utils.datasets") / "maps"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        with resources.as_file(file) as path:
            yield ColumnMap.read(path)


MAPS: Registry[ColumnMap] = Registry("column map")
for _map in _packaged():
    MAPS.register(_map)


def from_sheet(
    known: ColumnMap, root: Path, sheet: str | None = None, columns: Iterable[str] = ()
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the table of clips that a data set's sheet names, and what to know of it.

    Parameters
    ----------
    known : ColumnMap
    root : Path
        The folder with the sheet and the frames.
    sheet : str, optional
        Where several fit: ``FILE`` or ``FILE:WORKSHEET``.
    columns : iterable of str
        ``FIELD=COLUMN`` where the sheet has another title than the map.

    Returns
    -------
    table : DataFrame
        With paths relative to `root`.
    problems : list of Problem
    """
    headers = {field: (title,) for field, title in known.columns.items()}
    headers |= {title: (title,) for title in known.labels}
    fields = Fields(headers, ("apex", "action_units"), tuple(columns))
    found = find_sheet(root, known.title, known.sheet, sheet, fields=fields)
    places, lines, notes, unread = _places(root), [], [], []
    for number, cells in found.rows:
        values = {name: text(cell) for name, cell in cells.items()}
        odd = [name for name, cell in cells.items() if oddity(cell)]
        if not odd and sum(bool(values[name]) for name in _NEEDED) < len(_NEEDED) - 1:
            notes.append(number)
            continue
        unread += [f"{values[n]!r} in {n} of row {number}" for n in known.labels
                   if values[n] not in _MARKS]  # fmt: skip
        lines.append(_line(known, values | dict.fromkeys(odd, ""), places))
    table = pd.DataFrame(lines)
    if table.empty:
        raise MerError(
            "empty sheet",
            f"{printable(found.path)} has a header but no clip",
            "one row per clip",
            f"copy the sheet of {known.title} again",
            printable(found.path),
        )
    problems = [*found.problems, *_to_know(known, table, notes, root)]
    if unread:
        said = f"{len(unread)} cells are neither 0 nor 1, and name no label, as {unread[0]}"
        remedy = "write 1 into the cell of the label that is meant"
        problems.append(Problem("warning", "odd cell", said, remedy, printable(root)))
    return table, problems


def _line(known: ColumnMap, values: dict[str, str], places: dict[str, list[str]]) -> dict[str, Any]:
    """Return a row of the table of clips for a row of a sheet."""
    shown = [name.lower() for name in known.labels if _MARKS.get(values[name])]
    label = "+".join(shown) if known.labels else values["label"]
    units = values.get("action_units", "")
    for old, new in known.action_units.items():
        units = units.replace(old, new)
    filled: dict[str, Any] = {
        name: int(value) if value.isdecimal() else value for name, value in values.items()
    }
    filled["label"] = label
    # A name keeps the zeros before its number where the sheet has them.
    filled |= {n: values[n] for n in ("subject", "clip") if values[n].startswith("0")}
    ends = [_filled(pattern, filled) for pattern in known.frames]
    there = [places[end.lower()] for end in ends if end.lower() in places]
    apex = values.get("apex", "")
    line = {
        "dataset": known.name,
        "subject": _filled(known.subject, filled),
        "clip": _filled(known.clip, filled),
        "label": label,
        "frames": there[0][0] if there else ends[0],
        "onset": values["onset"],
        "apex": "" if apex.lower() in BLANKS else apex,
        "offset": values["offset"],
        "action_units": units,
        "places": len(there[0]) if there else 0,
    }
    if known.fps is not None:
        line["fps"] = known.fps
    if known.counted_from is not None:
        line["counted_from"] = known.counted_from
    return line


def _filled(pattern: str, values: Mapping[str, Any]) -> str:
    """Return a pattern with a row's cells; a number's format is left out where there is none."""
    try:
        return pattern.format(**values)
    except ValueError:
        return re.sub(r":[0-9a-z]+}", "}", pattern).format(**values)


def _places(root: Path) -> dict[str, list[str]]:
    """Return the folders and videos below `root` by the ends of their paths, in lower case."""
    found: dict[str, list[str]] = {}
    for path in _frames_below(root):
        parts = path.relative_to(root).parts
        for n in range(len(parts)):
            found.setdefault("/".join(parts[n:]).lower(), []).append("/".join(parts))
    return found


def _frames_below(root: Path) -> Iterator[Path]:
    """Yield the folders below `root`, and the videos in them."""
    for folder in (root, *layout.folders_below(root, _DEPTH)):
        if folder != root:
            yield folder
        yield from (file for file in sorted(folder.iterdir()) if file.suffix in VIDEO_SUFFIXES)


def _to_know(
    known: ColumnMap, table: pd.DataFrame, notes: list[int], root: Path
) -> Iterator[Problem]:
    where = printable(root)

    def said(severity: Severity, what: str, remedy: str) -> Problem:
        return Problem(severity, "odd sheet", what, remedy, where)

    yield said("note", f"{known.title}: {known.sure}", "compare a few rows with the sheet")
    lacking = [str(path) for path in table["frames"] if not (root / path).exists()]
    if lacking:
        yield Problem(
            "warning",
            "missing frame folder",
            f"the frames of {len(lacking)} of {len(table)} clips are not found, as {lacking[0]}",
            "correct the column frames, or the patterns of the map; mer check names them all",
            where,
        )
    twice = int((table.pop("places") > 1).sum())
    if twice:
        yield said(
            "warning",
            f"the frames of {twice} clips may lie in several places, of which the first is taken",
            "look at the column frames, or write more of the path into the patterns of a map",
        )
    if several := int(table["label"].str.contains("+", regex=False).sum()):
        yield said(
            "warning",
            f"{several} clips have several labels, joined by +",
            "a label scheme leaves them out, each with that reason; or decide on one label each",
        )
    if notes:
        shown = ", ".join(map(str, notes[:10])) + (", ..." if notes[10:] else "")
        yield said("note", f"rows {shown} name no clip, and are left out", "none needed for notes")


def from_folders(pattern: str, root: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the table of the clips whose folders or videos lie as a pattern says.

    Parameters
    ----------
    pattern : str
        As in ``"{subject}/{label}/{clip}"``; ``*`` stands for any one folder.
    root : Path

    Returns
    -------
    table : DataFrame
        Each clip from its first frame to its last, without an apex; paths relative to `root`.
    problems : list of Problem

    Raises
    ------
    MerError
        ``invalid option``, for a pattern without subject, clip and label; ``missing frame folder``,
        if nothing fits it.
    """
    fields = re.findall(r"{(\w+)}", pattern)
    if sorted(fields) != ["clip", "label", "subject"]:
        raise MerError(
            "invalid option",
            f"the pattern {pattern!r} names {', '.join(fields) or 'nothing'}",
            "subject, label and clip, once each, as in {subject}/{label}/{clip}",
            "write what each folder's name means",
        )
    escaped = re.escape(pattern).replace(r"\*", "[^/]*")
    # Read from both ends, as "a_b_c" is by {subject}_{clip} in two ways.
    wanted, longest = (
        re.compile(re.sub(r"\\{(\w+)\\}", rf"(?P<\1>[^/]+{few})", escaped)) for few in ("?", "")
    )
    lines, others, ambiguous = [], [], []
    for path in _frames_below(root):
        place = path.relative_to(root).as_posix()
        frames = {} if path.is_file() else layout.list_frames(path, root).frames
        if not frames and not path.is_file():
            continue
        name = place.removesuffix(path.suffix) if path.is_file() else place
        match, other = wanted.fullmatch(name), longest.fullmatch(name)
        if match is None or other is None:
            others.append(place)
            continue
        if match.groupdict() != other.groupdict():
            ambiguous.append(f"{place}: {match.groupdict()} or {other.groupdict()}")
        if path.is_file():
            first, last = 1, video_facts(path).frames
        else:
            first, last = min(frames), max(frames)
        ends = {"frames": place, "onset": first, "apex": "", "offset": last}
        lines.append({name: match[name] for name in ("subject", "clip", "label")} | ends)
    if not lines:
        raise MerError(
            "missing frame folder",
            f"no folder of frames and no video below {printable(root)} fits {pattern!r}"
            + (f", but {others[0]} holds frames" if others else ""),
            "clips that lie as the pattern says",
            "correct the pattern, or name the folder above the clips",
            printable(root),
        )
    said = [
        Problem(
            "note",
            "odd sheet",
            "each clip runs from its first frame to its last, and has no apex",
            "correct onset and offset where that is wrong, and fill in the apex if you know it",
            printable(root),
        )
    ]
    if ambiguous:
        what = f"{len(ambiguous)} places fit the pattern in several ways, as {ambiguous[0]}"
        remedy = "look at the first of them, which is taken, or correct the table's columns"
        said.append(Problem("warning", "odd sheet", what, remedy, printable(root)))
    if others:
        what = f"{len(others)} folders or videos fit no clip of the pattern, as {others[0]}"
        remedy = "none needed if they are no clips"
        said.append(Problem("warning", "odd sheet", what, remedy, printable(root)))
    return pd.DataFrame(lines), said
