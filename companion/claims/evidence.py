"""Evidence: every comparison that a rule names, on every network and data set and on average."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from companion.claims.rows import COLUMNS, EVIDENT, VIEWS, Comparison, count_phases
from companion.claims.rules import RULES
from mer_utils import experiments, stats
from mer_utils.experiments import Workspace
from mer_utils.experiments.questions import chosen
from mer_utils.models import are_networks, is_network
from mer_utils.runs import RunSpec
from mer_utils.stats import EVERY


def evidence(workspace: Workspace) -> pd.DataFrame:
    """Collect the evidence that the store and the data of a workspace hold.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, one row per table, comparison, metric, data set and network, and
        those for the means over data sets and networks (`EVERY`). ``above_chance`` says whether
        either setting of a network on a data set is, ``steps_apart`` in how many of their folds
        the two settings took different numbers of steps, ``missing_folds`` how many folds the
        table lacks for the network and data set, which have one row without a comparison if
        nothing can be compared yet. A table of which nothing was computed has no row. The rows
        of table "views" count clips, see `count_phases`.
    """
    parts = [_phases(workspace), *(_of_table(workspace, name) for name in EVIDENT)]
    found = pd.concat([part for part in parts if len(part)], ignore_index=True)
    titles = {name: data.dataset.title for name, data in workspace.data.items()}
    made = {name: workspace.is_synthetic(name) for name in titles}
    words = {n: f"synthetic twin of {t}" if made[n] else t for n, t in titles.items()}
    return found.assign(
        synthetic=found["dataset"].map(made | {EVERY: any(made.values())}).astype(bool),
        data=found["dataset"].map(words | {EVERY: "; ".join(words.values())}),
    ).reindex(columns=list(COLUMNS))


def _phases(workspace: Workspace) -> pd.DataFrame:
    specs = {spec.data.dataset: spec for spec in reversed(workspace.specs("table2"))}
    rows = [
        {"table": VIEWS, "dataset": name, "model": "", "metric": metric, "difference": count}
        for name in workspace.data
        # Results that come without their data come without frames to count.
        if name in specs and workspace.clips(name)["onset"].notna().any()
        for metric, count in count_phases(
            workspace.clips(name), workspace.views(specs[name])
        ).items()
    ]
    return pd.DataFrame(rows).assign(missing_folds=0)


def _of_table(workspace: Workspace, name: str) -> pd.DataFrame:
    # Baselines are no networks, of which the claims speak.
    specs = [spec for spec in workspace.specs(name) if is_network(spec.model.name)]
    missing = workspace.missing(specs)
    lacking = Counter((job.spec.data.dataset, job.spec.model.name) for job in missing)
    if len(missing) == len(workspace.jobs(specs)):
        return pd.DataFrame()
    predictions = experiments.read(workspace, name)
    predictions = predictions[are_networks(predictions["model"])].reset_index(drop=True)
    steps = _steps(workspace, specs)
    # Several rules name the same comparison; those of another table have the same words.
    named = {
        comparison.words: comparison
        for rule in RULES.values()
        for comparison in (*rule.rests_on, *rule.beside)
        if comparison.table == name
    }
    parts = [compared(predictions, comparison, steps) for comparison in named.values()]
    found = pd.concat(parts, ignore_index=True)
    have = set(zip(found["dataset"], found["model"], strict=True)) if len(found) else set()
    nothing = [{"dataset": d, "model": m, "metric": ""} for d, m in lacking if (d, m) not in have]
    rows = pd.concat([found, pd.DataFrame(nothing)], ignore_index=True)
    folds = [lacking[key] for key in zip(rows["dataset"], rows["model"], strict=True)]
    return rows.assign(table=name, missing_folds=folds)


def compared(
    predictions: pd.DataFrame, comparison: Comparison, steps: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the rows of one comparison; none where no network has both of its settings."""
    arms = comparison.both
    sides = [chosen(predictions, arm) for arm in arms]
    # What the rule does not name, a table may vary as well: both sides have it in common.
    columns = [c for c in experiments.TABLES[comparison.table].columns if c not in arms[1]]
    sides[0] &= _common(predictions, sides[1], ["dataset", *columns])
    rows = predictions[sides[0] | sides[1]]
    there = [set(predictions.loc[side, "model"]) for side in sides]
    if not there[0] & there[1]:
        return pd.DataFrame(columns=["dataset", "model"])
    found = stats.pooled_differences(rows, *arms)
    clear, apart = {}, {}
    for key, part in rows.groupby(["dataset", "model"]):
        own = [part[chosen(part, arm)] for arm in arms]
        p = [stats.chance_p(each) for each in own if len(each)]
        clear[key] = bool(min(p) < stats.FLOOR_ALPHA)
        apart[key] = _apart(own, steps)
    keys = list(zip(found["dataset"], found["model"], strict=True))
    baseline, treatment = arms
    return found.assign(
        **treatment,
        **{f"base_{column}": value for column, value in baseline.items()},
        above_chance=pd.Series([clear.get(key) for key in keys], dtype=object),
        steps_apart=[apart.get(key, np.nan) for key in keys],
    )


def _common(rows: pd.DataFrame, side: pd.Series, columns: list[str]) -> np.ndarray:
    """Return which rows have, in some columns, what rows of a side have."""
    values = rows.loc[side, columns].drop_duplicates()
    return rows[columns].merge(values, how="left", indicator=True)["_merge"].eq("both").to_numpy()


def _steps(workspace: Workspace, specs: Sequence[RunSpec]) -> pd.DataFrame:
    """Return the optimiser's steps of every fold that says them: run, held_out, seed, steps."""
    notes = workspace.store.environments(specs)
    columns = ["run", "held_out", "seed", "steps"]
    return notes.reindex(columns=columns).dropna(subset="steps")


def _apart(arms: Sequence[pd.DataFrame], steps: pd.DataFrame | None) -> float:
    """Count the folds of two settings that took different numbers of steps; NaN if none says."""
    if steps is None or steps.empty:
        return np.nan
    own = [
        steps[steps["run"].isin(arm["run"].unique())].set_index(["held_out", "seed"])["steps"]
        for arm in arms
    ]
    both = pd.concat([each[~each.index.duplicated()] for each in own], axis=1, join="inner")
    return float((both.iloc[:, 0] != both.iloc[:, 1]).sum()) if len(both) else np.nan
