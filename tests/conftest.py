"""What every test may use: a seeded generator, and small data made once."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from helpers import draw_twin, store_run

from mer_utils import experiments, frames
from mer_utils.experiments import Workspace
from mer_utils.phases import PHASES
from mer_utils.runs import RunStore

# A shell's background job ignores Ctrl-C, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_power_cut():
    """What a test stores need not outlast the machine: nobody waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20251017)


@pytest.fixture(autouse=True)
def _own_build_folder(monkeypatch, tmp_path_factory):
    """No test writes into the checkout or reads licensed data that a user has set up."""
    monkeypatch.setenv("MER_BUILD", str(tmp_path_factory.getbasetemp() / "build"))
    for name in [n for n in os.environ if n.startswith("MER_") and n != "MER_BUILD"]:
        monkeypatch.delenv(name, raising=False)
    frames.remember(None)


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder of all the processes that share the tests; they lock what they make there."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def twins(shared) -> Path:
    """The folder of the smoke profile's twins, drawn once for all the processes."""
    folder = shared / "twins"
    # Two processes that need the twins at once draw one each.
    second = os.environ.get("PYTEST_XDIST_WORKER", "").endswith("1")
    for dataset in ("samm", "casme2") if second else ("casme2", "samm"):
        with FileLock(shared / f"{dataset}.lock"):
            draw_twin(dataset, folder)
    return folder


@cache
def _opened(twins: Path) -> Workspace:
    return experiments.open_workspace("smoke", twins)


@pytest.fixture
def workspace(twins, tmp_path) -> Workspace:
    """The smoke profile with an empty store; what it reads of the twins is read once."""
    opened = _opened(twins)
    return replace(opened, context=replace(opened.context, store=tmp_path / "store"))


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
                store_run(kept, spec, workspace.context.data(spec.data).clips, shares)
                made_runs[made] = kept.path / spec.key
            # Linked, not copied: a store replaces its files and never writes into one.
            run = workspace.store.path / spec.key
            if not run.exists():  # tables share runs, and a test may ask for several in turn
                shutil.copytree(made_runs[made], run, copy_function=os.link)

    return store
