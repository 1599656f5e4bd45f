"""Profiles: how large the experiments are, from a smoke test to the paper's scale."""

from __future__ import annotations

from mer_utils.frozen import Frozen
from mer_utils.models import networks
from mer_utils.models.architectures import NETWORKS
from mer_utils.registry import Registry
from mer_utils.training import TrainingOptions


class ModelPlan(Frozen):
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


class Profile(Frozen):
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
    ablation_models : tuple of str
        Networks and baselines on which all tables but the second are computed.
    every_value : bool
        Whether networks are trained at every value that an ablation varies, or only at the
        ends of its range. Baselines cost little and always take every value.
    baseline_image_size : int
        Side in pixels of the view that baselines see.
    phase_differences, noises : tuple of float
        Of the twins on which the difference between the phases is varied, see
        :func:`mer_utils.synthetic.write`.
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
    ablation_models: tuple[str, ...] = ("learnet", "svm_hog")
    every_value: bool = False
    baseline_image_size: int = 48
    phase_differences: tuple[float, ...] = (0.0, 0.5, 1.0)
    # Half the noise lets a linear machine reach the ceiling, where no gain can show.
    noises: tuple[float, ...] = (1.0, 2.0)

    @property
    def networks(self) -> list[str]:
        """The networks of the main table: those planned, then those that a user registered."""
        known = {*self.models, *(network.name for network in NETWORKS)}
        return [*self.models, *(name for name in networks() if name not in known)]

    def plan(self, model: str) -> ModelPlan:
        """Return how a network is used; one that is not planned, at the smallest size of all."""
        return self.models.get(model) or ModelPlan(image_size=self.baseline_image_size)

    def training_of(self, plan: ModelPlan) -> TrainingOptions:
        """Return the training of a network, with what its plan says of it."""
        return self.training.model_copy(update={"learning_rate": plan.learning_rate})


_SMOKE_WIDTHS = {
    "vgg19": 1 / 32,
    "resnet50": 1 / 16,
    "efficientnet_b0": 1 / 8,
    "mobilenetv2_100": 1 / 8,
    "vit_base_patch16_224": 1 / 12,
    "learnet": 1 / 2,
}

_DEMO_WIDTHS = {
    "vgg19": 1 / 16,
    "resnet50": 1 / 8,
    "efficientnet_b0": 1 / 4,
    "mobilenetv2_100": 1 / 4,
    "vit_base_patch16_224": 1 / 12,
    "learnet": 0.5,
}

PROFILES: Registry[Profile] = Registry(
    "profile",
    Profile(
        name="smoke",
        title="smoke (a handful of clips, six tiny networks)",
        purpose="tests and continuous integration: every cell runs; scores mean nothing",
        subjects=3,
        clips_per_subject=5,
        models={
            name: ModelPlan(width=width, image_size=32) for name, width in _SMOKE_WIDTHS.items()
        },
        training=TrainingOptions(epochs=2, batch_size=16),
        baseline_image_size=32,
        phase_differences=(0.0, 1.0),
        noises=(1.0,),
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
        training=TrainingOptions(epochs=30, batch_size=16, precision="bfloat16"),
        seeds=(0, 1, 2, 3, 4),
        ablation_models=(*_DEMO_WIDTHS, "svm_hog"),
        every_value=True,
        baseline_image_size=112,
        noises=(0.5, 1.0, 2.0),
    ),
)
