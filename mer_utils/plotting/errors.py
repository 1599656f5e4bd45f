"""Errors in print: accuracy over subjects, and where networks look beside where skin moved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mer_utils.errors import MerError
from mer_utils.plotting.style import (
    DATASET_TITLES,
    FAINT,
    INK,
    MUTED,
    PAPER,
    SETTING_COLOURS,
    WIDTH,
    BookFigure,
    in_order,
    new_figure,
    require_columns,
    styled,
    title_of,
)


@styled
def subject_accuracy_figure(by_subject: pd.DataFrame) -> BookFigure:
    """Draw every subject's accuracy, with its range over the networks.

    Parameters
    ----------
    by_subject : DataFrame
        Columns dataset, subject, clips, accuracy, lowest, highest.

    Returns
    -------
    BookFigure
        One panel a data set, subjects from the worst to the best; the area of a dot is the
        number of clips.

    Raises
    ------
    MerError
        If a column is missing or there is no row.

    Notes
    -----
    The caption should state what is averaged, what the line is, and that subjects with few
    clips differ by chance alone.
    """
    columns = ("dataset", "subject", "clips", "accuracy", "lowest", "highest")
    require_columns(by_subject, columns, "the table of subjects")
    datasets = in_order(by_subject["dataset"], DATASET_TITLES)
    longest = int(by_subject.groupby("dataset").size().max())
    figure = new_figure(WIDTH, 1.1 + 0.17 * longest)
    grid = figure.subplots(1, len(datasets), squeeze=False, sharex=True)[0]
    biggest = float(by_subject["clips"].max())
    for axes, dataset in zip(grid, datasets, strict=True):
        part = by_subject[by_subject["dataset"] == dataset].sort_values(
            ["accuracy", "subject"], kind="stable"
        )
        y = np.arange(len(part))
        axes.hlines(y, part["lowest"], part["highest"], color=MUTED, linewidth=1.2, zorder=2)
        axes.scatter(
            part["accuracy"],
            y,
            s=18 + 90 * part["clips"] / biggest,
            color=SETTING_COLOURS["dual"],
            edgecolor=PAPER,
            linewidth=0.6,
            zorder=3,
        )
        labels = [f"{s} ({n})" for s, n in zip(part["subject"], part["clips"], strict=True)]
        axes.set_yticks(y, labels, fontsize=7.5)
        axes.set_ylim(-0.7, len(part) - 0.3)
        axes.set_xlim(-0.04, 1.04)
        axes.set_title(title_of(dataset, DATASET_TITLES))
        axes.set_xlabel("accuracy")
        axes.grid(visible=True, axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    grid[0].set_ylabel("subject (clips)")
    return figure


@styled
def places_grid(columns: Mapping[str, Mapping[str, np.ndarray]]) -> BookFigure:
    """Show, class by class, pictures of the same place side by side.

    Parameters
    ----------
    columns : mapping of str to mapping of class to ndarray
        Heading to one picture a class: uint8 (h, w, 3) is shown as it is, a floating (h, w) in
        colours from 0 to its own largest value, its cells unsmoothed. A class may be absent.

    Returns
    -------
    BookFigure
        A row a class, a column a heading.

    Raises
    ------
    MerError
        If there is no picture.

    Notes
    -----
    The caption should state what each column is, that each coloured picture has its own scale,
    and how many cells a map has.
    """
    classes = list(dict.fromkeys(name for pictures in columns.values() for name in pictures))
    if not classes:
        raise MerError(
            "TODO", "no pictures to show", "at least one class", "compute the runs first"
        )
    cell = min(1.5, (WIDTH - 1.0) / len(columns))
    figure = new_figure(1.0 + cell * len(columns), len(classes) * (cell + 0.05) + 0.35, photos=True)
    grid = figure.subplots(len(classes), len(columns), squeeze=False)
    for axes_row, name in zip(grid, classes, strict=True):
        for axes, pictures in zip(axes_row, columns.values(), strict=True):
            axes.set(xticks=[], yticks=[])
            for side in axes.spines.values():
                side.set(visible=True, color=FAINT)
            picture = pictures.get(name)
            if picture is None:
                axes.text(0.5, 0.5, "none", ha="center", va="center", color=MUTED, fontsize=8)
                axes.set_box_aspect(1)
            elif picture.dtype == np.uint8:
                axes.imshow(picture)
            else:
                top = float(picture.max()) or 1.0
                axes.imshow(picture, cmap="inferno", vmin=0, vmax=top, interpolation="nearest")
        axes_row[0].set_ylabel(name, fontsize=8.5)
    for axes, heading in zip(grid[0], columns, strict=True):
        axes.set_title(heading, fontsize=9, loc="center", pad=5)
    return figure


@styled
def said(words: str) -> BookFigure:
    """Return a figure that says in words why there is nothing to draw."""
    figure = new_figure(WIDTH, 0.8)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, ha="center", va="center", color=INK, fontsize=9, wrap=True)
    return figure
