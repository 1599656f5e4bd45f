"""A forest plot: one comparison on every model and data set, and its means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mer_utils.plotting.style import (
    INK,
    MUTED,
    SETTING_COLOURS,
    WIDTH,
    BookFigure,
    colour_of,
    named_rows,
    new_figure,
    require_columns,
    styled,
)
from mer_utils.plotting.words import dataset_title, metric_title, model_title

_NEEDED = ("dataset", "model", "metric", "setting", "base_setting", "difference", "low", "high")


@styled
def forest_figure(found: pd.DataFrame, margin: float, every: str) -> BookFigure:
    """Draw a comparison as meta-analyses do, a panel for each treatment.

    Parameters
    ----------
    found : DataFrame
        Rows of one metric as :func:`mer_utils.stats.pooled_differences` returns them, with
        ``setting`` and ``base_setting``.
    margin : float
        Of equivalence: the band about zero.
    every : str
        What stands for the mean over models, or data sets, in their columns.
    """
    require_columns(found, _NEEDED, "the frame of differences")
    pairs = list(dict.fromkeys(found["setting"]))
    rows = found[(found["dataset"] != every) | (found["model"] == every)]
    keys = list(dict.fromkeys(zip(rows["dataset"], rows["model"], strict=True)))
    names = [_name(dataset, model, every) for dataset, model in keys]
    figure = new_figure(WIDTH, 1.1 + 0.24 * len(names))
    panels = figure.subplots(1, len(pairs), sharex=True, sharey=True, squeeze=False)[0]
    for axes, setting in zip(panels, pairs, strict=True):
        part = rows[rows["setting"] == setting]
        colour = colour_of(setting, SETTING_COLOURS, pairs)
        axes.axvspan(-margin, margin, color=MUTED, alpha=0.3, linewidth=0)
        axes.axvline(0, color=INK, linewidth=1.2)
        for row in part.to_dict("records"):
            y, mean = keys.index((row["dataset"], row["model"])), row["model"] == every
            ends, value = [row["low"], row["high"]], row["difference"]
            if mean and np.isfinite(ends).all():
                # A mark would hide so short an interval.
                corners = [ends[0], value, ends[1], value], [y, y - 0.35, y, y + 0.35]
                axes.fill(*corners, color=colour, linewidth=0, zorder=3)
                continue
            axes.plot(ends, [y, y], color=colour, linewidth=1.4)
            axes.plot(value, y, "D" if mean else "s", markersize=5, color=colour)
        control = part["base_setting"].iloc[0].replace(" ", "\n")
        axes.set_title(f"{setting}\nminus {control}".replace(" ", "\n"), loc="left")
        axes.locator_params(axis="x", nbins=3)
    figure.supxlabel(f"difference in {metric_title(found['metric'].iloc[0])}", fontsize="medium")
    named_rows(panels[0], names)
    for axes in panels[1:]:
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return figure


def _name(dataset: str, model: str, every: str) -> str:
    if dataset == every:
        return "all, mean"
    return f"{dataset_title(dataset)}, {'mean' if model == every else model_title(model)}"
