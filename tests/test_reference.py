"""The recorded results, once there are any: of this release, small, and what this code computes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mer_utils.cli.verify import entries
from mer_utils.experiments import open_workspace
from mer_utils.experiments.verification import DIFFERENT, open_reference, verify
from mer_utils.runs import RunStore, run

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
def test_all_runs_have_the_recorded_keys_and_a_few_folds_are_as_recorded(path, tmp_path):
    """If this fails, results have changed: say so in CHANGELOG.md and record them anew."""
    # One twin is drawn, the others are outlined: enough for their keys.
    drawn = open_workspace(path.stem, tmp_path / "data", tmp_path / "store", datasets=["casme2"])
    (tmp_path / "outlines").mkdir()
    whole = open_workspace(path.stem, tmp_path / "data", outlines=tmp_path / "outlines")
    with open_reference(path) as reference:
        folds = reference.folds(whole)
        main = folds[folds["table"] == "table2"]
        here = main[[job.spec.data.dataset == "casme2" for job in main["job"]]]
        chosen = pd.concat([here[here["model"] == model].head(2) for model in MODELS])
        chosen = chosen.reset_index(drop=True)
        assert not run(list(chosen["job"]), drawn.context).failed
        done = verify(reference, RunStore(drawn.context.store), chosen, len(folds), "a few")
    assert len(done.found) == 6
    assert not done.counts[DIFFERENT], done.by_model.to_string()
