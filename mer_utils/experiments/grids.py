"""The tables: what each one varies, as lists of run specifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import pandas as pd

from mer_utils.errors import MerError
from mer_utils.experiments.profiles import Profile
from mer_utils.models import weights_identity
from mer_utils.runs import DataSpec, ModelSpec, RunSpec
from mer_utils.views import ViewOptions

# The words for training sets, used in code, columns and captions alike.
SETTINGS: dict[str, tuple[str, ...]] = {
    "single": ("full",),
    "matched single": ("full", "full", "full"),
    "dual": ("full", "onset_apex", "apex_offset"),
}


@dataclass(frozen=True)
class Table:
    """One table of the companion.

    Parameters
    ----------
    name : str
        As on the command line.
    title : str
    varies : str
        What differs between its rows.
    grid : callable
        From (profile, data of each data set) to its run specifications.
    """

    name: str
    title: str
    varies: str
    grid: Callable[[Profile, list[DataSpec]], Iterator[RunSpec]]


def run_spec(
    profile: Profile,
    data: DataSpec,
    model: str,
    *,
    train_views: tuple[str, ...] = SETTINGS["single"],
    spatial: str = "none",
    seed: int = 0,
) -> RunSpec:
    """Return the specification of one run under a profile."""
    plan = profile.models[model]
    weights = weights_identity(model) if plan.pretrained else None
    return RunSpec(
        data=data,
        views=ViewOptions(image_size=plan.image_size),
        model=ModelSpec(name=model, width=plan.width, pretrained=plan.pretrained, weights=weights),
        training=profile.training.model_copy(update={"learning_rate": plan.learning_rate}),
        train_views=train_views,
        spatial=spatial,
        seed=seed,
    )


def _table2(profile: Profile, data: list[DataSpec]) -> Iterator[RunSpec]:
    for d, model, views, seed in product(data, profile.models, SETTINGS.values(), profile.seeds):
        yield run_spec(profile, d, model, train_views=views, seed=seed)


TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        Table(
            "table2",
            "Dual-phase augmentation",
            "training set (single, matched single, dual), model, data set, seed",
            _table2,
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
            f"table {name!r} is unknown", f"one of {', '.join(TABLES)}", "choose one of them"
        )
    return TABLES[name]


def add_setting(predictions: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``setting``: the word for each row's ``train_views``.

    Examples
    --------
    >>> add_setting(pd.DataFrame({"train_views": ["full", "full+full+full"]}))["setting"].tolist()
    ['single', 'matched single']
    """
    words = {"+".join(views): setting for setting, views in SETTINGS.items()}
    return predictions.assign(
        setting=predictions["train_views"].map(lambda views: words.get(views, views))
    )
