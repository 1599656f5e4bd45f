"""Problems: what is wrong with a data set on disk, how bad it is and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Literal

import pandas as pd

from mer_utils.errors import MerError, require_kind

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Problem:
    """One finding about a data set.

    Parameters
    ----------
    severity : {"error", "warning", "note"}
        An ``error`` keeps a data set from being read; a ``warning`` concerns rows or files
        that the scheme does not use, or text that could not be read; a ``note`` is for
        information.
    kind : str
        Of :func:`mer_utils.errors.kinds`.
    message, remedy : str
        What was found, naming the file, row or value; what the user can do about it.
    place : str
        File, folder or clip where it was found.
    expected : str
        What was expected instead.
    """

    severity: Severity
    kind: str
    message: str
    remedy: str
    place: str = ""
    expected: str = ""

    def __post_init__(self) -> None:
        require_kind(self.kind)

    @classmethod
    def of(cls, error: MerError) -> Problem:
        """Return the finding that an error stands for."""
        return cls("error", error.kind, error.what, error.remedy, error.place, error.expected)

    def demoted(self) -> Problem:
        """Return the same finding as a warning, for rows that the scheme does not use."""
        if self.severity != "error":
            return self
        remedy = f"none needed, as the row is left out; otherwise {self.remedy}"
        return replace(self, severity="warning", remedy=remedy)


def raise_errors(problems: Iterable[Problem]) -> None:
    """Raise the first error among `problems`, saying how many more there are."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        first, others = errors[0], len(errors) - 1
        more = f" (and {others} more errors; mer check lists them all)" if others else ""
        expected = first.expected or "none of this"
        raise MerError(first.kind, first.message + more, expected, first.remedy, first.place)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems worst first, otherwise in the order found."""
    return sorted(problems, key=lambda p: SEVERITIES.index(p.severity))


#: What whoever runs on a data set should know, beside errors: of notes, only the first kind.
REMARKABLE = (
    "correction not applied",
    "odd sheet",
    "several frame folders",
    "near-duplicate names",
    "same picture twice",
    "no full view",
    "one class",
    "class of one subject",
    "too few subjects",
)


def remarkable(problems: Iterable[Problem]) -> list[Problem]:
    """Return the findings that concern a run."""
    return [
        problem
        for problem in problems
        if (problem.severity == "warning" and problem.kind in REMARKABLE)
        or (problem.severity == "note" and problem.kind == REMARKABLE[0])
    ]


def worst(problems: Iterable[Problem]) -> Severity | None:
    """Return the worst severity among `problems`, None if there are none.

    Examples
    --------
    >>> worst([Problem("note", "clutter", "", ""), Problem("warning", "repeated row", "", "")])
    'warning'
    """
    return min((p.severity for p in problems), key=SEVERITIES.index, default=None)


def grouped(problems: Iterable[Problem]) -> pd.DataFrame:
    """Count the problems of each kind, worst first.

    Returns
    -------
    DataFrame
        Columns severity, kind, count, and of the first one example (its message), expected
        and remedy.
    """
    groups: dict[tuple[int, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((SEVERITIES.index(problem.severity), problem.kind), []).append(problem)
    rows = [
        (SEVERITIES[rank], kind, len(found), found[0].message, found[0].expected, found[0].remedy)
        for (rank, kind), found in sorted(groups.items())
    ]
    columns = ["severity", "kind", "count", "example", "expected", "remedy"]
    return pd.DataFrame(rows, columns=columns)


def to_json(problems: Iterable[Problem], **more: object) -> str:
    """Return the problems as one JSON object: ``counts`` by severity, ``problems`` in full.

    `more` are further entries.
    """
    found = list(problems)
    counts = {severity: sum(p.severity == severity for p in found) for severity in SEVERITIES}
    return json.dumps({"counts": counts, "problems": [asdict(p) for p in found], **more}, indent=2)
