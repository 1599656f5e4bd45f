"""Figures of known motion draw the arrays they were given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import raises
from matplotlib.quiver import Quiver

from companion.chapters.ground_truth_figures import (
    ARROW_TIMES,
    agreement_figure,
    apex_error_figure,
    field_grid,
    truth_grid,
    truth_row,
)
from mer_utils.plotting import to_png


@pytest.fixture
def field() -> np.ndarray:
    """The right half moved two pixels up."""
    made = np.zeros((20, 24, 2), np.float32)
    made[:, 12:, 1] = -2
    return made


@pytest.fixture
def moving_clip(rng) -> np.ndarray:
    return rng.integers(0, 256, (12, 20, 24, 3), np.uint8)


@pytest.fixture
def measured() -> pd.DataFrame:
    rows = np.arange(6)
    return pd.DataFrame(
        {
            "dataset": ["casme2", "samm"] * 3,
            "amplitude_px": 1.0 + rows,
            "rise_ms": 100.0 + 10 * rows,
            "fall_ms": 120.0,
            "full": 0.1 * rows,
            "onset_apex": 0.1 * rows,
            "apex_offset": [0.2, np.nan, 0.1, 0.3, 0.2, 0.1],
            "full_wrong": 0.05,
        }
    )


def quiver_of(axes) -> Quiver:
    (found,) = [item for item in axes.collections if isinstance(item, Quiver)]
    return found


def test_truth_grid_shows_frame_length_and_magnitudes(moving_clip, field):
    row = truth_row("a clip", moving_clip, 5, field)
    figure = truth_grid([row, {**row, "dis": {"full": row["dis"]["full"]}}])
    shown = [axes.images[0].get_array() if axes.images else None for axes in figure.axes]
    assert [image is None for image in shown] == [False] * 8 + [True] * 2
    np.testing.assert_array_equal(shown[0], moving_clip[5].mean(axis=-1))
    np.testing.assert_array_equal(shown[1], np.linalg.norm(field, axis=-1))
    arrows = quiver_of(figure.axes[0])
    # Only where something moved, upwards, longer than it moved.
    assert (arrows.XY[:, 0] >= 12).all()
    assert set(arrows.V) == {-2.0}
    assert arrows.scale == pytest.approx(1 / ARROW_TIMES)


def test_field_grid_has_one_scale_for_all_panels(field, moving_clip):
    figure = field_grid({"one": field, "half": field / 2}, moving_clip[0], columns=3)
    panels = [axes for axes in figure.axes if axes.get_title(loc="center")]
    assert [axes.get_title(loc="center") for axes in panels] == ["one", "half"]
    assert {axes.images[-1].get_clim() for axes in panels} == {(0.0, 2.0)}


def test_apex_error_figure_reaches_one(measured):
    errors = pd.DataFrame(
        {"dataset": "casme2", "rule": ["a", "a", "b", "b"], "frames": [0, -4, 2, 2]}
    )
    axes = apex_error_figure(errors).axes[0]
    drawn = {line.get_label(): (line.get_xdata(), line.get_ydata()) for line in axes.lines}
    assert list(drawn["a"][0]) == [0, 0, 4]
    assert list(drawn["a"][1]) == [0, 0.5, 1]
    assert list(drawn["b"][0]) == [0, 2, 2]


def test_agreement_draws_one_mark_a_clip(measured):
    panels = agreement_figure(measured).axes
    assert [axes.get_title() or axes.get_title(loc="left") for axes in panels] == [
        "CASME II",
        "SAMM",
    ]
    marks = [line for line in panels[0].lines if line.get_label() == "full"]
    np.testing.assert_array_equal(marks[0].get_ydata(), [0, 0.2, 0.4])


def test_the_same_input_gives_the_same_bytes(field, moving_clip):
    rows = [truth_row("a clip", moving_clip, 5, field)]
    assert to_png(truth_grid(rows)) == to_png(truth_grid(rows))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: truth_grid([]),
        lambda: field_grid({}),
        lambda: apex_error_figure(pd.DataFrame()),
        lambda: agreement_figure(pd.DataFrame(columns=["dataset", "full"])),
    ],
)
def test_nothing_to_show_is_an_error(draw):
    with raises("nothing to draw"):
        draw()
