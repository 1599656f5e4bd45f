"""Training: where a fold's time goes, against the usual loop, against the matrix-product peak."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from scipy import stats
from torch import nn

from benchmarks import usual_loop
from benchmarks.clock import seconds
from benchmarks.folds import Fold, first_fold, prepared, run_seconds
from benchmarks.machine import matmul_peak
from benchmarks.record import Recorder
from mer_utils import augment, models
from mer_utils.experiments import Workspace
from mer_utils.models import normalisation
from mer_utils.runs import RunSpec, compute_fold, open_executor
from mer_utils.runs.plan import STEP_OVER_FORWARD, forward_operations

SECTION = "training"
SEEDS = tuple(range(6))
# Goals of the speed of a leave-one-subject-out run over that of the usual loop.
GOALS = {"learnet": 3.0, "mobilenetv2_100": 3.0}
OTHER_GOAL = 1.5
# Welch's t that all networks together exceed by chance in one record of twenty (Bonferroni).
T_LIMIT = round(float(stats.t.ppf(1 - 0.05 / 2 / len(models.networks()), 2 * len(SEEDS) - 2)), 2)


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    torch.set_num_threads(1)
    peak = matmul_peak(rounds=2 if quick else 8)
    recorder.add(SECTION, "this machine", "matrix-product peak, one core", peak / 1e9, "GFLOP/s")
    workspace, specs = prepared(quick)
    # The first fold of a process loads what all others find loaded.
    compute_fold(workspace.jobs(specs[-1:])[0], workspace.context)
    with open_executor(workers=2) as executor, tempfile.TemporaryDirectory() as folder:
        for number, spec in enumerate(specs):
            fold = first_fold(workspace, spec)
            _shares(recorder, workspace, spec, fold, peak)
            jobs = workspace.jobs([spec])[: 2 if quick else None]
            store = replace(workspace.context, store=Path(folder) / f"store{number}")
            ours = run_seconds(jobs, store, executor, workers=2)
            per_fold = float("nan") if ours is None else ours / len(jobs)
            _against_usual(recorder, fold, per_fold, Path(folder), quick)


def _shares(
    recorder: Recorder, workspace: Workspace, spec: RunSpec, fold: Fold, peak: float
) -> None:
    """Record where the time goes, and the share of the peak."""
    _, record, _ = compute_fold(workspace.jobs([spec])[-1], workspace.context)
    took = record["compute_seconds"]
    add = recorder.about(SECTION, fold.model)
    parts = timed_parts(fold)
    for part in ("forward", "backward", "optimiser", "augmentation", "other"):
        add(f"{part}, of the training loop", parts[part] / parts["all"])
    asked = sum(parts[part] for part in ("forward", "backward", "optimiser")) / parts["all"]
    # Predictions are forward passes too: of the test clips, after every epoch.
    asked = (asked * took + record["predict_seconds"]) / record["seconds"]
    add("forward, backward, optimiser, of a fold's time", asked, at_least=0.9)
    add("prediction, of a fold's time", record["predict_seconds"] / record["seconds"])
    add("epochs", fold.options.epochs)
    add("time of a training image", 1e3 * took / record["images_shown"], "ms")
    each = forward_operations(spec.model, spec.views.image_size, fold.classes)
    rate = STEP_OVER_FORWARD * each * record["images_shown"] / took
    add("operations a second", rate / 1e9, "GFLOP/s")
    add("of the matrix-product peak", rate / peak)


def timed_parts(fold: Fold) -> Counter[str]:
    """Return the seconds of each part of the training loop, measured around its own calls."""
    model = fold.network()
    fold.fit(model, epochs=1)
    spent: Counter[str] = Counter()

    def timed(part: str, call: Callable) -> Callable:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            result = []
            spent[part] += seconds(lambda: result.append(call(*arguments, **options)))
            return result[0]

        return wrapper

    with ExitStack() as stack:
        for owner, attribute, part in (
            (model, "forward", "forward"),
            (torch.Tensor, "backward", "backward"),
            (torch.optim.AdamW, "step", "optimiser"),
            (nn.utils, "clip_grad_norm_", "optimiser"),
            (augment, "spatial", "augmentation"),
        ):
            patched = timed(part, getattr(owner, attribute))
            stack.enter_context(mock.patch.object(owner, attribute, patched))
        whole = seconds(lambda: fold.fit(model))
    spent["other"] = whole - spent.total()
    spent["all"] = whole
    return spent


def _against_usual(recorder: Recorder, fold: Fold, ours: float, folder: Path, quick: bool) -> None:
    """Record the speed over the usual loop on the same cores, and both learning curves."""
    mean, std = normalisation(fold.network(), pretrained=False)
    written = usual_loop.write_folder(fold.images, fold.labels, fold.classes, folder / fold.model)
    images = usual_loop.dataset(written, mean, std, fold.spatial)

    def usual(seed: int = 0, workers: int = 0) -> list[float]:
        network = fold.network(seed)
        return usual_loop.train(network, images, fold.options, seed=seed, workers=workers)

    add = recorder.about(SECTION, fold.model)
    torch.set_num_threads(2)
    # Both ways of loading are in use; the faster one counts.
    fastest = min(seconds(lambda w=w: usual(workers=w)) for w in (0, 2))
    torch.set_num_threads(1)
    goal = GOALS.get(fold.model, OTHER_GOAL)
    add("usual loop / ours", fastest / ours, "x", at_least=goal)
    loops = {
        "ours": lambda seed: fold.fit(fold.network(seed), seed=seed).losses,
        "usual loop": usual,
    }
    last = {}
    for loop, train in loops.items():
        curves = [train(seed) for seed in SEEDS[: 2 if quick else None]]
        last[loop] = np.array([losses[-1] for losses in curves])
        for seed, losses in enumerate(curves):
            for epoch, loss in enumerate(losses, start=1):
                recorder.add("curves", fold.model, f"{loop}, seed {seed}", loss, x=epoch)
    t = abs(stats.ttest_ind(*last.values(), equal_var=False).statistic)
    add("difference of the last loss", t, "standard errors", at_most=T_LIMIT)
