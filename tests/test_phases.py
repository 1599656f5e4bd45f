"""The paper's method: phases, views and training sets."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import raises
from hypothesis import given
from hypothesis import strategies as st

from mer_utils import dynamic_image as di
from mer_utils import phases
from mer_utils.phases import TRAINING_SETS, TrainingSet


@given(st.integers(1, 60), st.data())
def test_the_halves_share_the_apex_and_cover_the_clip(n, data):
    apex = data.draw(st.integers(0, n - 1))
    frames = {p: list(range(n))[part] for p, part in phases.phase_slices(n, apex).items()}
    assert all(len(found) >= 2 for found in frames.values())
    if {"onset_apex", "apex_offset"} <= set(frames):
        assert frames["onset_apex"] + frames["apex_offset"][1:] == frames["full"]
        assert frames["onset_apex"][-1] == frames["apex_offset"][0] == apex
    assert set(phases.missing_phases(100, 100 + apex, 99 + n)) == set(phases.PHASES) - set(frames)


def test_the_fall_in_reverse_time_is_pooled_as_the_reversed_frames_are(rng):
    frames = rng.integers(0, 256, (9, 4, 5, 3), dtype=np.uint8)
    made = di.phase_dynamic_images(frames, 3, views=["offset_apex"])["offset_apex"]
    np.testing.assert_allclose(made, di.dynamic_image(frames[3:][::-1]), atol=1e-2)


def test_every_control_shows_as_many_images_none_of_them_new():
    controlled = [s for s in TRAINING_SETS.values() if s.control]
    assert {"dual", "aligned", "halves"} <= {s.name for s in controlled}
    for training in controlled:
        control = TRAINING_SETS[training.control]
        assert len(control.views) == len(training.views)
        assert set(control.views) == {"full"}


def test_training_images_are_those_of_the_clips_that_have_the_view(rng):
    images = {v: rng.integers(0, 256, (4, 2, 2, 3), dtype=np.uint8) for v in phases.VIEWS}
    present = {v: np.array([True, v == "full", True, True]) for v in phases.VIEWS}
    shown, at = phases.training_images(images, present, np.array([0, 1, 3]), TRAINING_SETS["dual"])
    assert at.tolist() == [0, 1, 3, 0, 3, 0, 3]
    assert (shown[3:5] == images["onset_apex"][[0, 3]]).all()
    three, at = phases.training_images(
        images, present, np.array([1]), TRAINING_SETS["matched single"]
    )
    assert at.tolist() == [1, 1, 1]
    assert (three == images["full"][1]).all()


def test_a_training_set_of_ones_own_has_a_name_once_it_is_registered():
    views = ("offset_apex", "full")
    assert TRAINING_SETS.find(views).name == "offset_apex+full"
    TRAINING_SETS.register(TrainingSet("mine", views))
    try:
        assert TRAINING_SETS.find(views).name == "mine"
        assert TRAINING_SETS.find("mine").views == views
    finally:
        TRAINING_SETS.unregister("mine")


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("unknown name", lambda: TRAINING_SETS.find("triple")),
        ("unknown name", lambda: TRAINING_SETS.find(("full", "rise"))),
        ("invalid option", lambda: TRAINING_SETS.find(())),
        ("taken name", lambda: TRAINING_SETS.register(TrainingSet("dual", ("full", "full")))),
        ("taken name", lambda: TRAINING_SETS.register(TrainingSet("my single", ("full",)))),
        ("apex outside the clip", lambda: phases.phase_slices(5, 5)),
    ],
)
def test_bad_input_has_a_kind(kind, call):
    with raises(kind):
        call()
