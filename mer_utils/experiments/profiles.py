"""Profiles: how large the experiments are, from a smoke test to the paper's scale."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from mer_utils.errors import MerError
from mer_utils.training import TrainingOptions


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelPlan(_Part):
    """How one network is used in a profile.

    Parameters
    ----------
    width : float
        Channels relative to the full network.
    image_size : int
        Side of the view in pixels.
    pretrained : bool
        Start from ImageNet weights.
    learning_rate : float
        Largest learning rate of AdamW.
    """

    width: float = 1.0
    image_size: int
    pretrained: bool = False
    learning_rate: float = 1e-3


class Profile(_Part):
    """The size of the experiments.

    Parameters
    ----------
    name, title, purpose : str
    subjects, clips_per_subject : int or None
        Of each synthetic twin; None makes the full-size twin.
    twin_seed : int
        Seed of the twins.
    models : dict of str to ModelPlan
    training : TrainingOptions
        The learning rate is that of the model's plan.
    seeds : tuple of int
    """

    name: str
    title: str
    purpose: str
    subjects: int | None = None
    clips_per_subject: int | None = None
    twin_seed: int = 0
    models: dict[str, ModelPlan]
    training: TrainingOptions
    seeds: tuple[int, ...] = (0,)


_SMOKE_WIDTHS = {
    "vgg19": 1 / 32,
    "resnet50": 1 / 16,
    "efficientnet_b0": 1 / 8,
    "mobilenetv2_100": 1 / 8,
    "vit_base_patch16_224": 1 / 12,
    "learnet": 1 / 8,
}

_DEMO_WIDTHS = {
    "vgg19": 1 / 16,
    "resnet50": 1 / 8,
    "efficientnet_b0": 1 / 4,
    "mobilenetv2_100": 1 / 4,
    "vit_base_patch16_224": 1 / 12,
    "learnet": 1.0,
}

PROFILES: dict[str, Profile] = {
    p.name: p
    for p in (
        Profile(
            name="smoke",
            title="smoke (a handful of clips, six tiny networks)",
            purpose="tests and continuous integration: every cell runs; scores mean nothing",
            subjects=3,
            clips_per_subject=5,
            models={
                name: ModelPlan(width=width, image_size=32) for name, width in _SMOKE_WIDTHS.items()
            },
            training=TrainingOptions(epochs=1, batch_size=16),
        ),
        Profile(
            name="demo",
            title="demo (small synthetic twins, narrowed networks)",
            purpose="the default of make book: the whole road on two cores",
            subjects=8,
            clips_per_subject=10,
            models={
                name: ModelPlan(width=width, image_size=48) for name, width in _DEMO_WIDTHS.items()
            },
            training=TrainingOptions(epochs=6, batch_size=16),
        ),
        Profile(
            name="paper",
            title="paper (full data, full networks, ImageNet weights, five seeds)",
            purpose="what the paper did, on a GPU or a cluster",
            models={
                name: ModelPlan(
                    image_size=112 if name == "learnet" else 224,
                    pretrained=name != "learnet",
                    learning_rate=1e-3 if name == "learnet" else 1e-4,
                )
                for name in _DEMO_WIDTHS
            },
            training=TrainingOptions(epochs=30, batch_size=32),
            seeds=(0, 1, 2, 3, 4),
        ),
    )
}


def get_profile(name: str) -> Profile:
    """Return a profile by name.

    Raises
    ------
    MerError
        If there is no such profile.
    """
    if name not in PROFILES:
        raise MerError(
            f"profile {name!r} is unknown", f"one of {', '.join(PROFILES)}", "choose one of them"
        )
    return PROFILES[name]
