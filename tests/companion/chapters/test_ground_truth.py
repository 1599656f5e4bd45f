"""What is true of the made clips, known another way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import raises

from companion.chapters import ground_truth
from mer_utils import datasets, synthetic


def test_displacement_by_class_is_the_mean_over_the_clips_of_the_class(workspace):
    twin = workspace.data["casme2"].dataset
    clips, root = twin.clips(), twin.root
    found = ground_truth.displacement_by_class(twin, clips, 170)
    assert list(found) == [label for label in clips["label"].cat.categories]
    # One class by hand, at a size that only widens: columns are interpolated, rows are kept.
    rows = clips[clips["label"] == "surprise"]
    fields = [synthetic.true_displacement(root, r.subject, r.clip) for r in rows.itertuples()]
    lengths = np.mean([np.linalg.norm(field, axis=-1) for field in fields], axis=0)
    image = found["surprise"]
    assert image.shape == (170, 170)
    assert image.dtype == np.float32
    assert image.max() == pytest.approx(lengths.max(), rel=0.02)
    np.testing.assert_allclose(image.mean(axis=1), lengths.mean(axis=1), atol=0.02)


def test_displacement_by_class_moves_what_the_emotion_moves(workspace):
    # Surprise raises the brows, happiness pulls the corners of the lips.
    twin = workspace.data["casme2"].dataset
    found = ground_truth.displacement_by_class(twin, twin.clips(), 32)
    upper = {label: image[:16].sum() / image.sum() for label, image in found.items()}
    assert upper["surprise"] > 2 * upper["happiness"]


def test_displacement_by_class_knows_the_subjects_of_a_composite(workspace):
    twins = [workspace.data[name].dataset for name in ("casme2", "samm")]
    whole = datasets.Composite(tuple(replace(twin, scheme="megc-3") for twin in twins))
    clips = whole.clips()
    found = ground_truth.displacement_by_class(whole, clips[clips["dataset"] == "samm"], 16)
    plain = replace(twins[1], scheme="megc-3")
    own = ground_truth.displacement_by_class(plain, plain.clips(), 16)
    assert found.keys() == own.keys()
    assert all((found[label] == own[label]).all() for label in own)


def test_displacement_by_class_leaves_out_a_class_without_clips(workspace):
    twin = workspace.data["casme2"].dataset
    clips = twin.clips()
    some = clips[clips["label"].isin(["disgust", "others"])]
    assert list(ground_truth.displacement_by_class(twin, some, 8)) == ["others", "disgust"]


def test_there_is_no_ground_truth_of_other_data(tmp_path, workspace):
    twin = workspace.data["casme2"].dataset
    with raises("other twin", "synthetic.json"):
        ground_truth.displacement_by_class(datasets.Casme2(tmp_path), twin.clips(), 8)
