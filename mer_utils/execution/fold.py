"""Compute one fold and put it into the store."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from filelock import Timeout

from mer_utils import models
from mer_utils.dynamic_image import PHASES
from mer_utils.errors import MerError
from mer_utils.execution.data import Context, load_clips, load_views
from mer_utils.execution.device import device_name, make_repeatable, resolve_device
from mer_utils.models.create import normalisation
from mer_utils.protocol import fold_of
from mer_utils.runs import RunSpec, RunStore, environment, prediction_rows
from mer_utils.training import TRAINING_VERSION, fit, predict
from mer_utils.views import VIEWS_VERSION, Views


@dataclass(frozen=True)
class Job:
    """The unit of work: one run and the subject it holds out."""

    spec: RunSpec
    held_out: str


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    job : Job
    status : {"done", "present", "busy", "failed", "unwritable"}
        ``present``: it was in the store already; ``busy``: another process computes it;
        ``unwritable``: it was computed and could not be stored, so going on is in vain.
    seconds : float
    error : str
        What went wrong, with its place; empty if nothing did.
    """

    job: Job
    status: Literal["done", "present", "busy", "failed", "unwritable"]
    seconds: float = 0.0
    error: str = ""


def run_fold(job: Job, context: Context, *, wait: bool = False) -> Outcome:
    """Compute a fold unless it is in the store, and store it.

    Parameters
    ----------
    job : Job
    context : Context
    wait : bool
        Wait for another process that computes this fold, instead of giving it back.

    Returns
    -------
    Outcome
        Failures are returned, not raised: one fold never stops another.
    """
    started = time.perf_counter()
    status: Literal["failed", "unwritable"] = "failed"
    try:
        store = RunStore(context.store)
        with store.lock(job.spec, job.held_out, wait=wait):
            if store.has(job.spec, job.held_out):
                return Outcome(job, "present")
            rows, record = compute_fold(job, context)
            status = "unwritable"
            store.write(job.spec, job.held_out, rows, record)
    except Timeout:
        return Outcome(job, "busy")
    except MerError as error:
        return Outcome(job, status, time.perf_counter() - started, str(error))
    except Exception:  # a fold that fails must not take the others with it
        return Outcome(job, "failed", time.perf_counter() - started, traceback.format_exc())
    return Outcome(job, "done", time.perf_counter() - started)


def compute_fold(job: Job, context: Context) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Train on every subject but one, predict that one.

    Returns
    -------
    rows : DataFrame
        One row a tested clip and view, see :func:`mer_utils.runs.prediction_rows`.
    record : dict
        Versions, device, times and counts.

    Raises
    ------
    MerError
        If this machine's code, data, weights or device are not those the run names.
    """
    begun = time.perf_counter()
    make_repeatable()
    spec, device = job.spec, resolve_device(context.device)
    _require_same_code(spec)
    if spec.model.pretrained:
        _require_same_weights(spec)
    clips, views = load_clips(spec.data, context), load_views(spec, context)
    fold = fold_of(clips, job.held_out)
    labels = clips["label"].cat.codes.to_numpy()
    images, positions = training_set(views, fold.train, spec.train_views)
    seed = spec.fold_seed(job.held_out)
    torch.manual_seed(seed)
    model = models.create(
        spec.model.name,
        len(clips["label"].cat.categories),
        spec.views.image_size,
        width=spec.model.width,
        pretrained=spec.model.pretrained,
    )
    mean, std = normalisation(model, spec.model.pretrained)
    report = fit(
        model,
        images,
        labels[positions],
        spec.training,
        mean=mean,
        std=std,
        spatial=spec.spatial,
        seed=seed,
        device=device,
    )
    rows = []
    for view in PHASES:
        shown, tested = views.of(view, fold.test)
        if len(tested):
            p = predict(model, shown, spec.training, mean=mean, std=std, device=device)
            rows.append(prediction_rows(spec, clips, view, tested, p))
    record = {
        **environment(),
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "precision": spec.training.precision,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": time.perf_counter() - begun,
        "compute_seconds": report.compute_seconds,
        "training_images": len(images),
        "training_clips": len(fold.train),
        "images_shown": report.images,
        "steps": report.steps,
        "losses": report.losses,
    }
    return pd.concat(rows, ignore_index=True), record


def training_set(
    views: Views, clips: np.ndarray, train_views: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Collect the training images of a fold.

    Parameters
    ----------
    views : Views
    clips : ndarray of int
        Positions of the training clips.
    train_views : tuple of str
        Phases; one named k times gives each of its images k times.

    Returns
    -------
    images : ndarray of shape (n, h, w, 3), uint8
    positions : ndarray of shape (n,), int
        The clip of each image. Clips without a phase do not occur for it.
    """
    parts = [views.of(view, clips) for view in train_views]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _require_same_code(spec: RunSpec) -> None:
    found = (spec.training_version, spec.views_version)
    if found != (TRAINING_VERSION, VIEWS_VERSION):
        raise MerError(
            f"the run was planned with training code {found[0]} and view code {found[1]}",
            f"versions {TRAINING_VERSION} and {VIEWS_VERSION}, which are installed here",
            "install the same release of mer-utils wherever the run is planned and computed",
        )


def _require_same_weights(spec: RunSpec) -> None:
    found = models.weights_identity(spec.model.name)
    if found != spec.model.weights:
        raise MerError(
            f"the ImageNet weights of {spec.model.name} here are {found}",
            f"{spec.model.weights}, which the run was planned with",
            "let MER_WEIGHTS name the same files on every machine",
        )
