"""Face crops: one clip of each subject, to be looked at before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mer_utils.errors import MerError
from mer_utils.plotting.style import MUTED, WIDTH, BookFigure, new_figure, styled

_ACROSS = 8


class _Crop(Protocol):
    """What is drawn of a :class:`mer_utils.datasets.SubjectCrop`."""

    @property
    def subject(self) -> str: ...
    @property
    def clip(self) -> str: ...
    @property
    def image(self) -> np.ndarray | None: ...


@styled
def face_crops(crops: Sequence[_Crop]) -> BookFigure:
    """Show the face crop of one clip of each subject.

    Parameters
    ----------
    crops : sequence of SubjectCrop
        As :func:`mer_utils.datasets.crops_of` returns them; ``image`` is (size, size, c) of
        uint8, or None where no face was found.

    Returns
    -------
    BookFigure
        A grid of eight pictures a row, each named by its subject; where no face was found
        an empty frame says so.

    Raises
    ------
    MerError
        If there is no crop.

    Notes
    -----
    The caption should state the margin, which frame is shown, how many subjects have no face,
    and whether the faces are made ones.
    """
    if not crops:
        raise MerError(
            "TODO", "no crop to show", "at least one", "pass what datasets.crops_of returns"
        )
    rows = -(-len(crops) // _ACROSS)
    figure = new_figure(WIDTH, rows * (WIDTH / _ACROSS + 0.3), photos=True)
    grid = figure.subplots(rows, _ACROSS, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, crop in zip(grid, crops, strict=False):
        axes.set_title(crop.subject, fontsize=7.5, loc="center", pad=3)
        if crop.image is None:
            text = f"no face\nfound in\n{crop.clip}"
            axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=7, color=MUTED)
            continue
        picture = crop.image[:, :, 0] if crop.image.shape[2] == 1 else crop.image
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
    return figure
