"""A specification curve: every difference in order, and below it what was chosen for it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mer_utils.plotting.style import (
    FAINT,
    INK,
    MUTED,
    SETTING_COLOURS,
    WIDTH,
    BookFigure,
    colour_of,
    legend_above,
    light_grid,
    new_figure,
    require_columns,
    styled,
)
from mer_utils.plotting.words import metric_title


@styled
def curve_figure(
    curve: pd.DataFrame, choices: Mapping[str, Mapping[object, str]], metric: str = "uar_pooled"
) -> BookFigure:
    """Draw a specification curve.

    Parameters
    ----------
    curve : DataFrame
        One row per specification: ``setting``, the treatment; ``difference``, ``low``, ``high``;
        and a column for each choice.
    choices : mapping of str to mapping
        For each choice its levels, and the words for them, in the order of their rows.
    metric : str
        Of which the difference is.
    """
    require_columns(curve, ("setting", "difference", "low", "high", *choices), "the curve")
    rows = curve.sort_values("difference", kind="stable", ignore_index=True)
    names = list(dict.fromkeys(rows["setting"]))
    colours = [colour_of(name, SETTING_COLOURS, names) for name in rows["setting"]]
    n_levels = sum(map(len, choices.values()))
    figure = new_figure(WIDTH, 2.6 + 0.19 * n_levels)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 0.19 * n_levels))
    at = np.arange(len(rows))
    above.vlines(at, rows["low"], rows["high"], color=FAINT, linewidth=0.9)
    for name in names:
        part = rows["setting"].eq(name).to_numpy()
        colour = colour_of(name, SETTING_COLOURS, names)
        above.plot(
            at[part], rows["difference"][part], "o", color=colour, markersize=2.6, label=name
        )
    above.axhline(0, color=INK, linewidth=1.1)
    above.set_ylabel(f"difference in\n{metric_title(metric)}")
    light_grid(above)
    words, y = [], 0
    for choice, levels in choices.items():
        for level, said in levels.items():
            part = (rows[choice] == level).to_numpy()
            below.vlines(at[part], y - 0.36, y + 0.36, color=np.array(colours)[part], linewidth=0.9)
            words.append(said)
            y += 1
        below.axhline(y - 0.5, color=MUTED, linewidth=0.4)
    below.set_yticks(range(n_levels), words)
    below.set_ylim(n_levels - 0.5, -0.5)
    below.tick_params(length=0)
    below.spines[:].set_visible(False)
    below.set_xlabel("specifications, by their difference")
    below.set_xticks([])
    legend_above(figure)
    return figure
