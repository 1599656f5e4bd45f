"""What decides a made data set's bytes: its settings, and the generators drawn from them."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mer_utils.errors import MerError
from mer_utils.registry import unknown
from mer_utils.synthetic import dynamics
from mer_utils.synthetic.exact import Draw
from mer_utils.synthetic.population import ClipPlan, original, plan
from mer_utils.synthetic.stage import Stage

#: Raised whenever the same arguments give other bytes.
GENERATOR_VERSION = 3


@dataclass(frozen=True)
class Settings:
    """What decides a twin's bytes."""

    dataset: str
    seed: int
    subjects: int | None
    clips_per_subject: int | None
    phase_difference: float
    noise: float
    frame_size: tuple[int, int]
    layout: str
    fall_information: float = dynamics.DEFAULT_FALL_INFORMATION

    def as_json(self) -> dict[str, Any]:
        """Return the settings as they stand in the manifest."""
        return {**vars(self), "frame_size": list(self.frame_size)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Settings:
        """Return the settings of a manifest."""
        return cls(**{**values, "frame_size": tuple(values["frame_size"])})

    @property
    def key(self) -> str:
        """The name of what is drawn: of the generator's version and of what is no default."""
        given = self.as_json()
        chosen = {f.name: given[f.name] for f in fields(self) if given[f.name] != f.default}
        text = json.dumps([GENERATOR_VERSION, chosen], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def stage(self) -> Stage:
        """Where the face stands in the frames."""
        twin = original(self.dataset).twin
        if self.layout == "cropped":
            return Stage.crop(self.frame_size, twin.grey)
        assert twin.raw_size is not None
        (width, height), (w, h) = twin.raw_size, self.frame_size
        unit = twin.raw_unit * min(w / width, h / height)
        return Stage(w, h, unit, (0.5 * (w - 1), 0.51 * h), twin.grey, raw=True)

    def plans(self) -> list[ClipPlan]:
        """Return the rows of the twin."""
        each = self.clips_per_subject or 10
        return plan(self.dataset, self.subjects, each, self.seed, self.noise)


def make_settings(
    dataset: str,
    seed: int,
    subjects: int | None,
    clips_per_subject: int | None,
    phase_difference: float,
    noise: float,
    frame_size: tuple[int, int] | None,
    layout: str,
    fall_information: float = dynamics.DEFAULT_FALL_INFORMATION,
) -> Settings:
    """Check the arguments of `write` and fill in what depends on the data set."""
    twin = original(dataset).twin
    if layout not in twin.folders:
        raise unknown(f"layout of {dataset}", layout, twin.folders)
    for name, value in (("subjects", subjects), ("clips_per_subject", clips_per_subject)):
        if value is not None:
            _require_range(name, value, 1, 500)
    if subjects is None and clips_per_subject is not None:
        raise MerError(
            "invalid option",
            "clips_per_subject was given without subjects",
            "both, or neither for the full-size twin",
            "give subjects as well",
        )
    _require_range("seed", seed, 0, None)
    default = twin.raw_size if layout == "raw" else twin.frame_size
    width, height = frame_size or default or twin.frame_size
    size = (int(width), int(height))
    check_ranges(phase_difference, fall_information, noise, size)
    each = None if subjects is None else clips_per_subject or 10
    numbers = float(phase_difference), float(noise)
    return Settings(
        dataset, int(seed), subjects, each, *numbers, size, layout, float(fall_information)
    )


def check_ranges(
    phase_difference: float, fall_information: float, noise: float, frame_size: tuple[int, int]
) -> None:
    """Raise MerError for a setting outside its range."""
    _require_range("phase_difference", phase_difference, 0, 1)
    _require_range("fall_information", fall_information, 0, 1)
    _require_range("noise", noise, 0, 10)
    for name, value in zip(("width", "height"), frame_size, strict=True):
        _require_range(f"{name} of the frame", value, 32, 4096)


def _require_range(name: str, value: float, low: int, high: int | None) -> None:
    if not low <= value <= (math.inf if high is None else high):  # NaN is out of range too
        raise MerError(
            "invalid option",
            f"{name} {value} is out of range",
            f"{low} or more" if high is None else f"a number from {low} to {high}",
            "choose one in that range",
        )


def face_key(row: ClipPlan, settings: Settings) -> tuple[int, ...]:
    """Return the seed key of a clip's subject, the same for all clips of the subject."""
    return (settings.seed, original(row.dataset).twin.number, row.person, 0, 7)


def clip_rng(row: ClipPlan, settings: Settings, purpose: int) -> Draw:
    """Return the clip's own generator for one purpose."""
    twin = original(row.dataset).twin
    return Draw(settings.seed, twin.number, row.person, row.number, purpose)


def curves_of(row: ClipPlan, settings: Settings) -> np.ndarray:
    """Return the activations of a clip's units, (units, frames); see `dynamics.activation`."""
    return dynamics.activation(
        row.units,
        row.apex - row.onset,
        row.offset - row.apex,
        clip_rng(row, settings, 3),
        settings.phase_difference,
        emotion=row.shown,
        fall_information=settings.fall_information,
        rise=row.rise,
        fall=row.fall,
    )
