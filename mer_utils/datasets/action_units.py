"""Action unit (AU) strings of the Facial Action Coding System, read by one small grammar.

The grammar is in ``action_units.lark``. What a string does not say is not inferred, and a
string that the grammar does not cover is reported, never read half.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from mer_utils.errors import MerError

if TYPE_CHECKING:
    from lark import Lark

Certainty = Literal["certain", "alternative", "ref"]


@dataclass(frozen=True)
class AU:
    """One action unit.

    `side` is ``"L"`` or ``"R"`` of the face, ``"T"`` or ``"B"``, ``"A/L"`` or ``"A/R"``, as the
    sheets write it; `intensity` ``"A"`` to ``"E"`` or a range such as ``"A/B"``. `certainty` is
    ``alternative`` for one of several in ``(R6 or R12)``, ``ref`` for ``ref(7B)``. `term` counts
    the terms joined by ``+`` from 0; alternatives share theirs.
    """

    unit: int
    side: str = ""
    intensity: str = ""
    certainty: Certainty = "certain"
    term: int = 0

    def __str__(self) -> str:
        return f"{self.side}{self.unit}{self.intensity}"


@dataclass(frozen=True)
class Coding:
    """What one AU string says: its `units` in order, and its words.

    `remarks` are place and text of the terms that are words (``soft focus``); ``(0, "?")`` where
    the coder could not tell.
    """

    units: tuple[AU, ...] = ()
    remarks: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        terms: dict[int, list[AU]] = {}
        for au in self.units:
            terms.setdefault(au.term, []).append(au)
        texts = dict(self.remarks)
        for position, units in terms.items():
            texts[position] = " or ".join(map(str, units))
            if units[0].certainty != "certain":
                mark = "ref" if units[0].certainty == "ref" else ""
                texts[position] = f"{mark}({texts[position]})"
        return "+".join(texts[position] for position in sorted(texts))


@cache
def _parser() -> Lark:
    from lark import Lark

    grammar = resources.files("mer_utils.datasets") / "action_units.lark"
    return Lark(grammar.read_text("utf-8"), parser="lalr")


def _units(tree: Any, term: int) -> tuple[AU, ...]:
    certainty: Certainty = "certain"
    if tree.data in ("ref", "alternatives"):
        certainty = "ref" if tree.data == "ref" else "alternative"
        trees = tree.children
    else:
        trees = [tree]
    found = []
    for au in trees:
        parts = {token.type: str(token) for token in au.children}
        found.append(
            AU(
                int(parts["UNIT"]),
                parts.get("SIDE", ""),
                parts.get("INTENSITY", ""),
                certainty,
                term,
            )
        )
    return tuple(found)


@lru_cache(maxsize=4096)
def parse(text: str) -> Coding:
    """Read an AU string.

    Raises
    ------
    MerError
        If the grammar does not cover it.

    Examples
    --------
    >>> parse("4+L10").units
    (AU(unit=4, side='', intensity='', certainty='certain', term=0),
     AU(unit=10, side='L', intensity='', certainty='certain', term=1))
    >>> str(parse("(R6 or R12) + R15"))
    '(R6 or R12)+R15'
    >>> parse("R14+17+soft focus").remarks
    ((2, 'soft focus'),)
    """
    from lark.exceptions import UnexpectedInput

    text = text.strip()
    if not text:
        return Coding()
    try:
        tree: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise MerError(
            "unread action units",
            f"action units {text!r} cannot be read from character {error.column} on",
            "action units joined by +, such as 4+L10 or (R6 or R12)+15A",
            "correct the cell in a copy of the sheet, or add a corrections row for action_units",
        ) from error
    if tree.data == "unknown":
        return Coding(remarks=((0, "?"),))
    units: tuple[AU, ...] = ()
    remarks: tuple[tuple[int, str], ...] = ()
    for term, part in enumerate(tree.children):
        if part.data == "remark":
            remarks += ((term, str(part.children[0])),)
        else:
            units += _units(part, term)
    return Coding(units, remarks)
