"""How often each rule of the ledger says what, on simulated predictions whose truth is known.

    python -m benchmarks.operating              # everything; half an hour on one core
    python -m benchmarks.operating --share 0.02 --out build/operating.json

Designs are the paper's: 26 and 27 subjects with the classes and mean numbers of clips of CASME II
and SAMM, six networks, five seeds. Subjects and clips differ in difficulty, the treatment helps
some subjects more than others, partly alike for all networks; the parts of the variance are such
that one network's difference has the error that was measured (3.1 and 3.7 points, and 1.5 for
the mean over all). Rules are applied as the page does, their gates passed; errors are the
jackknife's, which are the larger ones here, so that no resamples are drawn.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import typer

from companion.chapters.primary import ALPHA, MARGIN, METRIC
from companion.claims.rows import Comparison
from companion.claims.rules import RULES, Rule
from companion.editions import rules_hash
from mer_utils.files import atomic_write
from mer_utils.models import networks
from mer_utils.stats import (
    CASME2_SHARES,
    EVERY,
    SAMM_SHARES,
    SubjectCounts,
    Variances,
    simulate_counts,
    verdicts,
)
from mer_utils.stats.pooled import of_counts, pooled

OUT = Path(__file__).parent / "recorded" / "rules" / "operating.json"
DESIGNS = {
    "casme2": {"n_subjects": 26, "mean_clips": 246 / 26, "class_shares": CASME2_SHARES},
    "samm": {"n_subjects": 27, "mean_clips": 136 / 27, "class_shares": SAMM_SHARES},
}
RECALL, SEEDS = 0.5, 5
VARIANCES = Variances(subject=0.1, interaction=0.02, clip=0.3, own_interaction=0.02, model=0.1)
STREAM = 14


class Truth(NamedTuple):
    """True differences by data set, simulated so often; `spared` has none on SAMM."""

    name: str
    casme2: float
    samm: float
    simulations: int = 500
    spared: str = ""


TRUTHS = (
    Truth("no difference", 0.0, 0.0, 1000),
    Truth("4.5 and 6.5 points", 0.045, 0.065, 1000),
    Truth("10 points", 0.1, 0.1),
    Truth("4.5 points, the margin", MARGIN, MARGIN, 1000),
    Truth("4.5 points worse", -MARGIN, -MARGIN),
    Truth("10 points, but one network has none on SAMM", 0.1, 0.1, spared="learnet"),
)
PRIMARY = "primary"
#: Rules that rest on table 2 are simulated together; the others, which are dear, less often and
#: at the first three truths.
TABLE2 = ("C03", "C04", "C05", "C06", "C08")
OTHERS = {"C02": 200, "C07": 200, "C12": 100, "C13": 200}
#: Claims of a loss: their treatments are simulated as worse by as much.
LOSSES = ("C12", "C13")


def arms_of(rule: Rule) -> list[tuple[str, frozenset[tuple[str, Any]], bool]]:
    """Return the settings that a rule compares, and whether each is a treatment."""
    treated = {(c.table, frozenset(c.both[1].items())) for c in rule.rests_on}
    both = {(c.table, frozenset(arm.items())) for c in rule.rests_on for arm in c.both}
    return [(*arm, arm in treated) for arm in sorted(both, key=str)]


def evidence_of(rule: Rule, truth: Truth, sign: int, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate all settings of a rule once and compare them as the page does."""
    arms, models = arms_of(rule), list(rule.models or networks())
    drawn: dict[str, SubjectCounts] = {}
    for dataset, design in DESIGNS.items():
        recalls = np.full((len(arms), len(models)), RECALL)
        for row, (*_, treated) in enumerate(arms):
            recalls[row] += sign * getattr(truth, dataset) * treated
            if treated and truth.spared and dataset == "samm":
                recalls[row, models.index(truth.spared)] = RECALL
        drawn[dataset] = simulate_counts(
            recalls, rng=rng, n_seeds=SEEDS, variances=VARIANCES, **design
        )
    places = {arm[:2]: place for place, arm in enumerate(arms)}
    parts = [_compared(c, places, models, drawn) for c in rule.rests_on]
    return pd.concat(parts, ignore_index=True)


def _compared(
    comparison: Comparison,
    places: dict[Any, int],
    models: list[str],
    drawn: dict[str, SubjectCounts],
) -> pd.DataFrame:
    parts, m = [], len(models)
    for dataset, data in drawn.items():
        at = [places[comparison.table, frozenset(arm.items())] for arm in comparison.both]
        counts = tuple(data.counts[a * m + k] for a in at for k in range(m))
        own = SubjectCounts(counts, data.correct[:1], data.subject, 0, data.classes)
        parts.append(of_counts(dataset, models, own, 0, 0))
    baseline, treatment = comparison.both
    based = {f"base_{column}": value for column, value in baseline.items()}
    return pooled(parts).assign(table=comparison.table, **treatment, **based)


def simulate_rules(
    names: tuple[str, ...], truth: Truth, simulations: int
) -> Iterator[dict[str, Any]]:
    """Yield how often each of some rules on the same comparisons says what."""
    said = {name: Counter[str]() for name in names}
    primary: list[dict[str, float]] = []
    rule = RULES[names[0]]
    sign = -1 if names[0] in LOSSES else 1
    for number in range(simulations):
        rng = np.random.default_rng((STREAM, number, int(names[0][1:]), TRUTHS.index(truth)))
        found = evidence_of(rule, truth, sign, rng)
        for name in names:
            said[name][RULES[name].decide(RULES[name].decisive(found))[0]] += 1
        mean = found[found[["dataset", "model"]].eq(EVERY).all(axis=1) & found["metric"].eq(METRIC)]
        primary.append(mean.iloc[0][["difference", "se", "df", "low", "high"]].to_dict())
    if names == TABLE2:
        rows = pd.DataFrame(primary)
        words = verdicts(rows["difference"], rows["se"], rows["df"], MARGIN, ALPHA)
        said[PRIMARY] = Counter(words.tolist())
        true = (truth.casme2 + truth.samm) / 2 - (truth.samm / 12 if truth.spared else 0)
        more = {
            "coverage": float(((rows["low"] <= true) & (true <= rows["high"])).mean()),
            "mean_se": float(rows["se"].mean()),
            "sd": float(rows["difference"].std()),
        }
    for name, counted in said.items():
        yield {
            "rule": name,
            "truth": truth.name,
            "simulations": simulations,
            **{w: counted[w] / simulations for w in ("superior", "equivalent", "worse")},
            "undecided": counted["undecided"] / simulations,
            **(more if name == PRIMARY else {}),
        }


def plan() -> list[tuple[tuple[str, ...], Truth, int]]:
    """Return what is simulated: rules on the same comparisons, a truth, how often."""
    table2 = [(TABLE2, truth, truth.simulations) for truth in TRUTHS]
    return table2 + [((name,), truth, n) for name, n in OTHERS.items() for truth in TRUTHS[:3]]


def said_by(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the rules that simulating these gives rows of: with table 2, the primary question."""
    return (*names, PRIMARY) if names == TABLE2 else names


def specification() -> dict[str, Any]:
    """Return what the numbers rest on."""
    return {
        "command": "python -m benchmarks.operating",
        "rules": rules_hash(),
        "recorded": time.strftime("%Y-%m-%d", time.gmtime()),
        "designs": DESIGNS,
        "recall": RECALL,
        "seeds": SEEDS,
        "networks": list(networks()),
        "variances": vars(VARIANCES),
        "truths": [truth._asdict() for truth in TRUTHS],
        "planned": [[name, truth.name] for names, truth, _ in plan() for name in said_by(names)],
        "stream": STREAM,
    }


def main(share: float = 1.0, out: Path = OUT) -> None:
    """Simulate every rule at every truth, a share of the planned times, and write one file."""
    rows: list[dict[str, Any]] = []
    for names, truth, n in plan():
        rows += simulate_rules(names, truth, max(1, round(share * n)))
        print(pd.DataFrame(rows[-len(said_by(names)) :]).round(3).to_string())
    with atomic_write(out) as path:
        record = {"specification": specification(), "rows": rows}
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
