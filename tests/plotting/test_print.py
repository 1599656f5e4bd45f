"""Figures for print draw one mark per datum, in the colour of its meaning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from helpers import raises
from matplotlib.colors import to_hex

from mer_utils.dynamic_image import phase_dynamic_images, rank_pooling_weights, to_uint8
from mer_utils.phases import PHASES
from mer_utils.plotting import (
    SETTING_COLOURS,
    action_unit_heat_map,
    confusion_matrices,
    curve_of_scores,
    di_grid,
    di_row,
    difference_figure,
    durations,
    effect_vs_parameter,
    frames_row,
    heat_map,
    ported_row,
    ported_vs_right,
    sample_frames,
    spread_figure,
    subject_class_counts,
    table2_figure,
    to_png,
    variants_figure,
    weights_figure,
)
from mer_utils.plotting.style import MODEL_MARKERS

EMPTY = pd.DataFrame()


def test_weights_show_their_values_and_sums() -> None:
    kinds = {kind: rank_pooling_weights(34, kind) for kind in ("bilen", "linear", "ported")}
    axes = weights_figure(kinds).axes[0]
    drawn = {
        line.get_label(): line.get_ydata() for line in axes.lines if len(line.get_xdata()) == 34
    }
    assert list(drawn) == ["bilen (sum 0)", "linear (sum 0)", "ported (sum 34)"]
    np.testing.assert_array_equal(drawn["ported (sum 34)"], kinds["ported"])


def test_di_grid_shows_three_frames_and_every_phase(moving_clip: np.ndarray) -> None:
    row, lacking = di_row("a clip", moving_clip, 5), di_row("no apex", moving_clip, None)
    assert list(row["dis"]) == list(PHASES)
    figure = di_grid([row, lacking])
    shown = [axes.images[0].get_array() if axes.images else None for axes in figure.axes]
    assert [image is None for image in shown] == [False] * 7 + [True, False, False, True, True]
    for place, index in enumerate((0, 5, -1)):
        np.testing.assert_array_equal(shown[place], moving_clip[index])
    rise = to_uint8(phase_dynamic_images(moving_clip, 5)["onset_apex"], "symmetric")
    np.testing.assert_array_equal(shown[4], rise)


def test_a_still_clip_shows_in_the_ported_di_only(rng) -> None:
    still = np.repeat(rng.integers(0, 256, (1, 6, 5, 3), dtype=np.uint8), 9, axis=0)
    row = ported_row("clip", still)
    np.testing.assert_array_equal(row["mean_frame"], still[0])
    assert (np.ptp(row["right"]), np.ptp(row["ported"])) == (0, 255)


def test_ported_beside_right(moving_clip: np.ndarray) -> None:
    grey = moving_clip[0, ..., :1]
    figure = ported_vs_right([{"title": "a", "mean_frame": grey, "right": grey, "ported": grey}])
    assert [axes.get_title(loc="center") for axes in figure.axes][1] == "DI, sum 0"


def test_counts_stack_to_each_subjects_clips(clips: pd.DataFrame) -> None:
    figure = subject_class_counts(clips)
    for axes, (_, part) in zip(figure.axes, clips.groupby("dataset"), strict=True):
        tops: dict[float, float] = {}
        for bar in axes.patches:
            tops[bar.get_x()] = tops.get(bar.get_x(), 0) + bar.get_height()
        assert sorted(tops.values()) == sorted(part.groupby("subject").size())


def test_durations_count_clips_and_name_medians(clips: pd.DataFrame) -> None:
    axes = durations(clips).axes[0]
    assert axes.get_title(loc="left") == "CASME II: 5 of 6 clips"
    labels = axes.get_legend_handles_labels()[1]
    rise = (clips["apex"] - clips["onset"])[1:6].astype(float).median() / 200 * 1000
    assert f"onset to apex (median {rise:.0f} ms)" in labels


def test_action_units_in_numeric_order_with_shares() -> None:
    rows = [("happiness", "12", 8, 10), ("happiness", "6", 4, 10), ("disgust", "4", 3, 6)]
    counts = pd.DataFrame(rows, columns=["emotion", "action_unit", "count", "clips"])
    axes = action_unit_heat_map(counts).axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["4", "6", "12"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.5, 0], [0, 0.4], [0, 0.8]])
    assert sorted(t.get_text() for t in axes.texts) == ["3", "4", "8"]
    plain = action_unit_heat_map(counts.drop(columns="clips")).axes[0]
    assert plain.images[0].get_array().max() == 8


def test_strip_shows_every_frame(moving_clip: np.ndarray) -> None:
    row = frames_row("clip", moving_clip, 4)
    figure = sample_frames([row] * 2)
    assert [axes.get_title(loc="center") for axes in figure.axes[:3]] == ["onset", "apex", "offset"]
    for axes, index in zip(figure.axes, (0, 4, -1) * 2, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), moving_clip[index])


def test_table2_draws_every_score_once_in_its_colour(scores: pd.DataFrame) -> None:
    figure = table2_figure(scores, "uar_pooled", chance={"casme2": 0.2})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["CASME II", "SAMM"]
    kept = scores[scores["metric"] == "uar_pooled"]
    for axes, dataset in zip(figure.axes, ["casme2", "samm"], strict=True):
        assert len(axes.containers) == len(SETTING_COLOURS)
        for container in axes.containers:
            part = kept[(kept["dataset"] == dataset) & (kept["setting"] == container.get_label())]
            points, _, (bars,) = container
            np.testing.assert_allclose(sorted(points.get_xdata()), sorted(part["value"]))
            ends = np.array([segment[:, 0] for segment in bars.get_segments()])
            np.testing.assert_allclose(sorted(ends[:, 0]), sorted(part["low"]))
            np.testing.assert_allclose(sorted(ends[:, 1]), sorted(part["high"]))
            assert to_hex(points.get_color()) == SETTING_COLOURS[container.get_label()]
    chance = [line for line in figure.axes[0].lines if line.get_label() == "chance"]
    assert [line.get_xdata()[0] for line in chance] == [0.2]
    assert not [line for line in figure.axes[1].lines if line.get_label() == "chance"]


def test_seeds_are_drawn_apart(scores: pd.DataFrame) -> None:
    both = pd.concat([scores.assign(seed=s) for s in (0, 1)])
    container = table2_figure(both).axes[0].containers[0]
    assert len(set(container[0].get_ydata())) == 12


def test_differences_have_a_zero_line(scores: pd.DataFrame) -> None:
    order = ["matched single", "single", "halves"]
    rows = pd.concat([scores[scores["setting"] == "dual"].assign(base_setting=b) for b in order])
    figure = difference_figure(rows)
    labels = [c.get_label() for c in figure.axes[0].containers]
    assert labels == [f"dual minus {name}" for name in order]
    colours = [to_hex(c[0].get_color()) for c in figure.axes[0].containers]
    assert colours[:2] == [SETTING_COLOURS["dual"], SETTING_COLOURS["single"]]
    assert any(np.all(np.asarray(line.get_xdata()) == 0) for line in figure.axes[0].lines)


def test_confusion_cells_are_counts_and_recalls() -> None:
    counts = np.array([[3, 1], [0, 0]])
    axes = confusion_matrices({"a": counts, "b": counts.T}, ["yes", "no"]).axes[0]
    assert [t.get_text() for t in axes.texts] == ["3", "1", "0", "0"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25], [0, 0]])


def test_heat_map_is_symmetric_about_its_centre() -> None:
    grid = pd.DataFrame([[0.1, -0.3], [np.nan, 0.2]], index=["a", "b"], columns=["x", "y"])
    axes = heat_map(grid, centre=0).axes[0]
    assert axes.images[0].get_clim() == pytest.approx((-0.3, 0.3))
    assert [t.get_text() for t in axes.texts] == ["+0.10", "-0.30", "none", "+0.20"]
    assert heat_map(grid.fillna(0) * 0).axes[0].images[0].get_clim() == (-0.5, 0.5)


def test_lines_are_sorted_by_their_parameter() -> None:
    rows = pd.DataFrame({"parameter": [1.0, 0.0, 0.5], "value": [3.0, 1.0, 2.0]})
    rows = rows.assign(low=rows["value"] - 1, high=rows["value"] + 1, model="learnet")
    line = effect_vs_parameter(rows, "difference", "gain", group="model").axes[0].lines[-1]
    np.testing.assert_array_equal(line.get_ydata(), [1, 2, 3])
    curve = rows.rename(columns={"parameter": "images_seen", "model": "setting"})
    curve = pd.concat([curve.assign(dataset=d) for d in ("samm", "casme2")])
    assert len(curve_of_scores(curve, chance=0.2).axes) == 2


def test_lines_differ_in_shape_and_their_legend_hides_none_of_them() -> None:
    rows = pd.DataFrame({"parameter": [0.0, 1.0] * 2, "line": ["a", "a", "b", "b"], "value": 0.5})
    figure = effect_vs_parameter(rows.assign(low=0.4, high=0.6), "noise", "gain", group="line")
    drawn = [line for line in figure.axes[0].lines if line.get_label() in "ab"]
    assert len({line.get_marker() for line in drawn}) == 2
    figure.canvas.draw()
    legend, panel = figure.legends[0].get_window_extent(), figure.axes[0].get_window_extent()
    assert legend.y0 >= panel.y1


def test_a_single_line_is_named_and_networks_have_shapes_of_their_own() -> None:
    rows = pd.DataFrame({"parameter": [0.0, 1.0], "value": 0.5, "low": 0.4, "high": 0.6})
    figure = effect_vs_parameter(rows.assign(line="LEARNet"), "noise", "gain", group="line")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["LEARNet"]
    curve = rows.rename(columns={"parameter": "images_seen"}).assign(dataset="samm")
    curve = pd.concat([curve.assign(setting=model) for model in MODEL_MARKERS])
    (axes,) = curve_of_scores(curve, ribbons=False).axes
    assert len({line.get_marker() for line in axes.lines}) == len(MODEL_MARKERS)
    assert not axes.collections
    assert len(curve_of_scores(curve).axes[0].collections) == len(MODEL_MARKERS)


def differences_of(*pairs: tuple[str, str, list[str]]) -> pd.DataFrame:
    rows = [(model, a, b) for a, b, models in pairs for model in models]
    frame = pd.DataFrame(rows, columns=["model", "spatial", "base_spatial"])
    return frame.assign(dataset="samm", metric="uar_pooled", value=0.1, low=0.0, high=0.2)


def test_a_baseline_common_to_all_rows_is_named_once() -> None:
    one = differences_of(("flip", "usual", ["learnet"]), ("b", "usual", ["learnet"]))
    figure = variants_figure(one, "spatial")
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["flip", "b"]
    assert figure.get_supxlabel() == "difference in pooled UAR from “usual”"
    two = differences_of(("a", "c", ["learnet"]), ("b", "d", ["learnet"]))
    figure = variants_figure(two, ["spatial"])
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["a\nminus c", "b\nminus d"]


def test_variants_are_named_from_their_columns(scores: pd.DataFrame) -> None:
    rows = pd.concat([scores.assign(spatial=name) for name in ("none", "flip")])
    figure = variants_figure(rows[rows["setting"] == "dual"], ("setting", "spatial"), chance=0.2)
    names = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert names == ["dual, none", "dual, flip"]
    assert figure.get_supxlabel() == "pooled UAR"


def test_a_row_that_lacks_models_keeps_its_dots_in_its_middle() -> None:
    rows = differences_of(("a", "c", ["vgg19", "learnet"]), ("b", "d", ["learnet"]))
    axes = variants_figure(rows, "spatial").axes[0]
    drawn = {
        line.get_marker(): line.get_ydata() for line in axes.lines if len(line.get_ydata()) < 3
    }
    upper, lower, alone = sorted([*drawn[MODEL_MARKERS["vgg19"]], *drawn[MODEL_MARKERS["learnet"]]])
    assert upper < lower
    np.testing.assert_allclose([(upper + lower) / 2, alone], axes.get_yticks())


def test_a_row_is_as_high_as_its_dots_or_its_name() -> None:
    rows = differences_of(("a", "c", [*MODEL_MARKERS]), ("b", "d", ["learnet"]))
    axes = variants_figure(rows, "spatial").axes[0]
    ticks, (bottom, _) = axes.get_yticks(), axes.get_ylim()
    crowded, alone = 2 * ticks[0], 2 * (bottom - ticks[1])
    assert crowded + alone == pytest.approx(bottom)
    assert crowded > 1.5 * alone


@pytest.mark.parametrize(
    "draw",
    [
        lambda: weights_figure({}),
        lambda: di_grid([]),
        lambda: ported_vs_right([]),
        lambda: sample_frames([]),
        lambda: subject_class_counts(EMPTY),
        lambda: durations(EMPTY),
        lambda: action_unit_heat_map(EMPTY),
        lambda: table2_figure(EMPTY),
        lambda: difference_figure(EMPTY),
        lambda: confusion_matrices({}, []),
        lambda: confusion_matrices({"a": np.zeros((2, 3))}, ["a", "b"]),
        lambda: heat_map(EMPTY),
        lambda: curve_of_scores(EMPTY),
        lambda: effect_vs_parameter(EMPTY, "x", "y"),
    ],
)
def test_nothing_to_draw_is_said(draw: Callable[[], object]) -> None:
    with raises("nothing to draw"):
        draw()


def test_what_cannot_be_drawn_is_named(scores: pd.DataFrame, clips: pd.DataFrame) -> None:
    with raises("unknown name", "uar_pooled, uf1_pooled"):
        table2_figure(scores, "f2")
    with raises("bad frames", "float64"):
        ported_vs_right([{"title": "a", "right": np.zeros((2, 2))}])
    with raises("nothing to draw", "casme2"):
        durations(clips.assign(apex=pd.array([pd.NA] * len(clips), dtype="Int64")))


def test_every_kind_renders_twice_to_the_same_bytes(
    scores: pd.DataFrame, clips: pd.DataFrame
) -> None:
    for draw in (lambda: table2_figure(scores), lambda: subject_class_counts(clips)):
        assert to_png(draw()) == to_png(draw())


def test_every_value_of_a_spread_is_a_dot_and_each_row_has_its_mean():
    rows = pd.DataFrame(
        {"line": ["a"] * 3 + ["b"], "setting": "dual", "value": [0.0, 0.3, 0.6, 1.0]}
    )
    dots, means = spread_figure(rows, "gain").axes[0].collections
    assert dots.get_offsets()[:, 0].tolist() == [0.0, 0.3, 0.6, 1.0]
    assert means.get_offsets()[:, 0].tolist() == pytest.approx([0.3, 1.0])
