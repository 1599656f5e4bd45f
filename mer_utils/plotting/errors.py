"""Errors in print: accuracy over subjects, and where networks look beside where skin moved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mer_utils.errors import MerError
from mer_utils.plotting.style import (
    FAINT,
    MUTED,
    PAPER,
    SETTING_COLOURS,
    SMALL,
    WIDTH,
    BookFigure,
    dataset_panels,
    new_figure,
    require_columns,
    styled,
)


@styled
def subject_accuracy_figure(by_subject: pd.DataFrame) -> BookFigure:
    """Draw every subject's accuracy, with its range over the networks, worst at the bottom.

    Parameters
    ----------
    by_subject : DataFrame
        Columns dataset, subject, clips (the area of a dot), accuracy, lowest, highest.
    """
    columns = ("dataset", "subject", "clips", "accuracy", "lowest", "highest")
    require_columns(by_subject, columns, "the table of subjects")
    figure = new_figure(WIDTH, 1.1 + 0.2 * int(by_subject.groupby("dataset").size().max()))
    area = 90 / float(by_subject["clips"].max())
    for axes, _, rows in dataset_panels(figure, by_subject, sharex=True):
        part = rows.sort_values(["accuracy", "subject"], kind="stable")
        y = np.arange(len(part))
        axes.hlines(y, part["lowest"], part["highest"], color=MUTED, linewidth=1.2, zorder=2)
        axes.scatter(
            part["accuracy"],
            y,
            s=18 + area * part["clips"],
            color=SETTING_COLOURS["dual"],
            edgecolor=PAPER,
            linewidth=0.6,
            zorder=3,
        )
        labels = [f"{s} ({n})" for s, n in zip(part["subject"], part["clips"], strict=True)]
        axes.set_yticks(y, labels, fontsize=SMALL)
        axes.set(ylim=(-0.7, len(part) - 0.3), xlim=(-0.04, 1.04), xlabel="accuracy")
        axes.grid(visible=True, axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    figure.axes[0].set_ylabel("subject (clips)")
    return figure


@styled
def places_grid(columns: Mapping[str, Mapping[str, np.ndarray]], under: str = "") -> BookFigure:
    """Show, class by class, pictures of the same place side by side.

    Parameters
    ----------
    columns : mapping of str to mapping of class to ndarray
        Heading to one picture per class: uint8 (h, w, 3) is shown as it is, a floating (h, w) in
        colours from 0 to its own largest value, its cells unsmoothed. A class may be absent.
    under : str
        Heading of the pictures that are seen through the coloured ones.
    """
    classes = list(dict.fromkeys(name for pictures in columns.values() for name in pictures))
    if not classes:
        raise MerError(
            "nothing to draw", "no pictures to show", "at least one class", "compute the runs first"
        )
    cell = min(1.5, (WIDTH - 1.0) / len(columns))
    figure = new_figure(1.0 + cell * len(columns), len(classes) * (cell + 0.05) + 0.35, photos=True)
    grid = figure.subplots(len(classes), len(columns), squeeze=False)
    for axes_row, name in zip(grid, classes, strict=True):
        for axes, pictures in zip(axes_row, columns.values(), strict=True):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, color=FAINT)
            picture = pictures.get(name)
            if picture is None:
                axes.text(0.5, 0.5, "none", ha="center", va="center", color=MUTED, fontsize=SMALL)
                axes.set_box_aspect(1)
            elif picture.dtype == np.uint8:
                axes.imshow(picture)
            else:
                seen = columns.get(under, {}).get(name, picture)
                height, width = seen.shape[:2]
                if seen is not picture:
                    axes.imshow(seen)
                axes.imshow(
                    picture,
                    cmap="inferno",
                    vmin=0,
                    vmax=float(picture.max()) or 1.0,
                    alpha=1 if seen is picture else 0.6,
                    extent=(-0.5, width - 0.5, height - 0.5, -0.5),
                    interpolation="nearest",
                )
        axes_row[0].set_ylabel(name, fontsize=SMALL)
    for axes, heading in zip(grid[0], columns, strict=True):
        axes.set_title(heading, fontsize=SMALL, loc="center", pad=5)
    return figure
