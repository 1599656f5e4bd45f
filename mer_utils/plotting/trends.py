"""Trends in print: a score against training, an effect against a parameter, average ranks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mer_utils.errors import MerError
from mer_utils.plotting.style import (
    FAINT,
    INK,
    MODEL_COLOURS,
    MUTED,
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
    named_rows,
    new_figure,
    require_columns,
    styled,
)
from mer_utils.plotting.words import model_title

COLOURS = MODEL_COLOURS | SETTING_COLOURS


def _lines(axes: Axes, frame: pd.DataFrame, x: str, by: str | None) -> None:
    """Draw one line with a ribbon per group."""
    names = list(dict.fromkeys(frame[by])) if by else [""]
    for place, name in enumerate(names):
        part = (frame[frame[by] == name] if by else frame).sort_values(x)
        at, value, low, high = part[[x, "value", "low", "high"]].to_numpy(dtype=float).T
        colour = colour_of(name, COLOURS, names)
        axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            at,
            value,
            color=colour,
            # A shape of its own, so that a line can be found without its colour.
            marker=SETTING_MARKERS.get(name, "oD^sv"[place % 5]),
            markeredgecolor=PAPER,
            label=model_title(name) if by else "_",
        )
    light_grid(axes)


def _legend(figure: BookFigure) -> None:
    labels = {label for axes in figure.axes for label in axes.get_legend_handles_labels()[1]}
    if len(labels) > 1:
        legend_above(figure, columns=4 if max(map(len, labels)) < 18 else 2)


@styled
def curve_of_scores(
    curve: pd.DataFrame, label: str = "pooled UAR", chance: Chance = None
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
    """
    require_columns(curve, ("setting", "images_seen", "value", "low", "high"), "the curve frame")
    figure = new_figure(WIDTH, 3.3)
    for axes, dataset, part in dataset_panels(figure, curve, sharey=True):
        _lines(axes, part, "images_seen", "setting")
        chance_line(axes, chance, dataset, along="y")
        axes.set_xlabel("training images seen")
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
def rank_figure(
    ranks: Mapping[str, float] | pd.Series,
    critical_difference: float | None = None,
    n_blocks: int | None = None,
) -> BookFigure:
    """Draw average ranks on a line; methods closer than the critical difference are joined.

    Parameters
    ----------
    ranks : mapping of str to float, or Series
        Average rank of each of at least two methods, 1 the best.
    critical_difference : float, optional
        Difference of average ranks below which two methods are not told apart (Nemenyi).
    n_blocks : int, optional
        Over how many comparisons ranks were averaged, for the axis label.

    Notes
    -----
    After Demsar, JMLR 2006.
    """
    series = pd.Series(dict(ranks), dtype=float).sort_values(kind="stable")
    if len(series) < 2 or series.isna().any():
        raise MerError(
            "nothing to draw",
            f"{len(series)} methods cannot be ranked against each other",
            "an average rank for at least two methods",
            "pass more methods, or leave this figure out",
        )
    groups = [] if critical_difference is None else joined(series, critical_difference)
    figure = new_figure(WIDTH, 0.9 + 0.3 * len(series) + 0.16 * len(groups))
    axes = figure.subplots()
    names = [str(name) for name in series.index]
    for place, (name, rank) in enumerate(zip(names, series, strict=True)):
        axes.plot([1, rank], [place, place], color=FAINT, linewidth=1.2, zorder=1)
        axes.plot(rank, place, "o", color=colour_of(name, COLOURS, names), markersize=8)
        words, offset = f"{rank:.2f}", "offset points"
        axes.annotate(words, (rank, place), (9, 0), textcoords=offset, va="center", fontsize=9)
    for level, (first, last) in enumerate(groups):
        y = len(series) - 0.35 + 0.5 * level
        ends = [series.iloc[first], series.iloc[last]]
        axes.plot(ends, [y, y], color=INK, linewidth=3.5, solid_capstyle="round")
    if critical_difference is not None:
        axes.set_title(f"critical difference {critical_difference:.2f}", fontsize=9, color=MUTED)
    named_rows(axes, [model_title(name) for name in names], room=0.5 * len(groups))
    axes.set_ylim(top=-0.6)
    axes.set_xlim(1 - 0.05, len(series) + 0.15)
    axes.set_xticks(range(1, len(series) + 1))
    over = f" over {n_blocks} comparisons" if n_blocks else ""
    axes.set_xlabel(f"average rank{over} (1 is best)")
    return figure


def joined(series: pd.Series, critical_difference: float) -> list[tuple[int, int]]:
    """Return the widest runs of sorted ranks that lie within the critical difference.

    Examples
    --------
    >>> joined(pd.Series([1.0, 1.5, 2.8, 3.0]), 0.6)
    [(0, 1), (2, 3)]
    """
    values = series.to_numpy()
    ends = [
        int(np.flatnonzero(values - values[i] <= critical_difference)[-1])
        for i in range(len(values))
    ]
    return [(i, end) for i, end in enumerate(ends) if end > i and (i == 0 or ends[i - 1] < end)]
