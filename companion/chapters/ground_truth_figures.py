"""What is true of made clips in print: displacement fields, true apexes, and how DIs follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from mer_utils import dynamic_image as di
from mer_utils.errors import MerError
from mer_utils.plotting.style import (
    INK,
    OTHER_COLOURS,
    PHASE_COLOURS,
    PHASE_TITLES,
    SMALL,
    WIDTH,
    BookFigure,
    dataset_panels,
    legend_above,
    light_grid,
    new_figure,
    require_columns,
    styled,
)

# Arrows are drawn this much longer than the skin moved, one every so many pixels of a frame
# 280 wide, and only where it moved at all.
ARROW_TIMES, _EVERY, _LEAST_PX = 6, 20, 0.2
_PHASE_MARKERS = {"full": "o", "onset_apex": "^", "apex_offset": "v"}


def truth_row(title: str, frames: np.ndarray, apex: int, field: np.ndarray) -> dict[str, Any]:
    """Make a row of `truth_grid` from a clip's frames and its true displacement.

    Parameters
    ----------
    title : str
    frames : ndarray of shape (t, h, w, c), uint8
    apex : int
        Index of the apex into `frames` (0-based).
    field : ndarray of shape (h, w, 2)
        True displacement (right, down) in pixels.
    """
    images = di.phase_dynamic_images(frames, apex)
    magnitudes = {p: np.abs(image).mean(axis=-1) for p, image in images.items()}
    return {"title": title, "frame": frames[apex], "field": field, "dis": magnitudes}


@styled
def truth_grid(rows: Sequence[Mapping[str, Any]]) -> BookFigure:
    """Show, for several clips, where the skin went beside the magnitude of their DIs.

    Parameters
    ----------
    rows : sequence of mapping
        One per clip, as `truth_row` makes them. Each picture has its own scale.
    """
    if not rows:
        raise MerError("nothing to draw", "no clips to show", "at least one row", "pass a row")
    headings = ["apex,\narrows", "true\nlength"]
    headings += [PHASE_TITLES[p].replace(" to", "\nto") for p in PHASE_COLOURS]
    h, w = rows[0]["frame"].shape[:2]
    cell = (WIDTH - 0.35) / len(headings)
    figure = new_figure(WIDTH, len(rows) * (cell * h / w + 0.06) + 0.35, photos=True)
    grid = figure.subplots(len(rows), len(headings), squeeze=False)
    for axes_row, row in zip(grid, rows, strict=True):
        _show_frame(axes_row[0], row["frame"])
        _arrows(axes_row[0], row["field"])
        _magnitude(axes_row[1], np.hypot(*np.moveaxis(row["field"], -1, 0)))
        for axes, (phase, colour) in zip(axes_row[2:], PHASE_COLOURS.items(), strict=True):
            if phase in row["dis"]:
                _magnitude(axes, row["dis"][phase])
            axes.spines[:].set(visible=True, color=colour, linewidth=2)
        axes_row[0].set_ylabel(row["title"], fontsize=SMALL)
    for axes, heading in zip(grid[0], headings, strict=True):
        axes.set_title(heading, fontsize=SMALL, loc="center", pad=5)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
    return figure


@styled
def field_grid(
    fields: Mapping[str, np.ndarray], frame: np.ndarray | None = None, columns: int = 3
) -> BookFigure:
    """Show displacement fields: arrows, and their length as colour on one scale for all.

    Parameters
    ----------
    fields : mapping of str to ndarray of shape (h, w, 2)
        Displacement (right, down) in pixels by the title of the panel.
    frame : ndarray of shape (h, w, c), uint8, optional
        A face to draw them on, seen where nothing moved.
    columns : int
    """
    if not fields:
        raise MerError("nothing to draw", "no fields to show", "at least one", "name more clips")
    columns = min(columns, len(fields))
    lines = -(-len(fields) // columns)
    h, w = next(iter(fields.values())).shape[:2]
    cell = (WIDTH - 0.8) / columns
    figure = new_figure(WIDTH, lines * (cell * h / w + 0.22) + 0.1, photos=True)
    grid = figure.subplots(lines, columns, squeeze=False)
    lengths = {name: np.hypot(field[..., 0], field[..., 1]) for name, field in fields.items()}
    top = max(float(length.max()) for length in lengths.values()) or 1.0
    image = None
    for axes, name in zip(grid.flat, fields, strict=False):
        if frame is not None:
            _show_frame(axes, frame)
        # The face is seen wherever the skin stays.
        alpha = 1.0 if frame is None else np.clip(8 * lengths[name] / top, 0, 0.85)
        image = _magnitude(axes, lengths[name], top, alpha)
        _arrows(axes, fields[name])
        axes.set_title(name, fontsize=SMALL, loc="center", pad=3)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
    for axes in grid.flat[len(fields) :]:
        axes.set_visible(False)
    assert image is not None
    figure.colorbar(image, ax=list(grid.flat), label="pixels", pad=0.02, aspect=30)
    return figure


@styled
def apex_error_figure(errors: pd.DataFrame) -> BookFigure:
    """Draw the share of clips whose apex by each rule is no further away than so many frames.

    Parameters
    ----------
    errors : DataFrame
        Columns dataset, rule, frames: see `true_motion.apex_errors`.
    """
    require_columns(errors, ("dataset", "rule", "frames"), "the table of apexes")
    rules = list(dict.fromkeys(errors["rule"]))
    figure = new_figure(WIDTH, 3.1)
    for axes, _, part in dataset_panels(figure, errors, sharex=True, sharey=True):
        for colour, line, rule in zip(OTHER_COLOURS, ("-", "--", "-.", ":"), rules, strict=False):
            away = np.sort(part.loc[part["rule"] == rule, "frames"].abs())
            share = np.arange(len(away) + 1) / max(len(away), 1)
            look = {"where": "post", "color": colour, "linestyle": line, "label": rule}
            if len(away):
                axes.step(np.concatenate([[0], away]), share, **look)
        axes.set(ylim=(0, 1.03))
        axes.locator_params(axis="x", nbins=4)
        light_grid(axes)
    figure.axes[0].set_ylabel("share of clips")
    figure.supxlabel("frames from the true apex", fontsize="medium")
    legend_above(figure)
    return figure


@styled
def agreement_figure(measured: pd.DataFrame) -> BookFigure:
    """Draw how well the DIs' magnitude follows the true displacement, against its strength.

    The dashed line is the mean correlation with the truth of another clip.

    Parameters
    ----------
    measured : DataFrame
        As :func:`companion.chapters.true_motion.measure` returns it.
    """
    require_columns(measured, ("dataset", "amplitude_px", "full", "full_wrong"), "the clips")
    figure = new_figure(WIDTH, 3.4)
    for axes, _, part in dataset_panels(figure, measured, sharex=True, sharey=True):
        for phase, marker in _PHASE_MARKERS.items():
            if phase in part:
                axes.plot(
                    part["amplitude_px"],
                    part[phase],
                    marker,
                    color=PHASE_COLOURS[phase],
                    markersize=4,
                    alpha=0.75,
                    label=PHASE_TITLES[phase],
                )
        wrong = float(part["full_wrong"].mean())
        axes.axhline(wrong, color=INK, linestyle="--", linewidth=1, label="another clip's truth")
        light_grid(axes)
    panel = figure.axes[0]
    panel.set_ylabel("correlation over pixels")
    figure.supxlabel("amplitude in pixels", fontsize="medium")
    legend_above(figure)
    return figure


def _show_frame(axes: Axes, frame: np.ndarray) -> None:
    grey = frame.reshape(*frame.shape[:2], -1).mean(axis=-1)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255)


def _magnitude(
    axes: Axes, values: np.ndarray, top: float | None = None, alpha: float | np.ndarray = 1.0
) -> AxesImage:
    return axes.imshow(values, cmap="inferno", vmin=0, vmax=top or float(values.max()), alpha=alpha)


def _arrows(axes: Axes, field: np.ndarray) -> None:
    step = max(2, round(_EVERY * field.shape[1] / 280))
    y, x = np.mgrid[step // 2 : field.shape[0] : step, step // 2 : field.shape[1] : step]
    right, down = field[y, x, 0], field[y, x, 1]
    shown = np.hypot(right, down) >= _LEAST_PX
    axes.quiver(
        x[shown],
        y[shown],
        right[shown],
        down[shown],
        angles="xy",
        scale_units="xy",
        scale=1 / ARROW_TIMES,
        color="#00e5ff",
        width=0.012,
    )
