"""Matrices in print: confusion matrices, grids of scores, action units by emotion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from mer_utils.errors import MerError
from mer_utils.plotting.style import (
    MUTED,
    SMALL,
    WIDTH,
    BookFigure,
    new_figure,
    no_frame,
    require_columns,
    styled,
)


def _cells(
    axes: Axes,
    shade: np.ndarray,
    words: Callable[[int, int], str],
    names: tuple[Iterable[object], Iterable[object]],
    limits: tuple[float, float],
    cmap: str = "Blues",
    muted: Sequence[str] = (),
    fontsize: float = SMALL,
    aspect: Literal["equal", "auto"] = "auto",
) -> AxesImage:
    """Draw a matrix: colours of `shade`, and in each cell its words, readable on its colour.

    A cell keeps its colour on a dark page, so its words do too; one without a value shows the page,
    and its words are in the page's ink.

    seaborn's heatmap was tried: it draws the figure anew for every panel, takes a second to
    import, writes in colours of its own and leaves missing cells without a word.
    """
    low, high = limits
    image = axes.imshow(shade, cmap=cmap, vmin=low, vmax=high, aspect=aspect)
    for (row, column), value in np.ndenumerate(shade):
        if not (text := words(row, column)):
            continue
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        colour = "#fefefe" if dark else "#5a616f" if text in muted else "#20252f"
        colour = colour if np.isfinite(value) else MUTED
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=fontsize)
    for axis, labels in zip((axes.yaxis, axes.xaxis), names, strict=True):
        written = [str(label) for label in labels]
        axis.set_ticks(range(len(written)), written)
    no_frame(axes)
    return image


def _count(counts: np.ndarray, row: int, column: int) -> str:
    return f"{counts[row, column]:g}"


@styled
def confusion_matrices(matrices: Mapping[str, np.ndarray], classes: Sequence[str]) -> BookFigure:
    """Draw confusion matrices: true classes down, predicted ones across.

    Parameters
    ----------
    matrices : mapping of str to ndarray of shape (k, k)
        Counts by the title of their panel; ``[i, j]`` counts clips of class i called j. A
        cell's colour is its share of the true class.
    classes : sequence of str
        The k class names in order.
    """
    k = len(classes)
    wrong = [name for name, m in matrices.items() if np.shape(m) != (k, k)]
    if not matrices or not k or wrong:
        raise MerError(
            "nothing to draw",
            f"confusion matrices {wrong or 'none'} do not fit {k} classes",
            f"at least one array ({k}, {k})",
            "pass the class names of the scheme that the predictions used",
        )
    columns = min(2, len(matrices))
    rows = -(-len(matrices) // columns)
    width = min(WIDTH, 1.6 + 2.6 * columns)
    figure = new_figure(width, rows * ((width - 1.3) / columns + 0.4) + 1.0)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes, (name, matrix) in zip(grid.flat, matrices.items(), strict=False):
        counts = np.asarray(matrix)
        total = counts.sum(axis=1, keepdims=True)
        share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
        _cells(
            axes,
            share,
            partial(_count, counts),
            (classes, classes),
            (0, 1),
            muted=("0",),
            aspect="equal",
        )
        axes.set_title(name, fontsize=SMALL, fontweight="normal")
        axes.set_xticks(range(k), classes, rotation=45, ha="right", rotation_mode="anchor")
    for axes in list(grid.flat)[len(matrices) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("true class")
    figure.supxlabel("predicted class", fontsize=11)
    return figure


@styled
def heat_map(
    grid: pd.DataFrame,
    title: str = "",
    label: str = "score",
    centre: float | None = None,
    decimals: int = 2,
) -> BookFigure:
    """Draw a grid of scores, one cell per combination of two parameters.

    Parameters
    ----------
    grid : DataFrame
        Rows and columns are the parameters' values (their names are the axis names); missing
        cells stay white.
    title, label : str
        Heading of the panel, or else what a cell's number is.
    centre : float, optional
        For differences: the value in the middle of a two-sided colour scale, usually 0.
    decimals : int
        Decimals written in a cell.
    """
    values = grid.to_numpy(dtype=float)
    if values.size == 0 or np.isnan(values).all():
        raise MerError(
            "nothing to draw",
            "the grid holds no score",
            "at least one number",
            "compute the runs first",
        )
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if centre is not None:
        reach = max(abs(low - centre), abs(high - centre)) or 1.0
        low, high = centre - reach, centre + reach
    elif low == high:
        low, high = low - 0.5, high + 0.5
    figure = new_figure(min(max(2.2 + 0.62 * grid.shape[1], 4.0), WIDTH), 2 + 0.4 * grid.shape[0])
    axes = figure.subplots()
    form = f"{'+' if centre is not None else ''}.{decimals}f"
    _cells(
        axes,
        values,
        lambda i, j: "none" if np.isnan(values[i, j]) else f"{values[i, j]:{form}}",
        (grid.index, grid.columns),
        (low, high),
        "Blues" if centre is None else "PuOr_r",
    )
    if max(len(str(c)) for c in grid.columns) > 9:
        axes.set_xticks(
            range(grid.shape[1]), grid.columns, rotation=45, ha="right", rotation_mode="anchor"
        )
    axes.set(xlabel=grid.columns.name or "", ylabel=grid.index.name or "", title=title or label)
    return figure


@styled
def action_unit_heat_map(counts: pd.DataFrame, title: str = "") -> BookFigure:
    """Draw in which share of an emotion's clips each action unit (AU) occurs.

    Parameters
    ----------
    counts : DataFrame
        One row per emotion and action unit: ``emotion``, ``action_unit``, ``count`` and, if
        shares are wanted, ``clips`` (clips of that emotion). Without ``clips`` the colour
        is the count itself.
    title : str
        Heading of the panel.
    """
    require_columns(counts, ("emotion", "action_unit", "count"), "the action-unit table")
    shares = "clips" in counts.columns
    number = counts.pivot_table(
        index="action_unit", columns="emotion", values="count", aggfunc="sum", fill_value=0
    )
    digits = {str(unit): "".join(filter(str.isdigit, str(unit))) for unit in number.index}
    number = number.loc[sorted(number.index, key=lambda u: (int(digits[str(u)] or 999), str(u)))]
    names = list(number.columns)
    colour = number.astype(float)
    if shares:
        clips = counts.groupby("emotion")["clips"].max()
        colour, names = number.div(clips, axis=1), [f"{e} ({clips[e]:g})" for e in names]
    figure = new_figure(WIDTH, 1.6 + 0.25 * number.shape[0])
    axes = figure.subplots()
    shade, counted = colour.to_numpy(dtype=float), number.to_numpy()
    image = _cells(
        axes,
        shade,
        lambda i, j: f"{counted[i, j]:g}" if counted[i, j] else "",
        (number.index, names),
        (0, float(shade.max()) or 1.0),
    )
    axes.set(ylabel="action unit", title=title)
    axes.tick_params(axis="x", labelrotation=60)
    figure.colorbar(image, ax=axes, label="share of clips" if shares else "clips", pad=0.02)
    return figure
