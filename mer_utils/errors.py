"""The one error that every room raises for something the user can put right, and its kinds."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import resources
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of error or finding.

    Parameters
    ----------
    name : str
        Short and fixed, as in ``"missing frames"``: programs and tests match it, not the words.
    topic : str
        Under which heading the page *If it goes wrong* explains it.
    usually : str
        What it usually is.
    remedy : str
        What to do in general; each message names the remedy of its own case.
    """

    name: str
    topic: str
    usually: str
    remedy: str


@cache
def kinds() -> dict[str, Kind]:
    """Return every kind by name, in the order of ``error_kinds.csv`` and then of registration."""
    import csv  # only who asks for the list needs it

    text = resources.files("mer_utils").joinpath("error_kinds.csv").read_text("utf-8")
    return {row["name"]: Kind(**row) for row in csv.DictReader(text.splitlines())}


def register(kind: Kind) -> Kind:
    """Add a kind of one's own and return it.

    Raises
    ------
    MerError
        ``taken name``, if another kind has its name.
    """
    if kinds().setdefault(kind.name, kind) != kind:
        raise MerError(
            "taken name",
            f"an error kind called {kind.name!r} is registered already",
            "a name of its own",
            "choose another name",
        )
    return kind


def require_kind(kind: str) -> None:
    """Raise `ValueError` unless `kind` is one of `kinds`: a slip in a program, not a user's."""
    with suppress(OSError):  # no file handle to spare, which is about to be said
        if kind not in kinds():
            raise ValueError(f"error kind {kind!r} is not registered; see errors.register")


class MerError(Exception):
    r"""A problem with an input, a file or a setting, with its remedy.

    Parameters
    ----------
    kind : str
        One of `kinds`.
    what : str
        What was found, naming the file or value.
    expected : str
        What was expected instead.
    remedy : str
        What the user can do about it.
    place : str
        File, folder or clip where it was found, for lists of findings.

    Raises
    ------
    ValueError
        If the kind is not registered.

    Examples
    --------
    >>> error = MerError("unknown name", "profile 'huge' is unknown", "demo or smoke", "choose one")
    >>> print(error, error.kind, sep="\n")
    profile 'huge' is unknown; expected demo or smoke. Remedy: choose one.
    unknown name
    """

    def __init__(
        self, kind: str, what: str, expected: str, remedy: str, place: object = ""
    ) -> None:
        require_kind(kind)
        super().__init__(kind, what, expected, remedy, str(place))
        self.kind, self.what, self.expected, self.remedy = kind, what, expected, remedy
        self.place = str(place)

    def _render_traceback_(self) -> list[str]:
        # What a notebook shows (of IPython): the message, as the command line does.
        return [
            f"Error ({self.kind}): {self.what}",
            f"Expected: {self.expected}",
            f"Remedy: {self.remedy}",
        ]

    def __str__(self) -> str:
        return f"{self.what}; expected {self.expected}. Remedy: {self.remedy}."
