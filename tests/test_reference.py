"""The recorded results, once there are any: of this release, small, and what this code computes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mer_utils.cli.verify import entries
from mer_utils.experiments import TABLES, open_workspace
from mer_utils.experiments.verification import DIFFERENT, open_reference, verify
from mer_utils.runs import Job, RunStore, run

ROOT = Path(__file__).parents[1]
RECORDED = sorted((ROOT / "reference").glob("*.zip"))
#: Cheap to train, not chaotic; and a baseline.
MODELS = ("resnet50", "vit_base_patch16_224", "svm_hog")

pytestmark = pytest.mark.skipif(not RECORDED, reason="no results are recorded in reference/")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_is_recorded_is_of_this_release(path):
    """If this fails, results have changed: record them anew with mer reference."""
    assert path.stat().st_size < 5_000_000
    with open_reference(path) as reference:
        reference.require(path.stem)
        assert reference.about["changelog entries"] == entries(ROOT / "CHANGELOG.md")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_runs_have_the_recorded_keys_and_a_few_folds_are_as_recorded(path, tmp_path):
    """If this fails, results have changed: say so in CHANGELOG.md and record them anew."""
    # Of one twin; drawing the others would take a minute.
    drawn = open_workspace(path.stem, tmp_path / "data", tmp_path / "store", datasets=["casme2"])
    keys = {s.key for name, table in TABLES.items() if not table.made for s in drawn.specs(name)}
    few = [s for s in drawn.specs("table2") if s.model.name in MODELS and s.setting == "single"]
    with open_reference(path) as reference:
        assert keys <= {*reference.store.names()}
        jobs = [Job(s, name) for s in few for _, name in list(reference.store.digests([s]))[:2]]
        folds = pd.DataFrame([("table2", job.spec.model.name, job) for job in jobs])
        folds.columns = ["table", "model", "job"]
        assert not run(jobs, drawn.context).failed
        done = verify(reference, RunStore(drawn.context.store), folds, len(folds), "a few")
    assert len(done.found) == 6
    assert not done.counts[DIFFERENT], done.by_model.to_string()
