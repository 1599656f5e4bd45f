"""Problems: what is wrong with a data set on disk, how bad it is and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from mer_utils.errors import MerError

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Problem:
    """One finding about a data set.

    Parameters
    ----------
    severity : {"error", "warning", "note"}
        An ``error`` stops `load`; a ``warning`` concerns rows or files that the scheme
        does not use, or text that could not be read; a ``note`` is for information.
    kind : str
        A short fixed phrase to group by, such as ``"missing frames"``.
    message : str
        What was found, naming the file, row or value.
    remedy : str
        What the user can do about it.
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

    def demoted(self) -> Problem:
        """Return the same finding as a warning, for rows that the scheme does not use."""
        return replace(self, severity="warning") if self.severity == "error" else self


class DataProblem(MerError):
    """A `MerError` that carries the `Problem` it was made from."""

    def __init__(self, problem: Problem, more: int = 0) -> None:
        others = f" (and {more} more errors; mer check lists them all)" if more else ""
        super().__init__(
            problem.kind,
            problem.message + others,
            problem.expected or "none of this",
            problem.remedy,
        )
        self.problem, self.more = problem, more

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.more)


def fail(kind: str, message: str, expected: str, remedy: str, place: object = "") -> DataProblem:
    """Return the exception for one error; the caller raises it."""
    return DataProblem(Problem("error", kind, message, remedy, str(place), expected))


def raise_errors(problems: Iterable[Problem]) -> None:
    """Raise `DataProblem` for the first error among `problems`, saying how many more there are."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise DataProblem(errors[0], more=len(errors) - 1)


def worst(problems: Iterable[Problem]) -> Severity | None:
    """Return the worst severity among `problems`, None if there are none.

    Examples
    --------
    >>> worst([Problem("note", "clutter", "", ""), Problem("warning", "odd", "", "")])
    'warning'
    """
    return min((p.severity for p in problems), key=SEVERITIES.index, default=None)


def grouped(problems: Iterable[Problem]) -> pd.DataFrame:
    """Count the problems of each kind, worst first.

    Returns
    -------
    DataFrame
        Columns severity, kind, count, example (the first message), expected (instead of it)
        and remedy (its remedy).
    """
    import pandas as pd

    groups: dict[tuple[Severity, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.severity, problem.kind), []).append(problem)
    rows = [
        (severity, kind, len(found), found[0].message, found[0].expected, found[0].remedy)
        for (severity, kind), found in sorted(
            groups.items(), key=lambda item: (SEVERITIES.index(item[0][0]), item[0][1])
        )
    ]
    return pd.DataFrame(
        rows, columns=["severity", "kind", "count", "example", "expected", "remedy"]
    )


def to_json(problems: Iterable[Problem]) -> str:
    """Return the problems as one JSON object: a count by severity and the full list.

    Examples
    --------
    >>> print(to_json([]))
    {
      "counts": {
        "error": 0,
        "warning": 0,
        "note": 0
      },
      "problems": []
    }
    """
    found = list(problems)
    counts = {severity: sum(p.severity == severity for p in found) for severity in SEVERITIES}
    return json.dumps({"counts": counts, "problems": [asdict(p) for p in found]}, indent=2)
