"""What the pictures of a chapter show, in numbers: from the same rows that the figures draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from companion.chapters.page import signed
from mer_utils import models
from mer_utils.plotting.words import dataset_title

Rows = Sequence[Mapping[str, Any]]


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two images over their values; NaN where one is flat.

    Examples
    --------
    >>> ramp = np.arange(6.0)
    >>> alike(ramp, 2 * ramp + 1), alike(ramp, -ramp), alike(ramp, np.ones(6))
    (1.0, -1.0, nan)
    """
    a, b = (np.asarray(x, float).ravel() - np.mean(x) for x in (one, other))
    size = np.sqrt((a @ a) * (b @ b))
    return round(float(a @ b / size), 9) if size else float("nan")


def spread(values: Sequence[float]) -> str:
    """Return a mean and its range, as in ``+0.50 on average (+0.20 to +0.90)``."""
    low, high = np.nanmin(values), np.nanmax(values)
    return f"{signed(float(np.nanmean(values)))} on average ({signed(low)} to {signed(high)})"


def said_of_views(rows: Rows, *pairs: tuple[str, str, str]) -> str:
    """Say how two views of each clip are related, over rows that `plotting.di_row` made.

    Parameters
    ----------
    rows : sequence of mapping
    *pairs : tuple of str
        Two views, and the words for what their correlation is of.
    """
    parts = []
    for one, other, words in pairs:
        both = [row["dis"] for row in rows if {one, other} <= row["dis"].keys()]
        if both:
            parts.append(f"{spread([alike(d[one], d[other]) for d in both])} {words}")
    if not parts:
        return "no clip has both images."
    return f"over the {len(rows)} clips, the correlation of pixels is {', '.join(parts)}."


def said_of_each(rows: Rows, one: str, other: str) -> str:
    """Say of each row how two of its images are related."""
    words = (f"{signed(alike(r['dis'][one], r['dis'][other]))} at {r['title']}" for r in rows)
    return f"rise and fall correlate, pixel by pixel, {', '.join(words)}.".replace("\n", " ")


def said_of_ported(rows: Rows) -> str:
    """Say how much of the mean frame is left in the images of `plotting.ported_row`."""
    left = {k: spread([alike(r["mean_frame"], r[k]) for r in rows]) for k in ("right", "ported")}
    return (
        f"the ported image correlates with the mean frame {left['ported']}, "
        f"the right one {left['right']}."
    )


def said_of_frames(rows: Rows) -> str:
    """Say how much a frame changes to the second one, of rows of `plotting.frames_row`."""
    moved = [np.abs(r["frames"][1].astype(float) - r["frames"][0]) for r in rows]
    means, most = ([f(m) for m in moved] for f in (np.mean, np.max))
    return (
        f"from onset to {rows[0]['labels'][1]} a pixel changes by {np.mean(means):.1f} of 255 grey "
        f"levels on average ({min(means):.1f} to {max(means):.1f} over the clips), the one that "
        f"changes most by {np.mean(most):.0f}."
    )


def said_of_fields(fields: Mapping[str, np.ndarray]) -> str:
    """Say of which class the mean displacement reaches furthest, and which differ least."""
    far = {c: float(np.linalg.norm(f, axis=-1).max()) for c, f in fields.items()}
    most, least = max(far, key=far.__getitem__), min(far, key=far.__getitem__)
    names = list(fields)
    pairs = {
        (a, b): alike(fields[a], fields[b]) for i, a in enumerate(names) for b in names[i + 1 :]
    }
    words = (
        f"the mean displacement reaches furthest for {most} ({far[most]:.1f} pixels) and least for "
        f"{least} ({far[least]:.1f})"
    )
    if pairs:
        (a, b), value = max(pairs.items(), key=lambda item: item[1])
        words += f"; most alike are {a} and {b} (correlation {signed(value)})"
    return f"{words}."


def said_of_units(counts: pd.DataFrame) -> str:
    """Say which action unit is coded most often in each emotion, of `clips.action_unit_counts`."""
    first = counts.sort_values("count", ascending=False, kind="stable").drop_duplicates("emotion")
    words = (
        f"AU{unit} in {emotion} ({n} of {of} clips)"
        for emotion, unit, n, of in first[["emotion", "action_unit", "count", "clips"]].to_numpy()
    )
    if counts.empty:
        return "no action unit is coded."
    return f"the action unit (AU) coded most often is {', '.join(words)}."


def said_of_subjects(clips: pd.DataFrame) -> str:
    """Say how many clips a subject contributes, and how many subjects lack a class."""
    parts = []
    for dataset, part in clips.groupby("dataset", sort=False):
        n, classes = part.groupby("subject").size(), part.groupby("subject")["label"].nunique()
        lack = int((classes < part["label"].nunique()).sum())
        words = f"{lack} of {len(n)} subjects lack" if lack else "no subject lacks"
        parts.append(
            f"{dataset_title(str(dataset))}: {n.min()} to {n.max()} clips per subject; {words} "
            "a class"
        )
    return f"{'; '.join(parts)}."


def said_of_crops(crops: Sequence[Any], cropped: Sequence[str]) -> str:
    """Say in how many subjects' clips a face was found, and which data are cropped."""
    lost = [crop.subject for crop in crops if crop.image is None]
    found = f"for none of {', '.join(lost)}" if lost else f"for all {len(crops)} subjects"
    said = f"cropped for this book: {', '.join(map(dataset_title, cropped))}"
    return f"a face was found {found}; {said if cropped else 'no data are cropped for this book'}."


def said_of_scores(scores: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Say between which scores the tables' medians lie, and how wide their intervals are."""
    uar = scores[scores["metric"] == "uar_pooled"]
    middle = uar.groupby("table", sort=False)["value"].median().sort_values()
    low, high = (str(middle.index[end]) for end in (0, -1))
    width = float((uar["high"] - uar["low"]).median())
    return (
        f"the median UAR of a table goes from {middle[low]:.2f} ({titles.get(low, low)}) to "
        f"{middle[high]:.2f} ({titles.get(high, high)}); half of all intervals are wider than "
        f"{width:.2f}."
    )


def said_of_growth(growth: pd.DataFrame) -> str:
    """Say with which exponent the time of a run grows, and which was to be expected."""
    growth = growth.dropna(subset="expected")
    words = (
        f"with the number of {str(row['varied']).partition(',')[0]} time grows as its power "
        f"{row['exponent of the time']:.2f}, the images shown as its power {row['expected']:.2f}"
        for _, row in growth.iterrows()
    )
    return f"{'; '.join(words)}." if len(growth) else "nothing was measured."


def said_of_losses(curves: pd.DataFrame) -> str:
    """Say for which networks both loops end at training losses that overlap over seeds."""
    if curves.empty:
        return "nothing was measured."
    # Networks have different numbers of epochs.
    last = curves[curves["x"] == curves.groupby("case")["x"].transform("max")]
    last = last.assign(loop=last["measure"].str.partition(", ")[0])
    ends = last.groupby(["case", "loop"], sort=False)["value"].agg(["min", "max"])
    cases = ends.groupby(level="case", sort=False)
    apart = [
        f"{models.title(str(case))} ("
        + ", ".join(f"{loop} {a:.2f} to {b:.2f}" for (_, loop), a, b in part.itertuples())
        + ")"
        for case, part in cases
        if part["min"].max() > part["max"].min()
    ]
    said = f", but not for {'; '.join(apart)}" if apart else " for every network"
    return f"the last losses of both loops overlap over seeds{said} ({len(cases)} networks)."
