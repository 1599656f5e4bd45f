"""The words of the first page, each there even where its result is not yet."""

from __future__ import annotations

import pandas as pd

from companion.chapters import answers, clips, primary, tables
from companion.chapters.tables import Shown
from mer_utils import __version__, datasets, plotting
from mer_utils.experiments import PAPER, Workspace


def table2(workspace: Workspace) -> Shown | None:
    """Return table 2 as far as it is there; None if none of it is."""
    specs = workspace.specs("table2")
    if len(workspace.missing(specs)) == len(workspace.jobs(specs)):
        return None
    return tables.read(workspace, "table2")


def first_viewer(workspace: Workspace) -> plotting.Markup:
    """Return the viewer of a clip of the first data set, where it has clips.

    Finished images and recorded results have none.
    """
    table = first_table(workspace)
    return clips.viewer(table, "first-viewer", playing=True) if table.size else plotting.Markup("")


def first_table(workspace: Workspace) -> pd.DataFrame:
    """Return the clips of the first data set that have frames."""
    return workspace.clips(next(iter(workspace.data))).dropna(subset="onset")


def words(workspace: Workspace, shown: Shown | None) -> dict[str, str]:
    """Return the words that the page quotes, by name.

    Returns
    -------
    dict of str to str
        Number of networks, how many folds are there and missing, the level of chance, what the
        data are, the version, the answer to the primary question, also in brief, the verdict,
        and how one begins on data of one's own. The names are always the same.
    """
    asked = primary.primary(shown.predictions) if shown else pd.DataFrame()
    low = primary.at_chance(shown.scores, asked) if shown and len(asked) else []
    gates = primary.barred(asked, workspace.profile, low) if len(asked) else []
    synthetic = all(workspace.is_synthetic(name) for name in workspace.data)
    specs = workspace.specs("table2")
    networks = len(workspace.profile.networks)
    folds, missing = len(workspace.jobs(specs)), len(workspace.missing(specs))
    return {
        "networks": "One network" if networks == 1 else f"{networks} networks",
        "computed": (
            f"{folds - missing:,} of {folds:,} folds" if missing else f"All {folds:,} folds"
        )
        + " of the main comparison are computed.",
        "chance": tables.chance_words(workspace),
        "data": workspace.data_title,
        "faces": "drawn faces" if synthetic else workspace.data_title,
        "version": __version__,
        "begin": "or drop a clip on the viewer above"
        if first_table(workspace).size
        else "from the request form to the first table",
        "brief": answers.brief(asked),
        "answer": " ".join(answers.sentences(asked, gates)),
        "verdict": _verdict(workspace, asked, gates),
    }


def _verdict(workspace: Workspace, asked: pd.DataFrame, gates: list[str]) -> str:
    if any(workspace.is_synthetic(name) for name in workspace.data):
        return (
            "not testable on synthetic data. The numbers above say what the method does with"
            " drawn faces; they neither support nor contradict the paper"
        )
    if lacking := [datasets.title(name) for name in PAPER if name not in workspace.data]:
        return f"none, as its claims are about data that this book lacks: {' and '.join(lacking)}"
    if asked.empty:
        return "none, as no network has both sides of the comparison"
    if gates or not primary.complete(asked, workspace.profile):
        # Which they are the answer below says, at length.
        return "undecided, as " + (
            "the answer below is no more than a trial" if gates else "runs are missing"
        )
    return "; ".join(
        f"{row['setting']} is {row['verdict']}" for _, row in primary.overall(asked).iterrows()
    )
