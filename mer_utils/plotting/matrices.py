"""Matrices in print: confusion matrices, and grids of scores over two parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from mer_utils.errors import MerError
from mer_utils.plotting.style import INK, MUTED, PAPER, WIDTH, BookFigure, new_figure, styled


@styled
def confusion_matrices(matrices: Mapping[str, np.ndarray], classes: Sequence[str]) -> BookFigure:
    """Draw confusion matrices: true classes down, predicted ones across.

    Parameters
    ----------
    matrices : mapping of str to ndarray of shape (k, k)
        Counts by the title of their panel; ``[i, j]`` counts clips of class i called j.
    classes : sequence of str
        The k class names in order.

    Returns
    -------
    BookFigure
        Each cell shows its count; its colour is the share of the true class's clips.

    Raises
    ------
    MerError
        If there is no matrix or its size is not that of `classes`.

    Notes
    -----
    The caption should state that rows are true classes and sum to their clips, that the
    diagonal's shares are the recalls whose mean is the UAR, and which confusion is most
    frequent.
    """
    k = len(classes)
    wrong = [name for name, m in matrices.items() if np.shape(m) != (k, k)]
    if not matrices or not k or wrong:
        raise MerError(
            "TODO",
            f"confusion matrices {wrong or 'none'} do not fit {k} classes",
            f"at least one array ({k}, {k})",
            "pass the class names of the scheme that the predictions used",
        )
    columns = min(3, len(matrices))
    rows = -(-len(matrices) // columns)
    width = min(WIDTH, 1.6 + 2.6 * columns)
    cell = (width - 1.8) / columns
    figure = new_figure(width, rows * (cell + 0.35) + 0.8)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes, (name, matrix) in zip(grid.flat, matrices.items(), strict=False):
        counts = np.asarray(matrix)
        total = counts.sum(axis=1, keepdims=True)
        share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (i, j), count in np.ndenumerate(counts):
            colour = PAPER if share[i, j] > 0.55 else (INK if count else MUTED)
            axes.text(j, i, f"{count:g}", ha="center", va="center", color=colour, fontsize=8.5)
        axes.set_title(name)
        axes.set_xticks(range(k), classes, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(k), classes)
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
    for axes in list(grid.flat)[len(matrices) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("true class")
    figure.supxlabel("predicted class", fontsize=9.5)
    shown, places = grid.flat[0].images[0], list(grid.flat)  # all have the same colours
    bar = figure.colorbar(shown, ax=places, shrink=0.7, pad=0.02, label="share of the true class")
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1))
    return figure


@styled
def heat_map(
    grid: pd.DataFrame,
    title: str = "",
    label: str = "score",
    centre: float | None = None,
    decimals: int = 2,
) -> BookFigure:
    """Draw a grid of scores, one cell a combination of two parameters.

    Parameters
    ----------
    grid : DataFrame
        Rows and columns are the parameters' values (their names are the axis names);
        missing cells stay white.
    title : str
        Heading of the panel.
    label : str
        What a cell's number is.
    centre : float, optional
        For differences: the value in the middle of a two-sided colour scale, usually 0.
    decimals : int
        Decimals written in a cell.

    Returns
    -------
    BookFigure

    Raises
    ------
    MerError
        If the grid is empty or holds no number.

    Notes
    -----
    The caption should state what varies along each side, what a cell's number is and how
    uncertain it is, and which cell is best.
    """
    values = grid.to_numpy(dtype=float)
    if values.size == 0 or np.isnan(values).all():
        raise MerError(
            "TODO", "the grid holds no score", "at least one number", "compute the runs first"
        )
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if centre is not None:
        reach = max(abs(low - centre), abs(high - centre)) or 1.0
        low, high = centre - reach, centre + reach
    elif low == high:
        low, high = low - 0.5, high + 0.5
    width = 2.2 + 0.62 * grid.shape[1]
    figure = new_figure(min(max(width, 4.0), WIDTH), 1.5 + 0.4 * grid.shape[0])
    axes = figure.subplots()
    cmap = "Blues" if centre is None else "PuOr_r"
    image = axes.imshow(values, cmap=cmap, vmin=low, vmax=high, aspect="auto")
    sign = "+" if centre is not None else ""
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            axes.text(column, row, "none", ha="center", va="center", color=MUTED, fontsize=8)
            continue
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        words = f"{value:{sign}.{decimals}f}"
        axes.text(
            column, row, words, ha="center", va="center", fontsize=8.5, color=PAPER if dark else INK
        )
    axes.set_xticks(range(grid.shape[1]), [str(c) for c in grid.columns])
    axes.set_yticks(range(grid.shape[0]), [str(r) for r in grid.index])
    if max(len(str(c)) for c in grid.columns) > 9:
        axes.tick_params(axis="x", labelrotation=30)
    axes.set_xlabel(str(grid.columns.name or ""))
    axes.set_ylabel(str(grid.index.name or ""))
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title(title)
    bar = figure.colorbar(image, ax=axes, label=label, pad=0.02)
    bar.outline.set_visible(False)
    return figure
