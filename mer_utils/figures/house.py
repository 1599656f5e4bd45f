"""The house: the rooms of the package, drawn in the order in which data flows."""

from __future__ import annotations

from mer_utils.figures.markup import Markup, arrow, box, drawing, text
from mer_utils.figures.style import FAINT, MUTED

# Rooms in the order data flows through them, as (stage, [(rooms, what they know)]).
STAGES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "data",
        (
            ("annotations", "spreadsheets to one clip table"),
            ("synthetic", "made clips in the originals' layout"),
            ("frames", "find, decode, crop, resize"),
        ),
    ),
    (
        "images",
        (
            ("dynamic_image", "rank pooling, phases"),
            ("views", "every phase's DI, cached"),
        ),
    ),
    (
        "learning",
        (
            ("models", "six networks"),
            ("augment", "flips and rotations, training only"),
            ("protocol", "leave one subject out"),
            ("training", "fit and predict one fold"),
            ("explain", "where a network looked"),
        ),
    ),
    (
        "results",
        (
            ("runs", "one row a prediction, stored once"),
            ("execution", "this process, workers, a cluster"),
            ("experiments", "tables as lists of runs"),
        ),
    ),
    (
        "reading",
        (
            ("metrics, stats", "pooled scores, intervals, tests"),
            ("tables, figures", "what people see"),
            ("book", "notebooks to pages"),
            ("cli", "the mer command"),
        ),
    ),
)
STAGE_FILLS = ("#e8f0f8", "#e6f4ef", "#fdeee2", "#f6eaf2", "#f2f3f5")


def house_diagram(element_id: str = "house-diagram") -> Markup:
    """Draw the rooms of the package in the order in which data flows through them.

    Parameters
    ----------
    element_id : str
        Id of the SVG element; one page must not use it twice.

    Returns
    -------
    Markup
        An SVG.

    Notes
    -----
    The caption should state that a room may use the rooms above it and never one below,
    and that a linter holds this.
    """
    parts: list[str] = []
    y, row_height = 12.0, 27.0
    for place, ((stage, rooms), fill) in enumerate(zip(STAGES, STAGE_FILLS, strict=True)):
        height = 14 + row_height * len(rooms)
        if place:
            parts.append(arrow([(250, y), (250, y + 18)]))
            y += 18
        parts.append(box(62, y, 386, height, fill=fill, stroke=FAINT, radius=8))
        parts.append(text(52, y + height / 2, stage, size=12, anchor="end", fill=MUTED))
        for row, (names, knows) in enumerate(rooms):
            middle = y + 7 + row_height * (row + 0.5)
            parts.append(text(74, middle, names, anchor="start", weight="700"))
            parts.append(text(200, middle, knows, size=12.5, anchor="start"))
        y += height
    listed = "; ".join(
        f"{stage}: {', '.join(name for name, _ in rooms)}" for stage, rooms in STAGES
    )
    return drawing(
        element_id,
        460,
        y + 12,
        "The rooms of the package, in the order of data flow",
        f"Five groups from top to bottom, joined by arrows. {listed}. "
        "A room may use those above it.",
        parts,
    )
