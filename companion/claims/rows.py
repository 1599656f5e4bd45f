"""Evidence: every difference that a claim may rest on, as one tidy frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from companion.chapters import tables
from mer_utils.experiments import TABLES, Workspace
from mer_utils.experiments.questions import chosen
from mer_utils.models import are_networks, is_network
from mer_utils.phases import PHASES
from mer_utils.plotting.words import comparison_words
from mer_utils.stats import holm
from mer_utils.views import Views

#: The tables whose differences are evidence; a table that is not here is none.
EVIDENT = ("table2", "table3", "table4", "table5", "table7")
#: Of a row: the columns that those tables compare, and each of them of the baseline.
ARMS = tuple(dict.fromkeys(c for name in EVIDENT for c in TABLES[name].columns))
COMPARED = tuple(name for c in ARMS for name in (c, f"base_{c}"))
#: What a row of evidence is; whatever else a table measures (McNemar's p among it) is left out.
COLUMNS = (
    *("table", "dataset", "model", "metric", *COMPARED),
    *("value", "low", "high", "relative", "p_bootstrap_holm", "missing_folds", "synthetic", "data"),
)
METRICS = ("accuracy_pooled", "uf1_pooled", "uar_pooled")
VIEWS = "views"
CLIPS, TWO_PHASES, DIFFER = "clips", "clips with two phases", "clips whose images differ"


class Comparison(NamedTuple):
    """One comparison of a table.

    Parameters
    ----------
    table : str
    treatment : mapping of column to value
    baseline : mapping of column to value
        In which columns it differs from the treatment.
    """

    table: str
    treatment: Mapping[str, Any]
    baseline: Mapping[str, Any]

    @property
    def words(self) -> str:
        """The comparison for a reader: "dual, flip minus matched single, flip"."""
        based = {f"base_{column}": value for column, value in self.baseline.items()}
        columns = [c for c in TABLES[self.table].columns if c in self.treatment]
        return comparison_words({**self.treatment, **based}, columns)

    def rows(self, evidence: pd.DataFrame) -> pd.Series:
        """Return which rows of the evidence are this comparison."""
        both = {**self.treatment, **self.baseline}
        arms = {**self.treatment, **{f"base_{column}": value for column, value in both.items()}}
        return evidence["table"].eq(self.table) & chosen(evidence, arms)


def evidence(workspace: Workspace) -> pd.DataFrame:
    """Collect the evidence that the store and the data of a workspace hold.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, one row per table, data set, network, metric and comparison;
        ``missing_folds`` counts the folds that the table lacks for that data set and network,
        which have one row without a comparison if nothing can be compared yet. A table of
        which nothing was computed has no row. The rows of table "views" count clips, see
        `count_phases`.
    """
    parts = [_phases(workspace), *(_of_table(workspace, name) for name in EVIDENT)]
    found = pd.concat([part for part in parts if len(part)], ignore_index=True)
    titles = {name: data.dataset.title for name, data in workspace.data.items()}
    made = {name: workspace.is_synthetic(name) for name in titles}
    words = {n: f"synthetic twin of {t}" if made[n] else t for n, t in titles.items()}
    return found.assign(
        synthetic=found["dataset"].map(made).astype(bool), data=found["dataset"].map(words)
    ).reindex(columns=list(COLUMNS))


def count_phases(clips: pd.DataFrame, views: Views) -> dict[str, int]:
    """Count clips, clips with two phases, and of those the ones with three different views.

    A clip has two phases if its apex lies strictly between onset and offset; one without
    annotated frames (a manifest of finished images) if both views are given.

    Parameters
    ----------
    clips : DataFrame
        The clip table, n rows.
    views : Views
        Of these clips, in the same order.
    """
    present = views.present["onset_apex"] & views.present["apex_offset"]
    onset, apex, offset = (
        clips[name].astype("Float64").to_numpy(float, na_value=np.nan)
        for name in ("onset", "apex", "offset")
    )
    two = present if np.isnan(onset).all() else (onset < apex) & (apex < offset)
    differ = [
        clip
        for clip in np.flatnonzero(two & present)
        if all(
            (views.images[one][clip] != views.images[other][clip]).any()
            for one, other in combinations(PHASES, 2)
        )
    ]
    return {CLIPS: len(clips), TWO_PHASES: int(two.sum()), DIFFER: len(differ)}


def _phases(workspace: Workspace) -> pd.DataFrame:
    specs = {spec.data.dataset: spec for spec in reversed(workspace.specs("table2"))}
    rows = [
        {"table": VIEWS, "dataset": name, "model": "", "metric": metric, "value": count}
        for name in workspace.data
        if name in specs
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
    found = tables.read(workspace, name).differences
    found = found[are_networks(found["model"])]
    if len(found):
        # Holm's correction is over models and data sets, one comparison and score at a time.
        columns = [c for c in COMPARED if c in found]
        p = found.groupby([*columns, "metric"], dropna=False)["p_bootstrap"]
        adjusted = p.transform(lambda values: holm(values.to_numpy()))
        found = found.assign(p_bootstrap_holm=adjusted)
    have = set(zip(found["dataset"], found["model"], strict=True))
    nothing = [{"dataset": d, "model": m, "metric": ""} for d, m in lacking if (d, m) not in have]
    rows = pd.concat([found, pd.DataFrame(nothing)], ignore_index=True)
    folds = [lacking[key] for key in zip(rows["dataset"], rows["model"], strict=True)]
    return rows.assign(table=name, missing_folds=folds)
