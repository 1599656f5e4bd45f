"""Training: where a fold's time goes, against the usual loop, against the matrix-product peak."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from scipy import stats
from torch import nn

from benchmarks import usual_loop
from benchmarks.clock import seconds
from benchmarks.machine import matmul_peak
from benchmarks.record import Recorder
from mer_utils import augment, models
from mer_utils.experiments import Workspace, open_workspace, views_of
from mer_utils.models.create import normalisation
from mer_utils.protocol import loso
from mer_utils.runs import Job, RunSpec, compute_fold, open_executor, prepare_views, run
from mer_utils.runs.learners import training_set
from mer_utils.runs.plan import STEP_OVER_FORWARD, forward_operations
from mer_utils.training import fit

SECTION = "training"
SEEDS = tuple(range(6))
# Goals of the speed of a leave-one-subject-out run over that of the usual loop.
GOALS = {"learnet": 3.0, "mobilenetv2_100": 3.0}
OTHER_GOAL = 1.5
# Welch's t that all networks together exceed by chance in one record of twenty (Bonferroni).
T_LIMIT = round(float(stats.t.ppf(1 - 0.05 / 2 / len(models.networks()), 2 * len(SEEDS) - 2)), 2)
PROFILED, OPERATIONS_SHOWN = 3, 5


@dataclass(frozen=True)
class Fold:
    """What one fold trains on, and how its network is made."""

    spec: RunSpec
    images: np.ndarray
    labels: np.ndarray
    classes: int

    def network(self, seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        model, size = self.spec.model, self.spec.views.image_size
        return models.create(model.name, self.classes, size, width=model.width)

    def fit(self, model: nn.Module, seed: int = 0, **changes: Any) -> Any:
        """Train as a fold does; `changes` are those of the training options."""
        mean, std = normalisation(model, pretrained=False)
        options = self.spec.training.model_copy(update=changes)
        spatial = self.spec.spatial
        return fit(
            model,
            self.images,
            self.labels,
            options,
            mean=mean,
            std=std,
            spatial=spatial,
            seed=seed,
        )


def prepared(quick: bool) -> tuple[Workspace, list[RunSpec]]:
    """Return the demo profile's data and one run a network: CASME II, single, augmented."""
    workspace = open_workspace("smoke" if quick else "demo", datasets=["casme2"], workers=2)
    specs = {
        spec.model.name: spec.model_copy(update={"spatial": "flip+rotation"})
        for spec in workspace.specs("table2")
        if spec.train_views == views_of("single") and models.is_network(spec.model.name)
    }
    prepare_views(list(specs.values()), workspace.context, workers=2)
    return workspace, list(specs.values())


def first_fold(workspace: Workspace, spec: RunSpec) -> Fold:
    clips = workspace.clips(spec.data.dataset)
    fold = next(iter(loso(clips)))
    images, positions = training_set(workspace.views(spec), fold, spec)
    labels = clips["label"].cat.codes.to_numpy()[positions]
    return Fold(spec, images, labels, len(clips["label"].cat.categories))


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    torch.set_num_threads(1)
    peak = matmul_peak(rounds=2 if quick else 8)
    recorder.add(SECTION, "this machine", "matrix-product peak, one core", peak / 1e9, "GFLOP/s")
    workspace, specs = prepared(quick)
    # The first fold of a process loads what all others find loaded.
    compute_fold(workspace.jobs(specs[-1:])[0], workspace.context)
    reached = {}
    with open_executor(workers=2) as executor, tempfile.TemporaryDirectory() as folder:
        for number, spec in enumerate(specs):
            fold, name = first_fold(workspace, spec), spec.model.name
            reached[name] = _shares(recorder, workspace, fold, peak)
            jobs = workspace.jobs([spec])[: 2 if quick else None]
            store = replace(workspace.context, store=Path(folder) / f"store{number}")
            if number == 0:  # the executor's processes import what they need
                warm = [Job(spec.model_copy(update={"seed": s}), jobs[0].held_out) for s in (7, 8)]
                run(warm, store, executor=executor)
            ours = seconds(lambda j=jobs, c=store: run(j, c, executor=executor))
            _against_usual(recorder, fold, ours / len(jobs), Path(folder), quick)
    furthest = sorted(reached, key=reached.__getitem__)[:PROFILED]
    for spec in specs:
        if spec.model.name in furthest:
            _profile(recorder, first_fold(workspace, spec))


def _shares(recorder: Recorder, workspace: Workspace, fold: Fold, peak: float) -> float:
    """Record where the time goes, and the share of the peak; return that share."""
    spec, name = fold.spec, fold.spec.model.name
    _, record, _ = compute_fold(workspace.jobs([spec])[-1], workspace.context)
    took = record["compute_seconds"]
    add = recorder.add
    parts = timed_parts(fold)
    for part in ("forward", "backward", "optimiser", "augmentation", "other"):
        add(SECTION, name, f"{part}, of the training loop", parts[part] / parts["all"])
    asked = sum(parts[part] for part in ("forward", "backward", "optimiser")) / parts["all"]
    # Predictions are forward passes too: of the test clips, after every epoch.
    asked = (asked * took + record["predict_seconds"]) / record["seconds"]
    add(SECTION, name, "forward, backward, optimiser, of a fold's time", asked, at_least=0.9)
    add(
        SECTION, name, "prediction, of a fold's time", record["predict_seconds"] / record["seconds"]
    )
    add(SECTION, name, "epochs", spec.training.epochs)
    add(SECTION, name, "time of a training image", 1e3 * took / record["images_shown"], "ms")
    operations = STEP_OVER_FORWARD * forward_operations(
        spec.model, spec.views.image_size, fold.classes
    )
    rate = operations * record["images_shown"] / took
    add(SECTION, name, "operations a second", rate / 1e9, "GFLOP/s")
    add(SECTION, name, "of the matrix-product peak", rate / peak)
    return rate / peak


def timed_parts(fold: Fold) -> Counter[str]:
    """Return the seconds of each part of the training loop, measured around its own calls."""
    model = fold.network()
    fold.fit(model, epochs=1)
    spent: Counter[str] = Counter()

    @contextmanager
    def counted(part: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        spent[part] += time.perf_counter() - started

    def timed(part: str, call: Callable) -> Callable:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            with counted(part):
                return call(*arguments, **options)

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
        with counted("all"):
            fold.fit(model)
    spent["other"] = spent["all"] - sum(v for k, v in spent.items() if k != "all")
    return spent


def _against_usual(recorder: Recorder, fold: Fold, ours: float, folder: Path, quick: bool) -> None:
    """Record the speed over the usual loop on the same cores, and both learning curves."""
    name, options = fold.spec.model.name, fold.spec.training
    mean, std = normalisation(fold.network(), pretrained=False)
    written = usual_loop.write_folder(fold.images, fold.labels, fold.classes, folder / name)
    images = usual_loop.dataset(written, mean, std, fold.spec.spatial)
    torch.set_num_threads(2)
    # Both ways of loading are in use; the faster one counts.
    usual = min(
        seconds(lambda w=w: usual_loop.train(fold.network(), images, options, workers=w))
        for w in (0, 2)
    )
    torch.set_num_threads(1)
    goal = GOALS.get(name, OTHER_GOAL)
    recorder.add(SECTION, name, "usual loop / ours", usual / ours, "x", at_least=goal)
    curves: dict[str, list[list[float]]] = {"ours": [], "usual loop": []}
    for seed in SEEDS[: 2 if quick else None]:
        curves["ours"].append(fold.fit(fold.network(seed), seed).losses)
        network = fold.network(seed)
        curves["usual loop"].append(usual_loop.train(network, images, options, seed=seed))
    for loop, runs in curves.items():
        for seed, losses in enumerate(runs):
            for epoch, loss in enumerate(losses, start=1):
                recorder.add("curves", name, f"{loop}, seed {seed}", loss, x=epoch)
    last = {loop: np.array([losses[-1] for losses in runs]) for loop, runs in curves.items()}
    error = np.sqrt(sum(v.var(ddof=1) / len(v) for v in last.values()))
    t = abs(last["ours"].mean() - last["usual loop"].mean()) / error
    recorder.add(
        SECTION, name, "difference of the last loss", t, "standard errors", at_most=T_LIMIT
    )


def _profile(recorder: Recorder, fold: Fold) -> None:
    """Record in which operations the time goes, by torch's own profiler."""
    model = fold.network()
    fold.fit(model, epochs=1)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        fold.fit(model, epochs=1)
    found = sorted(profiler.key_averages(), key=lambda e: -e.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in found)
    for event in found[:OPERATIONS_SHOWN]:
        share = event.self_cpu_time_total / total
        recorder.add("profile", fold.spec.model.name, event.key, share, "of the time")
