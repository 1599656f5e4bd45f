"""Trace a number: what of a score a page carries so that a reader can follow it to its runs.

A table's cells name their variants by class; `embedded` is the one block of JSON that says of each
variant its specification, runs, environment, command and predictions. A script of the book makes
buttons of such cells and shows it; without scripts the table is what it was.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML

from mer_utils import models
from mer_utils.experiments import Table, Workspace
from mer_utils.plotting.words import base_words, dataset_title, setting_words
from mer_utils.runs import RunSpec

#: Of which variant a prediction is, beside what its table varies.
_KEY = ("dataset", "model")
#: What of a record tells environments apart, in a reader's order.
_MACHINE = ("processor", "instructions", "device", "precision", "threads", "system", "python")
_DIGITS = string.digits + string.ascii_lowercase


def variant(row: Mapping[str, Any] | pd.Series, columns: Sequence[str], base: bool = False) -> str:
    """Return the name of a row's variant, or of its baseline's: eight hexadecimal digits."""
    words = (base_words if base else setting_words)(row, columns)
    text = "|".join([*(str(row[c]) for c in _KEY), words])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def embedded(workspace: Workspace, table: Table, predictions: pd.DataFrame) -> HTML:
    """Return the block of a table for its page.

    Parameters
    ----------
    workspace : Workspace
    table : Table
    predictions : DataFrame
        As `mer_utils.experiments.read` returns them.
    """
    specs = {spec.key: spec for name in (table.name, "table2") for spec in workspace.specs(name)}
    clips: dict[str, list[list[Any]]] = {}
    for dataset, rows in predictions.groupby("dataset", sort=False):
        key = rows[["subject", "clip", "y_true"]].drop_duplicates().sort_values(["subject", "clip"])
        clips[str(dataset)] = key.astype({"y_true": int}).to_numpy().tolist()
    environments: dict[str, int] = {}
    variants: dict[str, dict[str, Any]] = {}
    varied = [*_KEY, *table.columns]
    command = re.sub(r" --store \S+", "", workspace.command(table.name))
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
        variants[variant(first, table.columns)] = {
            "title": f"{models.title(first['model'])}, {setting_words(first, table.columns)}, "
            f"{dataset_title(first['dataset'])}",
            "dataset": first["dataset"],
            "specification": _specification(specs[str(first["run"])]),
            "runs": runs,
            "command": f"{command} {keys} --store again",
        }
    content = {"clips": clips, "environments": list(environments), "variants": variants}
    text = json.dumps(content, separators=(",", ":"), default=str).replace("</", "<\\/")
    return HTML(f'<script type="application/json" class="mer-traces">{text}</script>')


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
