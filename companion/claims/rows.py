"""Evidence: every difference that a claim may rest on, as one tidy frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from companion.chapters import ablations
from companion.chapters.results import differences, on_view
from mer_utils.errors import MerError
from mer_utils.experiments import TABLES, Workspace
from mer_utils.models import are_networks, is_network
from mer_utils.phases import PHASES
from mer_utils.stats import holm
from mer_utils.views import Views

#: What a row of evidence is; whatever else a table measures (McNemar's p among it) is left out.
COLUMNS = (
    "table",
    "dataset",
    "model",
    "metric",
    "comparison",
    "value",
    "low",
    "high",
    "relative",
    "p_bootstrap_holm",
    "missing_folds",
    "synthetic",
    "data",
)
METRICS = ("accuracy_pooled", "uf1_pooled", "uar_pooled")

Compare = Callable[[Workspace], pd.DataFrame]


def _table2(workspace: Workspace) -> pd.DataFrame:
    rows = on_view(workspace.predictions("table2"))
    return differences(rows[are_networks(rows["model"])])


def _variants(table: str) -> Compare:
    def compare(workspace: Workspace) -> pd.DataFrame:
        found = ablations.read(workspace, table).differences
        # Baselines are no networks, of which the claims speak; and Holm's correction is over
        # models and data sets, one comparison and score at a time.
        networks = found[are_networks(found["model"])]
        p = networks.groupby(["comparison", "metric"])["p_bootstrap"]
        adjusted = p.transform(lambda values: holm(values.to_numpy()))
        return networks.assign(p_bootstrap_holm=adjusted)

    return compare


#: Of each table what gives its differences: dataset, model, metric, comparison ("A minus B"),
#: value, low, high, relative, p_bootstrap_holm. A table that is not here is no evidence.
COMPARISONS: dict[str, Compare] = {"table2": _table2} | {
    name: _variants(name) for name in ("table3", "table4", "table5", "table7")
}

VIEWS = "views"
CLIPS, TWO_PHASES, DIFFER = "clips", "clips with two phases", "clips whose images differ"


def evidence(workspace: Workspace) -> pd.DataFrame:
    """Collect the evidence that the store and the data of a workspace hold.

    Parameters
    ----------
    workspace : Workspace

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. One row a table, data set, model, metric and comparison;
        ``missing_folds`` counts the folds that the table lacks for that data set and model. A
        data set and model of which nothing can be compared yet has one row without a
        comparison. A table of which nothing was computed, or that does not exist, has no row.
        The rows of table "views" count clips, see `phase_evidence`.
    """
    parts = [phase_evidence(workspace)]
    for name, compare in COMPARISONS.items():
        if name in TABLES:
            parts.append(_of_table(workspace, name, compare))
    found = pd.concat([part for part in parts if len(part)], ignore_index=True)
    titles = {name: d.dataset.title for name, d in workspace.data.items()}
    made = {name: workspace.is_synthetic(name) for name in titles}
    return found.assign(
        synthetic=found["dataset"].map(made).astype(bool),
        data=found["dataset"].map(
            {n: f"synthetic twin of {t}" if made[n] else t for n, t in titles.items()}
        ),
    )[list(COLUMNS)]


def phase_evidence(workspace: Workspace) -> pd.DataFrame:
    """Count, in each data set, the clips whose phases give dynamic images that differ.

    Returns
    -------
    DataFrame
        Three rows a data set: metric "clips"; "clips with two phases", by the clip table: an
        apex strictly between onset and offset; and "clips whose images differ", of the latter
        those whose views of both halves exist and differ from each other and from the full one.
    """
    rows = []
    specs = {spec.data.dataset: spec for spec in reversed(workspace.specs("table2"))}
    for dataset in (name for name in workspace.data if name in specs):
        clips, views = workspace.clips(dataset), workspace.views(specs[dataset])
        counts = count_phases(clips, views)
        rows += [
            {"table": VIEWS, "dataset": dataset, "model": "", "metric": metric, "value": count}
            for metric, count in counts.items()
        ]
    return _complete(pd.DataFrame(rows), "halves and full", Counter())


def count_phases(clips: pd.DataFrame, views: Views) -> dict[str, int]:
    """Count clips, clips with two phases, and of those the ones with three different views.

    Parameters
    ----------
    clips : DataFrame
        The clip table, n rows. One without annotated frames (a manifest of finished images) has
        two phases where both views are given.
    views : Views
        Of these clips, in the same order.
    """
    halves = [PHASES.index(phase) for phase in PHASES if phase != "full"]
    present = views.present[:, halves].all(axis=1)
    apex = clips["apex"].astype("Float64").to_numpy(float, na_value=np.nan)
    onset, offset = (
        clips[name].astype("Float64").to_numpy(float, na_value=np.nan)
        for name in ("onset", "offset")
    )
    two = present if np.isnan(onset).all() else (onset < apex) & (apex < offset)
    pairs = [(0, 1), (0, 2), (1, 2)]
    differ = [
        clip
        for clip in np.flatnonzero(two & present)
        if all((views.images[clip, a] != views.images[clip, b]).any() for a, b in pairs)
    ]
    return {CLIPS: len(clips), TWO_PHASES: int(two.sum()), DIFFER: len(differ)}


def _of_table(workspace: Workspace, name: str, compare: Compare) -> pd.DataFrame:
    specs = [s for s in workspace.specs(name) if is_network(s.model.name)]
    jobs, missing = workspace.jobs(specs), workspace.missing(specs)
    lacking = Counter((job.spec.data.dataset, job.spec.model.name) for job in missing)
    if len(missing) == len(jobs):
        return pd.DataFrame()
    found = compare(workspace)
    if len(found):
        _require(found, name)
    have = set(zip(found["dataset"], found["model"], strict=True))
    nothing = [{"dataset": d, "model": m, "metric": ""} for d, m in lacking if (d, m) not in have]
    rows = pd.concat([found.reset_index(drop=True), pd.DataFrame(nothing)], ignore_index=True)
    return _complete(rows.assign(table=name), "", lacking)


def _complete(
    rows: pd.DataFrame, comparison: str, missing: Counter[tuple[str, str]]
) -> pd.DataFrame:
    """Fill in the columns that some rows lack, and count their missing folds."""
    filled: dict[str, Any] = {
        name: np.nan for name in ("value", "low", "high", "relative", "p_bootstrap_holm")
    }
    for column, value in {"comparison": comparison, **filled}.items():
        if column not in rows:
            rows[column] = value
    keys = zip(rows["dataset"], rows["model"], strict=True)
    return rows.assign(
        comparison=rows["comparison"].fillna(comparison),
        missing_folds=[missing[key] for key in keys],
    )


def _require(found: pd.DataFrame, table: str) -> None:
    needed: Iterable[str] = COLUMNS[1 : COLUMNS.index("missing_folds")]
    if lacking := [name for name in needed if name not in found]:
        raise MerError(
            "nothing to compare",
            f"the differences of {table} lack {', '.join(lacking)}",
            f"columns {', '.join(needed)}",
            "let the function in COMPARISONS return what mer_utils.stats.compare does, with a"
            " column that names the comparison",
        )
