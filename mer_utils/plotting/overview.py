"""The overview: every score of every table in one picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mer_utils.plotting.results import one_metric
from mer_utils.plotting.style import (
    DATASET_TITLES,
    FAINT,
    INK,
    METRIC_TITLES,
    MODEL_COLOURS,
    PAPER,
    SETTING_COLOURS,
    SETTING_MARKERS,
    WIDTH,
    BookFigure,
    in_order,
    new_figure,
    require_columns,
    styled,
    table_of,
    title_of,
)

OTHER, OTHER_COLOUR = "another setting", "#009e73"
NEEDED = ("table", "dataset", "model", "setting", "metric", "value")


@styled
def overview_figure(
    scores: pd.DataFrame,
    metric: str = "uar_pooled",
    chance: float | Mapping[str, float] | None = None,
) -> BookFigure:
    """Draw one dot a model and setting: tables down, one panel a data set.

    Parameters
    ----------
    scores : DataFrame
        Tidy: ``table``, ``dataset``, ``model``, ``setting``, ``metric``, ``value``. The
        words of a setting before its first comma choose colour and shape: those of table 2
        have one each, all others share one, since nobody can tell twenty apart.
    metric : str
        Which metric to draw.
    chance : float or mapping of data set to float, optional
        Score of a predictor that knows nothing, drawn as a dotted line.

    Returns
    -------
    BookFigure
        A short upright line marks the median of a table's dots.

    Raises
    ------
    MerError
        If a column or the metric is missing or there is no row.

    Notes
    -----
    The caption should say that dots of one row differ in model and setting, that intervals
    are left out because they would cover everything, and where they stand.
    """
    require_columns(scores, NEEDED, "the scores frame")
    rows = one_metric(scores, metric)
    first = rows["setting"].str.split(",").str[0]
    rows = rows.assign(kind=first.where(first.isin(list(SETTING_COLOURS)), OTHER))
    tables, kinds = in_order(rows["table"], ()), in_order(rows["kind"], SETTING_COLOURS)
    models = in_order(rows["model"], MODEL_COLOURS)
    datasets = in_order(rows["dataset"], DATASET_TITLES)
    figure = new_figure(WIDTH, 1.35 + 0.55 * len(tables))
    grid = figure.subplots(1, len(datasets), squeeze=False, sharey=True, sharex=True)[0]
    for axes, dataset in zip(grid, datasets, strict=True):
        part = rows[rows["dataset"] == dataset]
        for step, kind in enumerate(kinds):
            dots = part[part["kind"] == kind]
            # A little apart by model and kind, so that equal scores do not hide each other.
            apart = [
                ((models.index(m) + step / len(kinds) + 0.5) / len(models) - 0.5) * 0.6
                for m in dots["model"]
            ]
            y = np.array([tables.index(t) for t in dots["table"]], dtype=float) + apart
            axes.plot(
                dots["value"],
                y,
                linestyle="none",
                marker=SETTING_MARKERS.get(kind, "^"),
                color=SETTING_COLOURS.get(kind, OTHER_COLOUR),
                markeredgecolor=PAPER,
                markeredgewidth=0.5,
                label=kind,
            )
        for place, table in enumerate(tables):
            values = part.loc[part["table"] == table, "value"]
            if len(values):
                axes.vlines(values.median(), place - 0.38, place + 0.38, color=INK, zorder=1)
        level = chance.get(dataset) if isinstance(chance, Mapping) else chance
        if level is not None:
            axes.axvline(level, color=INK, linestyle=":", linewidth=1.3, label="chance")
        for edge in np.arange(0.5, len(tables) - 1):
            axes.axhline(edge, color=FAINT, linewidth=0.7, zorder=0)
        axes.set_title(title_of(dataset, DATASET_TITLES))
        axes.set_yticks(range(len(tables)), [table_of(table) for table in tables])
        axes.set_ylim(len(tables) - 0.5, -0.5)
        axes.grid(visible=True, axis="x")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(title_of(metric, METRIC_TITLES))
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=3)
    return figure
