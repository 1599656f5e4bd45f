"""The overview: every score of every table in one picture."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mer_utils.plotting.results import one_metric
from mer_utils.plotting.style import (
    FAINT,
    INK,
    PAPER,
    SETTING_COLOURS,
    SETTING_MARKERS,
    WIDTH,
    BookFigure,
    Chance,
    chance_line,
    dataset_panels,
    legend_above,
    named_rows,
    new_figure,
    require_columns,
    styled,
)
from mer_utils.plotting.words import metric_title, table_of

OTHER, OTHER_COLOUR = "another setting", "#009e73"
NEEDED = ("table", "dataset", "model", "setting", "metric", "value")


@styled
def overview_figure(
    scores: pd.DataFrame, metric: str = "uar_pooled", chance: Chance = None
) -> BookFigure:
    """Draw one dot per model and setting: tables down, a line at each one's median.

    Parameters
    ----------
    scores : DataFrame
        Tidy: ``table``, ``dataset``, ``model``, ``setting``, ``metric``, ``value``. The words
        of a setting before its first comma choose colour and shape: those of table 2 have one
        each, all others share one, since nobody can tell twenty apart.
    metric : str
    chance : float or mapping of data set to float, optional
        Score of a predictor that knows nothing, a dotted line.
    """
    require_columns(scores, NEEDED, "the scores frame")
    rows = one_metric(scores, metric)
    first = rows["setting"].str.split(",").str[0]
    rows = rows.assign(kind=first.where(first.isin(list(SETTING_COLOURS)), OTHER))
    tables, models = (list(dict.fromkeys(rows[c])) for c in ("table", "model"))
    kinds = [kind for kind in (*SETTING_COLOURS, OTHER) if rows["kind"].eq(kind).any()]
    figure = new_figure(WIDTH, 1.35 + 0.55 * len(tables))
    for axes, dataset, part in dataset_panels(figure, rows, sharex=True, sharey=True):
        for step, kind in enumerate(kinds):
            dots = part[part["kind"] == kind]
            # A little apart by model and kind, so that equal scores do not hide each other.
            apart = [
                ((models.index(m) + step / len(kinds) + 0.5) / len(models) - 0.5) * 0.6
                for m in dots["model"]
            ]
            axes.plot(
                dots["value"],
                np.array([tables.index(t) for t in dots["table"]], dtype=float) + apart,
                linestyle="none",
                marker=SETTING_MARKERS.get(kind, "^"),
                color=SETTING_COLOURS.get(kind, OTHER_COLOUR),
                markeredgecolor=PAPER,
                markeredgewidth=0.5,
                label=kind,
            )
        for table, median in part.groupby("table")["value"].median().items():
            place = tables.index(table)
            axes.vlines(median, place - 0.38, place + 0.38, color=INK, zorder=1)
        chance_line(axes, chance, dataset)
        named_rows(axes, [table_of(table) for table in tables])
        for edge in np.arange(0.5, len(tables) - 1):
            axes.axhline(edge, color=FAINT, linewidth=0.7, zorder=0)
        axes.set_xlabel(metric_title(metric))
    legend_above(figure)
    return figure
