"""What tests import: ``from helpers import raises, registered``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mer_utils import stats, synthetic
from mer_utils.datasets import Dataset, Problem
from mer_utils.errors import MerError, kinds
from mer_utils.experiments import PROFILES
from mer_utils.protocol import folds
from mer_utils.registry import Registry
from mer_utils.runs import prediction_rows


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


def draw_twin(dataset: str, folder: Path) -> Path:
    """Draw a twin of the smoke profile where the profile looks for it in `folder`."""
    named = ("subjects", "clips_per_subject", "frame_size")
    size = {name: getattr(PROFILES["smoke"], name) for name in named}
    return synthetic.write(dataset, folder / f"{dataset}-smoke", **size)


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Iterator[None]:
    """Draw few resamples of the subjects: for tests of words and places, not of statistics."""
    with pytest.MonkeyPatch.context() as patch:
        for estimate in (stats.compare, stats.intervals, stats.pooled_differences):
            patch.setitem(estimate.__kwdefaults__, "n_resamples", 200)
        yield


#: What check says of data of a clip or two; tests of something else ask for the rest.
SMALL = frozenset({"too few subjects", "one class", "class of one subject"})


def findings(data: Dataset, decode: bool = False) -> list[Problem]:
    """Return what check finds, but for what it says of any data as small as a test's."""
    return [problem for problem in data.check(decode) if problem.kind not in SMALL]


def store_run(store, spec, clips, shares) -> None:
    """Store made predictions; ``shares[view, epoch]`` is the share of right clips of all folds."""
    parts = list(folds(clips, spec.evaluation))
    truth = clips["label"].cat.codes.to_numpy()
    tested = np.concatenate([fold.test for fold in parts])
    fold_of = np.repeat(np.arange(len(parts)), [len(fold.test) for fold in parts])
    ends, probabilities = np.cumsum([0] + [len(fold.test) for fold in parts]), []
    for share in shares.values():
        right = np.diff(np.rint(share * ends))
        shift = np.concatenate(
            [np.arange(len(f.test)) >= n for f, n in zip(parts, right, strict=True)]
        ).astype(int)
        probabilities.append(np.eye(5, dtype=np.float32)[(truth[tested] + shift) % 5])
    views, epochs = (np.repeat(each, len(tested)) for each in zip(*shares, strict=True))
    n = len(shares)
    made = prediction_rows(
        spec, clips, views, np.tile(tested, n), np.concatenate(probabilities), epochs
    )
    fold_of = np.tile(fold_of, n)
    for number, fold in enumerate(parts):
        shown = {"images_shown": 30 * spec.training.epochs}
        store.write(spec, fold.held_out, made[fold_of == number], shown)
