"""How a clip becomes views: every choice, in one place."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mer_utils import dynamic_image as di
from mer_utils.frames import CropOptions
from mer_utils.views.perturbation import Perturbation


class ViewOptions(BaseModel):
    """How a clip becomes views.

    Parameters
    ----------
    source : {"rank_pooling", "apex_difference"}
        A dynamic image, or the difference of two frames that it is compared with.
    kind : {"bilen", "linear", "ported"}
        Rank-pooling weights, see :func:`mer_utils.dynamic_image.rank_pooling_weights`.
    scaling : {"minmax", "symmetric"}
        See :func:`mer_utils.dynamic_image.to_uint8`.
    image_size : int
        Side of the square view in pixels.
    frames : int or None
        Pool so many evenly chosen frames of the clip; None pools all.
    crops : tuple of (data set, CropOptions) pairs
        Crop every frame of these data sets to the face; those of others are taken whole. A
        composite can have one a part.
    perturbation : Perturbation
        How the annotation is moved on purpose; by default it is taken as it is.

    Examples
    --------
    >>> ViewOptions().image_name
    'bilen, minmax, all frames'
    >>> ViewOptions(source="apex_difference").image_name
    'apex difference, minmax'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["rank_pooling", "apex_difference"] = "rank_pooling"
    kind: di.Kind = "bilen"
    scaling: di.Scaling = "minmax"
    image_size: int = Field(default=64, ge=8, le=1024)
    frames: int | None = Field(default=None, ge=2)
    crops: tuple[tuple[str, CropOptions], ...] = ()
    perturbation: Perturbation = Perturbation()

    def crop(self, dataset: str) -> CropOptions | None:
        """Return how the frames of a data set are cropped, None if they are taken whole."""
        return dict(self.crops).get(dataset)

    @property
    def image_name(self) -> str:
        """The words for the kind of image, as tables and captions have them."""
        if self.source == "apex_difference":
            return f"apex difference, {self.scaling}"
        pooled = "all frames" if self.frames is None else f"{self.frames} frames"
        return f"{self.kind}, {self.scaling}, {pooled}"
