"""Made motion measured: what the numbers must be where the answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companion.chapters import ground_truth, true_motion
from companion.chapters.true_motion import APEX_RULES, correlation
from mer_utils import datasets, synthetic


@pytest.fixture(scope="module")
def twin(twins):
    return datasets.Casme2(twins / "casme2-smoke")


@pytest.fixture(scope="module")
def measured(twin):
    return true_motion.measure(twin, 32)


def test_a_row_per_clip_with_what_was_drawn(measured, twin):
    clips = twin.clips()
    assert list(measured["clip"]) == list(clips["clip"])
    truth = synthetic.ground_truth(twin.root)
    drawn = clips[["subject", "clip"]].merge(truth, on=["subject", "clip"])
    assert list(measured["true_apex"]) == list(drawn["true_apex"])
    assert list(measured["amplitude_px"]) == [max(a) for a in drawn["amplitude_px"]]
    assert list(measured["drift_px"]) == pytest.approx(
        list((drawn["drift_x_px"] ** 2 + drawn["drift_y_px"] ** 2) ** 0.5)
    )
    expected = (drawn["offset"] - drawn["onset"]) * 5.0  # 200 frames per second
    assert list(measured["rise_ms"] + measured["fall_ms"]) == pytest.approx(list(expected))


def test_the_twins_sheet_notes_the_true_apex(measured):
    errors = true_motion.apex_errors(measured)
    noted = errors[errors["rule"] == APEX_RULES["noted_apex"]]
    assert len(noted) == measured["noted_apex"].notna().sum() > 0
    assert (noted["frames"] == 0).all()
    assert "is 0 frames for every clip" in true_motion.quoted(measured)["noted_said"]
    none = true_motion.quoted(measured.assign(noted_apex=np.nan))  # as of SMIC
    assert none["noted_said"] == "no sheet notes an apex"


def test_dynamic_images_follow_their_own_clip_better_than_another(measured):
    assert measured["full"].between(-1, 1).all()
    assert measured["full"].mean() > measured["full_wrong"].mean() + 0.1


def test_the_middle_is_off_by_half_the_difference_of_the_phases(measured):
    errors = true_motion.apex_errors(measured)
    middle = errors[errors["rule"] == APEX_RULES["middle"]]
    # The middle minus the apex is half of fall minus rise, to half a frame.
    half = (measured["fall_ms"] - measured["rise_ms"]) / 2
    assert np.abs(middle["ms"].to_numpy() - half.to_numpy()).max() <= 2.5 + 1e-9


def test_apex_errors_are_signed_and_skip_what_is_unknown():
    made = pd.DataFrame(
        {
            "dataset": "d",
            "fps": [100.0, 200.0],
            "true_apex": [10, 20],
            "noted_apex": [10, None],
            "middle": [7, 22],
            "by_regions": [13, 20],
            "by_strain": [10, 10],
        }
    )
    errors = true_motion.apex_errors(made)
    assert list(errors["frames"]) == [0, -3, 2, 3, 0, 0, -10]
    assert list(errors["ms"]) == [0, -30, 10, 30, 0, 0, -50]
    summary = true_motion.apex_error_table(errors).set_index("rule")
    assert list(summary["clips"]) == [1, 2, 2, 2]
    assert list(summary["mean absolute"]) == [0, 2.5, 1.5, 5]
    assert list(summary["largest"]) == [0, 3, 3, 10]


def test_correlation_is_that_of_a_second_implementation(rng):
    a, b = rng.random((7, 5)), rng.random((7, 5))
    centred = [x - x.mean() for x in (a, b)]
    expected = (centred[0] * centred[1]).sum() / np.sqrt(
        (centred[0] ** 2).sum() * (centred[1] ** 2).sum()
    )
    assert correlation(a, b) == pytest.approx(expected)
    assert np.isnan(correlation(a, np.ones((7, 5))))


def test_a_spotted_apex_is_nearer_the_true_one_than_the_middle(measured):
    errors = true_motion.apex_errors(measured)
    off = errors.assign(frames=errors["frames"].abs()).groupby("rule")["frames"].mean()
    assert off["spotted by regions"] < off["the middle of the clip"] / 2
    assert off["spotted by strain"] < off["the middle of the clip"]


def test_quoted_numbers_are_plain_and_agree_with_the_tables(measured):
    numbers = true_motion.quoted(measured)
    assert numbers.pop("noted_said")
    assert all(type(value) in (int, float) for value in numbers.values())
    assert np.isfinite(list(numbers.values())).all()
    table = true_motion.agreement_table(measured).set_index("phase")
    assert numbers["agreement_full"] == table.loc["full", "at the frame's size"]
    assert numbers["clips"] == len(measured)


def test_fields_of_single_units_add_up_to_the_clips_field(twin):
    root = twin.root
    truth = synthetic.ground_truth(root).iloc[0]
    whole = synthetic.true_displacement(root, truth["subject"], truth["clip"])
    units = [
        synthetic.true_displacement(root, truth["subject"], truth["clip"], int(unit))
        for unit in truth["action_unit"]
    ]
    assert len(units) > 1
    np.testing.assert_allclose(np.sum(units, axis=0), whole, atol=1e-5)
    # The amplitude is that of one side; where both sides' skin overlaps, it moves further.
    for amplitude, field in zip(truth["amplitude_px"], units, strict=True):
        assert 0.99 * amplitude <= np.hypot(field[..., 0], field[..., 1]).max() <= 2 * amplitude


def test_mean_fields_by_class(twin):
    clips = twin.clips()
    assert list(ground_truth.mean_fields(twin, clips)) == list(clips["label"].cat.categories)
