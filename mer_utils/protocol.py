"""The evaluation protocol: leave-one-subject-out (LOSO) folds as positions in a table.

A fold holds one subject out, or a group of subjects, or a data set. The splitter yields integer
positions and nothing more; the guard refuses any fold that would let a tested subject into
training.

Two mistakes of the field are here under their names, to measure what they add to a score:
nothing else may use them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from mer_utils.errors import MerError
from mer_utils.registry import unknown

#: How folds are made and trained: the protocol, then two mistakes.
EVALUATIONS = {
    "loso": "one subject held out, nothing of that subject in training",
    "mixed folds": "clips dealt into as many folds as there are subjects, whoever they show",
    "held-out copies": "one subject held out, but the phases of its clips are trained on",
}

#: Sound evaluations that need a number or names: how they are written, and what they are.
PATTERNS = {
    "groups:K": "K groups of subjects of about as many clips, one of which is held out",
    "cross": "one data set held out, all others trained on",
    "cross:A+B>C": "data set C tested, A and B trained on",
}
_WRITTEN = re.compile(r"groups:([2-9]|[1-9][0-9]{1,5})|cross(:[^>]+>[^>]+)?")


class Fold(NamedTuple):
    """One fold.

    Attributes
    ----------
    held_out : str
        The subject tested in this fold; or the name of the group, or the data set.
    train, test : ndarray of int
        Positions (0-based) in the clip table, ascending.
    """

    held_out: str
    train: np.ndarray
    test: np.ndarray


def loso(clips: pd.DataFrame) -> Iterator[Fold]:
    """Yield one fold per subject, in the order of the subjects' names.

    Of the clip table only the column ``subject`` is read.

    Raises
    ------
    MerError
        "too few subjects" if there are fewer than two.

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
            "too few subjects",
            f"the table holds {len(names)} subject(s)",
            "at least two, so that one can be held out",
            "load a data set of several subjects",
        )
    for held_out in names:
        tested = subjects == held_out
        fold = Fold(str(held_out), np.flatnonzero(~tested), np.flatnonzero(tested))
        guard(fold, clips)
        yield fold


def folds(clips: pd.DataFrame, evaluation: str = "loso") -> Iterator[Fold]:
    """Yield the folds of an evaluation, a key of `EVALUATIONS` or written as `PATTERNS` say.

    With ``"held-out copies"`` they are those of `loso`: what is wrong happens where their
    training images are collected.
    """
    kind, _, how = require_evaluation(evaluation).partition(":")
    if kind == "groups":
        yield from grouped(clips, int(how))
    elif kind == "cross":
        yield from cross(clips, *(tuple(side.split("+")) for side in how.split(">") if side))
    else:
        yield from mixed_folds(clips) if evaluation == "mixed folds" else loso(clips)


def require_evaluation(evaluation: str) -> str:
    """Return the name of an evaluation if there is one of that name.

    Raises
    ------
    MerError
        ``unknown name``.
    """
    if evaluation not in EVALUATIONS and not _WRITTEN.fullmatch(evaluation):
        raise unknown("evaluation", evaluation, (*EVALUATIONS, *PATTERNS))
    return evaluation


def evaluation_title(evaluation: str) -> str:
    """Return what an evaluation is, in words.

    Examples
    --------
    >>> evaluation_title("groups:5"), evaluation_title("cross:casme2+samm>smic")
    ('5 groups of subjects, one held out', 'trained on casme2 and samm, tested on smic')
    """
    kind, _, how = require_evaluation(evaluation).partition(":")
    if kind == "groups":
        return f"{how} groups of subjects, one held out"
    trained, _, tested = (side.replace("+", " and ") for side in how.partition(">"))
    if tested:
        return f"trained on {trained}, tested on {tested}"
    return PATTERNS["cross"] if kind == "cross" else EVALUATIONS[evaluation]


def grouped(clips: pd.DataFrame, k: int) -> Iterator[Fold]:
    """Yield k folds, each of which holds out a group of subjects; the groups are of like size.

    The subject with the most clips goes first into the group with the fewest; among equals the
    first by name. So the groups depend on the table alone.

    Examples
    --------
    >>> table = pd.DataFrame({"subject": ["a", "b", "b", "c", "c", "c"]})
    >>> [(name, test.tolist()) for name, _, test in grouped(table, 2)]
    [('group01', [3, 4, 5]), ('group02', [0, 1, 2])]
    """
    subjects = clips["subject"].to_numpy()
    names, counts = np.unique(subjects, return_counts=True)
    if len(names) < k:
        raise MerError(
            "too few subjects",
            f"the table holds {len(names)} subject(s)",
            f"at least {k}, one for each group",
            "make fewer groups, or hold one subject out at a time (loso)",
        )
    sizes, group_of = np.zeros(k, int), {}
    for place in np.argsort(-counts, kind="stable"):
        group_of[names[place]] = int(sizes.argmin())
        sizes[sizes.argmin()] += counts[place]
    groups = np.array([group_of[subject] for subject in subjects])
    for number in range(k):
        tested = groups == number
        fold = Fold(f"group{number + 1:02d}", np.flatnonzero(~tested), np.flatnonzero(tested))
        guard(fold, clips)
        yield fold


def cross(
    clips: pd.DataFrame, train: tuple[str, ...] = (), test: tuple[str, ...] = ()
) -> Iterator[Fold]:
    """Yield one fold for each data set of `test`, trained on those of `train` without it.

    Without names every data set is tested, and all others are trained on.

    Raises
    ------
    MerError
        ``invalid option``, if the table holds one data set, or nothing to train on is named;
        ``unknown name``.

    Examples
    --------
    >>> table = pd.DataFrame({"dataset": ["x", "x", "y"], "subject": ["x-a", "x-b", "y-a"]})
    >>> [(name, train.tolist(), test.tolist()) for name, train, test in cross(table)]
    [('x', [2], [0, 1]), ('y', [0, 1], [2])]
    """
    of_clip = clips["dataset"].to_numpy()
    names = sorted(set(of_clip))
    for name in (*train, *test):
        if name not in names:
            raise unknown("data set of the table", name, names)
    for tested in dict.fromkeys(test or names):
        trained = [name for name in train or names if name != tested]
        if not trained:
            raise MerError(
                "invalid option",
                f"{tested} is tested, and no other data set is trained on",
                "two data sets at least, of which one is tested",
                "join data sets, as in --data casme2+samm, or name others to train on",
            )
        fold = Fold(
            str(tested),
            np.flatnonzero(np.isin(of_clip, trained)),
            np.flatnonzero(of_clip == tested),
        )
        guard(fold, clips)
        yield fold


def mixed_folds(clips: pd.DataFrame) -> Iterator[Fold]:
    """Deal the clips into as many folds as there are subjects: a mistake, to be measured.

    People stand on both sides of every fold, so a network can recognise the person. Folds are
    named ``fold01``, ``fold02``, ...; each class is spread evenly over them.
    """
    n = clips["subject"].nunique()
    dealt = np.random.default_rng(0).permutation(len(clips))
    # In the order of the classes, so that dealing them out in turn spreads each evenly.
    dealt = dealt[np.argsort(clips["label"].cat.codes.to_numpy()[dealt], kind="stable")]
    for k in range(n):
        test = np.sort(dealt[k::n])
        train = np.setdiff1d(np.arange(len(clips)), test)
        yield Fold(f"fold{k + 1:02d}", train, test)


def fold_of(clips: pd.DataFrame, held_out: str, evaluation: str = "loso") -> Fold:
    """Return the fold called `held_out`: in LOSO the one that tests this subject."""
    names = []
    for fold in folds(clips, evaluation):
        if fold.held_out == held_out:
            return fold
        names.append(fold.held_out)
    raise unknown("fold", held_out, iter(names))


def guard(fold: Fold, clips: pd.DataFrame) -> None:
    """Raise "leak" if a subject or a clip is trained on and tested, or a side is empty."""
    subjects = clips["subject"].to_numpy()
    shared = set(subjects[fold.train]) & set(subjects[fold.test])
    if shared or set(fold.train) & set(fold.test):
        raise MerError(
            "leak",
            f"fold held_out={fold.held_out} trains on the subject(s) it tests: {sorted(shared)}",
            "no subject on both sides",
            "make folds with protocol.loso",
        )
    if not len(fold.train) or not len(fold.test):
        raise MerError(
            "leak",
            f"fold held_out={fold.held_out} has an empty side",
            "clips to train on and clips to test",
            "check the subject column of the clip table",
        )
