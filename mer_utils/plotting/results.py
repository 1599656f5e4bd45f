"""Scores in print, with their intervals, and differences between settings.

A scores frame is tidy: one row per score, with ``dataset``, ``model``, what the table varies,
``metric``, ``value`` and the ends of its interval, ``low`` and ``high``. A differences frame has
``base_c`` beside each varied column ``c``. Rows are drawn in the order in which they come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mer_utils.plotting.style import (
    FAINT,
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
    named_rows,
    new_figure,
    require_columns,
    styled,
)
from mer_utils.plotting.words import base_words, in_words, metric_title, model_title, setting_words
from mer_utils.registry import unknown

SCORES = ("dataset", "model", "metric", "value", "low", "high")
Looks = Mapping[str, tuple[str, str]]
_WIDEST = 26
#: Inches from one dot of a row to the next, and from one line of its name.
_APART, _LINE = 0.145, 0.165


def one_metric(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the rows of `metric`, or raise "unknown name" naming the metrics there are."""
    rows = frame[frame["metric"] == metric]
    if rows.empty:
        raise unknown("metric", metric, iter(sorted(set(frame["metric"]))))
    return rows


@styled
def table2_figure(
    scores: pd.DataFrame, metric: str = "uar_pooled", chance: Chance = None
) -> BookFigure:
    """Draw a score of every model under every setting: models down, one panel per data set.

    Parameters
    ----------
    scores : DataFrame
        Scores with ``setting``; several rows of one model and setting (seeds) are set apart.
    metric : str
    chance : float or mapping of data set to float, optional
        Score of a predictor that knows nothing, a dotted line.

    Raises
    ------
    MerError
        "nothing to draw" or "unknown name", as all figures here.
    """
    require_columns(scores, (*SCORES, "setting"), "the scores frame")
    rows = one_metric(scores, metric)
    settings = list(dict.fromkeys(rows["setting"]))
    looks = {
        name: (colour_of(name, SETTING_COLOURS, settings), SETTING_MARKERS.get(name, "o"))
        for name in settings
    }
    drawn = rows.assign(row=rows["model"].map(model_title), line=rows["setting"])
    figure = _dots(drawn, looks, chance=chance)
    figure.supxlabel(metric_title(metric), fontsize="medium")
    return figure


@styled
def difference_figure(
    differences: pd.DataFrame,
    columns: Sequence[str] = ("setting",),
    metric: str = "uar_pooled",
) -> BookFigure:
    """Draw differences: models down, coloured by comparison, one panel per data set.

    Parameters
    ----------
    differences : DataFrame
    columns : sequence of str
        What is compared: ``c`` and ``base_c`` of each.
    metric : str
    """
    needed = (*SCORES, *columns, *(f"base_{c}" for c in columns))
    require_columns(differences, needed, "the differences frame")
    rows = one_metric(differences, metric)
    drawn = rows.assign(row=rows["model"].map(model_title), line=in_words(rows, columns))
    # The controlled comparison keeps the colour of dual, the uncontrolled one that of single.
    fixed = {
        "dual minus matched single": SETTING_COLOURS["dual"],
        "dual minus single": SETTING_COLOURS["single"],
        "aligned minus matched single": SETTING_COLOURS["aligned"],
    }
    names = list(dict.fromkeys(drawn["line"]))
    marks = zip(names, "Dosv^P<>" * len(names), strict=False)
    figure = _dots(drawn, {n: (colour_of(n, fixed, names), m) for n, m in marks}, zero_line=True)
    figure.supxlabel(f"difference in {metric_title(metric)}", fontsize="medium")
    return figure


@styled
def variants_figure(
    frame: pd.DataFrame,
    columns: str | Sequence[str] = ("setting",),
    metric: str = "uar_pooled",
    chance: float | None = None,
) -> BookFigure:
    """Draw a score, or a difference, of every variant: variants down, coloured by model.

    Parameters
    ----------
    frame : DataFrame
        Scores, or differences, of which a line marks zero; where all are with the same
        baseline, the axis names it once in place of every row.
    columns : str or sequence of str
        The columns that tell the variants apart.
    metric : str
    chance : float, optional
        Score of a predictor that knows nothing, a dotted line.
    """
    columns = [columns] if isinstance(columns, str) else list(columns)
    require_columns(frame, (*SCORES, *columns), "frame")
    rows = one_metric(frame, metric)
    compared = any(f"base_{c}" in rows for c in columns)
    label = f"difference in {metric_title(metric)}" if compared else metric_title(metric)
    words = in_words(rows, columns)
    if compared:
        records = rows.astype(object).to_dict("records")
        baselines = {base_words(row, columns) for row in records}
        if len(baselines) == 1:
            label += f" from “{baselines.pop()}”"
            words = pd.Series([setting_words(row, columns) for row in records], rows.index)
        else:
            # On two lines, so that the labels leave room for the panels.
            words = words.str.replace(" minus ", "\nminus ")
    drawn = rows.assign(row=words, line=rows["model"].map(model_title))
    looks = _model_looks(rows["model"])
    figure = _dots(drawn, looks, chance=chance, zero_line=compared, packed=True)
    figure.supxlabel(label, fontsize="medium")
    return figure


def _model_looks(models: pd.Series) -> Looks:
    """Return colour and mark of each model by its title; whatever has no colour is in ink."""
    others = iter("X<>*")
    return {
        model_title(m): (MODEL_COLOURS.get(m, INK), MODEL_MARKERS.get(m) or next(others, "o"))
        for m in sorted(dict.fromkeys(models), key=lambda m: m not in MODEL_COLOURS)
    }


def _dots(
    drawn: pd.DataFrame,
    looks: Looks,
    *,
    chance: Chance = None,
    zero_line: bool = False,
    packed: bool = False,
) -> BookFigure:
    """Draw one dot with its interval per row of `drawn`: its ``row`` down, its ``line`` beside.

    Each line keeps its place within every row; if `packed`, a row has places for the lines
    found in it alone, so that the dots of a row that lacks most lines stand in its middle.
    """
    drawn = drawn.assign(row=drawn["row"].map(_wrapped))
    found = drawn.groupby("row", sort=False)["line"].nunique()
    dots = found if packed else found.clip(lower=len(looks))
    # Each row as high as its dots, or its name, need: in inches, as the axis is.
    heights = {
        str(name): max(_APART * n, _LINE * (str(name).count("\n") + 1)) + 0.16
        for name, n in dots.items()
    }
    figure = new_figure(WIDTH, 1.25 + sum(heights.values()))
    for axes, dataset, part in dataset_panels(figure, drawn, sharex=True, sharey=True):
        if zero_line:
            axes.axvline(0, color=INK, linewidth=1.2)
        _panel(axes, part, heights, looks, packed)
        chance_line(axes, chance, dataset)
    legend_above(figure)
    return figure


def _wrapped(name: str) -> str:
    """Break the lines of a row's name, which would take the width of the panels on a phone."""
    return "\n".join(fill(line, _WIDEST) for line in name.split("\n"))


def _panel(
    axes: Axes, part: pd.DataFrame, heights: Mapping[str, float], looks: Looks, packed: bool
) -> None:
    ends = dict(zip(heights, np.cumsum([*heights.values()]), strict=True))
    there = {r: [n for n in looks if n in set(found)] for r, found in part.groupby("row")["line"]}
    for line, (colour, mark) in looks.items():
        rows = part[part["line"] == line]
        side_by_side = [there[r] if packed else list(looks) for r in rows["row"]]
        apart = [(there_.index(line) - (len(there_) - 1) / 2) * _APART for there_ in side_by_side]
        y = np.array([ends[r] - heights[r] / 2 for r in rows["row"]]) + apart
        # Several rows of one cell (seeds) are set apart by a hair, in the order they come.
        y += rows.groupby("row").cumcount().to_numpy(dtype=float) * _APART / 3
        value = rows["value"].to_numpy(dtype=float)
        axes.errorbar(
            value,
            y,
            xerr=np.vstack([value - rows["low"], rows["high"] - value]).clip(min=0),
            fmt=mark,
            color=colour,
            elinewidth=1.6,
            capsize=0,
            # Crosses have less ink than other marks of their size.
            markersize=7.5 if mark in "PX" else 6,
            markeredgecolor=PAPER,
            markeredgewidth=0.6,
            label=line,
        )
        if "above_chance" in rows:
            # A dot of paper in the middle of what is not above chance.
            low = ~rows["above_chance"].to_numpy(bool)
            axes.plot(value[low], np.asarray(y)[low], "o", color=PAPER, markersize=2.5, zorder=4)
    named_rows(axes, [*heights], [*heights.values()])
    for edge in [*ends.values()][:-1]:
        axes.axhline(edge, color=FAINT, linewidth=0.7, zorder=0)
