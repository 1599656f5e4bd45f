"""What is true of the made clips, known another way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from companion.chapters import ground_truth
from mer_utils import synthetic
from mer_utils.errors import MerError


def test_displacement_by_class_is_the_mean_over_the_clips_of_the_class(workspace):
    clips = workspace.clips("casme2")
    root = workspace.context.root("casme2")
    found = ground_truth.displacement_by_class(workspace, clips, 340)
    assert list(found) == [label for label in clips["label"].cat.categories]
    # One class by hand, at a size that only widens: columns are interpolated, rows are kept.
    rows = clips[clips["label"] == "surprise"]
    fields = [synthetic.true_displacement(root, r.subject, r.clip) for r in rows.itertuples()]
    lengths = np.mean([np.linalg.norm(field, axis=-1) for field in fields], axis=0)
    image = found["surprise"]
    assert image.shape == (340, 340)
    assert image.dtype == np.float32
    assert image.max() == pytest.approx(lengths.max(), rel=0.02)
    np.testing.assert_allclose(image.mean(axis=1), lengths.mean(axis=1), atol=0.02)


def test_displacement_by_class_moves_what_the_emotion_moves(workspace):
    # Surprise raises the brows, happiness pulls the corners of the lips.
    found = ground_truth.displacement_by_class(workspace, workspace.clips("casme2"), 32)
    upper = {label: image[:16].sum() / image.sum() for label, image in found.items()}
    assert upper["surprise"] > 0.5 > upper["happiness"]


def test_displacement_by_class_takes_a_root_and_prefixed_subjects(workspace):
    clips = workspace.clips("samm")
    prefixed = clips.assign(subject=clips["dataset"] + "-" + clips["subject"])
    plain = ground_truth.displacement_by_class(workspace, clips, 16)
    other = ground_truth.displacement_by_class(workspace.context.root("samm"), prefixed, 16)
    assert plain.keys() == other.keys()
    assert all((plain[label] == other[label]).all() for label in plain)


def test_displacement_by_class_leaves_out_a_class_without_clips(workspace):
    clips = workspace.clips("casme2")
    some = clips[clips["label"].isin(["disgust", "others"])]
    assert list(ground_truth.displacement_by_class(workspace, some, 8)) == ["others", "disgust"]


def test_there_is_no_ground_truth_of_other_data(tmp_path, workspace):
    clips = workspace.clips("casme2")
    with pytest.raises(MerError, match=r"synthetic\.json"):
        ground_truth.displacement_by_class(tmp_path, clips, 8)


def test_truth_is_known_of_twins_only(workspace):
    real = dataclasses.replace(
        workspace,
        context=dataclasses.replace(
            workspace.context,
            roots=(("casme2", workspace.context.root("casme2")), ("samm", workspace.context.store)),
        ),
    )
    assert (
        list(ground_truth.truth_known(workspace)["ground truth"]) == ["known: a synthetic twin"] * 2
    )
    assert list(ground_truth.truth_known(real)["ground truth"]) == [
        "known: a synthetic twin",
        "none",
    ]
