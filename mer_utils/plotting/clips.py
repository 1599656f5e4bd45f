"""Clips: what the data set holds, from the clip table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mer_utils.errors import MerError
from mer_utils.plotting.dynamic_images import image_grid
from mer_utils.plotting.style import (
    DATASET_TITLES,
    INK,
    PAPER,
    PHASE_COLOURS,
    PHASE_TITLES,
    WIDTH,
    BookFigure,
    light_grid,
    new_figure,
    require_columns,
    styled,
    title_of,
)

CLASS_COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#3a3a52",
    "#8a6d00",
)
CLASS_HATCHES = ("", "///", "", "...", "", "xxx", "", "\\\\\\")


@styled
def subject_class_counts(table: pd.DataFrame) -> BookFigure:
    """Draw how many clips of each class each subject contributes.

    Parameters
    ----------
    table : DataFrame
        A clip table; used are ``dataset``, ``subject`` and ``label``.

    Returns
    -------
    BookFigure
        One panel a data set; a bar a subject, stacked by class.

    Raises
    ------
    MerError
        If a column is missing or there is no clip.

    Notes
    -----
    The caption should state the numbers of clips and subjects, the largest and smallest
    class, and that a few subjects give most clips, so that folds differ much in size.
    """
    require_columns(table, ("dataset", "subject", "label"), "the clip table")
    datasets = list(dict.fromkeys(table["dataset"]))
    figure = new_figure(WIDTH, 2.9 * len(datasets))
    for axes, dataset in zip(
        figure.subplots(len(datasets), squeeze=False)[:, 0], datasets, strict=True
    ):
        part = table[table["dataset"] == dataset]
        counts = pd.crosstab(part["subject"], part["label"]).sort_index()
        counts = counts.loc[:, counts.sum() > 0]
        bottom = np.zeros(len(counts))
        for place, label in enumerate(counts.columns):
            axes.bar(
                counts.index.astype(str),
                counts[label],
                bottom=bottom,
                width=0.82,
                color=CLASS_COLOURS[place % len(CLASS_COLOURS)],
                hatch=CLASS_HATCHES[place % len(CLASS_HATCHES)],
                edgecolor=PAPER,
                linewidth=0.6,
                label=f"{label} ({counts[label].sum()})",
            )
            bottom += counts[label].to_numpy()
        axes.set_title(
            f"{title_of(dataset, DATASET_TITLES)}: {len(part)} clips, {len(counts)} subjects"
        )
        axes.set_ylabel("clips")
        axes.tick_params(axis="x", labelrotation=90 if len(counts) > 10 else 0, labelsize=8)
        axes.margins(x=0.01)
        axes.yaxis.get_major_locator().set_params(integer=True)
        light_grid(axes)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1.2)
    return figure


@styled
def durations(table: pd.DataFrame, bin_ms: float = 25.0) -> BookFigure:
    """Draw how long clips take from onset to apex and from apex to offset.

    Parameters
    ----------
    table : DataFrame
        A clip table; used are ``dataset``, ``onset``, ``apex``, ``offset`` and ``fps``.
        Clips without an apex are left out and counted in the panel's title.
    bin_ms : float
        Width of a bar in milliseconds.

    Returns
    -------
    BookFigure
        One panel a data set with two histograms; the dashed lines are the medians.

    Raises
    ------
    MerError
        If a column is missing, there is no clip, or no clip has an apex.

    Notes
    -----
    The caption should state the medians, that a duration is the difference of two frame
    numbers over the frame rate, and how many clips have no apex.
    """
    require_columns(table, ("dataset", "onset", "apex", "offset", "fps"), "the clip table")
    datasets = list(dict.fromkeys(table["dataset"]))
    figure = new_figure(WIDTH, 2.5 * len(datasets))
    grid = figure.subplots(len(datasets), squeeze=False, sharex=True)[:, 0]
    for axes, dataset in zip(grid, datasets, strict=True):
        part = table[table["dataset"] == dataset]
        known = part[part["apex"].notna()]
        if known.empty:
            raise MerError(
                "TODO",
                f"no clip of {dataset} has an apex",
                "an apex for some clips",
                "load the clips with missing_apex='midpoint', or leave this data set out",
            )
        frames = {
            "onset_apex": known["apex"] - known["onset"],
            "apex_offset": known["offset"] - known["apex"],
        }
        times = {p: (n / known["fps"] * 1000).to_numpy(dtype=float) for p, n in frames.items()}
        edges = np.arange(0, max(t.max() for t in times.values()) + bin_ms, bin_ms)
        for phase, values in times.items():
            colour = PHASE_COLOURS[phase]
            median = float(np.median(values))
            axes.hist(
                values,
                bins=edges,
                histtype="stepfilled",
                facecolor=f"{colour}55",
                edgecolor=colour,
                linewidth=1.6,
                label=f"{PHASE_TITLES[phase]} (median {median:.0f} ms)",
            )
            axes.axvline(median, color=colour, linestyle="--", linewidth=1.4)
        missing = len(part) - len(known)
        note = f", {missing} more without apex" if missing else ""
        axes.set_title(f"{title_of(dataset, DATASET_TITLES)}: {len(known)} clips{note}")
        axes.set_ylabel("clips")
        axes.yaxis.get_major_locator().set_params(integer=True)
        light_grid(axes)
        axes.set_ylim(top=1.25 * axes.get_ylim()[1])  # room for the legend
        axes.legend(
            loc="upper right",
            ncols=2,
            columnspacing=1.2,
            handlelength=1.4,
            frameon=True,
            framealpha=1,
            edgecolor="none",
        )
    grid[-1].set_xlabel("duration in milliseconds")
    return figure


@styled
def action_unit_heat_map(counts: pd.DataFrame, title: str = "") -> BookFigure:
    """Draw in which share of an emotion's clips each action unit (AU) occurs.

    Parameters
    ----------
    counts : DataFrame
        One row an emotion and action unit: ``emotion``, ``action_unit``, ``count`` and, if
        shares are wanted, ``clips`` (clips of that emotion). Without ``clips`` the colour
        is the count itself.
    title : str
        Heading of the panel.

    Returns
    -------
    BookFigure
        Emotions down, action units across in numeric order; each cell shows its count.

    Raises
    ------
    MerError
        If a column is missing or there is no row.

    Notes
    -----
    The caption should state that a cell's number is the count of clips and its colour the
    share of the emotion's clips (or the count), that one clip has several AUs, and which
    AU marks which emotion most clearly.
    """
    require_columns(counts, ("emotion", "action_unit", "count"), "the action-unit table")
    shares = "clips" in counts.columns
    number = counts.pivot_table(
        index="emotion", columns="action_unit", values="count", aggfunc="sum", fill_value=0
    )
    digits = {str(unit): "".join(filter(str.isdigit, str(unit))) for unit in number.columns}
    number = number[sorted(number.columns, key=lambda u: (int(digits[str(u)] or 999), str(u)))]
    if shares:
        clips = counts.groupby("emotion")["clips"].max()
        colour = number.div(clips, axis=0)
    else:
        colour = number.astype(float)
    figure = new_figure(max(4.5, 1.6 + 0.34 * number.shape[1]), 1.3 + 0.34 * number.shape[0])
    axes = figure.subplots()
    shade = colour.to_numpy(dtype=float)
    top = float(shade.max()) or 1.0
    image = axes.imshow(shade, cmap="Blues", vmin=0, vmax=top, aspect="auto")
    for (row, column), value in np.ndenumerate(number.to_numpy()):
        if value:
            dark = shade[row, column] > 0.55 * top
            axes.text(
                column,
                row,
                f"{value:g}",
                ha="center",
                va="center",
                fontsize=8,
                color=PAPER if dark else INK,
            )
    labels = [f"{e} ({clips[e]:g})" for e in number.index] if shares else list(number.index)
    axes.set_yticks(range(len(number)), labels)
    axes.set_xticks(range(number.shape[1]), [str(u) for u in number.columns])
    axes.set_xlabel("action unit")
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title(title)
    figure.colorbar(image, ax=axes, label="share of clips" if shares else "clips", pad=0.02)
    return figure


@styled
def sample_frames(rows: Sequence[Mapping[str, Any]]) -> BookFigure:
    """Show strips of frames, one clip a row.

    Parameters
    ----------
    rows : sequence of mapping
        One a clip: ``title`` (str), ``frames`` (uint8 images, the same number in every
        row) and ``labels`` (what each frame is, such as "onset"; the first row's are the
        column headings).

    Returns
    -------
    BookFigure
        A grid of one row a clip and one column a frame.

    Raises
    ------
    MerError
        If there is no row, the rows differ in length, or an image is not uint8.

    Notes
    -----
    The caption should state the clips, which frames were chosen, and whether the faces are
    made ones.
    """
    lengths = {len(row["frames"]) for row in rows} | {len(row["labels"]) for row in rows}
    if len(lengths) != 1:
        raise MerError(
            "TODO",
            f"strips of {sorted(lengths)} frames cannot share columns",
            "one row at least, and as many frames and labels in every row",
            "choose the same number of frames from each clip",
        )
    figure, _ = image_grid(
        [str(row["title"]) for row in rows],
        list(rows[0]["labels"]),
        [list(row["frames"]) for row in rows],
    )
    return figure
