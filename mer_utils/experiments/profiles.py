"""Profiles: how large the experiments are, from a smoke test to the paper's scale.

Each is a TOML file, those of `PROFILES` in the folder ``profiles`` beside this module. What the
command line says beside a profile's name or file makes a changed one of it.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Collection, Iterable, Mapping
from inspect import signature
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from mer_utils import models, synthetic
from mer_utils.augment import SPATIAL
from mer_utils.errors import MerError
from mer_utils.files import cannot_read
from mer_utils.frozen import Frozen
from mer_utils.models import is_network
from mer_utils.models.architectures import NETWORKS
from mer_utils.registry import Registry, unknown
from mer_utils.training import TrainingOptions

Seed = Annotated[int, Field(ge=0)]
_SUFFIX = ".toml"
_MOST_SEEDS = 1000
_SHOWN = 60
#: The numbers of the generator that tell made variants apart.
VARIED = ("phase_difference", "noise", "fall_information")
#: What a file does not say: its own name does, or the command line.
_NOT_IN_FILES = ("name", "given", "only", "at_most")
#: What ``--weights`` may be, and whether that is ImageNet's.
WEIGHTS = {"imagenet": True, "none": False}
#: Defaults of which would be guesses: what a file must say of the training.
_TRAINING = ("epochs", "batch_size")


class ModelPlan(Frozen):
    """How one network is used in a profile.

    Parameters
    ----------
    width : float
        Channels relative to the full network.
    depth : float
        Layers of each stage relative to the full network, of a narrowed one.
    image_size : int
        Side of the view in pixels.
    pretrained : bool
        Start from ImageNet weights.
    learning_rate : float
        Largest learning rate of AdamW.
    precision : {"float32", "bfloat16"}, optional
    epochs : int, optional
        By default, as the precision, that of the profile's training.
    seeds : int, optional
        How many of the profile's seeds; by default all.
    """

    width: float = Field(default=1.0, gt=0, le=4)
    depth: float = Field(default=1.0, gt=0, le=1)
    image_size: int = Field(ge=8, le=1024)
    pretrained: bool = False
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    precision: Literal["float32", "bfloat16"] | None = None
    epochs: int | None = Field(default=None, ge=1)
    seeds: int | None = Field(default=None, ge=1)


class Profile(Frozen):
    """The size of the experiments.

    Parameters
    ----------
    name, title, purpose : str
    given : str
        As what the command line named it, if not by its name alone.
    subjects, clips_per_subject : int or None
        Of each synthetic twin; None makes the full-size twin.
    frame_size : tuple of int, optional
        Width and height of its frames; by default those of the data set.
    twin_seed : int
        Seed of the twins.
    models : dict of str to ModelPlan
    training : TrainingOptions
        Learning rate, precision and epochs are those of the model's plan.
    seeds : tuple of int
    ablation_seeds : int or None
        How many of them all tables but the second take; by default all.
    tables : tuple of str
        Computed where none is named; none stands for all. A book takes all.
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
    fall_informations : tuple of float
        Of further such twins, with the last of the differences and of the noises.
    spatial : str
        Augmentation of the training images of networks where a table does not vary it: a key of
        :data:`mer_utils.augment.SPATIAL`.
    only : tuple of str
        Networks and baselines to which a command is confined; none stands for all.
    at_most : int or None
        So many subjects of each data set are read, those who have most clips; the rows of the
        others are left out, as the ledger says.
    """

    name: str
    title: str
    purpose: str
    given: str = ""
    subjects: int | None = Field(default=None, ge=2)
    clips_per_subject: int | None = Field(default=None, ge=1)
    frame_size: tuple[int, int] | None = None
    twin_seed: int = Field(default=0, ge=0)
    models: dict[str, ModelPlan]
    training: TrainingOptions
    seeds: tuple[Seed, ...] = Field(min_length=1, max_length=_MOST_SEEDS)
    ablation_seeds: int | None = Field(default=None, ge=1)
    tables: tuple[str, ...] = ()
    ablation_models: tuple[str, ...] = ("learnet", "svm_hog")
    every_value: bool = False
    baseline_image_size: int = Field(default=48, ge=8, le=1024)
    phase_differences: tuple[Annotated[float, Field(ge=0, le=1)], ...] = (0.0, 0.5, 1.0)
    # Half the noise lets a linear machine reach the ceiling, where no gain can show.
    noises: tuple[Annotated[float, Field(ge=0, le=10)], ...] = (1.0, 2.0)
    fall_informations: tuple[Annotated[float, Field(ge=0, le=1)], ...] = (0.5, 1.0)
    spatial: str = "none"
    only: tuple[str, ...] = ()
    at_most: int | None = Field(default=None, ge=2)

    @model_validator(mode="after")
    def _can_be_made(self) -> Profile:
        for name, plan in self.models.items():
            found = models.find(name)
            if not isinstance(found, models.Architecture):
                what = f"{name} among its models is a baseline"
                raise MerError("invalid option", what, "a network", f"take {name} out of them")
            found.require(plan.image_size, plan.width, plan.pretrained, plan.depth)
        for name in self.ablation_models:
            models.find(name)
        lists = ("only", "seeds", "tables", "ablation_models", *(f"{n}s" for n in VARIED))
        for name, given in ((name, getattr(self, name)) for name in lists):
            if twice := [value for value in given if given.count(value) > 1]:
                what = f"{'--models' if name == 'only' else name} names {twice[0]} twice"
                raise MerError("invalid option", what, "each of them once", "leave one out")
        if self.spatial not in SPATIAL:
            raise unknown("spatial augmentation", self.spatial, SPATIAL)
        return self

    @property
    def networks(self) -> list[str]:
        """The networks of the main table: those planned, then those that a user registered."""
        known = {*self.models, *(network.name for network in NETWORKS)}
        return self._shown(
            [*self.models, *(name for name in models.networks() if name not in known)]
        )

    @property
    def baselines(self) -> list[str]:
        """The baselines of the main table."""
        return self._shown(models.baselines())

    def _shown(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if not self.only or name in self.only]

    @property
    def label(self) -> str:
        """The name, and what the command line changed."""
        return shlex.join([self.name, *shlex.split(self.given)[1:]])

    @property
    def words(self) -> str:
        """What ``--profile`` is followed by in a command that means this profile."""
        return self.given or shlex.quote(self.name)

    @property
    def sizes(self) -> str:
        """One phrase for the top of every page: what is trained, how, how long and how often.

        Examples
        --------
        >>> PROFILES["night"].sizes
        '6 networks at 112 pixels, 5 with ImageNet weights, 12 epochs, 2 seeds'
        """
        plans = self.models.values()
        sizes = [plan.image_size for plan in plans] or [self.baseline_image_size]
        weights = sum(plan.pretrained for plan in plans)
        epochs = [self.training_of(plan).epochs for plan in plans] or [self.training.epochs]
        seeds = [len(self.seeds_of(name)) for name in self.models] or [len(self.seeds)]
        parts = [
            f"{_counted([len(plans)], 'network')} at {_counted(sizes, 'pixel')}",
            *["narrowed"] * any(plan.width != 1 for plan in plans),
            *["shortened"] * any(plan.depth != 1 for plan in plans),
            f"{weights} with ImageNet weights" if weights else "without ImageNet weights",
            _counted(epochs, "epoch"),
            _counted(seeds, "seed"),
            *[f"classes balanced by {self.training.balance}"] * (self.training.balance != "none"),
            *[f"augmented by {self.spatial}"] * (self.spatial != "none"),
            *[f"{self.at_most} subjects of each data set"] * bool(self.at_most),
        ]
        return ", ".join(parts)

    def plan(self, model: str) -> ModelPlan:
        """Return how a network is used; one that is not planned, at the smallest size of all."""
        return self.models.get(model) or ModelPlan(image_size=self.baseline_image_size)

    @property
    def variants(self) -> list[dict[str, float]]:
        """What the made variants are made with; last come those whose fall tells of the class."""
        usual = synthetic.DEFAULT_FALL_INFORMATION
        made = [(d, noise, usual) for d in self.phase_differences for noise in self.noises]
        made += product(self.phase_differences[-1:], self.noises[-1:], self.fall_informations)
        return [dict(zip(VARIED, numbers, strict=True)) for numbers in dict.fromkeys(made)]

    def seeds_of(self, model: str) -> tuple[int, ...]:
        """Return the seeds with which the main table trains a network; a baseline needs one."""
        return self.seeds[: self.plan(model).seeds if is_network(model) else 1]

    def training_of(self, plan: ModelPlan) -> TrainingOptions:
        """Return the training of a network, with what its plan says of it."""
        own = plan.model_dump(include={"learning_rate", "precision", "epochs"}, exclude_none=True)
        return self.training.model_copy(update=own)

    def changed(
        self,
        *,
        models: Iterable[str] = (),
        seeds: int | str | None = None,
        image_size: int | str | None = None,
        epochs: int | str | None = None,
        learning_rate: float | str | None = None,
        balance: str | None = None,
        spatial: str | None = None,
        weights: str | None = None,
        subjects: int | str | None = None,
    ) -> Profile:
        """Return the profile with some of its sizes changed, as the command line does.

        Parameters
        ----------
        models : iterable of str
            Networks and baselines to which every table is confined, ablations too; a network
            that is not planned has the size of the baselines' view.
        seeds : int, optional
            How many: the profile's own first, then others from 0 on. As many as the profile has,
            or more, are for all networks and tables.
        image_size : int, optional
            Of all networks and baselines.
        epochs : int, optional
        learning_rate : float, optional
            Of all networks.
        balance : str, optional
            Of the training, see :class:`mer_utils.training.TrainingOptions`.
        spatial : str, optional
        weights : {"imagenet", "none"}, optional
            What all networks start from.
        subjects : int, optional
            How many of each data set are left: see `at_most`.

        Examples
        --------
        >>> PROFILES["demo"].changed(models=["learnet"], epochs=3).sizes
        '1 network at 48 pixels, narrowed, without ImageNet weights, 3 epochs, 3 seeds'
        """
        new, said = self.model_dump(), {}
        for name, value in (
            ("--seeds", seeds), ("--image-size", image_size), ("--epochs", epochs),
            ("--learning-rate", learning_rate), ("--balance", balance), ("--spatial", spatial),
            ("--weights", weights), ("--subjects", subjects),
        ):  # fmt: skip
            if value is not None:
                said[name] = str(value)
        if chosen := tuple(models):
            plans = {name: self.plan(name).model_dump() for name in chosen if is_network(name)}
            new |= {"models": plans, "only": chosen, "ablation_models": chosen}
            said = {"--models": ",".join(chosen)} | said
        all_of = False
        if seeds is not None:
            n = _number("--seeds", seeds)
            more = range(min(n, _MOST_SEEDS + 1))
            new["seeds"] = [*dict.fromkeys([*self.seeds, *more])][: max(n, 0)]
            if all_of := n >= len(self.seeds):
                new["ablation_seeds"] = None
        of_networks = {"image_size": image_size, "learning_rate": learning_rate}
        if weights is not None:
            if weights not in WEIGHTS:
                raise unknown("kind of weights", weights, WEIGHTS)
            of_networks["pretrained"] = WEIGHTS[weights]
        given: dict[str, Any] = {f: value for f, value in of_networks.items() if value is not None}
        # What the command line says is for all, whatever a network has of its own.
        given |= dict.fromkeys(["epochs"] * (epochs is not None) + ["seeds"] * all_of)
        new["models"] = {name: plan | given for name, plan in new["models"].items()}
        training = {"epochs": epochs, "balance": balance}
        new["training"] |= {field: value for field, value in training.items() if value is not None}
        whole = {"baseline_image_size": image_size, "spatial": spatial, "at_most": subjects}
        new |= {field: value for field, value in whole.items() if value is not None}
        name, *words = shlex.split(self.words)
        options = dict(zip(words[::2], words[1::2], strict=True)) | said
        text = shlex.join([name, *(word for option in options.items() for word in option)])
        return _checked(new | {"given": text}, text)


def _counted(numbers: Collection[int], noun: str) -> str:
    ends = sorted({min(numbers), max(numbers)})
    return f"{' to '.join(map(str, ends))} {noun}{'s' * (ends[-1] != 1)}"


def read(file: Path) -> Profile:
    """Read a profile from a TOML file, whose name it has.

    Raises
    ------
    MerError
        ``cannot read``; ``invalid option`` for a field that is unknown, missing or wrong, or a
        network that does not come so; ``unknown name`` of a network; ``taken name``.
    """
    try:
        found = tomllib.loads(file.expanduser().read_text("utf-8"))
    except OSError as error:
        raise cannot_read(file, error) from error
    except ValueError as error:  # neither TOML nor UTF-8
        raise _wrong(str(file), f"{error}", "a TOML file") from error
    for name in _NOT_IN_FILES:
        if name in found:
            raise _unknown_field(str(file), name, Profile)
    training = found.get("training")
    if isinstance(training, dict) and (lacking := [f for f in _TRAINING if f not in training]):
        raise _wrong(str(file), f"training.{lacking[0]} is missing", "a number")
    given = "" if file.parent == _FOLDER else shlex.quote(str(file))
    if given and file.stem in PROFILES:
        raise MerError(
            "taken name",
            f"{file} has the name of a profile that there is",
            f"another name than {', '.join(PROFILES)}",
            "rename the file",
        )
    return _checked({"name": file.stem, **found, "given": given}, str(file))


def _checked(fields: Mapping[str, Any], place: str) -> Profile:
    try:
        return Profile.model_validate(fields)
    except ValidationError as error:
        # A misspelt field is missing too, and its own name says more.
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        names = [str(name) for name in first["loc"]]
        field = ".".join(names)
        if first["type"] == "extra_forbidden":
            inner: dict[str, type[Frozen]] = {"models": ModelPlan, "training": TrainingOptions}
            raise _unknown_field(place, field, inner.get(names[0], Profile)) from error
        if first["type"] == "missing":
            raise _wrong(place, f"{field} is missing", "that field") from error
        found = repr(first["input"])
        shown = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}..."
        raise _wrong(place, f"{field} is {shown}", first["msg"]) from error
    except MerError as error:
        raise MerError(
            error.kind, f"profile {place}: {error.what}", error.expected, error.remedy
        ) from error


def _unknown_field(place: str, field: str, known: type[Frozen]) -> MerError:
    names = [name for name in known.model_fields if name not in _NOT_IN_FILES]
    error = unknown("field", field, names)
    return _wrong(place, f"{field} is no field", error.expected)


def _wrong(place: str, what: str, expected: str) -> MerError:
    return MerError("invalid option", f"profile {place}: {what}", expected, f"correct {place}")


def _number(option: str, value: int | str) -> int:
    try:
        return int(value)
    except ValueError:
        raise _wrong(option, f"{value!r}", "a whole number") from None


_FOLDER = Path(__file__).with_suffix("")
PROFILES: Registry[Profile] = Registry("profile")
for _name in ("smoke", "demo", "night", "paper"):
    PROFILES.register(read(_FOLDER / f"{_name}{_SUFFIX}"))


def find(given: str) -> Profile:
    """Return the profile that a command line means.

    Parameters
    ----------
    given : str
        A name of `PROFILES` or a TOML file, then what to change: see `OPTIONS`.

    Examples
    --------
    >>> find("demo --seeds 3 --models learnet,svm_hog").seeds
    (0, 1, 2)
    """
    try:
        name, *words = shlex.split(given) or [""]
    except ValueError as odd:
        raise _wrong(given, str(odd), "a name or a file, and options in pairs") from odd
    file = name.endswith(_SUFFIX)
    if not file and name not in PROFILES:
        error = unknown("profile", name, PROFILES)
        raise MerError(
            error.kind, error.what, f"{error.expected}, or a file *{_SUFFIX}", error.remedy
        )
    profile = read(Path(name)) if file else PROFILES[name]
    changes: dict[str, Any] = {}
    for option, value in zip(words[::2], [*words[1::2], ""], strict=False):
        if option not in OPTIONS:
            raise unknown("option of a profile", option, OPTIONS)
        if not value:
            raise _wrong(given, f"{option} is without a value", "one after each option")
        changes[option.removeprefix("--").replace("-", "_")] = value
    if "models" in changes:
        changes["models"] = [name for name in changes["models"].split(",") if name]
    return profile.changed(**changes) if changes else profile


#: What may follow a profile's name.
OPTIONS = tuple(
    f"--{name.replace('_', '-')}"
    for name in signature(Profile.changed).parameters
    if name != "self"
)
