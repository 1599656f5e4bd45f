"""How much the answer hangs on what was assumed: every specification of a small set is run.

    python -m benchmarks.specifications                  # resumes; hours on two cores
    python -m benchmarks.specifications --profile smoke --out build/specifications.json

Choices that the paper leaves open are crossed, and *dual* and *aligned* compared with *matched
single* under each; learning rates and lengths are multiples of the profile's. Two networks are
run, so that what a tuning budget buys can be told for both. Data are those that the settings
MER_DATA, MER_CASME2_ROOT, ... name, as everywhere.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import typer

from benchmarks.machine import describe
from mer_utils import stats
from mer_utils.cli.progress import FoldProgress, show_bar
from mer_utils.dynamic_image import SCALINGS
from mer_utils.experiments import Workspace, open_workspace, profiles, run_spec
from mer_utils.experiments.results import every_view
from mer_utils.experiments.tables import ALL, HALVES, REVERSED_ALL, REVERSED_HALVES
from mer_utils.files import atomic_write, build_dir
from mer_utils.machine import cores
from mer_utils.models import is_network
from mer_utils.runs import RunSpec, open_executor, prepare_views, run
from mer_utils.runs.plan import planned_seconds

OUT = Path(__file__).parent / "recorded" / "rules" / "specifications.json"
MODELS = ("learnet", "mobilenetv2_100", "svm_hog")
BASELINE, TREATMENTS = "matched single", ("dual", "aligned")
#: Multiples of the profile's learning rate and epochs, and what else is crossed with them.
TRAINED: dict[str, tuple[Any, ...]] = {
    "rate": (1 / 3, 1, 3),
    "length": (1, 2),
    "balance": ("none", "class_weights"),
}
CHOICES = (*TRAINED, "scaling", "tested")
#: What is tested, and how each training set's own direction of the fall spells it.
TESTED = {
    "full": ("full", "full"),
    "both halves": (HALVES, REVERSED_HALVES),
    "all three": (ALL, REVERSED_ALL),
}


def planned(
    workspace: Workspace, models: Sequence[str] = MODELS
) -> list[tuple[RunSpec, dict[str, Any]]]:
    """Return every run with what was chosen for it; a baseline is not trained step by step."""
    profile, found = workspace.profile, []
    for model, scaling in product(models, SCALINGS):
        ways = [dict(zip(TRAINED, values, strict=True)) for values in product(*TRAINED.values())]
        for chosen in ways if is_network(model) else [{"rate": 1, "length": 1, "balance": "none"}]:
            changed = profile
            if is_network(model):
                changed = profile.changed(
                    learning_rate=profile.plan(model).learning_rate * chosen["rate"],
                    epochs=profile.training_of(profile.plan(model)).epochs * chosen["length"],
                    balance=chosen["balance"],
                )
            for setting, data in product((BASELINE, *TREATMENTS), workspace.data.values()):
                # Three times the same images are the same images to a baseline.
                train = setting if is_network(model) or setting != BASELINE else "single"
                spec = run_spec(changed, data, model, train=train, scaling=scaling)
                found.append((spec, {**chosen, "scaling": scaling, "setting": setting}))
    return found


def compute(workspace: Workspace, runs: list[tuple[RunSpec, dict[str, Any]]]) -> None:
    """Compute what the store lacks."""
    specs = [spec for spec, _ in runs]
    jobs = workspace.missing(specs)
    prepare_views(specs, workspace.context, workers=cores(), progress=show_bar)
    costs = planned_seconds(jobs, workspace.context)
    with open_executor(workers=cores()) as started, FoldProgress("folds", costs) as progress:
        report = run(jobs, workspace.context, executor=started, on_outcome=progress.update)
    if report.failed:
        raise SystemExit(f"{len(report.failed)} folds failed: {report.failed[0].error}")


def predictions(workspace: Workspace, runs: list[tuple[RunSpec, dict[str, Any]]]) -> pd.DataFrame:
    """Return the rows of every run and tested view, with what was chosen in columns."""
    rows = every_view(workspace.store.predictions([spec for spec, _ in runs]))
    chosen = pd.DataFrame([{"run": spec.key, **choices} for spec, choices in runs])
    rows = rows.drop(columns=["setting", "scaling"]).merge(chosen, on="run")
    reverse = rows["setting"].eq("aligned")
    names = [{pair[k]: name for name, pair in TESTED.items()} for k in (0, 1)]
    tested = rows["tested"].map(names[0]).where(~reverse, rows["tested"].map(names[1]))
    return rows.assign(tested=tested).dropna(subset="tested")


def curves(rows: pd.DataFrame) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return every specification's difference, and the test of each model's curve."""
    curve, tests = [], []
    for treatment in TREATMENTS:
        both = rows[rows["setting"].isin([BASELINE, treatment])]
        for model, part in both.groupby("model", sort=False):
            found, test = stats.specification_curve(
                part, {"setting": BASELINE}, {"setting": treatment}, ["dataset", *CHOICES]
            )
            curve.append(found.assign(model=model))
            tests.append({"model": model, "treatment": treatment, **test._asdict()})
    columns = ["dataset", "model", "setting", *CHOICES]
    columns += ["baseline_score", "treatment_score", "difference", "low", "high"]
    return pd.concat(curve)[columns].to_dict("records"), tests


def budgets(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the score against the number of trials, tested on full: two ways of choosing.

    By the test score itself, which is optimistic, and by the score on the other data sets.
    """
    full = rows[rows["tested"].eq("full") & rows["model"].map(is_network)]
    if full.empty:  # baselines have nothing here that is tuned
        return []
    scored = stats.intervals(full, ["dataset", "model", "setting", *CHOICES], n_resamples=2)
    scored = scored[scored["metric"] == "uar_pooled"]
    found = []
    for (model, setting), part in scored.groupby(["model", "setting"], sort=False):
        by_set = part.pivot_table("estimate", list(CHOICES), "dataset")
        for name in by_set.columns:
            ways = {"the same": by_set[name]}
            if len(by_set.columns) > 1:
                ways["the others"] = by_set.drop(columns=name).mean(axis=1)
            for chosen_on, score in ways.items():
                best = stats.expected_best(score, by_set[name])
                said = {"dataset": name, "model": model, "setting": setting, "chosen_on": chosen_on}
                found += [{**said, "trials": n, "uar": uar} for n, uar in enumerate(best, 1)]
    return found


def main(profile: str = "demo", models: str = ",".join(MODELS), out: Path = OUT) -> None:
    """Compute what is missing, and write one file."""
    store = build_dir() / "specifications"
    workspace = open_workspace(profiles.find(profile), store=store, progress=True)
    runs = planned(workspace, models.split(","))
    compute(workspace, runs)
    rows = predictions(workspace, runs)
    curve, tests = curves(rows)
    given = shlex.join(["--profile", *shlex.split(workspace.profile.words), "--models", models])
    record = {
        "specification": {
            "command": f"python -m benchmarks.specifications {given}",
            "recorded": time.strftime("%Y-%m-%d", time.gmtime()),
            "data": workspace.data_title,
            "profile": workspace.profile.label,
            "baseline": BASELINE,
            "choices": {**TRAINED, "scaling": tuple(SCALINGS), "tested": tuple(TESTED)},
            "runs": len({spec.key for spec, _ in runs}),
            "machine": describe(),
            "tests": tests,
            "budgets": budgets(rows),
        },
        "rows": curve,
    }
    with atomic_write(out) as path:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(pd.DataFrame(tests).round(3).to_string(index=False))


if __name__ == "__main__":
    typer.run(main)
