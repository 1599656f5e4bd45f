"""Clips: what the data set holds, from the clip table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mer_utils.errors import MerError
from mer_utils.plotting.style import (
    PAPER,
    PHASE_COLOURS,
    PHASE_TITLES,
    SMALL,
    WIDTH,
    BookFigure,
    dataset_panels,
    light_grid,
    new_figure,
    require_columns,
    styled,
)
from mer_utils.plotting.words import dataset_title

CLASS_COLOURS = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7"),
    *("#56b4e9", "#d55e00", "#3a3a52", "#8a6d00"),
)
CLASS_HATCHES = ("", "///", "", "...", "", "xxx", "", "\\\\\\")


def _panels(
    figure: BookFigure, table: pd.DataFrame, **shared: bool
) -> Iterator[tuple[Axes, str, pd.DataFrame]]:
    for axes, dataset, part in dataset_panels(figure, table, down=True, **shared):
        yield axes, dataset, part
        axes.set_ylabel("clips")
        axes.yaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
        light_grid(axes)


@styled
def subject_class_counts(table: pd.DataFrame) -> BookFigure:
    """Draw how many clips of each class each subject contributes: a stacked bar per subject.

    Parameters
    ----------
    table : DataFrame
        A clip table; used are ``dataset``, ``subject`` and ``label``.
    """
    require_columns(table, ("dataset", "subject", "label"), "the clip table")
    figure = new_figure(WIDTH, 2.9 * table["dataset"].nunique())
    for axes, dataset, part in _panels(figure, table):
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
        axes.set_title(f"{dataset_title(dataset)}: {len(part)} clips, {len(counts)} subjects")
        letters = sum(len(str(name)) + 1 for name in counts.index)
        axes.tick_params(axis="x", labelrotation=90 if letters > 28 else 0, labelsize=SMALL)
        if len(counts) > 20:  # every second name, where there is no room for all
            axes.set_xticks(range(0, len(counts), 2))
        axes.margins(x=0.01)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1.2)
    return figure


@styled
def durations(table: pd.DataFrame, bin_ms: float = 25.0) -> BookFigure:
    """Draw how long clips take from onset to apex and from apex to offset, with the medians.

    Parameters
    ----------
    table : DataFrame
        A clip table; used are ``dataset``, ``onset``, ``apex``, ``offset`` and ``fps``. Clips
        without an apex are left out and counted in the panel's title.
    bin_ms : float
        Width of a bar in milliseconds.
    """
    require_columns(table, ("dataset", "onset", "apex", "offset", "fps"), "the clip table")
    figure = new_figure(WIDTH, 2.5 * table["dataset"].nunique())
    for axes, dataset, part in _panels(figure, table, sharex=True):
        known = part[part["apex"].notna() & part["fps"].notna()]
        if known.empty:
            raise MerError(
                "nothing to draw",
                f"no clip of {dataset} has both an apex and a frame rate",
                "both for some clips",
                "load the clips with missing_apex='midpoint', or leave this data set out",
            )
        frames = {
            "onset_apex": known["apex"] - known["onset"],
            "apex_offset": known["offset"] - known["apex"],
        }
        times = {p: (n / known["fps"] * 1000).to_numpy(dtype=float) for p, n in frames.items()}
        edges = np.arange(0, max(t.max() for t in times.values()) + bin_ms, bin_ms)
        for phase, values in times.items():
            colour, median = PHASE_COLOURS[phase], float(np.median(values))
            axes.hist(
                values,
                bins=list(edges),
                histtype="stepfilled",
                facecolor=f"{colour}55",
                edgecolor=colour,
                linewidth=1.6,
                label=f"{PHASE_TITLES[phase]} (median {median:.0f} ms)",
            )
            axes.axvline(median, color=colour, linestyle="--", linewidth=1.4)
        of_all = f" of {len(part)}" if len(known) < len(part) else ""
        axes.set_title(f"{dataset_title(dataset)}: {len(known)}{of_all} clips")
        axes.set_ylim(top=1.5 * axes.get_ylim()[1])  # room for the legend
        axes.legend(
            loc="upper right",
            handlelength=1.4,
            frameon=True,
            framealpha=1,
            edgecolor="none",
        )
    figure.axes[-1].set_xlabel("duration in milliseconds")
    return figure
