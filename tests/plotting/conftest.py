"""Made scores, clips and tables for the figures' tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mer_utils.plotting import MODEL_COLOURS, SETTING_COLOURS


@pytest.fixture
def moving_clip() -> np.ndarray:
    """A bright spot that moves right until frame 5 and then down, on a still ground."""
    rng = np.random.default_rng(3)
    ground = rng.integers(60, 120, size=(20, 24, 3))
    frames = np.repeat(ground[None], 12, axis=0)
    for t in range(12):
        row, column = 4 + max(0, t - 5), 3 + min(t, 5)
        frames[t, row : row + 4, column : column + 4] = 230
    return frames.astype(np.uint8)


@pytest.fixture
def scores() -> pd.DataFrame:
    """Two data sets, six models, the settings of table 2, two metrics."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [
            ["casme2", "samm"],
            list(MODEL_COLOURS),
            list(SETTING_COLOURS),
            ["uar_pooled", "uf1_pooled"],
        ],
        names=["dataset", "model", "setting", "metric"],
    )
    frame = pd.DataFrame({"value": rng.uniform(0.3, 0.7, len(index))}, index=index).reset_index()
    return frame.assign(low=frame["value"] - 0.05, high=frame["value"] + 0.06)


@pytest.fixture
def clips() -> pd.DataFrame:
    """Twelve clips of two data sets; one has no apex."""
    rows = [
        (dataset, f"sub{i % 3:02d}", 10, 10 + 4 * (i + 1), 60, 200.0, label)
        for dataset in ("casme2", "samm")
        for i, label in enumerate(["happiness", "disgust", "disgust", "others", "others", "others"])
    ]
    columns = ["dataset", "subject", "onset", "apex", "offset", "fps", "label"]
    table = pd.DataFrame(rows, columns=columns).astype({"apex": "Int64", "label": "category"})
    table.loc[0, "apex"] = pd.NA
    return table
