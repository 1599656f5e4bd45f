"""The section on pre-training, on simulated predictions."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest

from benchmarks import pretraining as recorded
from companion.chapters import pretraining
from mer_utils.stats import EVERY, simulate


def predictions(gain):
    """Simulate two data sets, both starts; `gain` is what the treatments add with the weights."""
    parts = []
    for start, data in product(("none", "imagenet"), ("a", "b")):
        rows = simulate(
            8, rng=np.random.default_rng(ord(data)), difference=gain * (start == "imagenet")
        ).assign(dataset=data, weights=start)
        both = [rows[rows["setting"] == name] for name in ("baseline", "treatment")]
        names = (recorded.BASELINE, *recorded.TREATMENTS)
        parts += [r.assign(setting=n) for r, n in zip((*both, both[1]), names, strict=True)]
    return pd.concat(parts)


def record(tmp_path, gain):
    rows = predictions(gain)
    changed = [recorded.changed_by_weights(rows, t) for t in recorded.TREATMENTS]
    file = tmp_path / "pretraining.json"
    about = {"specification": {"changed": changed}, "rows": recorded.compared(rows)}
    file.write_text(json.dumps(about))
    return file


def test_what_the_weights_change_is_the_difference_of_two_gains(tmp_path):
    about, rows = pretraining.read(record(tmp_path, 0.25))
    assert {*rows["dataset"]} == {EVERY}
    table = pretraining.table(about, rows).set_index("comparison")["difference"]
    for name in recorded.TREATMENTS:
        gains = [
            table[f"{name} minus matched single, from {start}"]
            for start in ("ImageNet weights", "scratch")
        ]
        more = table[f"{name}'s gain, ImageNet weights minus scratch"]
        assert more == pytest.approx(gains[0] - gains[1])


@pytest.mark.parametrize(("gain", "word"), [(0.25, "is shown"), (0.0, "is not shown")])
def test_what_is_said_follows_the_record(tmp_path, gain, word):
    said = pretraining.said(*pretraining.read(record(tmp_path, gain)))
    assert said.count(word) == len(recorded.TREATMENTS)
