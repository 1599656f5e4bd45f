"""What decides a made data set's bytes: its settings, and the generators drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mer_utils.errors import MerError
from mer_utils.synthetic import dynamics
from mer_utils.synthetic.population import ClipPlan, plan
from mer_utils.synthetic.published import DATASETS
from mer_utils.synthetic.stage import Stage

#: Frame size and pixels per face unit of the uncropped layout.
RAW = {"casme2": ((640, 480), 140.0), "samm": ((2040, 1088), 230.0)}


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

    def as_json(self) -> dict[str, Any]:
        """Return the settings as they stand in the manifest."""
        return {**vars(self), "frame_size": list(self.frame_size)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Settings:
        """Return the settings of a manifest."""
        return cls(**{**values, "frame_size": tuple(values["frame_size"])})

    @property
    def stage(self) -> Stage:
        """Where the face stands in the frames."""
        grey = DATASETS[self.dataset].grey
        if self.layout == "cropped":
            return Stage.crop(self.frame_size, grey)
        (width, height), unit = RAW[self.dataset]
        scale = min(self.frame_size[0] / width, self.frame_size[1] / height)
        w, h = self.frame_size
        return Stage(w, h, unit * scale, (0.5 * (w - 1), 0.51 * h), grey, raw=True)

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
) -> Settings:
    """Check the arguments of `write` and fill in what depends on the data set."""
    if dataset not in DATASETS:
        raise MerError(
            "TODO",
            f"data set {dataset!r} is unknown",
            f"one of {', '.join(DATASETS)}",
            "choose one of them",
        )
    if layout not in ("cropped", "raw") or (layout == "raw" and dataset not in RAW):
        known = "cropped, raw" if dataset in RAW else "cropped"
        raise MerError(
            "TODO", f"layout {layout!r} of {dataset} is unknown", known, "choose one of them"
        )
    for name, value in (("subjects", subjects), ("clips_per_subject", clips_per_subject)):
        if value is not None and not 1 <= value <= 500:
            raise MerError(
                "TODO", f"{name} {value} is out of range", "1 to 500", "choose one in that range"
            )
    if subjects is None and clips_per_subject is not None:
        raise MerError(
            "TODO",
            "clips_per_subject was given without subjects",
            "both, or neither for the full-size twin",
            "give subjects as well",
        )
    if seed < 0:
        raise MerError("TODO", f"seed {seed} is negative", "0 or more", "choose another seed")
    default = RAW[dataset][0] if layout == "raw" else DATASETS[dataset].frame_size
    size = (int(frame_size[0]), int(frame_size[1])) if frame_size else default
    check_ranges(phase_difference, noise, size)
    each = None if subjects is None else clips_per_subject or 10
    return Settings(
        dataset, int(seed), subjects, each, float(phase_difference), float(noise), size, layout
    )


def check_ranges(phase_difference: float, noise: float, frame_size: tuple[int, int]) -> None:
    """Raise MerError for a setting outside its range."""
    if not 0 <= phase_difference <= 1:
        raise MerError(
            "TODO",
            f"phase_difference {phase_difference} is out of range",
            "a number from 0 (mirrored phases) to 1 (clearly different)",
            "choose one in that range",
        )
    if not 0 <= noise <= 10:
        raise MerError(
            "TODO",
            f"noise {noise} is out of range",
            "a number from 0 (none) to 10",
            "choose one in that range; 1 is the default",
        )
    if len(frame_size) != 2 or not all(32 <= int(n) <= 4096 for n in frame_size):
        raise MerError(
            "TODO",
            f"frame_size {frame_size} is out of range",
            "(width, height) with both from 32 to 4096 pixels",
            "choose one in that range",
        )


def face_key(row: ClipPlan, settings: Settings) -> tuple[int, ...]:
    """Return the seed key of a clip's subject, the same for all clips of the subject."""
    return (settings.seed, DATASETS[row.dataset].number, row.person, 0, 7)


def clip_rng(row: ClipPlan, settings: Settings, purpose: int) -> np.random.Generator:
    """Return the clip's own generator for one purpose."""
    key = [settings.seed, DATASETS[row.dataset].number, row.person, row.number, purpose]
    return np.random.default_rng(np.random.SeedSequence(key))


def curves_of(row: ClipPlan, settings: Settings) -> np.ndarray:
    """Return the activations of a clip's units, (units, frames); see `dynamics.activation`."""
    return dynamics.activation(
        row.units,
        row.apex - row.onset,
        row.offset - row.apex,
        clip_rng(row, settings, 3),
        settings.phase_difference,
        rise=row.rise,
        fall=row.fall,
    )
