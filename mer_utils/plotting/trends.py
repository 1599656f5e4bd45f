"""Trends in print: a score against training, an effect against a parameter."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mer_utils.plotting.style import (
    INK,
    MODEL_COLOURS,
    MODEL_MARKERS,
    PAPER,
    SETTING_COLOURS,
    SETTING_MARKERS,
    WIDTH,
    BookFigure,
    Chance,
    chance_line,
    colour_of,
    dataset_panels,
    legend_above,
    light_grid,
    new_figure,
    require_columns,
    styled,
)
from mer_utils.plotting.words import model_title

COLOURS = MODEL_COLOURS | SETTING_COLOURS
MARKERS = MODEL_MARKERS | SETTING_MARKERS


def _lines(axes: Axes, frame: pd.DataFrame, x: str, by: str | None, ribbons: bool = True) -> None:
    """Draw one line per group, with its interval as a ribbon."""
    names = list(dict.fromkeys(frame[by])) if by else [""]
    for place, name in enumerate(names):
        part = (frame[frame[by] == name] if by else frame).sort_values(x)
        at, value, low, high = part[[x, "value", "low", "high"]].to_numpy(dtype=float).T
        colour = colour_of(name, COLOURS, names)
        if ribbons:
            axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            at,
            value,
            color=colour,
            # A shape of its own, so that a line can be found without its colour; one more than
            # there are colours, so that not both are used up at once.
            marker=MARKERS.get(name, "oD^sv<"[place % 6]),
            markeredgecolor=PAPER,
            label=model_title(name) if by else "_",
        )
    light_grid(axes)


def _legend(figure: BookFigure) -> None:
    """Name the lines, a single one too: what is drawn may depend on the profile."""
    if any(axes.get_legend_handles_labels()[1] for axes in figure.axes):
        legend_above(figure)


@styled
def curve_of_scores(
    curve: pd.DataFrame,
    label: str = "pooled UAR",
    chance: Chance = None,
    ribbons: bool = True,
) -> BookFigure:
    """Draw a score against the number of training images seen.

    Parameters
    ----------
    curve : DataFrame
        One row per point: ``setting``, ``images_seen``, ``value``, ``low``, ``high``; with
        ``dataset``, one panel per data set.
    label : str
        What the score is.
    chance : float or mapping of data set to float, optional
        Score of a predictor that knows nothing, a dotted line.
    ribbons : bool
        Draw the intervals; those of many lines hide each other.
    """
    require_columns(curve, ("setting", "images_seen", "value", "low", "high"), "the curve frame")
    figure = new_figure(WIDTH, 3.3)
    for axes, dataset, part in dataset_panels(figure, curve, sharey=True):
        _lines(axes, part, "images_seen", "setting", ribbons)
        chance_line(axes, chance, dataset, along="y")
        axes.locator_params(axis="x", nbins=3)
    figure.supxlabel("training images seen", fontsize="medium")
    figure.axes[0].set_ylabel(label)
    _legend(figure)
    return figure


@styled
def effect_vs_parameter(
    effects: pd.DataFrame,
    xlabel: str,
    ylabel: str,
    group: str | None = None,
    zero_line: bool = True,
) -> BookFigure:
    """Draw an effect against a parameter, with its interval as a ribbon.

    Parameters
    ----------
    effects : DataFrame
        One row per point: ``parameter``, ``value``, ``low``, ``high`` and the column `group`.
    xlabel, ylabel : str
        What the parameter and the effect are, with units.
    group : str, optional
        Column that tells the lines apart, such as ``model``.
    zero_line : bool
        Draw a line where there is no effect.
    """
    columns = ("parameter", "value", "low", "high", *([group] if group else []))
    require_columns(effects, columns, "the effects frame")
    figure = new_figure(WIDTH, 3.5)
    axes = figure.subplots()
    if zero_line:
        axes.axhline(0, color=INK, linewidth=1.1)
    _lines(axes, effects, "parameter", group)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    _legend(figure)
    return figure


@styled
def spread_figure(values: pd.DataFrame, xlabel: str) -> BookFigure:
    """Draw every value of some groups as a dot and their mean as a bar, a row per group.

    Parameters
    ----------
    values : DataFrame
        ``line`` (the group, in words), ``setting`` (a colour in each group) and ``value``.
    xlabel : str
        What the values are, with units.
    """
    require_columns(values, ("line", "setting", "value"), "the frame of values")
    lines, settings = (list(dict.fromkeys(values[c])) for c in ("line", "setting"))
    figure = new_figure(WIDTH, 1.2 + 0.27 * len(lines) * len(settings))
    axes = figure.subplots()
    axes.axvline(0, color=INK, linewidth=1.1)
    for place, setting in enumerate(settings):
        part = values[values["setting"] == setting]
        y = np.array([lines.index(line) for line in part["line"]])
        y = y + (place + 0.5) / len(settings) * 0.7 - 0.35
        colour = colour_of(setting, COLOURS, settings)
        axes.scatter(
            part["value"], y, s=16, color=colour, alpha=0.5, linewidth=0, label=setting, zorder=2
        )
        means = part["value"].groupby(y).mean()
        axes.scatter(means, means.index, s=130, marker="|", color=colour, linewidth=2, zorder=3)
    axes.set_yticks(range(len(lines)), [fill(line, 22) for line in lines])
    axes.invert_yaxis()
    axes.set_xlabel(xlabel)
    light_grid(axes)
    _legend(figure)
    return figure
