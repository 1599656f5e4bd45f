"""Operating characteristics: how often each rule says what, as recorded by simulation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from companion.editions import rules_hash
from mer_utils.errors import MerError

WORDS = ("superior", "equivalent", "worse", "undecided")
#: Of every truth that is simulated: what may not be said of a rule that asks for a gain.
_WRONG = {
    "no difference": ("superior", "worse"),
    "4.5 and 6.5 points": ("worse", "equivalent"),
    "10 points": ("worse", "equivalent"),
    "4.5 points, the margin": ("worse", "equivalent"),
    "4.5 points worse": ("superior", "equivalent"),
    "10 points, but one network has none on SAMM": ("superior", "worse", "equivalent"),
}
#: Rules to which no gain is a gain below the claimed one, and so "worse" is right.
_BELOW_CLAIM = {"C07": ("no difference",)}
#: Rules about means: one network of twelve without a gain is no reason against one.
_MEANS = ("primary", "C08", "C02", "C13")
#: Rules whose claim is a loss: the treatments are simulated as worse by as much.
_LOSSES = ("C12", "C13")


def read_operating(file: Path) -> dict[str, Any]:
    """Read the record of ``python -m benchmarks.operating``: its specification and its rows.

    Raises
    ------
    MerError
        "bad register" if it is none.
    """
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return {"specification": dict(record["specification"]), "rows": list(record["rows"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MerError(
            "bad register",
            f"{file} is no record of the rules ({type(error).__name__}: {error})",
            "the JSON file that python -m benchmarks.operating writes",
            "simulate anew, or take the file of the repository",
        ) from error


def of_these_rules(record: dict[str, Any]) -> str:
    """Say whether the record is of the rules as they are, and what it lacks of its plan."""
    specification = record["specification"]
    recorded = specification["rules"]
    if recorded == rules_hash():
        words = f"It was recorded with these rules ({recorded})."
    else:
        words = (
            f"It was recorded with other rules ({recorded}; these are {rules_hash()}): "
            f"run {specification['command']} anew."
        )
    there = {(row["rule"], row["truth"]) for row in record["rows"]}
    lacking = [
        f"{rule}, {truth}" for rule, truth in specification["planned"] if (rule, truth) not in there
    ]
    return f"{words} Planned and not recorded yet: {'; '.join(lacking)}." if lacking else words


def operating_table(record: dict[str, Any]) -> pd.DataFrame:
    """Return one row per rule and truth: the share of each verdict, and of wrong ones."""
    rows = []
    for row in record["rows"]:
        said = {word: float(row[word]) for word in WORDS}
        wrong = sum(said[word] for word in wrong_words(row["rule"], row["truth"]))
        rows.append(
            {
                "rule": row["rule"],
                "truth": row["truth"],
                "simulations": int(row["simulations"]),
                **said,
                "wrong": wrong,
            }
        )
    return pd.DataFrame(rows)


def wrong_words(rule: str, truth: str) -> tuple[str, ...]:
    """Return the verdicts that would be wrong of a rule at a truth.

    Examples
    --------
    >>> wrong_words("C03", "no difference"), wrong_words("C13", "10 points")
    (('superior', 'worse'), ('superior', 'equivalent'))
    """
    wrong = _WRONG[truth]
    if truth in _BELOW_CLAIM.get(rule, ()):
        wrong = tuple(word for word in wrong if word != "worse")
    if truth.startswith("10 points, but") and rule in _MEANS:
        wrong = ("worse", "equivalent")
    if rule in _LOSSES:
        turned = {"superior": "worse", "worse": "superior"}
        wrong = tuple(sorted((turned.get(word, word) for word in wrong), key=WORDS.index))
    return wrong
