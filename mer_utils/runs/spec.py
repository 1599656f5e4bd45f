"""Run specifications and their keys."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mer_utils.augment import SPATIAL
from mer_utils.phases import PHASES
from mer_utils.protocol import EVALUATIONS
from mer_utils.training import TRAINING_VERSION, TrainingOptions
from mer_utils.views import VIEWS_VERSION, ViewOptions


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSpec(_Part):
    """Which clips a run uses.

    Parameters
    ----------
    dataset, scheme : str
        As in :func:`mer_utils.datasets.load`; or a composite such as ``"megc2019"``; or
        ``"manifest:NAME"`` with the scheme ``"own labels"``.
    fingerprint : str
        Of the annotation rows used and of every frame's bytes, see
        :func:`mer_utils.datasets.data_fingerprint`.
    missing_apex, degenerate_phase, missing_frames : str
        The rules of :func:`mer_utils.datasets.load`; a `missing_apex` of None is each data
        set's own.
    """

    dataset: str
    scheme: str
    fingerprint: str
    missing_apex: Literal["skip_view", "drop", "midpoint"] | None = "skip_view"
    degenerate_phase: Literal["skip_view", "drop_clip"] = "skip_view"
    missing_frames: Literal["error", "drop_clip"] = "error"

    @property
    def rules(self) -> str:
        """The rules for clips without an apex and for degenerate phases, in words."""
        return f"missing apex: {self.missing_apex or 'own'}, degenerate: {self.degenerate_phase}"


class ModelSpec(_Part):
    """Which network a run trains, see :func:`mer_utils.models.create`.

    Parameters
    ----------
    name : str
        Of a network, or of a baseline, of which only the name counts; see
        :func:`mer_utils.models.find`.
    width : float
    pretrained : bool
    weights : str or None
        Which ImageNet weights, see :func:`mer_utils.models.weights_identity`; None without
        pre-training.
    """

    name: str
    width: float = Field(default=1.0, gt=0, le=4)
    pretrained: bool = False
    weights: str | None = None


class RunSpec(_Part):
    """Everything that can change a run's predictions.

    Parameters
    ----------
    data : DataSpec
    views : ViewOptions
    model : ModelSpec
    training : TrainingOptions
    train_views : tuple of str
        The phases whose DIs are trained on; a phase named three times is shown three
        times an epoch (*matched single*). Every phase is tested.
    spatial : str
        Spatial augmentation of the training batches.
    evaluation : str
        How folds are made, see :func:`mer_utils.protocol.folds`. All but ``"loso"`` are
        mistakes, made here to measure what they add to a score.
    seed : int
    training_version, views_version : int
        Of the code, raised by hand when it changes what is predicted.

    Examples
    --------
    >>> data = DataSpec(dataset="casme2", scheme="casme2-5", fingerprint="0" * 64)
    >>> dual = RunSpec(data=data, model=ModelSpec(name="learnet"),
    ...                train_views=("full", "onset_apex", "apex_offset"))
    >>> dual.key == RunSpec.model_validate_json(dual.model_dump_json()).key
    True
    >>> dual.key == dual.model_copy(update={"seed": 1}).key
    False
    """

    data: DataSpec
    views: ViewOptions = ViewOptions()
    model: ModelSpec
    training: TrainingOptions = TrainingOptions()
    train_views: tuple[str, ...] = ("full",)
    spatial: str = "none"
    evaluation: str = "loso"
    seed: int = Field(default=0, ge=0)
    training_version: int = TRAINING_VERSION
    views_version: int = VIEWS_VERSION

    @field_validator("train_views")
    @classmethod
    def _known_views(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or set(value) - set(PHASES):
            raise ValueError(f"train_views {value} must name one or more of {', '.join(PHASES)}")
        return value

    @field_validator("spatial")
    @classmethod
    def _known_spatial(cls, value: str) -> str:
        if value not in SPATIAL:
            raise ValueError(f"spatial {value!r} must be one of {', '.join(SPATIAL)}")
        return value

    @field_validator("evaluation")
    @classmethod
    def _known_evaluation(cls, value: str) -> str:
        if value not in EVALUATIONS:
            raise ValueError(f"evaluation {value!r} must be one of {', '.join(EVALUATIONS)}")
        return value

    @property
    def key(self) -> str:
        """The name of the run: 32 hexadecimal digits."""
        # Not cached: pydantic's model_copy would carry a cached key into a changed copy.
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def fold_seed(self, held_out: str) -> int:
        """Return the seed of one fold, derived from the specification and the subject."""
        digest = hashlib.sha256(f"{self.key}|{held_out}".encode()).digest()
        return int.from_bytes(digest[:4], "little")

    @property
    def columns(self) -> dict[str, Any]:
        """What a prediction row says of its run."""
        return {
            "run": self.key,
            "dataset": self.data.dataset,
            "scheme": self.data.scheme,
            "model": self.model.name,
            "train_views": "+".join(self.train_views),
            "spatial": self.spatial,
            "image": self.views.image_name,
            "annotation": self.views.perturbation.name,
            "rules": self.data.rules,
            "evaluation": self.evaluation,
            "seed": self.seed,
        }
