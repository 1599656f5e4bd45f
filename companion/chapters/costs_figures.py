"""Figures of what things cost: learning curves of two training loops, growth of a run's time."""

from __future__ import annotations

import pandas as pd
from matplotlib.ticker import MaxNLocator

from mer_utils.plotting.style import (
    INK,
    OTHER_COLOURS,
    SMALL,
    WIDTH,
    BookFigure,
    light_grid,
    new_figure,
    require_columns,
    styled,
)
from mer_utils.plotting.words import model_title

_LOOPS = {"ours": (INK, "-"), "usual loop": (OTHER_COLOURS[1], "--")}
_ACROSS = 2
_GROWTH = {"time of a run": (INK, "o-"), "images shown": (OTHER_COLOURS[1], "s--")}


@styled
def loss_curves(curves: pd.DataFrame) -> BookFigure:
    """Draw the training loss of our loop and of the usual one: one panel per network.

    Parameters
    ----------
    curves : DataFrame
        Section ``curves`` of a record: ``case`` (network), ``measure`` (such as
        ``ours, seed 0``, one line each), ``x`` (epoch) and ``value``.
    """
    require_columns(curves, ("case", "measure", "x", "value"), "the record of learning curves")
    names = list(dict.fromkeys(curves["case"]))
    rows = -(-len(names) // _ACROSS)
    figure = new_figure(WIDTH, 1.9 * rows + 0.4)
    grid = figure.subplots(rows, min(_ACROSS, len(names)), squeeze=False, sharex=True).ravel()
    for axes, name in zip(grid, names, strict=False):
        for measure, line in curves[curves["case"] == name].groupby("measure", sort=False):
            loop = str(measure).partition(", ")[0]
            colour, style = _LOOPS[loop]
            look = {"color": colour, "linewidth": 1.2, "marker": ".", "label": loop}
            axes.plot(line["x"], line["value"], style, **look)
        axes.set_title(model_title(name), fontsize=SMALL)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        light_grid(axes)
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    for axes in grid[: len(names)][-_ACROSS:]:
        axes.set_xlabel("epoch")
    grid[0].set_ylabel("training loss")
    handles, labels = grid[0].get_legend_handles_labels()
    first = dict(reversed(list(zip(labels, handles, strict=True))))
    figure.legend(first.values(), first.keys(), loc="outside lower center", ncols=2)
    return figure


@styled
def growth_figure(growth: pd.DataFrame) -> BookFigure:
    """Draw how the time of a run grows, beside the images it shows, relative to the first point.

    Parameters
    ----------
    growth : DataFrame
        Section ``scaling`` of a record: ``case`` (what was varied), ``measure``
        (``time of a run`` or ``images shown``), ``x`` and ``value``.
    """
    require_columns(growth, ("case", "measure", "x", "value"), "the record of how time grows")
    cases = list(dict.fromkeys(growth["case"]))
    figure = new_figure(WIDTH, 2.9)
    panels = figure.subplots(1, len(cases), squeeze=False, sharey=True)[0]
    for axes, case in zip(panels, cases, strict=True):
        part = growth[growth["case"] == case]
        for measure, line in part.groupby("measure", sort=False):
            colour, style = _GROWTH[str(measure)]
            relative = line["value"] / line["value"].iloc[0]
            axes.plot(line["x"], relative, style, color=colour, label=measure)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter("{x:g}")
        ticks = sorted(set(part["x"]))
        axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
        axes.minorticks_off()
        axes.set_title(f"varied: {case}", fontsize=SMALL)
        axes.set_xlabel(str(case).partition(",")[0])
        light_grid(axes)
    panels[0].set_ylabel("relative to the first point")
    panels[0].legend(loc="upper left")
    return figure
