"""The tables: what each one varies, as lists of run specifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from mer_utils.augment import SPATIAL
from mer_utils.dynamic_image import KINDS, SCALINGS
from mer_utils.errors import MerError
from mer_utils.experiments.profiles import Profile
from mer_utils.experiments.settings import COMPARED, PARTS, views_of
from mer_utils.models import baselines, is_network, weights_identity
from mer_utils.runs import DataSpec, ModelSpec, RunSpec
from mer_utils.training import TrainingOptions
from mer_utils.views import Perturbation, ViewOptions

Grid = Callable[[Profile, list[DataSpec]], Iterator[RunSpec]]

DUAL = views_of("dual")
FRAMES = (8, 16, 32)
APEX_SHIFTS = (2, 4, 8, 16)
TRIMS = (2, 4, 8)


@dataclass(frozen=True)
class Table:
    """One table of the companion.

    Parameters
    ----------
    name : str
        As on the command line.
    title : str
    varies : str
        What differs between its rows, in words.
    grid : callable
        From (profile, data of each data set) to its run specifications.
    columns : tuple of str
        The columns of its predictions that tell its rows apart, beside data set and model.
    made : bool
        Whether it is computed on twins made for it, whatever other data there are.
    """

    name: str
    title: str
    varies: str
    grid: Grid
    columns: tuple[str, ...] = ("setting",)
    made: bool = False


def run_spec(
    profile: Profile,
    data: DataSpec,
    model: str,
    *,
    train_views: tuple[str, ...] = views_of("single"),
    spatial: str = "none",
    evaluation: str = "loso",
    seed: int = 0,
    views: dict[str, Any] | None = None,
) -> RunSpec:
    """Return the specification of one run under a profile.

    Parameters
    ----------
    profile : Profile
    data : DataSpec
    model : str
        A network of the profile, or a baseline.
    train_views, spatial, evaluation, seed
        As in `RunSpec`.
    views : dict, optional
        Fields of `ViewOptions` that differ from the defaults.
    """
    chosen: dict[str, Any] = {
        "data": data,
        "train_views": train_views,
        "spatial": spatial,
        "evaluation": evaluation,
        "seed": seed,
    }
    if not is_network(model):
        size, network = profile.baseline_image_size, ModelSpec(name=model)
        training = TrainingOptions(epochs=1)
    else:
        plan = profile.models[model]
        size = plan.image_size
        weights = weights_identity(model) if plan.pretrained else None
        network = ModelSpec(
            name=model, width=plan.width, pretrained=plan.pretrained, weights=weights
        )
        training = profile.training.model_copy(
            update={
                "learning_rate": plan.learning_rate,
                "precision": plan.precision,
                "micro_batch": plan.micro_batch,
            }
        )
    shown = ViewOptions(image_size=size, **(views or {}))
    return RunSpec(model=network, views=shown, training=training, **chosen)


def _seeds(profile: Profile, model: str) -> tuple[int, ...]:
    """Return the seeds of a model: baselines draw no numbers."""
    return profile.seeds[:1] if not is_network(model) else profile.seeds


def _values(profile: Profile, model: str, values: Sequence[Any]) -> Sequence[Any]:
    """Return all values, or the ends of their range where a profile is short of time."""
    return values if profile.every_value or not is_network(model) else (values[0], values[-1])


def _table2(profile: Profile, data: list[DataSpec]) -> Iterator[RunSpec]:
    models = (*profile.models, *baselines())
    for d, model, setting in product(data, models, COMPARED):
        # Three times the same images are the same images to what is not trained step by step.
        if not is_network(model) and setting == "matched single":
            continue
        for seed in _seeds(profile, model):
            yield run_spec(profile, d, model, train_views=views_of(setting), seed=seed)


def _table3(profile: Profile, data: list[DataSpec]) -> Iterator[RunSpec]:
    models = [m for m in profile.ablation_models if is_network(m)]
    for d, model, spatial, views in product(data, models, SPATIAL, map(views_of, COMPARED)):
        for seed in profile.seeds:
            yield run_spec(profile, d, model, train_views=views, spatial=spatial, seed=seed)


def _table4(profile: Profile, data: list[DataSpec]) -> Iterator[RunSpec]:
    trained = {name: views_of(name) for name in (*COMPARED, *PARTS)}
    for d, model in product(data, profile.ablation_models):
        for setting, seed in product(trained, _seeds(profile, model)):
            if not is_network(model) and setting in ("matched single", "single twice"):
                continue
            yield run_spec(profile, d, model, train_views=trained[setting], seed=seed)
        for setting, seed in product(("halves", "dual"), profile.seeds):
            cut = Perturbation(cut="random", seed=seed)
            views = {"perturbation": cut}
            yield run_spec(profile, d, model, train_views=trained[setting], seed=seed, views=views)


def _table5(profile: Profile, data: list[DataSpec]) -> Iterator[RunSpec]:
    trained = [views_of(name) for name in (*COMPARED, "halves")]
    for d, model, views in product(data, profile.ablation_models, trained):
        if not is_network(model) and views == views_of("matched single"):
            continue
        for seed in _seeds(profile, model):
            yield run_spec(profile, d, model, train_views=views, seed=seed)


def _table6(profile: Profile, data: list[DataSpec]) -> Iterator[RunSpec]:
    for d, model in product(data, profile.ablation_models):
        for views, seed in product(_images(profile, model), _seeds(profile, model)):
            yield run_spec(profile, d, model, train_views=DUAL, seed=seed, views=views)


def _images(profile: Profile, model: str) -> Iterator[dict[str, Any]]:
    """Yield the kinds of image of table 6: crossed, or each choice varied by itself."""
    crossed = profile.every_value or not is_network(model)
    for kind, scaling in product(KINDS, SCALINGS):
        if crossed or kind == KINDS[0] or scaling == SCALINGS[0]:
            yield {"kind": kind, "scaling": scaling}
    for frames in _values(profile, model, FRAMES):
        yield {"frames": frames}
    yield {"source": "apex_difference"}


def _table7(profile: Profile, data: list[DataSpec]) -> Iterator[RunSpec]:
    for d, model in product(data, profile.ablation_models):
        for seed in profile.seeds:
            shifts, trims = _values(profile, model, APEX_SHIFTS), _values(profile, model, TRIMS)
            moved = [Perturbation()]
            moved += [Perturbation(apex_shift=shift, seed=seed) for shift in shifts]
            moved += [Perturbation(trim=trim) for trim in trims]
            for perturbation in moved:
                views = {"perturbation": perturbation}
                yield run_spec(profile, d, model, train_views=DUAL, seed=seed, views=views)
        if profile.every_value or not is_network(model):
            for rules, seed in product(RULES, _seeds(profile, model)):
                other = d.model_copy(update=rules)
                yield run_spec(profile, other, model, train_views=DUAL, seed=seed)


#: The rules of table 7 that differ from the usual ones.
RULES: tuple[dict[str, str], ...] = (
    {"missing_apex": "midpoint"},
    {"missing_apex": "drop"},
    {"missing_apex": "drop", "degenerate_phase": "drop_clip"},
)


def _table8(profile: Profile, data: list[DataSpec]) -> Iterator[RunSpec]:
    wrong = (("mixed folds", "single"), ("mixed folds", "dual"), ("held-out copies", "dual"))
    honest = (("loso", "single"), ("loso", "matched single"), ("loso", "dual"))
    for d, model, (evaluation, setting) in product(
        data, profile.ablation_models, (*honest, *wrong)
    ):
        if not is_network(model) and setting == "matched single":
            continue
        for seed in _seeds(profile, model):
            yield run_spec(
                profile,
                d,
                model,
                train_views=views_of(setting),
                evaluation=evaluation,
                seed=seed,
            )


def _phase_difference(profile: Profile, data: list[DataSpec]) -> Iterator[RunSpec]:
    for model in profile.ablation_models:
        twins = [d for d in data if not is_network(model) or _is_corner(d, data, profile)]
        for d, setting in product(twins, COMPARED):
            if not is_network(model) and setting == "matched single":
                continue
            if is_network(model) and setting == "single" and not profile.every_value:
                continue
            for seed in _seeds(profile, model):
                yield run_spec(profile, d, model, train_views=views_of(setting), seed=seed)


def _is_corner(twin: DataSpec, twins: list[DataSpec], profile: Profile) -> bool:
    """Say whether both numbers of a made variant lie at the end of their range."""
    if profile.every_value:
        return True
    differences, noises = profile.phase_differences, profile.noises
    place = twins.index(twin)
    row, column = divmod(place, len(noises))
    return row in (0, len(differences) - 1) and column in (0, len(noises) - 1)


TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        Table(
            "table2",
            "Dual-phase augmentation",
            "training set (single, matched single, dual), model, data set, seed",
            _table2,
        ),
        Table(
            "table3",
            "With spatial augmentation",
            "flips and rotations of the training images, training set",
            _table3,
            ("setting", "spatial"),
        ),
        Table(
            "table4",
            "Which phases train",
            "phases trained on, apex or random cut",
            _table4,
            ("setting", "annotation"),
        ),
        Table(
            "table5",
            "Which views are tested",
            "views tested, alone or averaged, and training set",
            _table5,
            ("setting", "tested"),
        ),
        Table(
            "table6",
            "Rank pooling",
            "weights, scaling, number of frames",
            _table6,
            ("setting", "image"),
        ),
        Table(
            "table7",
            "Annotation noise",
            "apex moved, ends trimmed, rules for missing apexes and phases",
            _table7,
            ("setting", "annotation", "rules"),
        ),
        Table(
            "table8",
            "Evaluation pitfalls",
            "folds, what is trained on, epoch, average",
            _table8,
            ("setting", "evaluation"),
        ),
        Table(
            "phase_difference",
            "How different the phases are",
            "difference of the phases and noise of the made clips",
            _phase_difference,
            made=True,
        ),
    )
}


def get_table(name: str) -> Table:
    """Return a table by name.

    Raises
    ------
    MerError
        If there is no such table.
    """
    if name not in TABLES:
        raise MerError(
            "TODO",
            f"table {name!r} is unknown",
            f"one of {', '.join(TABLES)}",
            "choose one of them",
        )
    return TABLES[name]
