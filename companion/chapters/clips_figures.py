"""Face crops: one clip of each subject, to be looked at before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mer_utils.errors import MerError
from mer_utils.plotting.style import MUTED, SMALL, WIDTH, BookFigure, new_figure, styled

_ACROSS = 6


@styled
def face_crops(crops: Sequence[Any]) -> BookFigure:
    """Show the face crop of one clip of each subject, or that no face was found in it.

    Parameters
    ----------
    crops : sequence of SubjectCrop
        As :func:`mer_utils.datasets.crops_of` returns them.
    """
    if not crops:
        raise MerError(
            "nothing to draw",
            "no crop to show",
            "at least one",
            "pass what datasets.crops_of returns",
        )
    rows = -(-len(crops) // _ACROSS)
    figure = new_figure(WIDTH, rows * (WIDTH / _ACROSS + 0.3), photos=True)
    grid = figure.subplots(rows, _ACROSS, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, crop in zip(grid, crops, strict=False):
        axes.set_title(crop.subject, fontsize=SMALL, loc="center", pad=3)
        if crop.image is None:
            text = f"no face\nfound in\n{crop.clip}"
            axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=SMALL, color=MUTED)
            continue
        picture = crop.image[:, :, 0] if crop.image.shape[2] == 1 else crop.image
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
    return figure
