"""How often each rule of the ledger says what, on simulated predictions whose truth is known.

    python -m benchmarks.operating              # goes on where it stopped; 50 minutes of one core
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
from collections.abc import Iterator, Sequence
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
    EQUIVALENT,
    SAMM_SHARES,
    SUPERIOR,
    UNDECIDED,
    WORSE,
    SubjectCounts,
    Variances,
    simulate_counts,
    verdicts,
)
from mer_utils.stats.pooled import mean_over_all, of_counts, pooled

OUT = Path(__file__).parent / "recorded" / "rules" / "operating.json"
DESIGNS = {
    "casme2": {"n_subjects": 26, "mean_clips": 246 / 26, "class_shares": CASME2_SHARES},
    "samm": {"n_subjects": 27, "mean_clips": 136 / 27, "class_shares": SAMM_SHARES},
}
RECALL, SEEDS = 0.5, 5
VARIANCES = Variances(subject=0.1, interaction=0.02, clip=0.3, own_interaction=0.02, model=0.1)
STREAM = 14


class Truth(NamedTuple):
    """True differences by data set, and how often rules of table 2 meet them.

    `spared` is a network that has none on SAMM.
    """

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
#: The primary question is one mean, which costs little: a share of 5 % has an error of 0.2 points.
PRIMARY, PRIMARY_SIMULATIONS = "primary", 10_000
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


def drawn_counts(
    truth: Truth,
    treated: Sequence[bool],
    models: Sequence[str],
    sign: int,
    rng: np.random.Generator,
) -> dict[str, SubjectCounts]:
    """Simulate every network in every setting, of which some are treatments, on each data set."""
    drawn: dict[str, SubjectCounts] = {}
    for dataset, design in DESIGNS.items():
        gains = np.full(len(models), getattr(truth, dataset))
        if dataset == "samm" and truth.spared:
            gains[models.index(truth.spared)] = 0
        recalls = RECALL + sign * np.outer(treated, gains)
        drawn[dataset] = simulate_counts(
            recalls, rng=rng, n_seeds=SEEDS, variances=VARIANCES, **design
        )
    return drawn


def evidence_of(rule: Rule, truth: Truth, sign: int, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate all settings of a rule once and compare them as the page does."""
    arms, models = arms_of(rule), list(rule.models or networks())
    drawn = drawn_counts(truth, [treated for *_, treated in arms], models, sign, rng)
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


def simulate_primary(truth: Truth, simulations: int) -> Iterator[dict[str, Any]]:
    """Yield how often the primary question is answered how, and how its interval covers."""
    models, found = list(networks()), []
    for number in range(simulations):
        rng = np.random.default_rng((STREAM, number, 0, TRUTHS.index(truth)))
        drawn = drawn_counts(truth, (False, True), models, 1, rng)
        parts = [of_counts(d, models, data, 0, 0) for d, data in drawn.items()]
        found.append(mean_over_all(parts, METRIC))
    rows = pd.DataFrame(found)
    words = verdicts(rows["difference"], rows["se"], rows["df"], MARGIN, ALPHA)
    true = (truth.casme2 + truth.samm) / 2 - (truth.samm / 12 if truth.spared else 0)
    yield _row(PRIMARY, truth, simulations, Counter(words.tolist())) | {
        "coverage": float(((rows["low"] <= true) & (true <= rows["high"])).mean()),
        "mean_se": float(rows["se"].mean()),
        "sd": float(rows["difference"].std()),
    }


def simulate_rules(
    names: tuple[str, ...], truth: Truth, simulations: int
) -> Iterator[dict[str, Any]]:
    """Yield how often each of some rules on the same comparisons says what."""
    said = {name: Counter[str]() for name in names}
    rule = RULES[names[0]]
    sign = -1 if names[0] in LOSSES else 1
    for number in range(simulations):
        rng = np.random.default_rng((STREAM, number, int(names[0][1:]), TRUTHS.index(truth)))
        found = evidence_of(rule, truth, sign, rng)
        for name in names:
            said[name][RULES[name].decide(RULES[name].decisive(found))[0]] += 1
    for name, counted in said.items():
        yield _row(name, truth, simulations, counted)


def _row(name: str, truth: Truth, simulations: int, counted: Counter[str]) -> dict[str, Any]:
    words = (SUPERIOR, EQUIVALENT, WORSE, UNDECIDED)
    shares = {word: counted[word] / simulations for word in words}
    return {"rule": name, "truth": truth.name, "simulations": simulations, **shares}


def plan() -> list[tuple[tuple[str, ...], Truth, int]]:
    """Return what is simulated: rules on the same comparisons, a truth, how often."""
    primary = [((PRIMARY,), truth, PRIMARY_SIMULATIONS) for truth in TRUTHS]
    table2 = [(TABLE2, truth, truth.simulations) for truth in TRUTHS]
    others = [((name,), truth, n) for name, n in OTHERS.items() for truth in TRUTHS[:3]]
    return primary + table2 + others


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
        "planned": [[name, truth.name] for names, truth, _ in plan() for name in names],
        "stream": STREAM,
    }


def main(share: float = 1.0, out: Path = OUT) -> None:
    """Simulate what the file lacks of every rule at every truth, a share of the planned times."""
    record = json.loads(out.read_text("utf-8")) if out.exists() else {}
    same = record.get("specification", {}).get("rules") == rules_hash()
    rows = {(r["rule"], r["truth"]): r for r in record["rows"]} if same else {}
    for names, truth, planned in plan():
        n = max(1, round(share * planned))
        if all(rows.get((name, truth.name), {}).get("simulations") == n for name in names):
            continue
        primary = names == (PRIMARY,)
        new = list(simulate_primary(truth, n) if primary else simulate_rules(names, truth, n))
        rows |= {(row["rule"], row["truth"]): row for row in new}
        about = specification()
        shown = [rows[place] for place in map(tuple, about["planned"]) if place in rows]
        with atomic_write(out) as path:
            text = json.dumps({"specification": about, "rows": shown}, indent=1)
            path.write_text(text + "\n", encoding="utf-8")
        print(pd.DataFrame(new).round(3).to_string(), flush=True)


if __name__ == "__main__":
    typer.run(main)
