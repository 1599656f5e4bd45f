"""The function API until its callers have moved to the classes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mer_utils.datasets.dataset import open
from mer_utils.datasets.problems import Problem


def _opened(dataset: str, root: Any, scheme: Any, options: dict[str, Any]) -> Any:
    chosen = {name: value for name, value in options.items() if value is not None}
    return open(dataset, root, **chosen, **({} if scheme is None else {"scheme": scheme}))


def load(dataset: str, root: Any, scheme: Any = None, **options: Any) -> pd.DataFrame:
    """Return the clip table."""
    return _opened(dataset, root, scheme, options).clips()


def check(
    dataset: str, root: Any, scheme: Any = None, *, decode: Any = None, **options: Any
) -> list[Problem]:
    """Return every problem."""
    return _opened(dataset, root, scheme, options).check(decode=bool(decode))


def ledger(dataset: str, root: Any, scheme: Any = None, **options: Any) -> pd.DataFrame:
    """Return the ledger."""
    return _opened(dataset, root, scheme, options).ledger()


def load_composite(roots: Any, scheme: Any = "megc-3", **options: Any) -> pd.DataFrame:
    """Return the clip table of a composite."""
    return _opened("megc2019", roots, scheme, options).clips()
