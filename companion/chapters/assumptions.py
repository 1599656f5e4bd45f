"""The register of assumptions, with each value read from the code that uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from IPython.display import HTML

from mer_utils.datasets import SCHEMES
from mer_utils.errors import MerError
from mer_utils.experiments import TABLES
from mer_utils.models import is_network, title
from mer_utils.phases import TRAINING_SETS
from mer_utils.runs import RunSpec

#: Settings whose values are names of registered things, which have titles.
TITLED: dict[str, Callable[[str], str]] = {
    "data.scheme": lambda name: SCHEMES[name].title,
    "model.name": title,
}
COLUMNS = ["topic", "id", "question", "value", "reason", "mark", "setting", "sensitivity"]


def read(
    register: Path, specs: Sequence[RunSpec], moves: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Read the register and fill in what the runs use, one row per assumption.

    Parameters
    ----------
    register : Path
        ``book/assumptions.yml``; its head says what each field means.
    specs : sequence of RunSpec
        The runs whose values are shown, each one where they differ, with the networks that it
        is of; baselines, which few assumptions concern, are left out.
    moves : mapping of str to float, optional
        By how much a choice moves the specification curve (`specifications.moves`); shown with
        the assumptions of the sensitivity ``curve.<choice>``.

    Raises
    ------
    MerError
        "bad register" if an entry names a setting that a run specification does not have.
    """
    specs = [spec for spec in specs if is_network(spec.model.name)]
    entries = yaml.safe_load(register.read_text(encoding="utf-8"))
    rows = []
    for entry in entries:
        value = entry["value"] if entry["setting"] is None else _values(entry, specs)
        measured = [_measured(name, moves) for name in entry["sensitivity"].split(", ")]
        setting = entry["setting"] or "in the code"
        rows.append(
            {**entry, "value": value, "setting": setting, "sensitivity": "; ".join(measured)}
        )
    return pd.DataFrame(rows)[COLUMNS]


def _measured(name: str, moves: Mapping[str, float] | None) -> str:
    if not name.startswith("curve."):
        return TABLES[name].title if name in TABLES else name
    if moves is None:
        return "Specification curve"
    return (
        f"Specification curve (moves its median by up to {moves[name.removeprefix('curve.')]:.3f})"
    )


def as_list(entries: pd.DataFrame) -> HTML:
    """Return assumptions as a list of blocks, for a table of so much text cannot be read."""
    return HTML("".join(_block(dict(entry)) for _, entry in entries.iterrows()))


def _block(entry: dict[Any, Any]) -> str:
    text = {name: escape(str(value)) for name, value in entry.items()}
    return (
        f'<div class="assumption" id="{text["id"].lower()}">'
        f"<p><strong>{text['id']}. {text['question']}</strong></p>"
        f"<p>{text['value']}</p>"
        f"<details><summary>Why, and what the paper says</summary><p>{text['reason']}</p>"
        f'<p class="assumption-facts">The paper: <em>{text["mark"]}</em>. '
        f"Changed by: <code>{text['setting']}</code>. "
        f"Measured by: {text['sensitivity']}.</p></details></div>"
    )


def _values(entry: dict[str, Any], specs: Sequence[RunSpec]) -> str:
    try:
        found = [reduce(getattr, entry["setting"].split("."), spec) for spec in specs]
    except AttributeError as error:
        raise MerError(
            "bad register",
            f"{entry['id']} names the setting {entry['setting']!r}",
            "a field of the run specification",
            "correct book/assumptions.yml",
        ) from error
    whose: dict[str, dict[str, None]] = {}
    words, text = entry.get("words", {}), TITLED.get(entry["setting"], _text)
    for spec, value in zip(specs, map(text, found), strict=True):
        whose.setdefault(words.get(value, value), {})[spec.model.name] = None
    # Whose a value is says something only where others lack it.
    everyone = {spec.model.name for spec in specs}
    named = entry["setting"] != "model.name"
    return "; ".join(
        f"{value} ({', '.join(map(title, names))})" if named and {*names} != everyone else value
        for value, names in whose.items()
    )


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{TRAINING_SETS.find(value).name}: {'+'.join(value)}"
    return "all" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
