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


@pytest.mark.parametrize("kind", di.KINDS)
def test_the_controls_show_the_whole_clip_otherwise(rng, kind):
    frames = rng.integers(0, 256, (11, 4, 5, 3), dtype=np.uint8)
    made = di.phase_dynamic_images(frames, None, kind, views=["full", "inverted", "offset_onset"])
    np.testing.assert_array_equal(made["inverted"], -made["full"])
    np.testing.assert_allclose(
        made["offset_onset"], di.dynamic_image(frames[::-1], kind), atol=2e-2
    )
    shown = {mode: (di.to_uint8(d, mode) for d in made.values()) for mode in di.SCALINGS}
    for full, inverted, _ in shown.values():  # its negative: what was light is dark
        assert np.abs(full.astype(int) + inverted - 255.5).max() <= 1


@given(st.integers(2, 200), st.lists(st.integers(0, 2**32 - 1), max_size=5))
def test_drawn_ends_lie_in_the_outer_quarters_and_depend_on_the_seed_alone(n, seed):
    views = ["jittered_1", "jittered_2"]
    drawn = phases.view_slices(phases.phase_slices(n, None), views, seed)
    assert drawn == phases.view_slices(phases.phase_slices(n, n // 2), views[::-1], seed)
    for part in drawn.values():
        assert 0 <= part.start <= n // 4
        assert n - n // 4 <= part.stop <= n
        assert part.stop - part.start >= 2


def test_drawn_ends_reach_both_limits_and_differ_between_the_views():
    there = phases.phase_slices(16, None)
    drawn = [phases.view_slices(there, ["jittered_1", "jittered_2"], [s]) for s in range(200)]
    assert {part["jittered_1"].start for part in drawn} == set(range(5))
    assert {part["jittered_1"].stop for part in drawn} == set(range(12, 17))
    assert sum(part["jittered_1"] != part["jittered_2"] for part in drawn) > 150


def test_every_control_shows_as_many_images_none_of_them_new():
    controlled = [s for s in TRAINING_SETS.values() if s.control]
    assert {"dual", "aligned", "halves", "jittered"} <= {s.name for s in controlled}
    for training in controlled:
        control = TRAINING_SETS[training.control]
        assert len(control.views) == len(training.views)
        assert set(control.views) == {"full"}


THREE_VIEWS = [s for s in TRAINING_SETS.values() if len(s.views) == 3]


@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.sampled_from(THREE_VIEWS))
def test_every_set_of_as_many_views_shows_the_same_clips_as_often(seed, n, training):
    rng = np.random.default_rng(seed)
    images = {v: rng.integers(0, 256, (n, 1, 1, 3), dtype=np.uint8) for v in phases.VIEWS}
    present = {v: (rng.random(n) < 0.5) | (v == "full") for v in phases.VIEWS}
    clips = np.flatnonzero((rng.random(n) < 0.8) | (np.arange(n) == 0))
    for view in training.views:  # at least one clip has it
        present[view][0] = True
    shown, at = phases.training_images(images, present, clips, training)
    assert at.tolist() == clips.tolist() * 3
    for place, (view, clip) in enumerate(
        zip(np.repeat(training.views, len(clips)), at, strict=True)
    ):
        expected = images[view if present[view][clip] else "full"][clip]
        assert (shown[place] == expected).all()


def test_a_clip_without_a_full_image_shows_one_that_the_training_set_names(rng):
    images = {v: rng.integers(0, 256, (3, 2, 2, 3), dtype=np.uint8) for v in phases.VIEWS}
    present = {v: np.ones(3, bool) for v in phases.VIEWS}
    present["full"][0] = present["onset_apex"][0] = False
    shown, at = phases.training_images(images, present, np.arange(3), TRAINING_SETS["dual"])
    assert at.tolist() == [0, 1, 2] * 3
    assert (shown[[0, 3, 6]] == images["apex_offset"][0]).all()
    single, at = phases.training_images(images, present, np.arange(3), TRAINING_SETS["single"])
    assert at.tolist() == [1, 2]
    assert (single == images["full"][1:]).all()


def test_a_view_that_no_training_clip_has_is_refused(rng):
    images = {v: np.zeros((2, 1, 1, 3), np.uint8) for v in phases.VIEWS}
    present = {v: np.array([v != "apex_offset", True]) for v in phases.VIEWS}
    with raises("invalid option", "apex_offset", "dual"):
        phases.training_images(images, present, np.array([0]), TRAINING_SETS["dual"])


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
