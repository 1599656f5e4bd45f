"""The tables: what each one varies, as lists of run specifications, and what it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from mer_utils.augment import SIGNED, SPATIAL
from mer_utils.dynamic_image import KINDS, SCALINGS
from mer_utils.experiments.profiles import VARIED, Profile
from mer_utils.experiments.questions import Pair, Question
from mer_utils.frames.spotting import all_rules
from mer_utils.models import is_network, weights_identity
from mer_utils.phases import PHASES, TRAINING_SETS
from mer_utils.registry import Registry
from mer_utils.runs import Data, DataSpec, ModelSpec, RunSpec
from mer_utils.training import TrainingOptions
from mer_utils.views import Perturbation, ViewOptions

Grid = Callable[[Profile, Sequence[Data]], Iterator[RunSpec]]

#: The training sets of tables 2, 3 and 5, and those that only table 4 compares: parts of a clip,
#: and as many new images as the phases give, of which none shows a phase.
COMPARED = ("single", "matched single", "dual", "aligned")
PARTS = ("onset_apex only", "apex_offset only", "single twice", "halves")
CONTROLS = ("inverted copy", "reversed copy", "jittered")
#: Where else table 4 cuts clips, and what is trained on such halves.
CUTS: tuple[tuple[Literal["random", "midpoint"], tuple[str, ...]], ...] = (
    ("random", ("halves", "dual", "aligned")),
    ("midpoint", ("dual", "aligned")),
)
FRAMES = (8, 16, 32)
APEX_SHIFTS = (2, 4, 8, 16)
TRIMS = (2, 4, 8)
#: The rules of table 7 that differ from each data set's own.
RULES: tuple[dict[str, str], ...] = (
    {"missing_apex": "midpoint"},
    {"missing_apex": "drop"},
    {"missing_apex": "drop", "degenerate_phase": "drop_clip"},
)
#: Views whose probabilities are averaged, joined as `tested` has them in table 5: those of all
#: models, and those of models that were trained on the fall in reverse time.
HALVES, ALL = "onset_apex+apex_offset", "+".join(PHASES)
REVERSED_HALVES = HALVES.replace("apex_offset", "offset_apex")
REVERSED_ALL = f"full+{REVERSED_HALVES}"
#: The evaluation of rows whose epoch was chosen on the very subject that is tested: a mistake.
CHOSEN_EPOCH = "test-subject epoch"


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
        From (profile, data sets) to its run specifications.
    columns : tuple of str
        The columns that tell its rows apart, beside data set and model.
    questions : tuple of Question
        What its rows are compared for.
    one_family : bool
        Whether Holm's correction is over all its comparisons, or over those of each question.
    made : bool
        Whether it is computed on twins made for it, whatever other data there are.
    """

    name: str
    title: str
    varies: str
    grid: Grid
    columns: tuple[str, ...] = ("setting",)
    questions: tuple[Question, ...] = ()
    one_family: bool = True
    made: bool = False


def run_spec(
    profile: Profile,
    data: Data | DataSpec,
    model: str,
    *,
    train: str | tuple[str, ...] = "single",
    spatial: str | None = None,
    evaluation: str = "loso",
    seed: int = 0,
    **views: Any,
) -> RunSpec:
    """Return the specification of one run under a profile.

    Parameters
    ----------
    profile : Profile
    data : Data or DataSpec
        As a workspace has it: with its fingerprint, its rules and its face crops.
    model : str
        A network of the profile, or a baseline.
    train : str or tuple of str
        A training set's name, or views named one by one.
    spatial, evaluation, seed
        As in `RunSpec`; the spatial augmentation of a network is by default the profile's.
    **views
        Fields of `ViewOptions` that differ from the defaults.
    """
    if not is_network(model):
        size, network = profile.baseline_image_size, ModelSpec(name=model)
        training = TrainingOptions(epochs=1)
    else:
        plan = profile.plan(model)
        size = plan.image_size
        weights = weights_identity(model) if plan.pretrained else None
        network = ModelSpec(
            name=model,
            width=plan.width,
            depth=plan.depth,
            pretrained=plan.pretrained,
            weights=weights,
        )
        training = profile.training_of(plan)
    return RunSpec(
        data=data.spec if isinstance(data, Data) else data,
        views=ViewOptions(image_size=size, **views),
        model=network,
        training=training,
        train_views=TRAINING_SETS.find(train).views,
        spatial=spatial or (profile.spatial if is_network(model) else "none"),
        evaluation=evaluation,
        seed=seed,
    )


def _values(profile: Profile, model: str, values: Sequence[Any]) -> Sequence[Any]:
    """Return all values, or the ends of their range where a profile is short of time."""
    return values if profile.every_value or not is_network(model) else (values[0], values[-1])


def _trained(
    profile: Profile,
    data: Sequence[Data],
    models: Iterable[str],
    settings: Sequence[str],
    *,
    drawn: bool = False,
    main: bool = False,
) -> Iterator[tuple[Data, str, str, int]]:
    """Yield data set, model, training set and seed of what can be trained.

    A data set lacks the training sets of a view that none of its clips has. Three times the same
    images are the same images to a baseline, which is not trained step by step; and it has one
    seed only, unless its images are `drawn` by it. The `main` table has each network's own seeds,
    the others those of ablations.
    """
    for d, model, setting in product(data, models, settings):
        views = TRAINING_SETS[setting].views
        repeated = not is_network(model) and len(views) > 1 and set(views) == {"full"}
        if d.shown.issuperset(views) and not repeated:
            many = profile.ablation_seeds if drawn or is_network(model) else 1
            for seed in profile.seeds_of(model) if main else profile.seeds[:many]:
                yield d, model, setting, seed


def _of_frames(data: Iterable[Data]) -> list[Data]:
    """Return the data sets whose images are made here, so that their making can be varied."""
    return [d for d in data if "images" not in d.clips]


def _table2(profile: Profile, data: Sequence[Data]) -> Iterator[RunSpec]:
    models = (*profile.networks, *profile.baselines)
    for d, model, setting, seed in _trained(profile, data, models, COMPARED, main=True):
        yield run_spec(profile, d, model, train=setting, seed=seed)


def _table3(profile: Profile, data: Sequence[Data]) -> Iterator[RunSpec]:
    models = [m for m in profile.ablation_models if is_network(m)]
    for d, model, setting, seed in _trained(profile, data, models, COMPARED):
        own = f"flip-{d.dataset.horizontal}"
        kinds = [s for s in SPATIAL if s not in SIGNED or s == own]
        if setting == "aligned" and not profile.every_value:
            kinds = ["none", "flip+rotation"]  # no claim of the paper's
        for spatial in kinds:
            yield run_spec(profile, d, model, train=setting, spatial=spatial, seed=seed)


def _table4(profile: Profile, data: Sequence[Data]) -> Iterator[RunSpec]:
    models = profile.ablation_models
    for d, model, setting, seed in _trained(profile, data, models, (*COMPARED, *PARTS)):
        yield run_spec(profile, d, model, train=setting, seed=seed)
    moved: list[tuple[str, Literal["apex", "random", "midpoint"], bool]]
    moved = [(control, "apex", True) for control in CONTROLS]
    moved += [(setting, cut, cut == "random") for cut, settings in CUTS for setting in settings]
    cut_here = _of_frames(data)
    for trained, cut, drawn in moved:
        for d, model, setting, seed in _trained(profile, cut_here, models, (trained,), drawn=drawn):
            perturbation = Perturbation(cut=cut, seed=seed if drawn else 0)
            yield run_spec(profile, d, model, train=setting, seed=seed, perturbation=perturbation)


def _table5(profile: Profile, data: Sequence[Data]) -> Iterator[RunSpec]:
    settings = (*COMPARED, "halves")
    for d, model, setting, seed in _trained(profile, data, profile.ablation_models, settings):
        yield run_spec(profile, d, model, train=setting, seed=seed)


def _table6(profile: Profile, data: Sequence[Data]) -> Iterator[RunSpec]:
    made = _of_frames(data)
    for d, model, setting, seed in _trained(profile, made, profile.ablation_models, ("dual",)):
        for views in _images(profile, model):
            yield run_spec(profile, d, model, train=setting, seed=seed, **views)


def _images(profile: Profile, model: str) -> Iterator[dict[str, Any]]:
    """Yield the kinds of image of table 6: crossed, or each choice varied by itself."""
    crossed = profile.every_value or not is_network(model)
    for kind, scaling in product(KINDS, SCALINGS):
        if crossed or kind == KINDS[0] or scaling == SCALINGS[0]:
            yield {"kind": kind, "scaling": scaling}
    for frames in FRAMES if crossed else ():
        yield {"frames": frames}
    yield {"source": "apex_difference"}


def _table7(profile: Profile, data: Sequence[Data]) -> Iterator[RunSpec]:
    models, data = profile.ablation_models, _of_frames(data)
    for d, model, dual, seed in _trained(profile, data, models, ("dual",), drawn=True):
        shifts, trims = _values(profile, model, APEX_SHIFTS), _values(profile, model, TRIMS)
        moved = [Perturbation()]
        moved += [Perturbation(apex_shift=shift, seed=seed) for shift in shifts]
        # Of short clips nothing is left to train on.
        moved += [Perturbation(trim=trim) for trim in trims if d.shown_trimmed(trim)]
        for perturbation in moved:
            yield run_spec(profile, d, model, train=dual, seed=seed, perturbation=perturbation)
    for d, model, dual, seed in _trained(profile, data, models, ("dual",)):
        every = profile.every_value or not is_network(model)
        for cut in ("midpoint", *(all_rules() if every else all_rules()[:1])):
            yield run_spec(
                profile, d, model, train=dual, seed=seed, perturbation=Perturbation(cut=cut)
            )
        if every:
            for other in (d.under(**rules) for rules in RULES):
                if other.left:  # of data without an apex, none
                    yield run_spec(profile, other, model, train=dual, seed=seed)


def _table8(profile: Profile, data: Sequence[Data]) -> Iterator[RunSpec]:
    models = profile.ablation_models
    wrong = (("mixed folds", "single"), ("mixed folds", "dual"), ("held-out copies", "dual"))
    honest = (("loso", "single"), ("loso", "matched single"), ("loso", "dual"))
    for evaluation, trained in (*honest, *wrong):
        for d, model, setting, seed in _trained(profile, data, models, (trained,)):
            yield run_spec(profile, d, model, train=setting, evaluation=evaluation, seed=seed)


def _phase_difference(profile: Profile, data: Sequence[Data]) -> Iterator[RunSpec]:
    for d, model, setting, seed in _trained(profile, data, profile.ablation_models, COMPARED):
        small = is_network(model) and not profile.every_value
        if not small or (setting != "single" and _is_corner(d, profile)):
            yield run_spec(profile, d, model, train=setting, seed=seed)


def _is_corner(twin: Data, profile: Profile) -> bool:
    """Say whether the numbers of a made variant are the ends of their ranges; noise, the largest.

    Where there is little noise, a network that has learnt leaves no room for a gain.
    """
    numbers = twin.unread.model_dump(include={*VARIED})
    ranges = {name: [made[name] for made in profile.variants] for name in VARIED}
    inside = any(numbers[name] not in (min(ranges[name]), max(ranges[name])) for name in VARIED)
    return not inside and numbers["noise"] == max(ranges["noise"])


def _ask(name: str, *pairs: tuple[Any, ...]) -> Question:
    return Question(name, tuple(Pair(*pair) for pair in pairs))


def _setting(name: str, **more: Any) -> dict[str, Any]:
    return {"setting": name, **more}


_CONTROL = TRAINING_SETS["dual"].control
_PHASES_ALONE = "the phases, training equally long"
_PHASES_AND_LENGTH = "the phases and longer training together"
_ALIGNED = "the phases with the fall in reverse time, training equally long"
_DIRECTION = "the fall in reverse time against that in the order of time"


def _controlled(*settings: str, **more: Any) -> tuple[tuple[Any, ...], ...]:
    """Return each training set against its control, which a baseline has in plain single."""
    return tuple(
        (_setting(setting, **more), _setting(control, **dict.fromkeys(more, "apex")), learners)
        for setting in settings
        for control, learners in (
            (TRAINING_SETS[setting].control, "networks"),
            ("single", "baselines"),
        )
    )


_MAIN = (
    _ask(_PHASES_ALONE, (_setting("dual"), _setting(_CONTROL))),
    _ask(_PHASES_AND_LENGTH, (_setting("dual"), _setting("single"))),
    _ask(_ALIGNED, *_controlled("aligned")),
    _ask(_DIRECTION, (_setting("aligned"), _setting("dual"))),
)
_SPATIAL = (
    *(
        _ask(f"{words} against none", ({"spatial": name}, {"spatial": "none"}))
        for words, name in (
            ("flips", "flip"),
            ("flips of flow", tuple(SIGNED)),
            ("rotations", "rotation"),
            ("flips and rotations", "flip+rotation"),
        )
    ),
    *(
        _ask(f"{setting} against {_CONTROL}, augmented alike", *_controlled(setting))
        for setting in ("dual", "aligned")
    ),
    _ask(
        "dual, augmented or not, against plain single",
        (_setting("dual"), _setting("single", spatial="none")),
    ),
)
_APEX = {"cut": "apex"}
_PHASES = (
    _ask("longer training alone", (_setting(_CONTROL), _setting("single"))),
    _ask(_PHASES_ALONE, *_controlled("halves", "dual", **_APEX)),
    _ask(_ALIGNED, *_controlled("aligned", **_APEX)),
    _ask(_DIRECTION, (_setting("aligned", **_APEX), _setting("dual"))),
    *(_ask(f"{name}, training equally long", *_controlled(name)) for name in CONTROLS),
    _ask("dual against an inverted copy", (_setting("dual", **_APEX), _setting("inverted copy"))),
    _ask("aligned against jittered", (_setting("aligned", **_APEX), _setting("jittered"))),
    *(
        _ask(f"a cut at {words}, training equally long", *_controlled(*settings, cut=cut))
        for words, (cut, settings) in zip(("random", "the midpoint"), CUTS, strict=True)
    ),
    *(
        _ask(
            f"a cut at the apex against one at {words}",
            *((_setting(s, **_APEX), {"cut": cut}) for s in settings),
        )
        for words, (cut, settings) in zip(("random", "the midpoint"), CUTS, strict=True)
    ),
    *(
        _ask(f"the {words} alone against the whole clip", (_setting(name), _setting("single")))
        for words, name in (("rise", "onset_apex only"), ("fall", "apex_offset only"))
    ),
    _ask(
        _PHASES_AND_LENGTH,
        *((_setting(s, **_APEX), _setting("single"), "networks") for s in ("halves", "dual")),
    ),
)
_VIEWS = tuple(
    _ask(
        f"{words}; trained on {trained}",
        ({"setting": settings, "tested": tested}, {"tested": "full"}),
    )
    for trained, settings, fall, halves, together in (
        ("full alone", ("single", "matched single"), "apex_offset", HALVES, ALL),
        ("the phases", ("dual", "halves"), "apex_offset", HALVES, ALL),
        ("aligned phases", "aligned", "offset_apex", REVERSED_HALVES, REVERSED_ALL),
    )
    for words, tested in (
        ("the rise", "onset_apex"),
        ("the fall", fall),
        ("average of halves", halves),
        ("average of all three", together),
    )
)
_USUAL_IMAGE = {"source": "rank_pooling", "kind": "bilen", "scaling": "minmax", "frames": None}
_IMAGES = tuple(
    _ask(name, (treatment, _USUAL_IMAGE))
    for name, treatment in (
        ("linear weights", {"kind": "linear"}),
        ("ported weights", {"kind": "ported"}),
        ("symmetric scaling", {"kind": "bilen", "scaling": "symmetric"}),
        ("fewer frames", {"frames": FRAMES}),
        ("apex difference", {"source": "apex_difference"}),
    )
)
_OWN_RULES = {"missing_apex": "own", "degenerate_phase": "skip_view"}
_NOISE = (
    _ask("apex moved by up to 2 or 4 frames", ({"apex_shift": (2, 4)}, {"apex_shift": 0})),
    _ask("apex moved by up to 8 or 16 frames", ({"apex_shift": (8, 16)}, {"apex_shift": 0})),
    _ask("both ends trimmed", ({"trim": TRIMS}, {"trim": 0})),
    _ask("apex at the midpoint", ({"cut": "midpoint"}, {"cut": "apex"})),
    _ask("apex spotted on the frames", ({"cut": tuple(all_rules())}, {"cut": "apex"})),
    _ask("other rules for odd clips", ({"missing_apex": ("midpoint", "drop")}, _OWN_RULES)),
)
_MISTAKES = tuple(
    _ask(mistake, ({"evaluation": mistake}, {"evaluation": "loso"}))
    for mistake in (CHOSEN_EPOCH, "mixed folds", "held-out copies")
)
_DIFFERENCE = (
    _ask(_PHASES_ALONE, *_controlled("dual")),
    _ask(_ALIGNED, *_controlled("aligned")),
)

TABLES: Registry[Table] = Registry(
    "table",
    Table(
        "table2",
        "Dual-phase augmentation",
        "training set (single, matched single, dual, aligned), model, data set, seed",
        _table2,
        questions=_MAIN,
        one_family=False,
    ),
    Table(
        "table3",
        "With spatial augmentation",
        "flips and rotations of the training images, training set",
        _table3,
        ("setting", "spatial"),
        _SPATIAL,
    ),
    Table(
        "table4",
        "Which phases train",
        "phases trained on, where they are cut, controls of as many new images",
        _table4,
        ("setting", "cut"),
        _PHASES,
    ),
    Table(
        "table5",
        "Which views are tested",
        "views tested, alone or averaged, and training set",
        _table5,
        ("setting", "tested"),
        _VIEWS,
    ),
    Table(
        "table6",
        "Rank pooling",
        "weights, scaling, number of frames",
        _table6,
        ("source", "frames", "kind", "scaling"),
        _IMAGES,
    ),
    Table(
        "table7",
        "Annotation noise",
        "apex moved, halfway or spotted, ends trimmed, rules for missing apexes and phases",
        _table7,
        ("missing_apex", "degenerate_phase", "cut", "trim", "apex_shift"),
        _NOISE,
    ),
    Table(
        "table8",
        "Evaluation pitfalls",
        "folds, what is trained on, epoch, average",
        _table8,
        ("setting", "evaluation"),
        _MISTAKES,
    ),
    Table(
        "phase_difference",
        "How different the phases are",
        "difference of the phases and noise of the made clips",
        _phase_difference,
        questions=_DIFFERENCE,
        made=True,
    ),
)
