"""How a clip becomes views: every choice, in one place."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mer_utils import dynamic_image as di
from mer_utils.frozen import Frozen
from mer_utils.views.perturbation import Perturbation


class ViewOptions(Frozen):
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
    perturbation : Perturbation
        How the annotation is moved on purpose; by default it is taken as it is.
    """

    source: Literal["rank_pooling", "apex_difference"] = "rank_pooling"
    kind: di.Kind = "bilen"
    scaling: di.Scaling = "minmax"
    image_size: int = Field(default=64, ge=8, le=1024)
    frames: int | None = Field(default=None, ge=2)
    perturbation: Perturbation = Perturbation()
