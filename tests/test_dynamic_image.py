"""Rank pooling against its definition, its closed form and its invariants."""

from __future__ import annotations

import weakref
from fractions import Fraction

import numpy as np
import pytest
from helpers import raises
from hypothesis import given
from hypothesis import strategies as st

from mer_utils import dynamic_image as di
from mer_utils import phases


def double_sum(frames: np.ndarray, kind: str = "bilen") -> np.ndarray:
    """The definition, in float64, one term at a time."""
    n = len(frames)
    pooled = np.zeros(frames.shape[1:])
    for i in range(1, n + 1):
        if kind == "linear":
            weight = float(2 * i - n - 1)
        else:
            minus = n + 1 if kind == "bilen" else n
            weight = float(sum(Fraction(2 * t - minus, t) for t in range(i, n + 1)))
        pooled += weight * frames[i - 1].astype(np.float64)
    return pooled


@pytest.mark.parametrize("kind", di.KINDS)
@pytest.mark.parametrize("n", [2, 3, 10, 67, 141])
def test_weights_equal_the_exact_sums(n, kind):
    one_hot = np.eye(n)
    np.testing.assert_allclose(di.rank_pooling_weights(n, kind), double_sum(one_hot, kind))


@given(st.integers(2, 400))
def test_bilen_weights_equal_their_closed_form(n):
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n + 1))])
    i = np.arange(1, n + 1)
    closed = 2 * (n - i + 1) - (n + 1) * (harmonic[n] - harmonic[i - 1])
    np.testing.assert_allclose(di.rank_pooling_weights(n), closed, atol=1e-9 * n)


@given(st.integers(2, 400))
def test_sums_of_weights(n):
    assert di.rank_pooling_weights(n, "bilen").sum() == pytest.approx(0, abs=1e-9 * n)
    assert di.rank_pooling_weights(n, "linear").sum() == 0
    assert di.rank_pooling_weights(n, "ported").sum() == pytest.approx(n)


@pytest.mark.parametrize("kind", di.KINDS)
@pytest.mark.parametrize("shape", [(67, 31, 29, 3), (24, 40, 70, 1), (5, 64, 64, 3), (9, 8, 8)])
def test_dynamic_image_is_close_to_the_double_sum(rng, shape, kind):
    frames = rng.integers(0, 256, shape, dtype=np.uint8)
    expected = double_sum(frames, kind)
    error = np.abs(di.dynamic_image(frames, kind) - expected).max()
    assert error < 1e-5 * np.ptp(expected)


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32", "float64"])
def test_frames_of_other_types_pool_to_the_same(rng, dtype):
    frames = rng.integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
    same = di.dynamic_image(frames.astype(dtype))
    np.testing.assert_allclose(same, di.dynamic_image(frames), atol=1e-3)


@pytest.mark.parametrize("kind", ["bilen", "linear"])
def test_a_still_clip_is_exactly_zero_in_every_phase(rng, kind):
    frames = np.repeat(rng.integers(0, 256, (1, 33, 65, 3), dtype=np.uint8), 67, axis=0)
    for image in di.phase_dynamic_images(frames, 33, kind).values():
        assert not image.any()


def test_still_pixels_of_every_level_are_exactly_zero_at_every_length():
    levels = np.arange(256, dtype=np.uint8)[None]
    for n in range(2, 300):
        assert not di.dynamic_image(np.broadcast_to(levels, (n, 1, 256))).any()


def test_ported_weights_leak_the_still_clip(rng):
    frames = np.repeat(rng.integers(0, 256, (1, 8, 8, 3), dtype=np.uint8), 10, axis=0)
    leak = di.dynamic_image(frames, "ported")
    np.testing.assert_allclose(leak, 10.0 * frames[0], rtol=1e-6)


def test_a_reversed_clip_changes_sign_under_linear_weights_only(rng):
    frames = rng.integers(0, 256, (12, 6, 6, 3), dtype=np.uint8)
    forward, backward = di.dynamic_image(frames, "linear"), di.dynamic_image(frames[::-1], "linear")
    np.testing.assert_allclose(forward, -backward, atol=1e-6 * np.ptp(forward))
    assert not np.allclose(di.dynamic_image(frames), -di.dynamic_image(frames[::-1]))


def test_weighted_sums_equal_the_plain_form_whatever_the_signs(rng):
    frames = rng.integers(0, 256, (30, 12, 10, 3), dtype=np.uint8)
    weights = rng.normal(size=(4, 30)) * (rng.random((4, 30)) < 0.7)
    for ours, of_sum in zip(di.weighted_sums(frames, list(weights)), weights, strict=True):
        plain = np.tensordot(of_sum, frames.astype(np.float64), axes=1)
        np.testing.assert_allclose(ours, plain, atol=1e-5 * np.ptp(plain))


def test_frames_are_pooled_one_by_one_as_they_come(rng):
    frames = rng.integers(0, 256, (9, 8, 7, 3), dtype=np.uint8)
    weights = list(di.phase_weights(9, 4).values())
    given: list[weakref.ref] = []
    alive: list[int] = []

    def stream():
        for frame in frames:
            one = frame.copy()
            given.append(weakref.ref(one))
            alive.append(sum(frame() is not None for frame in given))
            yield one

    for streamed, whole in zip(
        di.weighted_sums(stream(), weights), di.weighted_sums(frames, weights), strict=True
    ):
        np.testing.assert_array_equal(streamed, whole)
    # Each sum keeps its first frame, here the onset or the apex; besides, one goes, one comes.
    assert max(alive) <= 4


@pytest.mark.parametrize("n", [4, 6])
def test_as_many_frames_as_weights_are_needed(rng, n):
    with pytest.raises(ValueError, match="argument"):
        di.weighted_sums(rng.integers(0, 256, (n, 2, 2), dtype=np.uint8), [np.ones(5)])


def test_a_sum_of_no_frame_is_an_error(rng):
    with pytest.raises(ValueError, match="weight 0"):
        di.weighted_sums(rng.integers(0, 256, (5, 2, 2), dtype=np.uint8), [np.zeros(5)])


@pytest.mark.parametrize("apex", [1, 7, 18])
def test_each_phase_equals_pooling_its_own_frames(rng, apex):
    frames = rng.integers(0, 256, (20, 9, 11, 3), dtype=np.uint8)
    together = di.phase_dynamic_images(frames, apex)
    alone = {"full": frames, "onset_apex": frames[: apex + 1], "apex_offset": frames[apex:]}
    for phase, part in alone.items():
        expected = double_sum(part)
        np.testing.assert_allclose(together[phase], expected, atol=1e-5 * np.ptp(expected))


@pytest.mark.parametrize(
    ("apex", "expected"),
    [
        (None, ["full"]),
        (0, ["full", "apex_offset"]),
        (9, ["full", "onset_apex"]),
        (1, ["full", "onset_apex", "apex_offset"]),
        (8, ["full", "onset_apex", "apex_offset"]),
    ],
)
def test_a_phase_of_one_frame_is_absent(rng, apex, expected):
    frames = rng.integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)
    assert list(di.phase_dynamic_images(frames, apex)) == expected


def test_the_phases_asked_for_are_the_phases_given(rng):
    frames = rng.integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)
    assert list(di.phase_dynamic_images(frames, 4, views=["apex_offset"])) == ["apex_offset"]


@given(st.integers(2, 200), st.integers(2, 200))
def test_evenly_chosen_frames_are_evenly_spread(n, k):
    chosen = di.evenly_chosen(n, k)
    assert len(chosen) == min(n, k)
    assert chosen[0] == 0
    assert chosen[-1] == n - 1
    gaps = np.diff(chosen)
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


def test_to_uint8_extremes(rng):
    image = rng.normal(size=(9, 9, 3))
    minmax, symmetric = di.to_uint8(image), di.to_uint8(image, "symmetric")
    assert (minmax.min(), minmax.max()) == (0, 255)
    assert max(abs(symmetric.astype(int) - 128).ravel()) == 127
    assert (di.to_uint8(np.zeros((2, 2)), "symmetric") == 128).all()
    assert (di.to_uint8(np.zeros((2, 2))) == 128).all()
    zero_kept = di.to_uint8(np.where(np.arange(9) == 4, 0, image[0, :, 0]), "symmetric")
    assert zero_kept[4] == 128


@pytest.mark.parametrize(
    ("kind", "call", "named"),
    [
        ("too few frames", lambda: di.rank_pooling_weights(1), "1 frame"),
        ("unknown name", lambda: di.rank_pooling_weights(5, "bilinear"), "bilinear"),
        ("apex outside the clip", lambda: phases.phase_slices(5, 5), "apex index 5"),
        ("bad frames", lambda: di.dynamic_image(np.zeros((1, 4, 4, 3), np.uint8)), "(1, 4, 4, 3)"),
        ("unknown name", lambda: di.to_uint8(np.zeros((2, 2)), "log"), "log"),
    ],
)
def test_bad_input_is_named(kind, call, named):
    with raises(kind, named):
        call()


@pytest.mark.scenario("C")
@pytest.mark.parametrize("mode", ["minmax", "symmetric"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_no_grey(mode, value):
    with raises("bad frames", "NaN"):
        di.to_uint8(np.array([[0.0, value, 3.0]]), mode)
