"""A few quick folds: LEARNet, narrow, two epochs, on the smoke profile's CASME II twin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mer_utils.experiments import Workspace
from mer_utils.runs import Context, Job, RunStore, prepare_views, run


@pytest.fixture
def context(workspace: Workspace) -> Context:
    return workspace.context


@pytest.fixture
def jobs(workspace: Workspace) -> list[Job]:
    """The folds of `single` and `dual`: six jobs."""
    specs = [
        spec
        for spec in workspace.specs("table2")
        if spec.data.dataset == "casme2"
        and spec.model.name == "learnet"
        and spec.train_views != ("full", "full", "full")
    ]
    prepare_views(specs, workspace.context, workers=1)
    return workspace.jobs(specs)


def folds(store: Path, jobs: list[Job]) -> dict[tuple[str, str], str]:
    """The SHA-256 of the bytes of each fold as it was written."""
    return RunStore(store).digests({job.spec.key: job.spec for job in jobs}.values())


@pytest.fixture
def stored(context):
    """Return the digest of each fold in this test's store."""
    return lambda jobs: folds(context.store, jobs)


@pytest.fixture(scope="session")
def undisturbed() -> dict[tuple[str, str], str]:
    """What the first undisturbed run stored; see `expected`."""
    return {}


@pytest.fixture
def expected(undisturbed, jobs, context, tmp_path_factory) -> dict[tuple[str, str], str]:
    """The folds' bytes as this process computes them alone, made once."""
    if not undisturbed:
        alone = replace(context, store=tmp_path_factory.mktemp("alone") / "store")
        assert run(jobs, alone).done == len(jobs)
        undisturbed.update(folds(alone.store, jobs))
    return undisturbed
