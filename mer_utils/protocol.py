"""The evaluation protocol: leave-one-subject-out (LOSO) folds as positions in a table.

A fold holds one subject out. The splitter yields integer positions and nothing more; the
guard refuses any fold that would let the held-out subject into training.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from mer_utils.errors import MerError


class Fold(NamedTuple):
    """One fold.

    Parameters
    ----------
    held_out : str
        The subject tested in this fold.
    train, test : ndarray of int
        Positions (0-based) in the clip table, ascending.
    """

    held_out: str
    train: np.ndarray
    test: np.ndarray


def loso(clips: pd.DataFrame) -> Iterator[Fold]:
    """Yield one fold a subject, in the order of the subjects' names.

    Parameters
    ----------
    clips : DataFrame
        The clip table; only its ``subject`` column is read.

    Yields
    ------
    Fold

    Raises
    ------
    MerError
        If there are fewer than two subjects.

    Examples
    --------
    >>> table = pd.DataFrame({"subject": ["s2", "s1", "s2"]})
    >>> for held_out, train, test in loso(table):
    ...     print(held_out, train.tolist(), test.tolist())
    s1 [0, 2] [1]
    s2 [1] [0, 2]
    """
    subjects = clips["subject"].to_numpy()
    names = sorted(set(subjects))
    if len(names) < 2:
        raise MerError(
            f"the table holds {len(names)} subject(s)",
            "at least two, so that one can be held out",
            "load a data set of several subjects",
        )
    for held_out in names:
        tested = subjects == held_out
        fold = Fold(str(held_out), np.flatnonzero(~tested), np.flatnonzero(tested))
        guard(fold, clips)
        yield fold


def fold_of(clips: pd.DataFrame, held_out: str) -> Fold:
    """Return the fold that tests the subject `held_out`.

    Raises
    ------
    MerError
        If the table has no such subject.
    """
    for fold in loso(clips):
        if fold.held_out == held_out:
            return fold
    raise MerError(
        f"subject {held_out!r} is not in the table",
        f"one of {', '.join(sorted(set(clips['subject'])))}",
        "correct the subject's name",
    )


def guard(fold: Fold, clips: pd.DataFrame) -> None:
    """Refuse a fold in which a person stands on both sides.

    Raises
    ------
    MerError
        If a subject, or a clip, is both trained on and tested, or a side is empty.
    """
    subjects = clips["subject"].to_numpy()
    shared = set(subjects[fold.train]) & set(subjects[fold.test])
    if shared or set(fold.train) & set(fold.test):
        raise MerError(
            f"fold held_out={fold.held_out} trains on the subject(s) it tests: {sorted(shared)}",
            "no subject on both sides",
            "make folds with protocol.loso",
        )
    if not len(fold.train) or not len(fold.test):
        raise MerError(
            f"fold held_out={fold.held_out} has an empty side",
            "clips to train on and clips to test",
            "check the subject column of the clip table",
        )
