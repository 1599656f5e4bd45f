"""The words of the one-page summary, each there even where its result is not yet."""

from __future__ import annotations

from typing import Any

from companion.chapters import tables
from companion.chapters.tables import Shown
from mer_utils.experiments import PAPER, Workspace

NOT_YET = "not computed yet"
_OF_A_DATASET = (
    "baseline",
    "baseline_name",
    "best",
    "best_interval",
    "best_model",
    "best_setting",
    "clips",
    "subjects",
)
_OVERALL = ("n_differences", "n_above_zero", "n_below_zero", "n_after_holm", "mean_difference")


def table2(workspace: Workspace) -> Shown | None:
    """Return table 2 as far as it is there; None if none of it is."""
    specs = workspace.specs("table2")
    if len(workspace.missing(specs)) == len(workspace.jobs(specs)):
        return None
    return tables.read(workspace, "table2")


def words(workspace: Workspace, shown: Shown | None) -> dict[str, str]:
    """Return the words that the summary quotes, by name.

    Returns
    -------
    dict of str to str
        For each data set ``NAME_best``, its interval, model and setting, and the counts of
        clips and subjects; over all the numbers of differences, how many folds are there
        and missing, the level of chance, what the data are, and the verdict. The names are
        always the same; what is not there yet reads `NOT_YET`.
    """
    found: dict[str, Any] = tables.quoted(shown) if shown else {}
    if not found.get("n_differences"):
        found |= dict.fromkeys(_OVERALL)
    names = [f"{dataset}_{name}" for dataset in PAPER for name in _OF_A_DATASET]
    specs = workspace.specs("table2")
    folds, missing = len(workspace.jobs(specs)), len(workspace.missing(specs))
    return {name: _word(name, found.get(name)) for name in [*names, *_OVERALL]} | {
        "n_models": str(len(workspace.profile.networks)),
        "n_folds": f"{folds:,}",
        "n_computed": f"{folds - missing:,}",
        "chance": f"{tables.chance(workspace):.2f}",
        "data": workspace.data_title,
        "verdict": _verdict(workspace, found),
    }


def _word(name: str, value: Any) -> str:
    if value is None:
        return NOT_YET
    if isinstance(value, float):
        return f"{value:+.3f}" if name == "mean_difference" else f"{value:.2f}"
    return str(value)


def _verdict(workspace: Workspace, found: dict[str, Any]) -> str:
    if any(workspace.is_synthetic(name) for name in workspace.data):
        return (
            "not testable on synthetic data. The numbers above say what the method does with"
            " drawn faces; they neither support nor contradict the paper"
        )
    total = found.get("n_differences")
    if not total:
        return NOT_YET
    return (
        f"of {total} controlled comparisons {found['n_after_holm']} remain at the 5 % level"
        " after Holm's correction; the others are undecided with these data"
    )
