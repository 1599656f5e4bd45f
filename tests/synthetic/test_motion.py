"""What a made clip shows: activations, displacement, shading, noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers import raises

from mer_utils import synthetic
from mer_utils.synthetic import clips, dynamics, emotions, exact, motion
from mer_utils.synthetic.emotions import Unit
from mer_utils.synthetic.identity import draw_identity
from mer_utils.synthetic.stage import Stage, draw_drift

SURPRISE = (Unit(1), Unit(2), Unit(5), Unit(26, intensity=1.2))
SMALL = (84, 102)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_without_phase_difference_the_fall_mirrors_the_rise(rng):
    curves = dynamics.activation(SURPRISE, 20, 20, rng, phase_difference=0.0)
    np.testing.assert_allclose(curves, curves[:, ::-1], atol=1e-12)


@pytest.mark.parametrize("difference", [0.0, 0.3, 1.0])
def test_units_peak_at_the_apex_and_are_monotone_around_it(rng, difference):
    curves = dynamics.activation(SURPRISE, 25, 31, rng, difference)
    assert curves.shape == (4, 57)
    np.testing.assert_allclose(curves[:, 25], 1.0)
    np.testing.assert_allclose(curves[:, 0], 0.0)
    assert (np.diff(curves[:, :26], axis=1) >= -1e-12).all()
    assert (np.diff(curves[:, 25:], axis=1) <= 1e-12).all()
    assert curves.sum(axis=0).argmax() == 25


def test_phase_difference_changes_relative_strengths_in_the_fall():
    # How much of each unit the fall undoes: all of it when mirrored, unequal when not.
    def undone(difference):
        curves = dynamics.activation(SURPRISE, 30, 30, np.random.default_rng(0), difference)
        return curves[:, 30] - curves[:, -1]

    np.testing.assert_allclose(undone(0.0), 1.0, atol=1e-12)
    early, lingering = undone(1.0)[2:], undone(1.0)[:2]  # AU 5, 26 let go; AU 1, 2 linger
    np.testing.assert_allclose(early, 1.0, atol=1e-12)
    assert (lingering < 0.65).all()
    assert np.ptp(undone(0.5)) < np.ptp(undone(1.0))


def test_without_fall_information_the_class_is_nowhere_in_the_curves():
    def curves(emotion, information):
        return dynamics.activation(
            SURPRISE, 30, 30, exact.Draw(1), 1.0, emotion=emotion, fall_information=information
        )

    prototype = curves("surprise", 0.0)
    np.testing.assert_array_equal(curves("others", 0.0), prototype)
    np.testing.assert_array_equal(curves("surprise", 1.0), prototype)
    told = curves("others", 1.0)
    np.testing.assert_array_equal(told[:, :31], prototype[:, :31])  # the rise never tells
    early, late = prototype[2:, -1], told[2:, -1]  # AU 5 and 26 let go, or hold on
    assert (early == 0).all()
    assert (late > 0.3).all()
    assert (told[:2, -1] == 0).all()
    np.testing.assert_allclose(curves("others", 0.5), (prototype + told) / 2, atol=1e-12)


def test_units_do_not_all_arrive_together(rng):
    curves = dynamics.activation(SURPRISE, 60, 60, rng)
    arrivals = (curves[:, :61] < 1 - 1e-9).sum(axis=1)
    assert len(set(arrivals)) > 1
    assert arrivals.max() == 60  # the leading unit arrives at the apex itself


def test_without_noise_an_emotion_is_its_prototype(rng):
    for emotion, numbers in emotions.PROTOTYPES.items():
        units = emotions.draw_units(emotion, rng, noise=0)
        assert [unit.number for unit in units] == sorted(numbers)
        assert {unit.intensity for unit in units} == {1.0}


def test_the_defining_unit_is_never_missing_and_every_unit_can_be_drawn(rng):
    for emotion, numbers in emotions.PROTOTYPES.items():
        for _ in range(60):
            drawn = {unit.number for unit in emotions.draw_units(emotion, rng, noise=2)}
            assert numbers[0] in drawn
            assert drawn <= motion.BUMPS.keys()


def test_contempt_is_one_sided_and_sides_are_the_persons_own(rng):
    sides = {emotions.draw_units("contempt", rng, 0)[0].side for _ in range(30)}
    assert sides == {"left", "right"}
    frame = Stage.crop(SMALL).frame
    field = motion.fields(draw_identity(rng), (Unit(14, side="left"),), frame)
    strength = np.hypot(field.dx, field.dy).reshape(102, 84)
    assert strength[:, 42:].max() > 10 * strength[:, :30].max()  # left is right in the image


@pytest.mark.parametrize(
    ("unit", "direction"),
    [(1, -1), (2, -1), (4, 1), (12, -1), (15, 1), (17, -1), (26, 1)],
)
def test_skin_moves_up_or_down_as_facs_says(rng, unit, direction):
    field = motion.fields(draw_identity(rng), (Unit(unit),), Stage.crop((280, 340)).frame)
    dy = field.dy.sum(axis=0)
    assert np.sign(dy[np.abs(dy).argmax()]) == direction
    assert 1 < np.abs(dy).max() < 6  # a few pixels at 280 x 340


def test_displacement_scales_with_the_frame(rng):
    who = draw_identity(rng)
    sizes = [
        motion.fields(who, (Unit(12),), Stage.crop(size).frame).amplitudes(1)[0]
        for size in ((280, 340), (140, 170))
    ]
    assert sizes[0] == pytest.approx(2 * sizes[1], rel=0.02)


def test_a_clip_at_rest_is_still():
    stage = Stage.crop(SMALL)
    who, _ = clips.rest_image((1, 7), stage)
    part = motion.fields(who, (Unit(12),), stage.moving)
    drift = draw_drift(4, np.random.default_rng(0), 1.0, noise=0)
    still = np.zeros((1, 4))
    made = list(clips.frames((1, 7), part, still, drift, stage, np.random.default_rng(0), 0.0))
    for frame in made[1:]:
        np.testing.assert_array_equal(frame, made[0])


def test_motion_recovered_by_block_matching_agrees_with_the_field():
    """Second way: phase correlation of the made frames finds the brows' displacement."""
    stage = Stage.crop((280, 340))
    units = (Unit(1), Unit(2))
    who, _ = clips.rest_image((5, 7), stage)
    part = motion.fields(who, units, stage.moving)
    curves = np.array([[0.0, 1.0]] * 2)
    drift = draw_drift(2, np.random.default_rng(0), 1.0, noise=0)
    rest, apex = clips.frames((5, 7), part, curves, drift, stage, np.random.default_rng(0), 0.0)
    field = clips.true_field((5, 7), units, np.ones(2), stage)
    x, y = stage.frame.pixels(np.array([who.landmarks["brow_mid"]]))[0].astype(int)
    box = np.s_[y - 20 : y + 21, x - 30 : x + 31]
    flow = cv2.calcOpticalFlowFarneback(
        *(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (rest, apex)),
        None, 0.5, 3, 21, 5, 7, 1.5, 0,
    )  # fmt: skip
    np.testing.assert_allclose(
        np.median(flow[box], axis=(0, 1)), np.median(field[box], axis=(0, 1)), atol=0.6
    )
    assert np.median(field[box][..., 1]) < -1


def test_frames_differ_most_from_the_onset_where_the_field_is_large():
    clip = synthetic.make_clip("casme2", "happiness", n_frames=(6, 6), frame_size=(140, 170))
    change = np.abs(clip.frames[6].astype(float) - clip.frames[0]).mean(axis=2)
    assert change[90:].mean() > 1.5 * change[:40].mean()  # mouth and cheeks, not the forehead


def test_make_clip_shapes_channels_and_seeds():
    a = synthetic.make_clip("samm", "anger", seed=4, n_frames=(3, 5), frame_size=(40, 50))
    b = synthetic.make_clip("samm", "anger", seed=4, n_frames=(3, 5), frame_size=(40, 50))
    c = synthetic.make_clip("casme2", "anger", seed=5, n_frames=(3, 5), frame_size=(40, 50))
    assert a.frames.shape == (9, 50, 40, 1)
    assert a.frames.dtype == np.uint8
    assert (a.apex, a.action_units) == (3, b.action_units)
    np.testing.assert_array_equal(a.frames, b.frames)
    assert c.frames.shape == (9, 50, 40, 3)


def test_faces_differ_more_between_people_than_clips_of_one_person():
    def first(subject, seed):
        clip = synthetic.make_clip(
            subject_seed=subject, seed=seed, n_frames=(1, 1), frame_size=(56, 68)
        )
        return clip.frames[0].astype(float)

    same = np.abs(first(0, 1) - first(0, 2)).mean()
    other = min(np.abs(first(0, 1) - first(k, 1)).mean() for k in range(1, 5))
    assert other > 4 * same


def test_noise_zero_removes_sensor_noise_and_flicker():
    clip = synthetic.make_clip(noise=0, n_frames=(4, 4), frame_size=(56, 68), phase_difference=0)
    np.testing.assert_array_equal(clip.frames, clip.frames[::-1])


@pytest.mark.parametrize(
    "bad",
    [
        *({"phase_difference": 1.2}, {"fall_information": -0.1}, {"noise": -1}),
        *({"frame_size": (8, 8)}, {"noise": np.nan}),
    ],
)
def test_settings_out_of_range_are_refused(bad):
    with raises("invalid option"):
        synthetic.make_clip(**bad)
