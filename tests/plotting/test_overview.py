"""The overview draws every score once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import raises

from mer_utils.plotting import overview_figure, to_png


@pytest.fixture
def many(scores: pd.DataFrame) -> pd.DataFrame:
    spatial = scores.assign(table="table3", setting=scores["setting"] + ", spatial flip")
    return pd.concat([scores.assign(table="table2"), spatial], ignore_index=True)


def test_every_score_is_a_dot_at_its_value(many: pd.DataFrame) -> None:
    figure = overview_figure(many, chance=0.2)
    for axes, dataset in zip(figure.axes, ["casme2", "samm"], strict=True):
        dots = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
        drawn = np.sort(np.concatenate([line.get_xdata() for line in dots]))
        part = many[(many["dataset"] == dataset) & (many["metric"] == "uar_pooled")]
        np.testing.assert_allclose(drawn, np.sort(part["value"]))
        rows = np.concatenate([line.get_ydata() for line in dots]).round()
        assert sorted(set(rows)) == [0, 1]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["Table 2", "Table 3"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["single", "matched single", "dual", "aligned", "chance"]


def test_settings_beyond_those_of_table_2_share_one_mark(many: pd.DataFrame) -> None:
    others = [many.assign(setting=f"apex ±{k}", table="table7") for k in (2, 4, 8)]
    figure = overview_figure(pd.concat([many, *others], ignore_index=True))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["single", "matched single", "dual", "aligned", "another setting"]


def test_medians_are_those_of_pandas(many: pd.DataFrame) -> None:
    axes = overview_figure(many).axes[0]
    drawn = [c.get_segments()[0][0][0] for c in axes.collections]
    part = many[(many["dataset"] == "casme2") & (many["metric"] == "uar_pooled")]
    expected = part.groupby("table")["value"].median()
    np.testing.assert_allclose(drawn, expected.to_numpy())


def test_equal_scores_give_equal_pictures(many: pd.DataFrame) -> None:
    assert to_png(overview_figure(many)) == to_png(overview_figure(many.copy()))


def test_what_cannot_be_drawn_is_said(many: pd.DataFrame) -> None:
    with raises("nothing to draw", "table"):
        overview_figure(many.drop(columns="table"))
    with raises("unknown name", "luck"):
        overview_figure(many, metric="luck")


def test_the_legend_of_many_long_names_stays_on_the_picture(many: pd.DataFrame) -> None:
    rules = ["drop_clip", "midpoint", "skip_view", "as annotated"]
    parts = [many.assign(setting=f"missing apex: {rule} {n}") for rule in rules for n in range(4)]
    figure = overview_figure(pd.concat(parts, ignore_index=True), chance=0.2)
    figure.canvas.draw()
    legend = figure.legends[0].get_window_extent()
    assert legend.x0 >= figure.bbox.x0
    assert legend.x1 <= figure.bbox.x1
