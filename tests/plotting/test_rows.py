"""Rows of the picture grids against what they are made of."""

from __future__ import annotations

import numpy as np

from mer_utils import dynamic_image, plotting


def test_a_di_row_holds_three_frames_and_every_phase(rng):
    frames = rng.integers(0, 256, (9, 6, 5, 3), dtype=np.uint8)
    row = plotting.di_row("clip", frames, 4)
    for name, index in (("onset_frame", 0), ("apex_frame", 4), ("offset_frame", 8)):
        np.testing.assert_array_equal(row[name], frames[index])
    assert list(row["dis"]) == list(dynamic_image.PHASES)
    assert all(image.dtype == np.uint8 for image in row["dis"].values())


def test_a_clip_without_an_apex_has_the_full_di_only(rng):
    row = plotting.di_row("clip", rng.integers(0, 256, (9, 6, 5, 3), dtype=np.uint8), None)
    assert row["apex_frame"] is None
    assert list(row["dis"]) == ["full"]


def test_a_still_clip_shows_in_the_ported_di_only(rng):
    still = np.repeat(rng.integers(0, 256, (1, 6, 5, 3), dtype=np.uint8), 9, axis=0)
    row = plotting.ported_row("clip", still)
    np.testing.assert_array_equal(row["mean_frame"], still[0])
    assert np.ptp(row["right"]) == 0
    assert np.ptp(row["ported"]) == 255


def test_frames_of_a_row_are_onset_apex_and_offset():
    frames = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    row = plotting.frames_row("clip", frames, 3)
    assert [int(image[0, 0, 0]) for image in row["frames"]] == [0, 3, 4]
    assert row["labels"] == ["onset", "apex", "offset"]
