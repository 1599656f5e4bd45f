"""Tables 3 to 8 and the phase difference: their predictions as variants, and what to compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from companion.chapters.results import in_order, on_view
from companion.chapters.variants import (
    Comparison,
    add_variant,
    variant_differences,
    variant_scores,
)
from mer_utils.augment import SPATIAL
from mer_utils.experiments import (
    COMPARED,
    PARTS,
    Workspace,
    add_setting,
)
from mer_utils.experiments.grids import APEX_SHIFTS, TRIMS
from mer_utils.metrics import average_views, scores_by
from mer_utils.phases import PHASES, TRAINING_SETS
from mer_utils.protocol import EVALUATIONS
from mer_utils.views import Perturbation

HALVES = ("onset_apex", "apex_offset")
AVERAGES = ("average of halves", "average of all three")
AS_ANNOTATED = "as annotated"
USUAL_IMAGE = "bilen, minmax, all frames"
CHOSEN_EPOCH = "test-subject epoch"


@dataclass(frozen=True)
class Ablation:
    """One table, ready to be shown.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows with the column ``variant``, one a clip and run.
    scores : DataFrame
        As `variant_scores` returns them.
    differences : DataFrame
        As `variant_differences` returns them.
    """

    predictions: pd.DataFrame
    scores: pd.DataFrame
    differences: pd.DataFrame


def ablation(workspace: Workspace, table: str) -> Ablation:
    """Read a table from the store, score its variants and compare them.

    Parameters
    ----------
    workspace : Workspace
    table : str
        One of table3 to table8.

    Raises
    ------
    MerError
        If none of the table's folds is in the store.
    """
    predictions = prepared(workspace, table)
    variants = list(dict.fromkeys(predictions["variant"]))
    compared = ABLATIONS[table][1](variants)
    found = variant_differences(predictions, compared)
    return Ablation(predictions, variant_scores(predictions, variants), found)


def prepared(workspace: Workspace, table: str) -> pd.DataFrame:
    """Return a table's predictions with the column ``variant``, one row a clip and run."""
    return ABLATIONS[table][0](workspace, table)


def _spatial(workspace: Workspace, table: str) -> pd.DataFrame:
    return _arranged(on_view(workspace.predictions(table)), ["setting", "spatial"])


def _spatial_pairs(variants: list[str]) -> Iterator[Comparison]:
    for spatial in SPATIAL:
        yield f"dual, {spatial}", f"matched single, {spatial}"
    for setting in COMPARED:
        for spatial in list(SPATIAL)[1:]:
            yield f"{setting}, {spatial}", f"{setting}, none"
    for spatial in SPATIAL:
        yield f"dual, {spatial}", "single, none"


def _phases(workspace: Workspace, table: str) -> pd.DataFrame:
    rows = _arranged(on_view(workspace.predictions(table)), ["setting"])
    cut = rows["annotation"].ne(AS_ANNOTATED)
    return rows.assign(variant=rows["setting"] + cut.map({True: ", random cut", False: ""}))


def _phase_pairs(variants: list[str]) -> Iterator[Comparison]:
    yield "matched single", "single"
    # The linear machine has no matched control: the same images again are no more images.
    for setting in ("halves", "dual"):
        yield setting, TRAINING_SETS[setting].control
        yield f"{setting}, random cut", TRAINING_SETS[setting].control
        yield setting, f"{setting}, random cut"
    for setting in ("onset_apex only", "apex_offset only"):
        yield setting, TRAINING_SETS[setting].control
    for setting in ("halves", "dual"):
        yield setting, "single"


def _views(workspace: Workspace, table: str) -> pd.DataFrame:
    rows = workspace.predictions(table)
    averaged = [
        average_views(rows, views, missing="drop").assign(tested=words)
        for views, words in zip((HALVES, PHASES), AVERAGES, strict=True)
    ]
    both = pd.concat([rows.assign(tested=rows["test_view"]), *averaged], ignore_index=True)
    return _arranged(both.drop(columns="n_views"), ["setting", "tested"])


def _view_pairs(variants: list[str]) -> Iterator[Comparison]:
    settings = dict.fromkeys(variant.split(", ")[0] for variant in variants)
    for setting in settings:
        for tested in (*HALVES, *AVERAGES):
            yield f"{setting}, {tested}", f"{setting}, full"


def _images(workspace: Workspace, table: str) -> pd.DataFrame:
    rows = add_variant(on_view(workspace.predictions(table)), ["image"])
    # As the grid lists them, the usual image first.
    return _in_order(rows, [spec.views.image_name for spec in workspace.specs(table)])


def _image_pairs(variants: list[str]) -> Iterator[Comparison]:
    for variant in variants:
        if variant != USUAL_IMAGE:
            yield variant, USUAL_IMAGE


def _noise(workspace: Workspace, table: str) -> pd.DataFrame:
    rows = on_view(workspace.predictions(table))
    usual = rows["rules"].isin([data.rules for data in workspace.data.values()])
    rules = rows["rules"].str.removesuffix(", degenerate: skip_view")
    named = rows.assign(variant=rows["annotation"].where(usual, rules))
    moved = [Perturbation(apex_shift=k) for k in APEX_SHIFTS] + [
        Perturbation(trim=k) for k in TRIMS
    ]
    return _in_order(named, [AS_ANNOTATED, *(perturbation.name for perturbation in moved)])


def _noise_pairs(variants: list[str]) -> Iterator[Comparison]:
    for variant in variants:
        if variant != AS_ANNOTATED:
            yield variant, AS_ANNOTATED


def _pitfalls(workspace: Workspace, table: str) -> pd.DataFrame:
    # All networks of table 2 predicted after every epoch, so that choosing one costs no training.
    specs = [*workspace.specs(table), *workspace.specs("table2")]
    every = on_view(add_setting(workspace.store.predictions(specs, every_epoch=True)))
    epochs = every.groupby("run")["epoch"]
    last = every[every["epoch"] == epochs.transform("max")]
    honest = every["evaluation"].eq("loso") & (epochs.transform("nunique") > 1)
    chosen = chosen_epoch(every[honest]).assign(evaluation=CHOSEN_EPOCH)
    own = {spec.key for spec in workspace.specs(table)}
    shown = last[last["run"].isin(own | set(every.loc[honest, "run"]))]
    return _arranged(pd.concat([shown, chosen], ignore_index=True), ["setting", "evaluation"])


def _pitfall_pairs(variants: list[str]) -> Iterator[Comparison]:
    # By mistake, so that what one mistake adds stands together.
    for mistake in (CHOSEN_EPOCH, *EVALUATIONS):
        for variant in variants:
            setting, evaluation = variant.split(", ", 1)
            if evaluation == mistake != "loso":
                yield variant, f"{setting}, loso"


def chosen_epoch(predictions: pd.DataFrame) -> pd.DataFrame:
    """Choose each fold's epoch by the accuracy on the very subject that it tests: a mistake.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows of every epoch, on one view.

    Returns
    -------
    DataFrame
        Of each run and subject the rows of the epoch with the best accuracy, the first of
        equals.
    """
    if predictions.empty:
        return predictions
    fold = ["run", "subject"]
    right = predictions["y_true"].eq(predictions["y_pred"])
    accuracy = right.groupby([predictions[c] for c in [*fold, "epoch"]]).mean()
    best = accuracy.groupby(level=fold).idxmax().map(lambda at: at[-1]).rename("best")
    rows = predictions.merge(best.reset_index(), on=fold)
    return rows[rows["epoch"] == rows["best"]].drop(columns="best").reset_index(drop=True)


def fold_averages(predictions: pd.DataFrame) -> pd.DataFrame:
    """Score runs twice: pooled, and averaged over the subjects' own scores.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows of one view, the last epoch.

    Returns
    -------
    DataFrame
        One row a data set, model, setting and metric ("accuracy", "uf1", "uar"): pooled,
        subject mean, and what the average adds, each the mean over seeds. Models and settings
        in the order in which they are listed.
    """
    by = ["dataset", "model", "setting"]
    found = scores_by(predictions, [*by, "seed"], subject_mean=True)
    rows = []
    for name in ("accuracy", "uf1", "uar"):
        pooled, mean = found[f"{name}_pooled"], found[f"{name}_subject_mean"]
        part = found[by].assign(metric=name, pooled=pooled, subject_mean=mean, adds=mean - pooled)
        rows.append(part.groupby([*by, "metric"], sort=False).mean().reset_index())
    return in_order(pd.concat(rows, ignore_index=True))


def _arranged(rows: pd.DataFrame, words: list[str]) -> pd.DataFrame:
    """Add the variant; rows in the order in which settings and the like are listed."""
    order = [*COMPARED, *PARTS, *SPATIAL, *EVALUATIONS, CHOSEN_EPOCH, *PHASES, *AVERAGES]
    keys = rows[words].map(lambda name: order.index(name) if name in order else len(order))
    places = keys.sort_values(words, kind="stable").index
    return add_variant(rows.loc[places].reset_index(drop=True), words)


def _in_order(rows: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    """Sort by the variants as listed; others follow by name."""
    known = list(dict.fromkeys([*order, *sorted(set(rows["variant"]))]))
    places = rows["variant"].map(known.index).argsort(kind="stable")
    return rows.iloc[places].reset_index(drop=True)


_Prepare = Callable[[Workspace, str], pd.DataFrame]
_Pairs = Callable[[list[str]], Iterator[Comparison]]
#: Of each table: what reads its predictions, and what yields its comparisons.
ABLATIONS: dict[str, tuple[_Prepare, _Pairs]] = {
    "table3": (_spatial, _spatial_pairs),
    "table4": (_phases, _phase_pairs),
    "table5": (_views, _view_pairs),
    "table6": (_images, _image_pairs),
    "table7": (_noise, _noise_pairs),
    "table8": (_pitfalls, _pitfall_pairs),
}
