"""Scores and differences of a table, laid out for reading and quoted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML, display
from pandas.io.formats.style import Styler

from companion.chapters import page, trace
from companion.chapters.page import (
    download,
    interval,
    number,
    p_value,
    show,
    signed,
    traced_frame,
    with_interval,
)
from mer_utils import experiments, models
from mer_utils.experiments import TABLES, Profile, Table, Workspace
from mer_utils.plotting.words import (
    comparison_words,
    dataset_title,
    dataset_words,
    in_words,
    metric_title,
    setting_words,
)
from mer_utils.runs.environment import mixed
from mer_utils.views import ViewOptions

#: The score of which the pages' sentences speak.
UAR = "uar_pooled"
#: About as many marks has a learning curve.
POINTS = 10


@dataclass(frozen=True)
class Shown:
    """One table, ready to be shown.

    Parameters
    ----------
    table : Table
    predictions : DataFrame
        As `mer_utils.experiments.read` makes them.
    """

    table: Table
    predictions: pd.DataFrame

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that tell the variants of a model apart."""
        return self.table.columns

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The scores of every variant, as they stand in the table."""
        found = experiments.scores(self.predictions, self.columns)
        if len(self.columns) <= 1:
            return found
        variants = experiments.in_order(self.predictions[[*self.columns]], self.columns)
        return _by_variant(found, variants)

    @cached_property
    def differences(self) -> pd.DataFrame:
        """The comparisons that answer the table's questions."""
        return experiments.differences(self.predictions, self.table)


def read(workspace: Workspace, name: str) -> Shown:
    """Read a table from the store, to be scored and compared where it is asked for.

    Raises
    ------
    MerError
        "no results" if none of the table's folds is in the store.
    """
    return Shown(TABLES[name], experiments.read(workspace, name))


def _by_variant(scores: pd.DataFrame, variants: pd.DataFrame) -> pd.DataFrame:
    """Sort by data set, then as the variants stand, whose values are listed in that order."""

    def keys(rows: pd.DataFrame) -> list[tuple]:
        return list(
            rows.astype(object).where(rows.notna(), None).itertuples(index=False, name=None)
        )

    places = {key: place for place, key in enumerate(dict.fromkeys(keys(variants)))}
    order = scores.assign(place=[places[key] for key in keys(scores[list(variants)])])
    by = ["dataset", "place"]
    return order.sort_values(by, kind="stable", ignore_index=True).drop(columns="place")


def chance(workspace: Workspace) -> dict[str, float]:
    """Return, by data set, the UAR of a predictor that knows nothing: one over the classes."""
    return {n: 1 / len(workspace.clips(n)["label"].cat.categories) for n in workspace.data}


def chance_words(workspace: Workspace) -> str:
    """Return the levels of chance for a sentence: one number where all data sets have one."""
    levels = chance(workspace)
    if len(set(levels.values())) == 1:
        return f"{next(iter(levels.values())):.2f}"
    return ", ".join(f"{level:.2f} on {dataset_words(name)}" for name, level in levels.items())


def wide(shown: Shown, only: str | None = None) -> pd.DataFrame:
    """Lay out scores, if named of `only` one data set: a row per model and variant."""
    heading = "setting" if shown.columns == ("setting",) else "variant"
    rows, traced = [], []
    scores = shown.scores
    if only is not None:
        scores = scores[scores["dataset"] == only]
    for dataset, model, variant, group in _variants(scores, shown.columns):
        traced.append([trace.variant(shown.table.name, group.iloc[0], variant)])
        value = group.set_index("metric")["value"]
        uar = group[group["metric"] == UAR].iloc[0]
        rows.append(
            {
                "data set": dataset,
                "model": models.title(model),
                heading: variant,
                "accuracy": value["accuracy_pooled"],
                "UF1": value["uf1_pooled"],
                "UAR": value[UAR],
                "UAR, 95 % interval": interval(uar),
                "above chance": "yes" if uar["above_chance"] else "no",
                "clips": int(uar["clips"]),
                "seeds": int(uar["seeds"]),
            }
        )
    return traced_frame(pd.DataFrame(rows), traced)


def seeds_words(profile: Profile) -> str:
    """Say with how many seeds table 2 trains which networks.

    Examples
    --------
    >>> seeds_words(experiments.PROFILES["paper"].changed(models=["learnet", "vgg19"], seeds=2))
    'LEARNet, VGG19: 2 seeds'
    """
    counted: dict[int, list[str]] = {}
    for name in profile.networks:
        counted.setdefault(len(profile.seeds_of(name)), []).append(models.title(name))
    said = [f"{', '.join(names)}: {n} seed{'s' * (n > 1)}" for n, names in sorted(counted.items())]
    return "; ".join(reversed(said))


def _variants(
    scores: pd.DataFrame, columns: tuple[str, ...]
) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Yield data set, model, variant in words and scores, model by model."""
    for dataset, of_data in scores.groupby("dataset", sort=False):
        for model in experiments.in_order(of_data[["model"]].drop_duplicates())["model"]:
            part = of_data[of_data["model"] == model]
            for _, group in part.groupby(list(columns), sort=False, dropna=False):
                yield str(dataset), model, setting_words(group.iloc[0], columns), group


def wide_differences(shown: Shown, metric: str = UAR) -> pd.DataFrame:
    """Lay out the differences in one score for reading, a row per model and comparison."""
    rows = experiments.in_order(shown.differences[shown.differences["metric"] == metric], ())
    frame = pd.DataFrame(
        {
            "data set": rows["dataset"],
            "model": rows["model"].map(models.title),
            "comparison": in_words(rows, shown.columns),
            "difference": rows["value"],
            "relative": rows["relative"],
            "95 % interval": [interval(row) for _, row in rows.iterrows()],
            "p (Holm)": rows["p_bootstrap_holm"].map(p_value),
        }
    )
    return traced_frame(frame, trace.sides(shown.table.name, rows, shown.columns))


def by_question(shown: Shown, metric: str = UAR) -> pd.DataFrame:
    """Sum up a table's differences in one score, a row per question that has any.

    Models and data sets count each; *above* and *below zero* count intervals wholly there,
    *after Holm* those that stay below 0.05 after the correction over the whole table. Counted
    all together, comparisons mix answers: those of *dual* with plain *single* may all be above
    zero because of longer training alone.
    """
    found = shown.differences[shown.differences["metric"] == metric]
    rows = []
    for question in shown.table.questions:
        part = found[found["question"] == question.name]
        if len(part):
            rows.append(
                {
                    "question": question.name,
                    "comparisons": len(part),
                    "mean": part["value"].mean(),
                    "lowest": part["value"].min(),
                    "highest": part["value"].max(),
                    "above zero": int((part["low"] > 0).sum()),
                    "below zero": int((part["high"] < 0).sum()),
                    "after Holm": int((part["p_bootstrap_holm"] < 0.05).sum()),
                }
            )
    return pd.DataFrame(rows)


def counts(differences: pd.DataFrame) -> dict[str, Any]:
    """Return what sentences say of differences in one score: how many, of which sign, how wide.

    The means of no difference are undefined: NaN.
    """
    return {
        "n_differences": len(differences),
        "n_above_zero": int((differences["low"] > 0).sum()),
        "n_below_zero": int((differences["high"] < 0).sum()),
        "n_after_holm": int((differences["p_bootstrap_holm"] < 0.05).sum()),
        "mean_difference": float(differences["value"].mean()),
        "mean_width": float((differences["high"] - differences["low"]).mean()),
    }


def said(
    rows: pd.DataFrame, columns: Sequence[str] = ("setting",), metric: str = UAR, most: int = 3
) -> str:
    """Say what differences in one score show: their signs, and which survive correction.

    Parameters
    ----------
    rows : DataFrame
        Differences, as a table has them.
    columns : sequence of str
        What tells the variants of a model apart.
    metric : str
    most : int
        So many of those that survive are named, the largest first; where none survives, the one
        furthest from zero.
    """
    rows = rows[rows["metric"] == metric]
    if rows.empty:
        return "no two sides of a comparison are there."
    if len(rows) == 1:
        return f"the only difference in {metric_title(metric)} is {_named(rows.iloc[0], columns)}."
    rows = rows.assign(size=rows["value"].abs()).sort_values("size", ascending=False, kind="stable")
    up, down = int((rows["low"] > 0).sum()), int((rows["high"] < 0).sum())
    mean = signed(rows["value"].mean(), "{:+.3f}")
    words = (
        f"the {len(rows)} differences in {metric_title(metric)} are {mean} on "
        f"average; {number(up)} of their intervals {'lies' if up == 1 else 'lie'} wholly above "
        f"zero and {number(down)} wholly below, where {0.05 * len(rows):.1f} would miss it by "
        "chance."
    )
    sure = rows[rows["p_bootstrap_holm"] < 0.05]
    named = [_named(row, columns) for _, row in sure.head(most).iterrows()]
    if not named:
        furthest = _named(rows.iloc[0], columns)
        return (
            f"{words} After Holm's correction none is left; the furthest from zero is {furthest}."
        )
    more = f" and {len(sure) - most} more" if len(sure) > most else ""
    left = "one is" if len(sure) == 1 else f"{len(sure)} are"
    return f"{words} After Holm's correction {left} left: {'; '.join(named)}{more}."


def here(shown: Shown, rows: pd.DataFrame | None = None, metric: str = UAR) -> HTML:
    """Say what differences of a table show, by default all, and lead to the runs behind them."""
    rows = shown.differences if rows is None else rows
    rows = rows[rows["metric"] == metric]
    return page.here(said(rows, shown.columns, metric), names(shown, rows))


def names(shown: Shown, rows: pd.DataFrame) -> list[str]:
    """Return the names of the variants of which rows of scores or differences are."""
    sides = trace.sides(shown.table.name, rows, shown.columns)
    return list(dict.fromkeys(chain.from_iterable(sides)))


def grid(shown: Shown, metric: str = UAR) -> pd.DataFrame:
    """Average table 5's scores over models and data sets: tested views down, training sets across.

    NaN stands where a view is not tested.
    """
    rows = shown.scores[shown.scores["metric"] == metric]
    words = [setting_words(row, ("tested",)).replace(", ", ",\n") for _, row in rows.iterrows()]
    rows = rows.assign(tested=words)
    names = {c: list(dict.fromkeys(rows[c])) for c in ("tested", "setting")}
    found = rows.pivot_table(index="tested", columns="setting", values="value", dropna=False)
    found = found.reindex(index=names["tested"], columns=names["setting"])
    return found.rename_axis(index="tested on", columns="trained on")


def said_of_grid(found: pd.DataFrame) -> str:
    """Say which cell of `grid` is best, which is worst, and where the full image stands."""
    cells = found.melt(ignore_index=False, value_name="value").dropna().reset_index()
    cells = cells.sort_values("value", kind="stable")
    words = [
        f"{cell['trained on']} tested on {' '.join(cell['tested on'].split())} "
        f"({cell['value']:.2f})"
        for cell in (cells.iloc[-1], cells.iloc[0])
    ]
    full = cells.loc[cells["tested on"] == "full", "value"]
    ends = f"; on the full image it is {full.min():.2f} to {full.max():.2f}" if len(full) else ""
    return f"the highest mean is that of {words[0]}, the lowest that of {words[1]}{ends}."


#: So many lines of a curve are told one by one.
_LISTED = 4


def said_of_curve(curve: pd.DataFrame) -> str:
    """Say where each line of a `learning_curve` ends, with its interval; of many, how far apart."""
    one = len(set(curve["model"])) == 1
    line = curve["setting"] if one else curve["model"].map(models.title)
    parts = []
    for dataset, part in curve.assign(line=line).groupby("dataset", sort=False):
        last = part.loc[part.groupby("line", sort=False)["epoch"].idxmax()]
        many = len(last) > _LISTED
        if many:
            last = last.sort_values("value").iloc[[0, -1]]
        ends = [f"{row['line']} {row['value']:.2f} ({interval(row)})" for _, row in last.iterrows()]
        said = f"from {ends[0]} to {ends[1]}" if many else ", ".join(ends)
        parts.append(f"{dataset_words(str(dataset))}: {said}")
    return f"after the last epoch the score is, on {'; on '.join(parts)}."


def said_of_longer(scores: pd.DataFrame, metric: str = UAR) -> str:
    """Say what showing the same images three times as often gives each network of table 2.

    What is trained to its end gains nothing by it.
    """
    rows = scores[scores["metric"].eq(metric) & models.are_networks(scores["model"])]
    both = rows.pivot_table("value", ["dataset", "model"], "setting")
    both = both.reindex(columns=["single", "matched single"]).dropna()
    if both.empty:
        return "no network has both single and matched single."
    more = both["matched single"] - both["single"]
    return (
        "matched single, which shows the same images three times, is ahead of single by "
        f"{signed(more.mean(), '{:+.3f}')} on the mean over {len(more)} pairs of network and data "
        f"set, and in {number(int((more > 0).sum()))} of them."
    )


def _named(row: pd.Series, columns: Sequence[str]) -> str:
    """Return a difference in words, with its value and its interval."""
    who = f"{models.title(row['model'])}, {dataset_title(row['dataset'])}"
    return f"{comparison_words(row, columns)}, {who} {with_interval(row)}"


def show_scores(shown: Shown, by: str) -> None:
    """Show a table's scores, one table per data set, and offer all of them as a file.

    Parameters
    ----------
    shown : Shown
    by : str
        What is varied, for the captions.
    """
    for dataset in shown.scores["dataset"].unique():
        caption = f"{dataset_title(dataset)}: pooled scores by {by}."
        display(show(wide(shown, dataset).drop(columns="data set"), caption))
    display(
        download(shown.scores, f"{shown.table.name}-scores".replace("_", "-"), what="All scores")
    )


def controlled(differences: pd.DataFrame, metric: str = UAR) -> pd.DataFrame:
    """Return the differences of dual and matched single, its control, in one score."""
    chosen = differences["metric"].eq(metric) & differences["base_setting"].eq("matched single")
    return differences[chosen & differences["setting"].eq("dual")].reset_index(drop=True)


def quoted(shown: Shown, metric: str = UAR) -> dict[str, Any]:
    """Return the numbers that the sentences about table 2 quote, by name.

    Returns
    -------
    dict
        For each data set: the best score of a network, whose it is and its interval; the best
        score of a baseline and whose; mean score of each setting over the networks. Over all:
        the `counts` of the differences of dual and its control.
    """
    numbers: dict[str, Any] = {}
    chosen = shown.scores[shown.scores["metric"] == metric]
    network = models.are_networks(chosen["model"])
    for dataset, part in chosen[~network].groupby("dataset"):
        best = part.iloc[int(part["value"].to_numpy().argmax())]
        numbers[f"{dataset}_baseline"] = float(best["value"])
        numbers[f"{dataset}_baseline_name"] = f"{models.title(best['model'])}, {best['setting']}"
    for dataset, part in chosen[network].groupby("dataset"):
        best = part.iloc[int(part["value"].to_numpy().argmax())]
        numbers |= {
            f"{dataset}_best": float(best["value"]),
            f"{dataset}_best_interval": interval(best),
            f"{dataset}_best_model": models.title(best["model"]),
            f"{dataset}_best_setting": best["setting"],
            f"{dataset}_clips": int(best["clips"]),
            f"{dataset}_subjects": int(best["subjects"]),
        }
        for setting, mean in part.groupby("setting")["value"].mean().items():
            numbers[f"{dataset}_mean_{str(setting).replace(' ', '_')}"] = float(mean)
    return numbers | counts(controlled(shown.differences, metric))


def said_of_best(shown: Shown) -> str:
    """Say which network and which baseline score best on each data set, with the interval."""
    said = quoted(shown)
    parts = []
    for name in dict.fromkeys(shown.scores["dataset"]):
        words = []
        if f"{name}_best" in said:
            words.append(
                f"{said[f'{name}_best']:.2f} for a network ({said[f'{name}_best_model']}, "
                f"{said[f'{name}_best_setting']}; 95 % interval over "
                f"{said[f'{name}_subjects']} subjects {said[f'{name}_best_interval']})"
            )
        if f"{name}_baseline" in said:
            baseline = f"{said[f'{name}_baseline']:.2f} for a baseline"
            words.append(f"{baseline} ({said[f'{name}_baseline_name']})")
        parts.append(f"on {dataset_words(name)} {' and '.join(words)}")
    return f"the best scores are, {'; '.join(parts)}."


def missing_runs(workspace: Workspace, name: str) -> pd.DataFrame:
    """Return the runs of a table of which the store lacks folds, and what computes them."""
    rows: dict[str, dict[str, Any]] = {}
    for job in workspace.missing(workspace.specs(name)):
        said = job.spec.columns
        varied = ("setting", *(c for c in TABLES[name].columns if c in said and c != "setting"))
        row = rows.setdefault(
            job.spec.key,
            {
                "data set": said["dataset"],
                "model": models.title(said["model"]),
                "variant": setting_words(said, varied),
                "seed": said["seed"],
                "folds missing": 0,
                "command": workspace.command(name),
            },
        )
        row["folds missing"] += 1
    return pd.DataFrame(rows.values())


def missing_note(workspace: Workspace, name: str) -> HTML | Styler:
    """Say that a table is complete, or show which of its runs lack folds and what fills them.

    Where its folds were computed in several environments, a line above says so.
    """
    if said := mixed_note(workspace, name):
        display(said)
    missing = missing_runs(workspace, name)
    if missing.empty:
        folds = len(workspace.jobs(workspace.specs(name)))
        title = f"<em>{escape(TABLES[name].title)}</em>"
        return HTML(f'<p class="mer-note">All {folds:,} folds of {title} are in the store.</p>')
    return show(missing, "Runs of this table that lack folds: what is shown rests on the others.")


def mixed_note(workspace: Workspace, *names: str) -> HTML | None:
    """Say of each table, of all by default, in which environments its folds were computed.

    Nothing of a table whose folds were computed in one, and are on record; None if all were.
    """
    store, found = workspace.store, {}
    for name in names or TABLES:
        specs = workspace.specs(name)
        found[name] = mixed(store.environments(specs), store.unrecorded(specs))
    lines = [f"{name}: {escape(said)}" for name, said in found.items() if said]
    return HTML(f'<p class="mer-note">{"<br>".join(lines)}</p>') if lines else None


def learning_curve(
    workspace: Workspace,
    name: str,
    chosen: Iterable[str],
    settings: Iterable[str] = experiments.COMPARED,
    metric: str = UAR,
) -> pd.DataFrame:
    """Score some networks of a table as they are trained, as annotated; no epoch is chosen by it.

    Returns
    -------
    DataFrame
        One row per data set, model, setting and epoch, of which there are about `POINTS`, the
        last among them: dataset, model, setting, epoch, images_seen (training images shown so
        far, mean over the folds), value, low, high.
    """
    usual, names, kinds = ViewOptions().perturbation, set(chosen), set(settings)
    specs = [s for s in workspace.specs(name) if s.model.name in names and s.setting in kinds]
    specs = [s for s in specs if s.views.perturbation == usual]
    rows = experiments.on_view(workspace.store.predictions(specs, every_epoch=True))
    last = rows.groupby("run")["epoch"].transform("max")
    rows = rows[(last - rows["epoch"]) % np.ceil(last / POINTS) == 0]
    notes = workspace.store.environments(specs)
    epochs = notes["run"].map({s.key: s.training.epochs for s in specs})
    per_epoch = (notes["images_shown"] / epochs).groupby(notes["run"]).mean()
    rows = rows.assign(images_seen=rows["run"].map(per_epoch) * rows["epoch"])
    key = ["dataset", "model", "setting", "epoch"]
    curve = experiments.scores(rows, ("setting", "epoch"))
    curve = curve[curve["metric"] == metric]
    seen = rows.groupby(key)["images_seen"].first().reset_index()
    return curve.merge(seen, on=key)[[*key, "images_seen", "value", "low", "high"]]
