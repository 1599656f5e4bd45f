"""The apex estimated from frames, on motion that is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers import raises, registered

from mer_utils.frames import SPOTTERS, Spotter, remember, spot_apex
from mer_utils.frames.spotting import all_rules, complete_rule
from mer_utils.phases import midpoint_apex

HEIGHT, WIDTH = 120, 100


def moving(n, apex, drift=(0.0, 0.0), seed=0):
    """A textured face whose mouth rises until the apex and falls, while the head drifts."""
    rng = np.random.default_rng(seed)
    face = cv2.GaussianBlur(rng.uniform(0, 255, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 2)
    face = cv2.normalize(face, None, 30, 220, cv2.NORM_MINMAX)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    mouth = np.exp(-((y - 85) ** 2 + (x - 50) ** 2) / 200)
    frames = []
    for t in range(n):
        strength = min(t / apex, (n - 1 - t) / (n - 1 - apex))
        share = t / (n - 1)
        map_x = x - np.float32(drift[0] * share)
        map_y = y + np.float32(2.5 * strength) * mouth - np.float32(drift[1] * share)
        frame = cv2.remap(face, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        noisy = frame + rng.normal(0, 1.5, frame.shape)
        frames.append(noisy.clip(0, 255).astype(np.uint8)[..., None])
    return np.stack(frames)


@pytest.mark.parametrize("rule", all_rules())
@pytest.mark.parametrize(("n", "apex"), [(40, 11), (40, 28), (12, 4)])
def test_the_frame_of_strongest_motion_is_found(rule, n, apex):
    frames = moving(n, apex)
    assert abs(spot_apex(iter(frames), rule) - apex) <= 1
    assert spot_apex(frames.repeat(3, axis=-1), rule) == spot_apex(frames, rule)


@pytest.mark.parametrize("rule", all_rules())
def test_a_drifting_head_does_not_move_it(rule):
    frames = moving(40, 12, drift=(3.0, -2.0))
    assert abs(spot_apex(frames, rule) - 12) <= 2
    # What a plain difference takes for the apex is where the head has drifted furthest.
    change = np.abs(frames.astype(float) - frames[0]).mean(axis=(1, 2, 3))
    assert change.argmax() > 30


@pytest.mark.parametrize("rule", all_rules())
@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
def test_where_nothing_can_be_spotted_the_frame_halfway_is_taken_and_said(rule, n):
    still, said = np.full((n, 20, 30, 1), 90, np.uint8), set()
    assert spot_apex(still, rule, said) == midpoint_apex(0, n - 1)
    assert ["set halfway" in words for words in said] == [True]


@pytest.mark.parametrize("rule", all_rules())
def test_of_three_frames_it_is_the_second_and_small_ones_do(rule):
    frames = np.random.default_rng(0).integers(0, 255, (3, 9, 7, 3), dtype=np.uint8)
    said = set()
    assert spot_apex(frames, rule, said) == 1
    assert said == set()


def test_a_method_of_ones_own_and_what_is_no_number():
    def last(frames):
        return np.arange(len(frames))

    frames = moving(9, 4)
    with registered(SPOTTERS, Spotter("last", last, version="3")):
        assert spot_apex(frames, "spotted:last") == 7  # never the offset itself
        assert complete_rule("spotted:last") == "spotted:last:3"
        with raises("other code", "version 2", "version 3"):
            complete_rule("spotted:last:2")
    rules = set()
    for power in (1, 2, 2):  # a version that is not stated is that of the code
        with registered(SPOTTERS, Spotter("p", lambda frames, power=power: frames.mean() ** power)):
            rules.add(complete_rule("spotted:p"))
    assert len(rules) == 2
    said = set()
    with registered(SPOTTERS, Spotter("none", lambda frames: np.full(len(frames), np.nan))):
        assert spot_apex(frames, "spotted:none", said) == 4
    assert said
    with raises("unknown name", "last", *SPOTTERS):
        complete_rule("spotted:last")


def test_an_apex_is_searched_for_once_and_kept(tmp_path):
    looked = []

    def brightest(small):
        looked.append(len(small))
        return small.mean(axis=(1, 2)) - small[0].mean()

    dark = np.zeros((9, 20, 20, 1), np.uint8)
    bright = dark + 10 * np.array([0, 1, 2, 4, 3, 2, 1, 1, 0], np.uint8)[:, None, None, None]
    with registered(SPOTTERS, Spotter("brightest", brightest, "1")):
        for folder in (None, tmp_path, tmp_path):
            remember(folder)
            said = set()
            assert spot_apex(bright, "spotted:brightest", said) == 3
            assert not said
            # That none can be spotted is known too, and said each time.
            assert spot_apex(dark, "spotted:brightest", said) == 4
            assert len(said) == 1
        assert len(looked) == 2 * 2
        spot_apex(bright[:-1], "spotted:brightest")
        assert len(looked) == 5  # other frames, another search
        for file in (tmp_path / "apexes").iterdir():
            file.write_text("[")
        assert spot_apex(bright, "spotted:brightest") == 3
        assert len(looked) == 6
    with registered(SPOTTERS, Spotter("brightest", brightest, "2")):
        spot_apex(bright, "spotted:brightest")
    assert len(looked) == 7  # another version, another search
