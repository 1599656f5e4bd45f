"""Stores of made predictions, which the tests of tables read."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from companion.chapters import tables
from mer_utils.phases import PHASES
from mer_utils.protocol import folds
from mer_utils.runs import RunStore, load_clips, prediction_rows

K = 5


def store_run(store, spec, clips, shares) -> None:
    """Store made predictions; ``shares[view, epoch]`` is the share of right clips in a fold."""
    parts = list(folds(clips, spec.evaluation))
    truth = clips["label"].cat.codes.to_numpy()
    tested = np.concatenate([fold.test for fold in parts])
    fold_of = np.repeat(np.arange(len(parts)), [len(fold.test) for fold in parts])
    rows = []
    for (view, epoch), share in shares.items():
        shift = np.concatenate(
            [np.arange(len(f.test)) >= round(share * len(f.test)) for f in parts]
        ).astype(int)
        p = np.eye(K)[(truth[tested] + shift) % K].astype(np.float32)
        rows.append(prediction_rows(spec, clips, view, tested, p, epoch))
    made, fold_of = pd.concat(rows, ignore_index=True), np.tile(fold_of, len(rows))
    for number, fold in enumerate(parts):
        shown = {"images_shown": 30 * spec.training.epochs}
        store.write(spec, fold.held_out, made[fold_of == number], shown)


@pytest.fixture(scope="session")
def made_runs():
    """The folders of the runs made so far, which several tests store alike."""
    return {}


@pytest.fixture
def store_all(workspace, made_runs, tmp_path_factory):
    """Store made predictions; ``right(spec, view, epoch)`` is the share of right clips."""

    def store(specs, right=lambda *_: 0.8) -> None:
        workspace.store.prepare()
        for spec in specs:
            last = spec.training.epochs
            shares = {
                (view, epoch): right(spec, view, epoch)
                for epoch in range(1, last + 1)
                for view in (PHASES if epoch == last else ("full",))
            }
            made = (spec.key, *shares.items())
            if made not in made_runs:
                kept = RunStore(tmp_path_factory.mktemp("made") / "store")
                store_run(kept, spec, load_clips(spec.data, workspace.context), shares)
                made_runs[made] = kept.path / spec.key
            # Linked, not copied: a store replaces its files and never writes into one.
            run = workspace.store.path / spec.key
            if not run.exists():  # tables share runs, and a test may ask for several in turn
                shutil.copytree(made_runs[made], run, copy_function=os.link)

    return store


def dual_is_ahead(spec, view, epoch) -> float:
    """Let dual be right on 4 of 5 clips, and everything else on 3 of 5."""
    return 0.8 if spec.setting == "dual" else 0.6


@pytest.fixture
def filled(workspace, store_all):
    """Fill a store with whole tables and return its workspace."""

    def fill(*names, right=dual_is_ahead):
        store_all({s.key: s for n in names for s in workspace.specs(n)}.values(), right)
        return workspace

    return fill


@pytest.fixture(scope="session")
def shown_so_far():
    """The tables shown so far; see `shown`."""
    return {}


@pytest.fixture
def shown(filled, shown_so_far):
    """Return a table on the store of `filled`, read once for all tests."""

    def show(name):
        if name not in shown_so_far:
            shown_so_far[name] = tables.read(filled(*{name, "table2"}), name)
        return shown_so_far[name]

    return show
