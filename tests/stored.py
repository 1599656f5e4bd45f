"""Folds of made predictions, for tests of the store and for the processes that they start."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mer_utils.runs import DataSpec, ModelSpec, RunSpec, RunStore, prediction_rows

__all__ = ["CLIPS", "SPEC", "P", "RunStore", "consolidated", "rows"]

SPEC = RunSpec(
    data=DataSpec(dataset="casme2", scheme="casme2-5", fingerprint="0" * 64),
    model=ModelSpec(name="learnet"),
)
CLIPS = pd.DataFrame(
    {
        "dataset": "casme2",
        "subject": ["sub01", "sub01", "sub02"],
        "clip": ["EP01", "EP02", "EP03"],
        "label": pd.Categorical(["others", "disgust", "others"], ["disgust", "others"]),
    }
)
P = np.array([[0.25, 0.75], [0.9, 0.1]], np.float32)


def rows(spec=SPEC, positions=(0, 1), p=P):
    return prediction_rows(spec, CLIPS, "full", np.array(positions), p, 10)


def consolidated(store, spec=SPEC):
    """Fill a store with two folds of a run in one file; return that file."""
    store.write(spec, "sub01", rows(spec), {"device": "cpu"})
    store.write(spec, "sub02", rows(spec, (2,), P[:1]), {"device": "gpu"})
    store.consolidate(spec, ["sub01", "sub02"])
    return store.folder(spec).whole
