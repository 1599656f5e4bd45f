"""Dynamic images (DIs) in print: the pooling weights, and DIs beside the frames they come from.

A grid is drawn from rows, one mapping per clip; `di_row` and its like make them from frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mer_utils import dynamic_image as di
from mer_utils.errors import MerError
from mer_utils.phases import PHASES, VIEWS
from mer_utils.plotting.style import (
    FAINT,
    INK,
    MUTED,
    PHASE_COLOURS,
    PHASE_TITLES,
    SMALL,
    VOID,
    WIDTH,
    BookFigure,
    colour_of,
    dataset_panels,
    light_grid,
    named_rows,
    new_figure,
    no_frame,
    require_columns,
    styled,
)

KIND_COLOURS = {"bilen": "#3a3a52", "linear": "#0072b2", "ported": "#d55e00"}
VIEW_TITLES = PHASE_TITLES | {"offset_apex": "offset to apex"}
KIND_LINES = {"bilen": "-", "linear": "--", "ported": "-."}


@styled
def weights_figure(weights: Mapping[str, np.ndarray]) -> BookFigure:
    """Plot rank-pooling weights (n,) by the name of their kind against their frame.

    Below, how far above the first those lie that would hide it: all within a tenth of its range.
    """
    if not weights or any(np.ndim(w) != 1 or len(w) < 2 for w in weights.values()):
        raise MerError(
            "nothing to draw",
            "no weights to plot, or fewer than two of a kind",
            "one array (n,) with n >= 2 for each kind",
            "pass {'bilen': rank_pooling_weights(n), ...}",
        )
    figure = new_figure(WIDTH, 4.6)
    axes, apart = figure.subplots(2, sharex=True, height_ratios=(3, 1.3))
    (first, base), *others = weights.items()
    for each in (axes, apart):
        each.axhline(0, color=INK, linewidth=0.9)
        light_grid(each)
    for kind, values in others:
        more = np.subtract(values, base) if len(values) == len(base) else np.array([np.inf])
        if np.abs(more).max() < np.ptp(base) / 10:
            look = {"color": colour_of(kind, KIND_COLOURS, weights), "marker": "o", "markersize": 3}
            apart.plot(np.arange(1, len(more) + 1), more, **look)
    apart.set(xlabel="frame, in time order", ylabel=f"minus {first}")
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
            label=f"{kind} (sum {total:.4g})",
        )
    axes.set(ylabel="weight")
    axes.legend(loc="lower right")
    return figure


def _show(axes: Axes, image: np.ndarray | None, what: str) -> None:
    """Draw an 8-bit image, or say that there is none."""
    axes.set(xticks=[], yticks=[])
    no_frame(axes)
    if image is None:
        axes.text(0.5, 0.5, "none", ha="center", va="center", color=MUTED, fontsize=SMALL)
        axes.set_facecolor(VOID)
        axes.set_aspect("equal")
        return
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        raise MerError(
            "bad frames",
            f"{what} of type {array.dtype} and shape {array.shape} cannot be shown",
            "a uint8 image (h, w), (h, w, 1) or (h, w, 3)",
            "map a dynamic image with dynamic_image.to_uint8 first",
        )
    flat = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    axes.imshow(flat, cmap="gray", vmin=0, vmax=255, interpolation="nearest")


def _image_grid(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    images: Sequence[Sequence[np.ndarray | None]],
) -> tuple[BookFigure, np.ndarray]:
    """Lay images out in rows with a title each and columns with a heading each."""
    if not rows:
        raise MerError("nothing to draw", "no clips to show", "at least one row", "pass a row")
    shapes = [np.shape(i) for row in images for i in row if i is not None]
    height, width = shapes[0][:2] if shapes else (1, 1)
    cell = (WIDTH - 0.35) / len(columns)
    figure = new_figure(WIDTH, len(rows) * (cell * height / width + 0.06) + 0.35, photos=True)
    grid = figure.subplots(len(rows), len(columns), squeeze=False)
    for axes_row, row, shown in zip(grid, rows, images, strict=True):
        for axes, heading, image in zip(axes_row, columns, shown, strict=True):
            _show(axes, image, heading)
        axes_row[0].set_ylabel(str(row["title"]), fontsize=SMALL)
    for axes, heading in zip(grid[0], columns, strict=True):
        axes.set_title(heading, fontsize=SMALL, fontweight="normal", loc="center", pad=5)
    return figure, grid


def di_row(
    title: str, frames: np.ndarray, apex: int | None, views: Sequence[str] = PHASES
) -> dict[str, Any]:
    """Make a row of `di_grid`: three frames and the DI of each view, where mid-grey is zero.

    Parameters
    ----------
    title : str
    frames : ndarray of shape (t, h, w, c), uint8
        The clip from onset to offset.
    apex : int or None
        Index of the apex into `frames` (0-based).
    views : sequence of str
        Of :data:`mer_utils.phases.VIEWS`.
    """
    images = di.phase_dynamic_images(frames, apex, views=views)
    return {
        "title": title,
        "onset_frame": frames[0],
        "apex_frame": None if apex is None else frames[apex],
        "offset_frame": frames[-1],
        "views": views,
        "dis": {view: di.to_uint8(image, "symmetric") for view, image in images.items()},
    }


@styled
def di_grid(
    rows: Sequence[Mapping[str, Any]], points: Sequence[str] = ("onset", "apex", "offset")
) -> BookFigure:
    """Show, for several clips, frames beside the dynamic images of the phases.

    Parameters
    ----------
    rows : sequence of mapping
        As `di_row` makes them; a frame may be None, and a view absent from ``dis``. The first
        one's ``views`` are the columns, by default the three phases; so are the frames that
        some row has.
    points : sequence of str
        Which frames: the fewer, the larger every picture.
    """
    views = (*rows[:1], {})[0].get("views", PHASES)
    points = [p for p in points if any(f"{p}_frame" in row for row in rows)]
    images = [
        [row.get(f"{point}_frame") for point in points]
        + [row.get("dis", {}).get(view) for view in views]
        for row in rows
    ]
    titles = [VIEW_TITLES.get(view, view) for view in views]
    titles = [title.replace(" to", "\nto") for title in titles]  # columns are narrow
    figure, grid = _image_grid(rows, [*points, *titles], images)
    looks = [(FAINT, 0.8)] * len(points)
    looks += [(PHASE_COLOURS[VIEWS[view].phase], 2.0) for view in views]
    for axes_row in grid:
        for axes, (colour, width) in zip(axes_row, looks, strict=True):
            axes.spines[:].set(visible=True, color=colour, linewidth=width)
    return figure


def ported_row(title: str, frames: np.ndarray) -> dict[str, Any]:
    """Make a row of `ported_vs_right`; both DIs are mapped min to max."""
    return {
        "title": title,
        "mean_frame": frames.mean(axis=0).round().astype(np.uint8),
        "right": di.to_uint8(di.dynamic_image(frames, "bilen")),
        "ported": di.to_uint8(di.dynamic_image(frames, "ported")),
    }


@styled
def ported_vs_right(rows: Sequence[Mapping[str, Any]]) -> BookFigure:
    """Show what the widely copied weights do: the person shines through the DI.

    The ported weights sum to the number of frames N: N times a mean frame is added to the DI.
    """
    images = [[row.get(name) for name in ("mean_frame", "right", "ported")] for row in rows]
    return _image_grid(rows, ["mean frame", "DI, sum 0", "ported DI, sum N"], images)[0]


def frames_row(title: str, frames: np.ndarray, apex: int | None) -> dict[str, Any]:
    """Make a row of `sample_frames`: onset, apex (or middle, where none is known) and offset."""
    chosen = [frames[0], frames[len(frames) // 2 if apex is None else apex], frames[-1]]
    middle = "middle" if apex is None else "apex"
    return {"title": title, "frames": chosen, "labels": ["onset", middle, "offset"]}


@styled
def sample_frames(rows: Sequence[Mapping[str, Any]]) -> BookFigure:
    """Show strips of frames, one clip per row.

    Parameters
    ----------
    rows : sequence of mapping
        ``title``, ``frames`` (uint8 images, equally many in every row) and ``labels`` (what
        each frame is; the first row's are the column headings).
    """
    lengths = {len(row["frames"]) for row in rows} | {len(row["labels"]) for row in rows}
    if len(lengths) != 1:
        raise MerError(
            "nothing to draw",
            f"strips of {sorted(lengths)} frames cannot share columns",
            "one row at least, and as many frames and labels in every row",
            "choose the same number of frames from each clip",
        )
    return _image_grid(rows, rows[0]["labels"], [row["frames"] for row in rows])[0]


@styled
def correlations_figure(correlations: pd.DataFrame) -> BookFigure:
    """Draw how two views of each clip correlate: pairs of views down, a panel per data set.

    Parameters
    ----------
    correlations : DataFrame
        One row per clip and pair: dataset, pair (in words), correlation. A bar is the median.
    """
    require_columns(correlations, ("dataset", "pair", "correlation"), "the correlations")
    pairs = list(dict.fromkeys(correlations["pair"]))
    figure = new_figure(WIDTH, 1.0 + 0.5 * len(pairs))
    for axes, _, part in dataset_panels(figure, correlations, sharex=True, sharey=True):
        axes.axvline(0, color=INK, linewidth=1.2)
        for row, pair in enumerate(pairs):
            values = part.loc[part["pair"] == pair, "correlation"].dropna().to_numpy(float)
            apart = np.resize([-0.16, 0.08, -0.04, 0.16, 0.0], len(values))
            axes.plot(values, row + apart, "o", color=PHASE_COLOURS["full"], alpha=0.35)
            axes.plot([np.median(values)] * 2, [row - 0.34, row + 0.34], color=INK, linewidth=2.4)
        named_rows(axes, pairs)
        axes.set(xlim=(-1.04, 1.04))
    figure.supxlabel("correlation over pixels", fontsize="medium")
    return figure
