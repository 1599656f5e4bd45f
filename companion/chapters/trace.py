"""Trace a number: what lets a reader follow a score to its runs.

A table's cells name their variants by class, `variant`; `files` has a script for each table that
says of each variant its specification, runs, environment, command and predictions. A script of the
book makes buttons of such cells and loads that file when one is pressed; without scripts the table
is what it was.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML

from companion.chapters.page import origin
from mer_utils import experiments, models
from mer_utils.experiments import TABLES, Workspace
from mer_utils.experiments.profiles import VARIED
from mer_utils.plotting.words import base_words, dataset_title, setting_words
from mer_utils.runs import RunSpec

#: What of a record tells environments apart, in a reader's order.
_MACHINE = ("processor", "instructions", "device", "precision", "threads", "system", "python")
_DIGITS = string.digits + string.ascii_lowercase


def variant(table: str, row: Mapping[str, Any] | pd.Series, words: str) -> str:
    """Return the name of a row's variant: the table's, and eight hexadecimal digits.

    Parameters
    ----------
    table : str
    row : mapping
        Has the data set, with what it was made with, and the model.
    words : str
        For what the table varies, as `mer_utils.plotting.words.setting_words` has them.
    """
    key = (str(row[c]) for c in _key(table))
    return f"{table}-{hashlib.sha256('|'.join([*key, words]).encode()).hexdigest()[:8]}"


def _key(table: str) -> tuple[str, ...]:
    """Return what tells a table's variants apart, beside what it varies."""
    return ("dataset", "model", *(VARIED if TABLES[table].made else ()))


def own(table: str, rows: pd.DataFrame, columns: Sequence[str] = ("setting",)) -> list[list[str]]:
    """Return the name of the variant that each score is of."""
    return [[variant(table, row, setting_words(row, columns))] for _, row in rows.iterrows()]


def sides(table: str, rows: pd.DataFrame, columns: Sequence[str]) -> list[list[str]]:
    """Return the names of the two variants that each difference compares."""
    return [
        [variant(table, row, words(row, columns)) for words in (setting_words, base_words)]
        for _, row in rows.iterrows()
    ]


def files(workspace: Workspace) -> HTML:
    """Return, out of sight, the file of every table of which there are predictions."""
    links = []
    for name in TABLES:
        specs = workspace.specs(name)
        if len(workspace.missing(specs)) == len(workspace.jobs(specs)):
            continue
        said = json.dumps(runs_of(workspace, name), separators=(",", ":"), default=str)
        script = f"(window.merRuns??={{}})[{json.dumps(name)}]={said};\n"
        data = base64.b64encode(script.encode()).decode()
        links.append(f'<a download="runs-{name}.js" href="data:text/javascript;base64,{data}"></a>')
    return HTML(f"<div hidden>{''.join(links)}</div>")


def runs_of(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return what is said of every variant of a table, and what their predictions are of."""
    columns, predictions = TABLES[name].columns, experiments.read(workspace, name)
    specs = {spec.key: spec for each in (name, "table2") for spec in workspace.specs(each)}
    clips: dict[str, list[list[Any]]] = {}
    for dataset, rows in predictions.groupby("dataset", sort=False):
        key = rows[["subject", "clip", "y_true"]].drop_duplicates().sort_values(["subject", "clip"])
        clips[str(dataset)] = key.astype({"y_true": int}).to_numpy().tolist()
    environments: dict[str, int] = {}
    variants: dict[str, dict[str, Any]] = {}
    varied = [*_key(name), *columns]
    command = re.sub(r" --store \S+", "", workspace.command(name))
    for _, rows in predictions.groupby(varied, sort=False, dropna=False):
        first = rows.iloc[0]
        runs = []
        for run, part in rows.groupby("run", sort=False):
            said = _environment(workspace, specs[str(run)])
            runs.append(
                {
                    "key": str(run),
                    "seed": int(part["seed"].iloc[0]),
                    "folds": int(part["subject"].nunique()),
                    "environment": environments.setdefault(said, len(environments)),
                    "predicted": _digits(part, clips[str(first["dataset"])]),
                }
            )
        keys = " ".join(f"--only {run['key']!s}" for run in runs)
        words = setting_words(first, columns)
        title = f"{models.title(first['model'])}, {words}, {dataset_title(first['dataset'])}"
        if TABLES[name].made:
            title += "".join(f", {c.replace('_', ' ')} {first[c]:g}" for c in VARIED)
        variants[variant(name, first, words)] = {
            "title": title,
            "dataset": first["dataset"],
            "specification": _specification(specs[str(first["run"])]),
            "runs": runs,
            "command": f"{command} {keys} --store again",
        }
    return {
        "origin": origin(workspace),
        "clips": clips,
        "environments": list(environments),
        "variants": variants,
    }


def _digits(rows: pd.DataFrame, clips: list[list[Any]]) -> str:
    """Return the predicted classes, one character per clip; a dot for one that is not predicted."""
    found = dict(zip(zip(rows["subject"], rows["clip"], strict=True), rows["y_pred"], strict=True))
    return "".join(
        _DIGITS[int(found[subject, clip])] if (subject, clip) in found else "."
        for subject, clip, _ in clips
    )


def _specification(spec: RunSpec) -> dict[str, Any]:
    """Return what a reader asks of a run, in words: what it is, then how it was trained."""
    said = {
        name.replace("_", " "): value
        for name, value in spec.columns.items()
        if name not in ("run", "seed") and value is not None and not pd.isna(value)
    }
    training = spec.training
    said |= {"image size": spec.views.image_size, "width": spec.model.width}
    said |= {"depth": spec.model.depth}
    said |= {"epochs": training.epochs, "batch size": training.batch_size}
    return said | {"learning rate": training.learning_rate, "data": spec.data.fingerprint[:16]}


def _environment(workspace: Workspace, spec: RunSpec) -> str:
    """Say in a line where a run's folds were computed; of folds of several machines, all."""
    lines: dict[str, None] = {}
    for note in workspace.store.folder(spec).notes().values():
        versions = ", ".join(f"{name} {v}" for name, v in note.get("packages", {}).items())
        machine = ", ".join(f"{name} {note[name]}" for name in _MACHINE if name in note)
        lines[f"{machine}; {versions}; commit {note.get('commit', 'not recorded')}"] = None
    return " | ".join(lines) or "not recorded"
