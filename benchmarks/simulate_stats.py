"""Measure coverage, false rejections and power of mer_utils.stats on simulated predictions.

    python benchmarks/simulate_stats.py                # 1,000 simulations a row, a few minutes
    python benchmarks/simulate_stats.py --simulations 200 --workers 2 --out build/stats.csv

Coverage is that of 95 % intervals, rejection that of tests at 5 %; with 1,000 simulations the
share has a standard error of 0.7 percentage points. The subjects differ in difficulty (10 % of
the latent variance) and clips do (40 %); "interaction" says how much of it (0 or 5 %) is the
treatment's helping some subjects more than others.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mer_utils.files import atomic_write
from mer_utils.stats import (
    Variances,
    compare,
    intervals,
    simulate,
    true_scores,
)

RECALL, RESAMPLES = 0.6, 1000
# Other than the streams on which the kind of interval was chosen.
STREAM = 2
# n_subjects, n_seeds, interaction, true difference
CASES = [
    (8, 1, 0.0, 0.0),
    (10, 1, 0.0, 0.0),
    (26, 1, 0.0, 0.0),
    (10, 3, 0.0, 0.0),
    (10, 1, 0.05, 0.0),
    (26, 1, 0.05, 0.0),
    (10, 1, 0.05, 0.1),
    (26, 1, 0.05, 0.1),
]


def one(seed: int, case: tuple[int, int, float, float]) -> Counter[str]:
    """Simulate once; count what covered and what rejected."""
    n_subjects, n_seeds, interaction, difference = case
    rng = np.random.default_rng(
        [STREAM, seed, n_subjects, n_seeds, int(100 * interaction), int(100 * difference)]
    )
    rows = simulate(
        n_subjects,
        rng=rng,
        recall=RECALL,
        difference=difference,
        n_seeds=n_seeds,
        variances=Variances(interaction=interaction),
    )
    truth = {
        name: {f"{m}_pooled": v for m, v in true_scores(recall).items()}
        for name, recall in (("baseline", RECALL), ("treatment", RECALL + difference))
    }
    found: Counter[str] = Counter()
    base = rows[rows["setting"] == "baseline"]
    plain = n_seeds == 1 and not interaction
    for method in ("t", "percentile", "BCa") if plain else ("t",):
        table = intervals(base, ["model"], method=method, n_resamples=RESAMPLES, rng=rng)
        for row in table.itertuples():
            inside = row.low <= truth["baseline"][row.metric] <= row.high
            found[f"coverage {row.metric} {method}"] += inside
    for row in compare(rows, "baseline", "treatment", n_resamples=RESAMPLES, rng=rng).itertuples():
        gain = truth["treatment"][row.metric] - truth["baseline"][row.metric]
        found[f"coverage difference {row.metric} t"] += row.low <= gain <= row.high
        found[f"rejected bootstrap {row.metric}"] += row.p_bootstrap <= 0.05
        if row.metric == "accuracy_pooled":
            found["rejected wilcoxon"] += row.p_wilcoxon <= 0.05
            found["rejected mcnemar"] += row.p_mcnemar <= 0.05
    return found


def measure(
    case: tuple[int, int, float, float], simulations: int, workers: int
) -> dict[str, float]:
    """Run one case; return the shares in percent."""
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(workers) as pool:
        for found in pool.map(partial(one, case=case), range(simulations), chunksize=10):
            total.update(found)
    names = ("n_subjects", "n_seeds", "interaction", "difference")
    return {
        **dict(zip(names, case, strict=True)),
        **{k: 100 * v / simulations for k, v in total.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="also write the table as CSV")
    options = parser.parse_args()
    names = ["n_subjects", "n_seeds", "interaction", "difference"]
    rows = []
    for case in CASES:
        start = time.perf_counter()
        rows.append(measure(case, options.simulations, options.workers))
        print(f"{case}: {time.perf_counter() - start:.0f} s", flush=True)
        table = pd.DataFrame(rows)
        if options.out:
            with atomic_write(options.out) as path:
                table.to_csv(path, index=False)
    print(table.set_index(names).T.round(1).to_string())


if __name__ == "__main__":
    main()
