"""Dynamic images as a step of a scikit-learn pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from mer_utils.datasets import clip_frames
from mer_utils.errors import MerError
from mer_utils.frames import CropOptions, read_cropped_frames, read_frames
from mer_utils.views.images import views_of_frames
from mer_utils.views.options import ViewOptions


class PhaseDynamicImages(TransformerMixin, BaseEstimator):
    """Turn rows of a clip table into the pixels of a view, for scikit-learn.

    Parameters
    ----------
    view : str
        Of :data:`mer_utils.phases.VIEWS`.
    image_size : int
        Side of the square view in pixels.
    kind, scaling : str
        As in `ViewOptions`.
    crop : CropOptions, optional
        How frames are cropped to the face; None takes them whole.
    """

    def __init__(
        self,
        view: str = "full",
        image_size: int = 48,
        kind: str = "bilen",
        scaling: str = "minmax",
        crop: CropOptions | None = None,
    ) -> None:
        self.view, self.image_size, self.kind = view, image_size, kind
        self.scaling, self.crop = scaling, crop

    def fit(self, X: pd.DataFrame, y: Any = None) -> PhaseDynamicImages:
        """Learn nothing: a view depends on its own clip only."""
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return the view of each row of a clip table.

        Returns
        -------
        ndarray of shape (n, image_size * image_size * 3), float32, from 0 to 1

        Raises
        ------
        MerError
            Of the kind ``degenerate phase`` if a clip lacks the phase of the view.
        """
        options: Any = {"kind": self.kind, "scaling": self.scaling}
        chosen = ViewOptions(image_size=self.image_size, **options)
        return np.stack([self._view(row, chosen) for row in X.itertuples()])

    def _view(self, row: Any, options: ViewOptions) -> np.ndarray:
        clip = clip_frames(row)
        crop = self.crop
        frames = read_frames(clip.paths) if crop is None else read_cropped_frames(clip.paths, crop)
        key = f"{row.dataset}|{row.subject}|{row.clip}"
        made = views_of_frames(
            frames,
            len(clip.paths),
            clip.apex,
            {options: (self.view,)},
            key,
            spotted=clip.spotted,
        )
        if self.view not in made[options]:
            raise MerError(
                "degenerate phase",
                f"clip {row.subject} {row.clip} has no view {self.view}",
                "two frames at least in the phase that it shows",
                "leave such clips out of the table, or take the view full",
            )
        return made[options][self.view].reshape(-1).astype(np.float32) / 255
