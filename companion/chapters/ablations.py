"""Chapters 6 to 11: tables 3 to 8, what each compares, and which question that answers.

A *variant* is what a table varies besides data set and model, in words: "dual, flip". A
comparison is a pair of variants, "dual, flip" against "dual, none", on the clips they share.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from companion.chapters.page import interval
from companion.chapters.pitfalls import CHOSEN_EPOCH, chosen_epoch
from companion.chapters.results import on_view, scores
from mer_utils import models, stats
from mer_utils.augment import SPATIAL
from mer_utils.datasets import title as dataset_title
from mer_utils.experiments import (
    COMPARED,
    PARTS,
    Workspace,
)
from mer_utils.experiments.tables import APEX_SHIFTS, TRIMS
from mer_utils.metrics import average_views
from mer_utils.phases import PHASES, TRAINING_SETS
from mer_utils.protocol import EVALUATIONS
from mer_utils.views import Perturbation

Comparison = tuple[str, str]
HALVES = ("onset_apex", "apex_offset")
AVERAGES = ("average of halves", "average of all three")
AS_ANNOTATED = "as annotated"
USUAL_IMAGE = "bilen, minmax, all frames"


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


def read(workspace: Workspace, table: str) -> Ablation:
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
    every = on_view(workspace.store.predictions(specs, every_epoch=True))
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


def add_variant(predictions: pd.DataFrame, words: Sequence[str]) -> pd.DataFrame:
    """Add the column ``variant``: the words in these columns, joined.

    Examples
    --------
    >>> rows = pd.DataFrame({"setting": ["dual"], "spatial": ["flip"]})
    >>> add_variant(rows, ["setting", "spatial"])["variant"].tolist()
    ['dual, flip']
    """
    joined = predictions[list(words)].astype(str).agg(", ".join, axis=1)
    return predictions.assign(variant=joined)


def variant_scores(predictions: pd.DataFrame, order: Sequence[str] = ()) -> pd.DataFrame:
    """Score every data set, model and variant, with intervals over subjects.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows with the column ``variant``, one a clip and run.
    order : sequence of str
        Variants in the order of the result; others follow as found.

    Returns
    -------
    DataFrame
        As `scores`, with ``variant`` in place of ``setting``.
    """
    return _ordered(scores(predictions, by=("variant",)), "variant", order)


def variant_differences(
    predictions: pd.DataFrame, comparisons: Iterable[Comparison]
) -> pd.DataFrame:
    """Compare variants in pairs, on the clips that both predict.

    Parameters
    ----------
    predictions : DataFrame
        Prediction rows with the column ``variant``, one a clip and run.
    comparisons : iterable of (str, str)
        A variant and what it is compared with.

    Returns
    -------
    DataFrame
        One row a data set, model, comparison and metric: comparison ("A minus B"), value, low,
        high, relative and the p values of :func:`mer_utils.stats.compare`; Holm's correction
        (``p_bootstrap_holm``) is over all comparisons here, metric by metric. Comparisons of
        which a side is missing are absent.
    """
    parts = []
    for treatment, baseline in comparisons:
        part = stats.compare(predictions, baseline, treatment, column="variant", missing="skip")
        if len(part):
            parts.append(part.assign(comparison=f"{treatment} minus {baseline}"))
    if not parts:
        columns = ["dataset", "model", "comparison", "metric", "value", "low", "high"]
        return pd.DataFrame(columns=[*columns, "relative", "p_bootstrap", "p_bootstrap_holm"])
    found = pd.concat(parts, ignore_index=True).rename(columns={"difference": "value"})
    adjusted = found.groupby("metric")["p_bootstrap"].transform(lambda p: stats.holm(p.to_numpy()))
    return _ordered(found.assign(p_bootstrap_holm=adjusted), "comparison", ())


def wide(tidy: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Lay out one data set's variants: a row a model and variant, a column a score.

    Parameters
    ----------
    tidy : DataFrame
        As `variant_scores` returns it.
    dataset : str

    Returns
    -------
    DataFrame
        Columns model, variant, accuracy, UF1, UAR, ``UAR, 95 % interval`` and clips.
    """
    rows = []
    part = tidy[tidy["dataset"] == dataset]
    order = list(dict.fromkeys(part["model"]))
    part = part.sort_values("model", key=lambda names: names.map(order.index), kind="stable")
    for (model, variant), group in part.groupby(["model", "variant"], sort=False):
        value = group.set_index("metric")["value"]
        uar = group[group["metric"] == "uar_pooled"].iloc[0]
        rows.append(
            {
                "model": models.title(str(model)),
                "variant": variant,
                "accuracy": value["accuracy_pooled"],
                "UF1": value["uf1_pooled"],
                "UAR": value["uar_pooled"],
                "UAR, 95 % interval": interval(uar),
                "clips": int(uar["clips"]),
            }
        )
    return pd.DataFrame(rows)


def facts(differences: pd.DataFrame, metric: str = "uar_pooled") -> dict[str, Any]:
    """Return what sentences say of many differences, by name.

    Parameters
    ----------
    differences : DataFrame
        As `variant_differences` returns them.
    metric : str

    Returns
    -------
    dict
        How many differences there are, how many have an interval wholly above or below zero,
        how many 95 % intervals would miss zero if nothing differed, how many stay below 0.05
        after Holm's correction, their mean, the mean width of an interval; the largest and the
        smallest, each with its name. Of no difference the counts are 0 and the rest is
        "undefined".
    """
    chosen = differences[differences["metric"] == metric]
    found: dict[str, Any] = {
        "n_differences": len(chosen),
        "n_above_zero": int((chosen["low"] > 0).sum()),
        "n_below_zero": int((chosen["high"] < 0).sum()),
        "n_by_chance": f"{0.05 * len(chosen):.1f}",
        "n_after_holm": int((chosen["p_bootstrap_holm"] < 0.05).sum()),
    }
    words = ("mean_difference", "mean_width", "largest", "smallest")
    if chosen.empty:
        return found | dict.fromkeys((*words, "largest_name", "smallest_name"), "undefined")
    value = chosen["value"].astype(float).reset_index(drop=True)
    extremes = {"largest": int(value.argmax()), "smallest": int(value.argmin())}
    return (
        found
        | {
            "mean_difference": f"{value.mean():+.3f}",
            "mean_width": f"{(chosen['high'] - chosen['low']).mean():.2f}",
        }
        | {name: f"{value[at]:+.3f}" for name, at in extremes.items()}
        | {f"{name}_name": _name(chosen.iloc[at]) for name, at in extremes.items()}
    )


def _name(row: pd.Series) -> str:
    return f"{row['comparison']}, {models.title(row['model'])}, {dataset_title(row['dataset'])}"


def _ordered(frame: pd.DataFrame, column: str, order: Sequence[str]) -> pd.DataFrame:
    """Sort by data set, by the order given (then as found), and by model as found."""
    known = list(dict.fromkeys([*order, *frame[column]]))
    keys = frame.assign(_place=frame[column].map(known.index))
    groups = {name: list(dict.fromkeys(frame[name])) for name in ("dataset", "model")}
    for name, names in groups.items():
        keys[name] = keys[name].map(names.index)
    places = keys.sort_values(["dataset", "_place", "model"], kind="stable").index
    return frame.loc[places].reset_index(drop=True)


_CONTROLS = r"(single twice|matched single)"
_EQUALLY_LONG = (
    rf"(halves|dual) minus {_CONTROLS}"
    # A linear machine is not trained step by step: plain single is its control.
    r"|(halves|dual) minus single \(baseline\)"
)
COLUMNS = [
    "question",
    "comparisons",
    "mean",
    "lowest",
    "highest",
    "above zero",
    "below zero",
    "after Holm",
]
_WHOLE, _PARTS = r"(single|matched single), ", r"(dual|halves), "
#: Of each table: a question and the comparisons ("A minus B") that bear on it, as a pattern.
QUESTIONS: dict[str, dict[str, str]] = {
    "table3": {
        "flips against none": r"(.+), flip minus \1, none",
        "rotations against none": r"(.+), rotation minus \1, none",
        "flips and rotations against none": r"(.+), flip\+rotation minus \1, none",
        "dual against matched single, augmented alike": r"dual, (.+) minus matched single, \1",
        "dual, augmented or not, against plain single": r"dual, .+ minus single, none",
    },
    "table4": {
        "longer training alone": r"matched single minus single",
        "the phases, training equally long": _EQUALLY_LONG,
        "a cut at random, training equally long": rf".+, random cut minus {_CONTROLS}",
        "a cut at the apex against one at random": r"(.+) minus \1, random cut",
        "the rise alone against the whole clip": r"onset_apex only minus single",
        "the fall alone against the whole clip": r"apex_offset only minus single",
        "the phases and longer training together": r"(halves|dual) minus single",
    },
    "table5": {
        f"{tested}; trained on {trained}": rf"{pattern}{view} minus .+"
        for trained, pattern in (("full alone", _WHOLE), ("the phases", _PARTS))
        for tested, view in (
            ("the rise", "onset_apex"),
            ("the fall", "apex_offset"),
            ("average of halves", "average of halves"),
            ("average of all three", "average of all three"),
        )
    },
    "table6": {
        "linear weights": r"linear, .+",
        "ported weights": r"ported, .+",
        "symmetric scaling": r"bilen, symmetric, .+",
        "fewer frames": r"bilen, minmax, \d+ frames minus .+",
        "apex difference": r"apex difference, .+",
    },
    "table7": {
        "apex moved by up to 2 or 4 frames": r"apex ±[24] minus .+",
        "apex moved by up to 8 or 16 frames": r"apex ±(8|16) minus .+",
        "both ends trimmed": r"trimmed by .+",
        "other rules for odd clips": r"missing apex: .+",
    },
    "table8": {
        "test-subject epoch": r".+, test-subject epoch minus .+",
        "mixed folds": r".+, mixed folds minus .+",
        "held-out copies": r".+, held-out copies minus .+",
    },
}


def by_question(differences: pd.DataFrame, table: str, metric: str = "uar_pooled") -> pd.DataFrame:
    """Sum up a table's differences, one row a question.

    Parameters
    ----------
    differences : DataFrame
        As `variant_differences` returns them.
    table : str
        A key of `QUESTIONS`.
    metric : str

    Returns
    -------
    DataFrame
        Columns question, comparisons (how many: models and data sets count each), mean,
        lowest, highest, above zero and below zero (how many have an interval wholly there)
        and after Holm (how many stay below 0.05 after the correction over the whole table).
        Every comparison is counted under the first question that it answers; a question
        without any has no row.
    """
    chosen = differences[differences["metric"] == metric]
    asked = chosen.assign(question=_asked(chosen, QUESTIONS[table]))
    rows = []
    for question in QUESTIONS[table]:
        part = asked[asked["question"] == question]
        if len(part):
            rows.append(
                {
                    "question": question,
                    "comparisons": len(part),
                    "mean": part["value"].mean(),
                    "lowest": part["value"].min(),
                    "highest": part["value"].max(),
                    "above zero": int((part["low"] > 0).sum()),
                    "below zero": int((part["high"] < 0).sum()),
                    "after Holm": int((part["p_bootstrap_holm"] < 0.05).sum()),
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _asked(differences: pd.DataFrame, questions: dict[str, str]) -> pd.Series:
    """Return the first question that each comparison answers, "" where there is none."""
    baseline = ~models.are_networks(differences["model"])
    words = differences["comparison"] + baseline.map({True: " (baseline)", False: ""})
    found = {
        name: next(
            (
                question
                for question, pattern in questions.items()
                # Most questions are put to networks and baselines alike.
                if re.fullmatch(pattern, name)
                or re.fullmatch(pattern, name.removesuffix(" (baseline)"))
            ),
            "",
        )
        for name in set(words)
    }
    return words.map(found)


def learning_curve(
    workspace: Workspace, table: str, model: str, metric: str = "uar_pooled"
) -> pd.DataFrame:
    """Score a network after every epoch.

    Parameters
    ----------
    workspace : Workspace
    table : str
        The table whose runs are read.
    model : str
    metric : str

    Returns
    -------
    DataFrame
        One row a data set, setting and epoch: dataset, setting, epoch, images_seen (training
        images shown so far, mean over the folds), value, low, high. No epoch is chosen by it:
        the last one counts.
    """
    rows = on_view(workspace.predictions(table, every_epoch=True))
    rows = rows[rows["model"].eq(model) & rows["annotation"].eq("as annotated")]
    specs = [s for s in workspace.specs(table) if s.model.name == model]
    notes = workspace.store.environments(specs)
    epochs = notes["run"].map({s.key: s.training.epochs for s in specs})
    an_epoch = (notes["images_shown"] / epochs).groupby(notes["run"]).mean()
    curve = scores(rows, by=("setting", "epoch"))
    curve = curve[curve["metric"] == metric]
    by_setting = rows.drop_duplicates(["dataset", "setting"]).set_index(["dataset", "setting"])[
        "run"
    ]
    runs = pd.Series(
        [by_setting[d, s] for d, s in zip(curve["dataset"], curve["setting"], strict=True)]
    )
    seen = runs.map(an_epoch).to_numpy() * curve["epoch"].to_numpy()
    columns = ["dataset", "setting", "epoch", "images_seen", "value", "low", "high"]
    return curve.assign(images_seen=seen)[columns].reset_index(drop=True)


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
