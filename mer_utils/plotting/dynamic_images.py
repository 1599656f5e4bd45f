"""Dynamic images in print: the pooling weights, and DIs beside the frames they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mer_utils.errors import MerError
from mer_utils.plotting.style import (
    FAINT,
    INK,
    MUTED,
    PHASE_COLOURS,
    PHASE_TITLES,
    WIDTH,
    BookFigure,
    colour_of,
    light_grid,
    new_figure,
    styled,
    title_of,
)

KIND_COLOURS = {"bilen": "#3a3a52", "linear": "#0072b2", "ported": "#d55e00"}
KIND_LINES = {"bilen": "-", "linear": "--", "ported": "-."}


@styled
def weights_figure(weights: Mapping[str, np.ndarray]) -> BookFigure:
    """Plot rank-pooling weights against the frame they belong to.

    Parameters
    ----------
    weights : mapping of str to ndarray of shape (n,)
        Weights by the name of their kind (``bilen``, ``linear``, ``ported``).

    Returns
    -------
    BookFigure
        One axes with one line a kind; each line's label gives the sum of its weights.

    Raises
    ------
    MerError
        If nothing is given or a kind has fewer than two weights.

    Notes
    -----
    The caption should state the number of frames, that frame 1 is the first, and that
    weights which sum to zero cancel whatever does not move, which the ported ones do not.
    """
    if not weights or any(np.ndim(w) != 1 or len(w) < 2 for w in weights.values()):
        raise MerError(
            "TODO",
            "no weights to plot, or fewer than two of a kind",
            "one array (n,) with n >= 2 a kind",
            "pass {'bilen': rank_pooling_weights(n), ...}",
        )
    figure = new_figure(WIDTH, 3.5)
    axes = figure.subplots()
    axes.axhline(0, color=INK, linewidth=0.9)
    for kind, values in weights.items():
        total = float(np.sum(values))
        total = 0.0 if abs(total) < 1e-6 * np.abs(values).sum() else total
        axes.plot(
            np.arange(1, len(values) + 1),
            values,
            color=colour_of(kind, KIND_COLOURS, weights),
            linestyle=KIND_LINES.get(kind, "-"),
            marker="o",
            markersize=3 if len(values) <= 80 else 0,
            label=f"{title_of(kind, {})} (sum {total:.4g})",
        )
    light_grid(axes)
    axes.set_xlabel("frame, in time order")
    axes.set_ylabel("weight")
    axes.legend(loc="lower right")
    return figure


def _show(axes: Axes, image: np.ndarray | None, what: str) -> None:
    """Draw an 8-bit image, or say that there is none."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    if image is None:
        axes.text(0.5, 0.5, "none", ha="center", va="center", color=MUTED, fontsize=8)
        axes.set_facecolor("#f2f3f5")
        axes.set_aspect("equal")
        return
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        raise MerError(
            "TODO",
            f"{what} of type {array.dtype} and shape {array.shape} cannot be shown",
            "a uint8 image (h, w), (h, w, 1) or (h, w, 3)",
            "map a dynamic image with dynamic_image.to_uint8 first",
        )
    flat = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    axes.imshow(flat, cmap="gray", vmin=0, vmax=255, interpolation="nearest")


def image_grid(
    titles: Sequence[str], columns: Sequence[str], images: Sequence[Sequence[np.ndarray | None]]
) -> tuple[BookFigure, np.ndarray]:
    """Lay images out in rows with a title each and columns with a heading each."""
    if not titles:
        raise MerError("TODO", "no clips to show", "at least one row", "pass one dict a clip")
    shapes = [np.shape(i) for row in images for i in row if i is not None]
    height, width = shapes[0][:2] if shapes else (1, 1)
    cell = (WIDTH - 0.35) / len(columns)
    figure = new_figure(WIDTH, len(titles) * (cell * height / width + 0.06) + 0.35, photos=True)
    grid = figure.subplots(len(titles), len(columns), squeeze=False)
    for axes_row, title, row in zip(grid, titles, images, strict=True):
        for axes, heading, image in zip(axes_row, columns, row, strict=True):
            _show(axes, image, heading)
        axes_row[0].set_ylabel(title, fontsize=8.5)
    for axes, heading in zip(grid[0], columns, strict=True):
        axes.set_title(heading, fontsize=9 if len(columns) < 6 else 8, loc="center", pad=5)
    return figure, grid


@styled
def di_grid(rows: Sequence[Mapping[str, Any]]) -> BookFigure:
    """Show, for several clips, three frames beside the dynamic images of the three phases.

    Parameters
    ----------
    rows : sequence of mapping
        One a clip: ``title`` (str), ``onset_frame``, ``apex_frame`` and ``offset_frame``
        (uint8 images; None where there is none) and ``dis`` (phase to uint8 image; a phase
        the clip does not have may be absent).

    Returns
    -------
    BookFigure
        A grid of one row a clip and six columns.

    Raises
    ------
    MerError
        If there is no row, or an image is not uint8.

    Notes
    -----
    The caption should state the clips and their emotions, how a DI was mapped to grey
    levels (symmetric: mid-grey is zero; minmax: each image has its own zero), and what is
    to be seen: the two halves differ where the rise and the fall of the movement differ.
    """
    columns = ["onset", "apex", "offset", *(PHASE_TITLES[p] for p in PHASE_COLOURS)]
    images = [
        [row.get(f"{point}_frame") for point in ("onset", "apex", "offset")]
        + [row.get("dis", {}).get(phase) for phase in PHASE_COLOURS]
        for row in rows
    ]
    figure, grid = image_grid([str(row["title"]) for row in rows], columns, images)
    for axes_row in grid:
        for axes, colour in zip(axes_row[3:], PHASE_COLOURS.values(), strict=True):
            for side in axes.spines.values():
                side.set(visible=True, color=colour, linewidth=2)
        for axes in axes_row[:3]:
            for side in axes.spines.values():
                side.set(visible=True, color=FAINT, linewidth=0.8)
    return figure


@styled
def ported_vs_right(rows: Sequence[Mapping[str, Any]]) -> BookFigure:
    """Show what the widely copied weights do: the person shines through the DI.

    Parameters
    ----------
    rows : sequence of mapping
        One a clip: ``title`` (str), ``mean_frame``, ``right`` (DI with ``bilen`` weights)
        and ``ported`` (DI with the ported weights), each a uint8 image.

    Returns
    -------
    BookFigure
        A grid of one row a clip and three columns.

    Raises
    ------
    MerError
        If there is no row, or an image is not uint8.

    Notes
    -----
    The caption should state that the ported weights sum to the number of frames N, so that
    N times a weighted mean frame (the person's appearance) is added to the DI, and how
    both DIs were mapped to grey levels.
    """
    columns = ["mean frame", "DI, sum 0", "ported DI, sum N"]
    images = [[row.get(name) for name in ("mean_frame", "right", "ported")] for row in rows]
    figure, _ = image_grid([str(row["title"]) for row in rows], columns, images)
    return figure
