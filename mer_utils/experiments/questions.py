"""Questions: what a table compares with what, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pandas as pd

#: Values of columns; several values in a tuple.
Arm = Mapping[str, Any]


class Pair(NamedTuple):
    """A treatment and its baseline.

    Parameters
    ----------
    treatment : mapping of column to value, or to a tuple of values
        The rows that are compared; columns that it does not name may have any value.
    baseline : mapping of column to value
        What each of them is compared with: the row that differs from it in these columns only.
    learners : {"all", "networks", "baselines"}
        Whose rows. What is not trained step by step has another control, see `Question`.
    """

    treatment: Arm
    baseline: Arm
    learners: Literal["all", "networks", "baselines"] = "all"


@dataclass(frozen=True)
class Question:
    """One question that a table answers, and the comparisons that bear on it.

    Parameters
    ----------
    name : str
        In a reader's words.
    pairs : tuple of Pair

    Examples
    --------
    >>> flips = Question("flips against none", (Pair({"spatial": "flip"}, {"spatial": "none"}),))
    >>> rows = pd.DataFrame({"setting": ["dual", "dual", "single"],
    ...                      "spatial": ["none", "flip", "none"]})
    >>> [(treatment, baseline) for treatment, baseline, _ in flips.comparisons(rows)]
    [({'setting': 'dual', 'spatial': 'flip'}, {'setting': 'dual', 'spatial': 'none'})]
    """

    name: str
    pairs: tuple[Pair, ...]

    def comparisons(
        self, variants: pd.DataFrame
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any], str]]:
        """Yield treatment, baseline and whose rows, of the variants that are there.

        Parameters
        ----------
        variants : DataFrame
            One row per variant: the columns that a table varies.
        """
        for pair in self.pairs:
            rows = variants[chosen(variants, pair.treatment)].to_dict("records")
            for row in rows:
                variant = {str(column): value for column, value in row.items()}
                baseline = variant | dict(pair.baseline)
                if chosen(variants, baseline).any():
                    yield variant, baseline, pair.learners


def chosen(rows: pd.DataFrame, arm: Arm) -> pd.Series:
    """Return which rows have the values of an arm; a missing value equals a missing one."""
    found = pd.Series(True, index=rows.index)
    for column, value in arm.items():
        values = value if isinstance(value, tuple) else (value,)
        there = rows[column].isin([v for v in values if not _missing(v)])
        if any(map(_missing, values)):
            there |= rows[column].isna()
        found &= there
    return found


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or value != value
