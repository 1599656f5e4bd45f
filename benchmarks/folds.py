"""What the sections train: folds of the demo profile, and networks on images of noise."""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.clock import seconds
from mer_utils import models
from mer_utils.experiments import PROFILES, Workspace, open_workspace
from mer_utils.experiments.profiles import Profile
from mer_utils.protocol import loso
from mer_utils.runs import Context, Executor, Job, RunSpec, prepare_views, run
from mer_utils.runs.device import make_repeatable
from mer_utils.runs.learners import training_set
from mer_utils.training import Classifier, TrainingOptions

CLASSES = 5


@dataclass(frozen=True)
class Fold:
    """What one fold trains on, and how its network is made."""

    model: str
    width: float
    depth: float
    images: np.ndarray
    labels: np.ndarray
    options: TrainingOptions
    spatial: str = "flip+rotation"
    classes: int = CLASSES

    def network(self, seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        size, scale = self.images.shape[1], {"width": self.width, "depth": self.depth}
        return models.create(self.model, self.classes, size, **scale)

    def classifier(self, model: nn.Module, device: Any = "cpu", **changes: Any) -> Classifier:
        """Return what a fold trains; `changes` are of the training options."""
        options = self.options.model_copy(update=changes)
        return Classifier(model, options, device=device)

    def fit(self, model: nn.Module, *, seed: int = 0, **changes: Any) -> Any:
        """Train as a fold does; `changes` as for `classifier`."""
        chosen = self.classifier(model, **changes)
        return chosen.fit(self.images, self.labels, spatial=self.spatial, seed=seed)


def prepared(quick: bool, train: str = "single") -> tuple[Workspace, list[RunSpec]]:
    """Return the demo profile's CASME II and one augmented run per network, views made."""
    workspace = open_workspace("smoke" if quick else "demo", datasets=["casme2"], workers=2)
    specs = {
        spec.model.name: spec.model_copy(update={"spatial": "flip+rotation"})
        for spec in workspace.specs("table2")
        if spec.setting == train and models.is_network(spec.model.name)
    }
    prepare_views(list(specs.values()), workspace.context, workers=2)
    return workspace, list(specs.values())


def first_fold(workspace: Workspace, spec: RunSpec) -> Fold:
    clips = workspace.clips(spec.data.dataset)
    images, labels = training_set(workspace.views(spec), next(iter(loso(clips))), spec)
    return Fold(
        spec.model.name,
        spec.model.width,
        spec.model.depth,
        images,
        labels,
        spec.training,
        spec.spatial,
        len(clips["label"].cat.categories),
    )


def noise_fold(profile: Profile, name: str, n: int, precision: str | None = None) -> Fold:
    """Return a fold of n images of noise for a profile's network, trained for one epoch."""
    plan = profile.models[name]
    changes: dict[str, Any] = {"epochs": 1, "learning_rate": plan.learning_rate}
    changes |= {"precision": precision} if precision else {}
    options = profile.training.model_copy(update=changes)
    shape = (n, plan.image_size, plan.image_size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return Fold(name, plan.width, plan.depth, images, np.arange(n) % CLASSES, options)


def run_seconds(
    jobs: Sequence[Job], context: Context, executor: Executor, workers: int
) -> float | None:
    """Return the time of the folds by workers that have computed one before, None if one fails."""
    warm = [
        Job(jobs[0].spec.model_copy(update={"seed": 100 + k}), jobs[0].held_out)
        for k in range(workers)
    ]
    failed = run(warm, context, executor=executor).failed
    if not failed:
        took = seconds(lambda: failed.extend(run(jobs, context, executor=executor).failed))
        if not failed:
            return took
    reason = failed[0].error.strip().splitlines()[-1]
    print(f"{jobs[0].spec.model.name}, {workers} worker(s): {len(failed)} folds failed: {reason}")
    return None


def full_size_peak(name: str, clips: int = 255, steps: int = 2) -> float:
    """Train two steps of a full-size fold; return this process's peak memory in GiB.

    As many clips as CASME II has, three views each, the network, batch and precision of the
    paper profile. A fold's memory does not grow after its second step: by then the optimiser's
    state is there.
    """
    make_repeatable()
    profile = PROFILES["paper"]
    fold = noise_fold(profile, name, steps * profile.training.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "views.npy"
        shape = (clips, 3, *fold.images.shape[1:])
        np.lib.format.open_memmap(file, "w+", np.uint8, shape).flush()
        views = np.load(file, mmap_mode="r")
        images = np.concatenate([views[:, phase] for phase in range(3)])
        few = replace(fold, images=images[: len(fold.images)], spatial="none")
        few.fit(few.network())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":  # the peak of a process of its own
    print(full_size_peak(sys.argv[1]))
