"""Run specifications and their keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from mer_utils import augment, models
from mer_utils.augment import SPATIAL
from mer_utils.datasets.rules import require_rule
from mer_utils.frames import CropOptions
from mer_utils.frozen import Frozen
from mer_utils.own_code import own_code
from mer_utils.phases import TRAINING_SETS, require_views
from mer_utils.protocol import require_evaluation
from mer_utils.registry import unknown
from mer_utils.training import TRAINING_VERSION, TrainingOptions
from mer_utils.views import VIEWS_VERSION, ViewOptions

#: Of the specification itself: raised when a default or the meaning of a field changes.
SPEC_VERSION = 3


class DataSpec(Frozen):
    """Which clips a run uses, and how their frames are read.

    Parameters
    ----------
    dataset, scheme : str
        A registered data set, and the label scheme of its clips.
    fingerprint : str
        Of the annotation rows used and of every frame's bytes.
    missing_apex, degenerate_phase, missing_frames : str
        The rules for odd clips; a `missing_apex` of "own" is each data set's own rule, one that
        begins with "spotted" names method and version.
    crops : tuple of (data set, CropOptions) pairs
        Whose frames are cropped to the face, and how; a composite can have one per part.
    phase_difference, noise, fall_information : float or None
        Of made clips; None of licensed ones.
    """

    dataset: str
    scheme: str
    fingerprint: str
    missing_apex: str = "own"
    degenerate_phase: Literal["skip_view", "drop_clip"] = "skip_view"
    missing_frames: Literal["error", "drop_clip"] = "error"
    crops: tuple[tuple[str, CropOptions], ...] = ()
    phase_difference: float | None = None
    noise: float | None = None
    fall_information: float | None = None

    @field_validator("missing_apex")
    @classmethod
    def _known_rule(cls, value: str) -> str:
        return value if value == "own" else require_rule("missing_apex", value)


class ModelSpec(Frozen):
    """Which network a run trains, see :func:`mer_utils.models.create`.

    Parameters
    ----------
    name : str
        Of a network, or of a baseline, of which only the name counts; see
        :func:`mer_utils.models.find`.
    width : float
        Channels relative to the full network.
    depth : float
        Layers of each stage relative to the full network.
    pretrained : bool
    weights : str or None
        Which ImageNet weights, see :func:`mer_utils.models.weights_identity`; None without
        pre-training.
    """

    name: str
    width: float = Field(default=1.0, gt=0, le=4)
    depth: float = Field(default=1.0, gt=0, le=1)
    pretrained: bool = False
    weights: str | None = None

    @model_validator(mode="after")
    def _can_be_made(self) -> ModelSpec:
        found = models.find(self.name)
        if isinstance(found, models.Architecture):
            found.require_depth(self.depth, self.width)
            found.require_width(self.width)
        return self


class RunSpec(Frozen):
    """Everything that can change a run's predictions; complete when it is made.

    Parameters
    ----------
    data : DataSpec
    views : ViewOptions
    model : ModelSpec
    training : TrainingOptions
    train_views : tuple of str
        The views of each clip that are trained on, one named three times is shown three times
        per epoch; a name of :data:`mer_utils.phases.TRAINING_SETS` stands for its views. Every
        phase is tested.
    spatial : str
        Spatial augmentation of the training batches.
    evaluation : str
        How folds are made, see :func:`mer_utils.protocol.folds`. Those of
        :data:`mer_utils.protocol.EVALUATIONS` but ``"loso"`` are mistakes, made here to measure
        what they add to a score.
    seed : int
    training_version, views_version : int
        Of the code, raised by hand when it changes what is predicted.
    own_code : str or None
        Of a model and a spatial augmentation that are the user's own, see
        `mer_utils.own_code`; filled in when it is None.

    Examples
    --------
    >>> data = DataSpec(dataset="casme2", scheme="casme2-5", fingerprint="0" * 64)
    >>> dual = RunSpec(data=data, model=ModelSpec(name="learnet"), train_views="dual")
    >>> dual.train_views, dual.setting
    (('full', 'onset_apex', 'apex_offset'), 'dual')
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
    own_code: str | None = None

    @field_validator("train_views", mode="before")
    @classmethod
    def _known_views(cls, value: Any) -> tuple[str, ...]:
        views = TRAINING_SETS[value].views if isinstance(value, str) else tuple(value)
        require_views(views)
        return views

    @field_validator("spatial")
    @classmethod
    def _known_spatial(cls, value: str) -> str:
        return _known("spatial augmentation", value, SPATIAL)

    @field_validator("evaluation")
    @classmethod
    def _known_evaluation(cls, value: str) -> str:
        return require_evaluation(value)

    @model_validator(mode="after")
    def _with_own_code(self) -> RunSpec:
        if self.own_code is None:
            object.__setattr__(self, "own_code", self.own_code_here())
        return self

    def own_code_here(self) -> str | None:
        """Return what `own_code` is of what is registered now; None of the library's own."""
        parts = models.own_parts(self.model.name), augment.own_parts(self.spatial)
        named = f"model {self.model.name!r} or spatial augmentation {self.spatial!r}"
        return own_code(named, *parts) if any(parts) else None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed, checked as when it is made."""
        return super().model_copy(update={"own_code": None, **(update or {})}, deep=deep)

    @model_validator(mode="after")
    def _size_fits(self) -> RunSpec:
        found = models.find(self.model.name)
        if isinstance(found, models.Architecture):
            found.require_size(self.views.image_size)
        return self

    @property
    def key(self) -> str:
        """The name of the run: 32 hexadecimal digits.

        Of what differs from the defaults, so that a new field does not change old keys.
        """
        # Not cached: pydantic's model_copy would carry a cached key into a changed copy.
        content = self.model_dump(mode="json", exclude_defaults=True)
        versions = {"training": self.training_version, "views": self.views_version}
        text = json.dumps([SPEC_VERSION, versions, content], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def fold_seed(self, held_out: str) -> int:
        """Return the seed of one fold: of the run's seed, the data set and the subject.

        All arms of a comparison share it, so that they differ in what is compared alone.
        """
        text = f"{self.seed}|{self.data.dataset}|{held_out}"
        digest = hashlib.sha256(text.encode()).digest()
        return int.from_bytes(digest[:4], "little")

    @property
    def setting(self) -> str:
        """The name of the training set."""
        return TRAINING_SETS.find(self.train_views).name

    @property
    def columns(self) -> dict[str, Any]:
        """What the rows of a results frame say of their run, typed; see `COLUMN_TYPES`."""
        views, moved = self.views, self.views.perturbation
        return {
            "run": self.key,
            "dataset": self.data.dataset,
            "scheme": self.data.scheme,
            "phase_difference": self.data.phase_difference,
            "noise": self.data.noise,
            "fall_information": self.data.fall_information,
            "missing_apex": self.data.missing_apex,
            "degenerate_phase": self.data.degenerate_phase,
            "model": self.model.name,
            "train_views": "+".join(self.train_views),
            "setting": self.setting,
            "spatial": self.spatial,
            "source": views.source,
            "kind": views.kind,
            "scaling": views.scaling,
            "frames": views.frames,
            "cut": moved.cut,
            "apex_shift": moved.apex_shift,
            "trim": moved.trim,
            "evaluation": self.evaluation,
            "seed": self.seed,
        }


#: The columns of `RunSpec.columns` that are not text.
COLUMN_TYPES = {
    "phase_difference": "float64",
    "noise": "float64",
    "fall_information": "float64",
    "frames": "Int64",
    "apex_shift": "int64",
    "trim": "int64",
    "seed": "int64",
}


def _known(what: str, value: str, names: Any) -> str:
    if value not in names:
        raise unknown(what, value, names)
    return value
