"""Trends in print: a score against training, an effect against a parameter, average ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mer_utils.errors import MerError
from mer_utils.plotting.style import (
    DATASET_TITLES,
    INK,
    MODEL_COLOURS,
    MODEL_TITLES,
    MUTED,
    PAPER,
    SETTING_COLOURS,
    SETTING_MARKERS,
    WIDTH,
    BookFigure,
    colour_of,
    in_order,
    light_grid,
    new_figure,
    require_columns,
    styled,
    title_of,
)


def _lines(
    axes: Axes,
    frame: pd.DataFrame,
    x: str,
    by: str | None,
    fixed: Mapping[str, str],
    markers: Mapping[str, str],
) -> None:
    """Draw one line with a ribbon a group."""
    groups = in_order(frame[by], fixed) if by else [""]
    for place, name in enumerate(groups):
        part = (frame[frame[by] == name] if by else frame).sort_values(x)
        colour = colour_of(name, dict(fixed), groups)
        axes.fill_between(
            part[x].astype(float),
            part["low"].astype(float),
            part["high"].astype(float),
            color=colour,
            alpha=0.18,
            linewidth=0,
        )
        axes.plot(
            part[x].astype(float),
            part["value"].astype(float),
            color=colour,
            # A shape of its own, so that a line can be found without its colour.
            marker=markers.get(name, "oD^sv"[place % 5]),
            markeredgecolor=PAPER,
            label=title_of(name, MODEL_TITLES) if by else "_",
        )
    light_grid(axes)


def _legend(figure: BookFigure) -> None:
    """Put one legend above all panels, where no line can run under it."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    if len(found) > 1:
        columns = min(len(found), 4 if max(map(len, found)) < 18 else 2)
        figure.legend(found.values(), found, loc="outside upper left", ncols=columns)


@styled
def curve_of_scores(
    curve: pd.DataFrame,
    label: str = "pooled UAR",
    chance: float | None = None,
) -> BookFigure:
    """Draw a score against the number of training images seen.

    Parameters
    ----------
    curve : DataFrame
        One row a point: ``setting``, ``images_seen``, ``value``, ``low``, ``high``; with
        ``dataset``, one panel a data set.
    label : str
        What the score is.
    chance : float, optional
        Score of a predictor that knows nothing, drawn as a dotted line.

    Returns
    -------
    BookFigure

    Raises
    ------
    MerError
        If a column is missing or there is no row.

    Notes
    -----
    The caption should state what the ribbon is, that settings are to be compared at equal
    numbers of images seen, and that no epoch was chosen by looking at this curve.
    """
    require_columns(curve, ("setting", "images_seen", "value", "low", "high"), "the curve frame")
    datasets = in_order(curve["dataset"], DATASET_TITLES) if "dataset" in curve else [""]
    figure = new_figure(WIDTH, 3.3)
    for axes, dataset in zip(
        figure.subplots(1, len(datasets), squeeze=False, sharey=True)[0], datasets, strict=True
    ):
        part = curve[curve["dataset"] == dataset] if dataset else curve
        _lines(axes, part, "images_seen", "setting", SETTING_COLOURS, SETTING_MARKERS)
        if chance is not None:
            axes.axhline(chance, color=INK, linestyle=":", linewidth=1.3, label="chance")
        axes.set_title(title_of(dataset, DATASET_TITLES))
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
        One row a point: ``parameter``, ``value``, ``low``, ``high`` and the column `group`.
    xlabel, ylabel : str
        What the parameter and the effect are, with units.
    group : str, optional
        Column that tells the lines apart, such as ``model``.
    zero_line : bool
        Draw a line where there is no effect.

    Returns
    -------
    BookFigure

    Raises
    ------
    MerError
        If a column is missing or there is no row.

    Notes
    -----
    The caption should state what the ribbon is, where the default of the parameter lies,
    and from which value on the effect's interval excludes zero.
    """
    columns = ("parameter", "value", "low", "high", *([group] if group else []))
    require_columns(effects, columns, "the effects frame")
    figure = new_figure(WIDTH, 3.5)
    axes = figure.subplots()
    if zero_line:
        axes.axhline(0, color=INK, linewidth=1.1)
    fixed = SETTING_COLOURS if group == "setting" else MODEL_COLOURS
    _lines(axes, effects, "parameter", group, fixed, SETTING_MARKERS)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
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
        Average rank of each method, 1 the best.
    critical_difference : float, optional
        Difference of average ranks below which two methods are not told apart (Nemenyi).
    n_blocks : int, optional
        Number of data sets and models over which ranks were averaged, for the axis label.

    Returns
    -------
    BookFigure

    Raises
    ------
    MerError
        If there are fewer than two methods.

    Notes
    -----
    After Demsar, JMLR 2006. The caption should state over how many blocks ranks were
    averaged, the test and its level, and that methods joined by a bar are not told apart.
    """
    series = pd.Series(dict(ranks), dtype=float).sort_values(kind="stable")
    if len(series) < 2 or series.isna().any():
        raise MerError(
            "TODO",
            f"{len(series)} methods cannot be ranked against each other",
            "an average rank for at least two methods",
            "pass more methods, or leave this figure out",
        )
    groups = [] if critical_difference is None else joined(series, critical_difference)
    height = 0.9 + 0.3 * len(series) + 0.16 * len(groups)
    figure = new_figure(WIDTH, height)
    axes = figure.subplots()
    names = [str(name) for name in series.index]
    for place, (name, rank) in enumerate(zip(names, series, strict=True)):
        fixed = MODEL_COLOURS if name in MODEL_COLOURS else SETTING_COLOURS
        axes.plot([1, rank], [place, place], color="#d5d8de", linewidth=1.2, zorder=1)
        axes.plot(rank, place, "o", color=colour_of(name, dict(fixed), names), markersize=8)
        axes.annotate(
            f"{rank:.2f}",
            (rank, place),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    for level, (first, last) in enumerate(groups):
        y = len(series) - 0.35 + 0.5 * level
        axes.plot(
            [series.iloc[first], series.iloc[last]],
            [y, y],
            color=INK,
            linewidth=3.5,
            solid_capstyle="round",
        )
    if critical_difference is not None:
        axes.set_title(f"critical difference {critical_difference:.2f}", fontsize=9, color=MUTED)
    axes.set_yticks(range(len(series)), [title_of(name, MODEL_TITLES) for name in names])
    axes.set_ylim(len(series) - 0.5 + 0.5 * len(groups), -0.6)
    axes.set_xlim(1 - 0.05, len(series) + 0.15)
    axes.set_xticks(range(1, len(series) + 1))
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
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
