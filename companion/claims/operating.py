"""Operating characteristics: how often each rule says what, as recorded by simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from companion.editions import rules_hash
from companion.records import read_record

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
    """Return the record: its specification, and its rows as a frame; see `read_record`."""
    return read_record(file, "python -m benchmarks.operating")


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
    there = {*record["rows"][["rule", "truth"]].itertuples(index=False, name=None)}
    lacking = [
        f"{rule}, {truth}" for rule, truth in specification["planned"] if (rule, truth) not in there
    ]
    return f"{words} Planned and not recorded yet: {'; '.join(lacking)}." if lacking else words


def operating_table(record: dict[str, Any]) -> pd.DataFrame:
    """Return one row per rule and truth: the share of each verdict, and of wrong ones."""
    rows = record["rows"][["rule", "truth", "simulations", *WORDS]]
    wrong = [
        sum(row[w] for w in wrong_words(row["rule"], row["truth"])) for _, row in rows.iterrows()
    ]
    return rows.assign(wrong=wrong)


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
