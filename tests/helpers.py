"""What tests import: ``from helpers import raises``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mer_utils.errors import MerError, kinds


@contextmanager
def raises(kind: str, *named: object) -> Iterator[pytest.ExceptionInfo[MerError]]:
    """Expect a MerError of that kind whose message names each file or value in `named`."""
    assert kind in kinds(), f"{kind!r} is not a kind of error_kinds.csv"
    with pytest.raises(MerError) as caught:
        yield caught
    assert caught.value.kind == kind, f"kind {caught.value.kind!r}: {caught.value}"
    for name in named:
        assert str(name) in str(caught.value)
