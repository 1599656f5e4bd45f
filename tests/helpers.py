"""What tests import: ``from helpers import raises, registered``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mer_utils.datasets import Dataset, Problem
from mer_utils.errors import MerError, kinds
from mer_utils.registry import Registry


@contextmanager
def raises(kind: str, *named: object) -> Iterator[pytest.ExceptionInfo[MerError]]:
    """Expect a MerError of that kind whose message names each file or value in `named`."""
    assert kind in kinds(), f"{kind!r} is not a kind of error_kinds.csv"
    with pytest.raises(MerError) as caught:
        yield caught
    assert caught.value.kind == kind, f"kind {caught.value.kind!r}: {caught.value}"
    for name in named:
        assert str(name) in str(caught.value)


@contextmanager
def registered(registry: Registry, thing: Any) -> Iterator[Any]:
    """Register a thing for as long as the block lasts."""
    registry.register(thing)
    try:
        yield thing
    finally:
        registry.unregister(thing.name)


#: What check says of data of a clip or two; tests of something else ask for the rest.
SMALL = frozenset({"too few subjects", "one class", "class of one subject"})


def findings(data: Dataset, decode: bool = False) -> list[Problem]:
    """Return what check finds, but for what it says of any data as small as a test's."""
    return [problem for problem in data.check(decode) if problem.kind not in SMALL]
