"""The questions of each ablation, and which of its comparisons answer which.

A table holds many comparisons, and counting them all together mixes answers: those of *dual*
with plain *single* may all be above zero because of longer training alone.
"""

from __future__ import annotations

import re

import pandas as pd

from mer_utils.models import are_networks

_CONTROLS = r"(single twice|matched single)"
_EQUALLY_LONG = (
    rf"(halves|dual) minus {_CONTROLS}"
    # A linear machine is not trained step by step: plain single is its control.
    r"|(halves|dual) minus single \(baseline\)"
)
COLUMNS = [
    "question",
    "comparisons",
    "mean",
    "lowest",
    "highest",
    "above zero",
    "below zero",
    "after Holm",
]
_WHOLE, _PARTS = r"(single|matched single), ", r"(dual|halves), "
#: Of each table: a question and the comparisons ("A minus B") that bear on it, as a pattern.
QUESTIONS: dict[str, dict[str, str]] = {
    "table3": {
        "flips against none": r"(.+), flip minus \1, none",
        "rotations against none": r"(.+), rotation minus \1, none",
        "flips and rotations against none": r"(.+), flip\+rotation minus \1, none",
        "dual against matched single, augmented alike": r"dual, (.+) minus matched single, \1",
        "dual, augmented or not, against plain single": r"dual, .+ minus single, none",
    },
    "table4": {
        "longer training alone": r"matched single minus single",
        "the phases, training equally long": _EQUALLY_LONG,
        "a cut at random, training equally long": rf".+, random cut minus {_CONTROLS}",
        "a cut at the apex against one at random": r"(.+) minus \1, random cut",
        "the rise alone against the whole clip": r"onset_apex only minus single",
        "the fall alone against the whole clip": r"apex_offset only minus single",
        "the phases and longer training together": r"(halves|dual) minus single",
    },
    "table5": {
        f"{tested}; trained on {trained}": rf"{pattern}{view} minus .+"
        for trained, pattern in (("full alone", _WHOLE), ("the phases", _PARTS))
        for tested, view in (
            ("the rise", "onset_apex"),
            ("the fall", "apex_offset"),
            ("average of halves", "average of halves"),
            ("average of all three", "average of all three"),
        )
    },
    "table6": {
        "linear weights": r"linear, .+",
        "ported weights": r"ported, .+",
        "symmetric scaling": r"bilen, symmetric, .+",
        "fewer frames": r"bilen, minmax, \d+ frames minus .+",
        "apex difference": r"apex difference, .+",
    },
    "table7": {
        "apex moved by up to 2 or 4 frames": r"apex ±[24] minus .+",
        "apex moved by up to 8 or 16 frames": r"apex ±(8|16) minus .+",
        "both ends trimmed": r"trimmed by .+",
        "other rules for odd clips": r"missing apex: .+",
    },
    "table8": {
        "test-subject epoch": r".+, test-subject epoch minus .+",
        "mixed folds": r".+, mixed folds minus .+",
        "held-out copies": r".+, held-out copies minus .+",
    },
}


def by_question(differences: pd.DataFrame, table: str, metric: str = "uar_pooled") -> pd.DataFrame:
    """Sum up a table's differences, one row a question.

    Parameters
    ----------
    differences : DataFrame
        As `variant_differences` returns them.
    table : str
        A key of `QUESTIONS`.
    metric : str

    Returns
    -------
    DataFrame
        Columns question, comparisons (how many: models and data sets count each), mean,
        lowest, highest, above zero and below zero (how many have an interval wholly there)
        and after Holm (how many stay below 0.05 after the correction over the whole table).
        Every comparison is counted under the first question that it answers; a question
        without any has no row.
    """
    chosen = differences[differences["metric"] == metric]
    asked = chosen.assign(question=_asked(chosen, QUESTIONS[table]))
    rows = []
    for question in QUESTIONS[table]:
        part = asked[asked["question"] == question]
        if len(part):
            rows.append(
                {
                    "question": question,
                    "comparisons": len(part),
                    "mean": part["value"].mean(),
                    "lowest": part["value"].min(),
                    "highest": part["value"].max(),
                    "above zero": int((part["low"] > 0).sum()),
                    "below zero": int((part["high"] < 0).sum()),
                    "after Holm": int((part["p_bootstrap_holm"] < 0.05).sum()),
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _asked(differences: pd.DataFrame, questions: dict[str, str]) -> pd.Series:
    """Return the first question that each comparison answers, "" where there is none."""
    baseline = ~are_networks(differences["model"])
    words = differences["comparison"] + baseline.map({True: " (baseline)", False: ""})
    found = {
        name: next(
            (
                question
                for question, pattern in questions.items()
                # Most questions are put to networks and baselines alike.
                if re.fullmatch(pattern, name)
                or re.fullmatch(pattern, name.removesuffix(" (baseline)"))
            ),
            "",
        )
        for name in set(words)
    }
    return words.map(found)
