"""Scores in print, with their intervals, and differences between settings.

A scores frame is tidy: one row a score, with ``dataset``, ``model``, ``setting``,
``metric``, ``value`` and the ends of its interval, ``low`` and ``high``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mer_utils.errors import MerError
from mer_utils.plotting.style import (
    DATASET_TITLES,
    FAINT,
    INK,
    METRIC_TITLES,
    MODEL_COLOURS,
    MODEL_MARKERS,
    MODEL_TITLES,
    PAPER,
    SETTING_COLOURS,
    SETTING_MARKERS,
    WIDTH,
    BookFigure,
    colour_of,
    in_order,
    new_figure,
    require_columns,
    styled,
    title_of,
)

SCORES = ("dataset", "model", "setting", "metric", "value", "low", "high")
DIFFERENCES = ("dataset", "model", "comparison", "metric", "value", "low", "high")


def one_metric(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the rows of `metric`, or raise naming the metrics there are."""
    rows = frame[frame["metric"] == metric]
    if rows.empty:
        raise MerError(
            "TODO",
            f"there is no score called {metric!r}",
            f"one of {', '.join(sorted(set(frame['metric'])))}",
            "choose one of them",
        )
    return rows


def _dots(
    axes: Axes,
    rows: pd.DataFrame,
    models: Sequence[str],
    by: str,
    names: Sequence[str],
    fixed: Mapping[str, str],
    markers: Mapping[str, str],
    packed: bool = False,
) -> None:
    """Draw one dot with its interval a row: models down, names side by side within a model.

    Each name keeps its place within every row; if `packed`, a row has places for the names
    found in it alone, so that the dots of a row that lacks most names stand in its middle.
    """
    step = 0.62 / max(len(names), 1)
    there = {m: [n for n in names if n in set(part)] for m, part in rows.groupby("model")[by]}
    for place, name in enumerate(names):
        part = rows[rows[by] == name]
        y = np.array([models.index(m) for m in part["model"]], dtype=float)
        if packed:
            y += [(there[m].index(name) - (len(there[m]) - 1) / 2) * step for m in part["model"]]
        else:
            y += (place - (len(names) - 1) / 2) * step
        # Several rows of one cell (seeds) are set apart by a hair, in the order they come.
        repeat = part.groupby("model").cumcount().to_numpy(dtype=float)
        y += repeat * min(0.06, step / 3)
        value = part["value"].to_numpy(dtype=float)
        reach = np.vstack([value - part["low"], part["high"] - value]).clip(min=0)
        axes.errorbar(
            value,
            y,
            xerr=reach,
            fmt=markers.get(name, "o"),
            color=colour_of(name, dict(fixed), names),
            ecolor=colour_of(name, dict(fixed), names),
            elinewidth=1.6,
            capsize=0,
            # Crosses have less ink than other marks of their size.
            markersize=7.5 if markers.get(name, "o") in "PX" else 6,
            markeredgecolor=PAPER,
            markeredgewidth=0.6,
            label=name,
        )
    axes.set_yticks(range(len(models)), [MODEL_TITLES.get(m, m) for m in models])
    axes.set_ylim(len(models) - 0.5, -0.5)
    for edge in np.arange(0.5, len(models) - 1):
        axes.axhline(edge, color=FAINT, linewidth=0.7, zorder=0)
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _panels(
    frame: pd.DataFrame, models: Sequence[str], lines: int
) -> tuple[BookFigure, dict[str, Axes]]:
    """Return a figure with one panel a data set, sharing both axes."""
    datasets = in_order(frame["dataset"], DATASET_TITLES)
    figure = new_figure(WIDTH, 1.25 + len(models) * max(0.16 * lines + 0.1, 0.34))
    grid = figure.subplots(1, len(datasets), squeeze=False, sharey=True, sharex=True)[0]
    for axes, dataset in zip(grid, datasets, strict=True):
        axes.set_title(title_of(dataset, DATASET_TITLES))
    return figure, dict(zip(datasets, grid, strict=True))


@styled
def table2_figure(
    scores: pd.DataFrame,
    metric: str = "uar_pooled",
    chance: float | Mapping[str, float] | None = None,
) -> BookFigure:
    """Draw a score of every model under every setting, with its interval.

    Parameters
    ----------
    scores : DataFrame
        Tidy scores (see the module); several rows of one model and setting (seeds) are
        drawn side by side.
    metric : str
        Which metric to draw.
    chance : float or mapping of data set to float, optional
        Score of a predictor that knows nothing, drawn as a dotted line.

    Returns
    -------
    BookFigure
        One panel a data set, models down, coloured and shaped by setting.

    Raises
    ------
    MerError
        If a column or the metric is missing or there is no row.

    Notes
    -----
    The caption should state the metric and its aggregation, what the interval is, what the
    dotted line is, the data and profile, and that only the training set differs between
    settings. Which setting is ahead is for the figure of differences to say.
    """
    require_columns(scores, SCORES, "the scores frame")
    rows = one_metric(scores, metric)
    models = in_order(rows["model"], MODEL_COLOURS)
    settings = in_order(rows["setting"], SETTING_COLOURS)
    figure, panels = _panels(rows, models, len(settings))
    for dataset, axes in panels.items():
        part = rows[rows["dataset"] == dataset]
        _dots(axes, part, models, "setting", settings, SETTING_COLOURS, SETTING_MARKERS)
        level = chance.get(dataset) if isinstance(chance, Mapping) else chance
        if level is not None:
            axes.axvline(level, color=INK, linestyle=":", linewidth=1.3, label="chance")
        axes.set_xlabel(title_of(metric, METRIC_TITLES))
    _legend(figure, panels)
    return figure


@styled
def difference_figure(differences: pd.DataFrame, metric: str = "uar_pooled") -> BookFigure:
    """Draw how much one setting is ahead of another, with the interval of the difference.

    Parameters
    ----------
    differences : DataFrame
        One row a difference: ``dataset``, ``model``, ``comparison`` (such as "dual minus
        matched single"), ``metric``, ``value``, ``low``, ``high``.
    metric : str
        Which metric to draw.

    Returns
    -------
    BookFigure
        One panel a data set, models down, coloured by comparison, a line at zero.

    Raises
    ------
    MerError
        If a column or the metric is missing or there is no row.

    Notes
    -----
    The caption should state that right of zero the first-named setting is ahead, what the
    interval is, that the comparison with matched single is the one that controls for the
    number of training steps, and how many of the intervals exclude zero.
    """
    require_columns(differences, DIFFERENCES, "the differences frame")
    rows = one_metric(differences, metric)
    models = in_order(rows["model"], MODEL_COLOURS)
    # The controlled comparison keeps the colour of dual, the uncontrolled one that of single.
    fixed = {
        "dual minus matched single": SETTING_COLOURS["dual"],
        "dual minus single": SETTING_COLOURS["single"],
    }
    comparisons = in_order(rows["comparison"], fixed)
    markers = dict(zip(comparisons, "Dosv^P<>", strict=False))
    figure, panels = _panels(rows, models, len(comparisons))
    for dataset, axes in panels.items():
        axes.axvline(0, color=INK, linewidth=1.2)
        part = rows[rows["dataset"] == dataset]
        _dots(axes, part, models, "comparison", comparisons, fixed, markers)
        axes.set_xlabel(f"difference in {title_of(metric, METRIC_TITLES)}")
    _legend(figure, panels)
    return figure


@styled
def variants_figure(
    frame: pd.DataFrame,
    column: str = "variant",
    metric: str = "uar_pooled",
    chance: float | None = None,
    zero_line: bool = False,
) -> BookFigure:
    """Draw a score, or a difference, of every variant with its interval, coloured by model.

    Parameters
    ----------
    frame : DataFrame
        One row a score or difference: ``dataset``, ``model``, the column `column``, ``metric``,
        ``value``, ``low``, ``high``.
    column : str
        What stands on the vertical axis: ``variant`` or ``comparison``.
    metric : str
        Which metric to draw.
    chance : float, optional
        Score of a predictor that knows nothing, drawn as a dotted line.
    zero_line : bool
        Draw a line where there is no difference.

    Returns
    -------
    BookFigure
        One panel a data set, variants down. Where all comparisons are with the same variant,
        the axis names it once in place of every row.

    Raises
    ------
    MerError
        If a column or the metric is missing or there is no row.

    Notes
    -----
    The caption should state what the interval is, and for differences that right of zero the
    first-named variant is ahead.
    """
    require_columns(frame, ("dataset", "model", column, "metric", "value", "low", "high"), "frame")
    rows = one_metric(frame, metric)
    models = in_order(rows["model"], MODEL_COLOURS)
    titles = [title_of(m, MODEL_TITLES) for m in models]
    # Baselines are drawn in ink: they are what the coloured networks must beat.
    fixed = {title: MODEL_COLOURS.get(m, INK) for m, title in zip(models, titles, strict=True)}
    drawn = rows.assign(
        model=rows[column], setting=rows["model"].map(dict(zip(models, titles, strict=True)))
    )
    words = title_of(metric, METRIC_TITLES)
    words = f"difference in {words}" if zero_line else words
    baselines = set(drawn["model"].str.partition(" minus ")[2])
    if len(baselines) == 1 and "" not in baselines:
        words += f" from “{baselines.pop()}”"
        drawn["model"] = drawn["model"].str.partition(" minus ")[0]
    # "A minus B" on two lines, so that the labels leave room for the panels.
    drawn["model"] = drawn["model"].str.replace(" minus ", "\nminus ")
    others = iter("X<>*")
    markers = {
        title: MODEL_MARKERS.get(m) or next(others, "o")
        for m, title in zip(models, titles, strict=True)
    }
    variants = list(dict.fromkeys(drawn["model"]))
    two_lines = drawn["model"].str.contains("\n").any()
    figure, panels = _panels(drawn, variants, max(len(titles), 3 if two_lines else 1))
    for dataset, axes in panels.items():
        part = drawn[drawn["dataset"] == dataset]
        _dots(axes, part, variants, "setting", titles, fixed, markers, packed=True)
        if chance is not None:
            axes.axvline(chance, color=INK, linestyle=":", linewidth=1.3, label="chance")
        if zero_line:
            axes.axvline(0, color=INK, linewidth=1.2)
    figure.supxlabel(words, fontsize="medium")
    _legend(figure, panels)
    return figure


def _legend(figure: BookFigure, panels: Mapping[str, Axes]) -> None:
    """Put one legend for all panels above them."""
    handles, labels = next(iter(panels.values())).get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: labels[i] == "chance")
    figure.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="outside upper left",
        ncols=min(len(labels), 4),
        columnspacing=1.6,
        handletextpad=0.5,
    )
