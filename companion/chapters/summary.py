"""The words of the first page, each there even where its result is not yet."""

from __future__ import annotations

from typing import Any

import pandas as pd

from companion.chapters import answers, primary, tables
from companion.chapters.tables import Shown
from mer_utils import __version__, datasets, plotting
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


def first_viewer(workspace: Workspace) -> plotting.Markup:
    """Return the viewer of a clip of the first data set with both phases, of surprise if it can.

    Where no apex is known it stands halfway, which the title says.
    """
    clips = workspace.clips(next(iter(workspace.data)))
    whole = clips.query("onset < apex < offset")
    some = whole if len(whole) else clips
    surprise = some[some["label"].astype(str) == "surprise"]
    # Of all such clips the one whose apex lies nearest its middle: both phases are seen best.
    likely = surprise if len(surprise) else some
    uneven = (2 * likely["apex"] - likely["onset"] - likely["offset"]).abs()
    clip = likely.iloc[int(uneven.fillna(0).to_numpy(dtype=float).argmin())]
    frames, apex = datasets.load_clip(clip)
    return plotting.phase_viewer(
        frames,
        len(frames) // 2 if apex is None else apex,
        float(clip["fps"]),
        "first-viewer",
        title=f"{str(clip['label']).capitalize()}: move onset, apex and offset"
        + (" (no apex is known; it stands halfway)" if apex is None else ""),
        first_frame=int(clip["onset"]),
        playing=True,
    )


def words(workspace: Workspace, shown: Shown | None) -> dict[str, str]:
    """Return the words that the page quotes, by name.

    Returns
    -------
    dict of str to str
        For each data set ``NAME_best``, its interval, model and setting, and the counts of
        clips and subjects; over all the numbers of differences, how many folds are there
        and missing, the level of chance, what the data are, the version, the answer to the
        primary question, also in brief, and the verdict. The names are always the same; what
        is not there yet reads `NOT_YET`.
    """
    asked = primary.primary(shown.predictions) if shown else pd.DataFrame()
    low = primary.at_chance(shown.scores, asked) if shown and len(asked) else []
    gates = primary.barred(asked, workspace.profile, low) if len(asked) else []
    found: dict[str, Any] = tables.quoted(shown) if shown else {}
    if not found.get("n_differences"):
        found |= dict.fromkeys(_OVERALL)
    synthetic = all(workspace.is_synthetic(name) for name in workspace.data)
    names = [f"{dataset}_{name}" for dataset in PAPER for name in _OF_A_DATASET]
    specs = workspace.specs("table2")
    folds, missing = len(workspace.jobs(specs)), len(workspace.missing(specs))
    return {name: _word(name, found.get(name)) for name in [*names, *_OVERALL]} | {
        "n_models": str(len(workspace.profile.networks)),
        "computed": (
            f"{folds - missing:,} of {folds:,} folds" if missing else f"All {folds:,} folds"
        )
        + " of the main comparison are computed.",
        "chance": f"{tables.chance(workspace):.2f}",
        "data": workspace.data_title,
        "faces": "drawn faces" if synthetic else workspace.data_title,
        "version": __version__,
        "brief": answers.brief(asked),
        "answer": " ".join(answers.sentences(asked, gates)),
        "verdict": _verdict(workspace, asked, gates),
    }


def _word(name: str, value: Any) -> str:
    if value is None:
        return NOT_YET
    if isinstance(value, float):
        return f"{value:+.3f}" if name == "mean_difference" else f"{value:.2f}"
    return str(value)


def _verdict(workspace: Workspace, asked: pd.DataFrame, gates: list[str]) -> str:
    if any(workspace.is_synthetic(name) for name in workspace.data):
        return (
            "not testable on synthetic data. The numbers above say what the method does with"
            " drawn faces; they neither support nor contradict the paper"
        )
    if asked.empty:
        return NOT_YET
    if gates or not primary.complete(asked, workspace.profile):
        return f"undecided: {'; '.join(gates) or 'runs are missing'}"
    return "; ".join(
        f"{row['setting']} is {row['verdict']}" for _, row in primary.overall(asked).iterrows()
    )
