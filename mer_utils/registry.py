"""Registries: the one place in which things of a kind are named, found and added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Generic, Protocol, TypeVar

from mer_utils.errors import MerError


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)


class Registry(Mapping[str, T], Generic[T]):
    """Things of one kind by name, in the order in which they were registered.

    Parameters
    ----------
    what : str
        What one of them is called in messages, as in ``"profile"``.
    things : T
        The first ones.
    parts : tuple of str
        Attributes that each must have.

    Examples
    --------
    >>> from collections import namedtuple
    >>> Animal = namedtuple("Animal", "name legs")
    >>> zoo = Registry("animal", Animal("cat", 4))
    >>> zoo.register(Animal("duck", 2))
    Animal(name='duck', legs=2)
    >>> list(zoo), zoo["cat"].legs
    (['cat', 'duck'], 4)
    >>> zoo["duk"]
    Traceback (most recent call last):
    mer_utils.errors.MerError: animal 'duk' is unknown; expected one of cat, duck. Remedy: choose
    one of them; 'duck' is close.
    """

    def __init__(self, what: str, *things: T, parts: tuple[str, ...] = ()) -> None:
        self.what, self.parts = what, parts
        self._things: dict[str, T] = {}
        for thing in things:
            self.register(thing)

    def register(self, thing: T) -> T:
        """Add a thing under its name and return it, so that a class can be decorated.

        Raises
        ------
        MerError
            If the name is taken, or the thing lacks a part.
        """
        lacking = [part for part in ("name", *self.parts) if not hasattr(thing, part)]
        if lacking:
            raise MerError(
                "incomplete registration",
                f"{self.what} {thing!r} has no {' and no '.join(lacking)}",
                f"the parts {', '.join(('name', *self.parts))}",
                "add what is lacking",
            )
        if self._things.get(thing.name, thing) is not thing:
            raise MerError(
                "taken name",
                f"a {self.what} called {thing.name!r} is registered already",
                "a name of its own",
                "choose another name",
            )
        self._things[thing.name] = thing
        return thing

    def unregister(self, name: str) -> T:
        """Take a thing out again, as a test does with its own."""
        thing = self[name]
        del self._things[name]
        return thing

    def __getitem__(self, name: str) -> T:
        try:
            return self._things[name]
        except (KeyError, TypeError):
            raise unknown(self.what, name, self._things) from None

    def get(self, name: Any, default: Any = None) -> Any:
        """Return the thing of that name, or `default`."""
        return self._things.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)


def unknown(what: str, name: object, known: Iterable[str]) -> MerError:
    """Return the error for a name that is none of those known."""
    names = [str(one) for one in known]
    close = get_close_matches(str(name), names, 1)
    return MerError(
        "unknown name",
        f"{what} {name!r} is unknown",
        f"one of {', '.join(names)}" if names else f"a registered {what}; there is none",
        "choose one of them" + (f"; {close[0]!r} is close" if close else ""),
    )
