"""How a network is trained: every value the paper leaves open, in one place."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mer_utils.frozen import Frozen

Balance = Literal["none", "class_weights", "sampling"]


class TrainingOptions(Frozen):
    """Training settings.

    Parameters
    ----------
    epochs : int
        Passes over the training set. Fixed: no epoch is chosen by looking at a score.
    batch_size : int
        Images a step; the last, smaller batch of an epoch is used too.
    learning_rate, weight_decay : float
        Of AdamW.
    warmup_fraction : float
        Share of the steps over which the learning rate rises linearly from 0; after it
        the rate falls to 0 along a cosine.
    label_smoothing : float
        Of the cross-entropy loss.
    balance : {"none", "class_weights", "sampling"}
        Against classes of unequal size, by the training images of each fold alone: each image's
        loss is weighted by the inverse share of its class, or images are drawn with replacement,
        so that every class is equally likely.
    gradient_clip : float
        Largest norm of the gradient; larger ones are scaled down to it.
    precision : {"float32", "bfloat16"}
        Of the forward and backward pass; weights and optimiser stay float32.
    """

    epochs: int = Field(default=10, ge=1)
    batch_size: int = Field(default=32, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    weight_decay: float = Field(default=1e-2, ge=0, allow_inf_nan=False)
    warmup_fraction: float = Field(default=0.1, ge=0, lt=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    balance: Balance = "none"
    gradient_clip: float = Field(default=1.0, gt=0)
    precision: Literal["float32", "bfloat16"] = "float32"
