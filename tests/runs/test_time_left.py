"""The time left: simulated runs, of which the end is known."""

from __future__ import annotations

import heapq

import numpy as np
import pytest

from mer_utils.runs import DataSpec, Job, ModelSpec, RunSpec
from mer_utils.runs.time_left import TimeLeft, one_of_each_first
from mer_utils.training import TrainingOptions
from mer_utils.views import ViewOptions

NETWORKS = ("vgg19", "resnet50", "efficientnet_b0", "mobilenetv2_100", "learnet")
MODELS = (*NETWORKS, "svm_hog")


def jobs(folds=16):
    """A mixed table: dual folds show three times the images of single ones."""
    data = DataSpec(dataset="casme2", scheme="casme2-5", fingerprint="0" * 64)
    return [
        Job(
            RunSpec(
                data=data,
                views=ViewOptions(image_size=48),
                model=ModelSpec(name=name),
                training=TrainingOptions(),
                train_views=train,
            ),
            str(fold),
        )
        for name in MODELS
        for train in ("single", "dual")
        for fold in range(folds)
    ]


def simulate(order, real, workers, costs, known, until):
    """Let workers take folds in turn; return the estimate at a time, and when all is done."""
    left = TimeLeft(costs, known and (lambda: known))
    free, ends = [(0.0, n) for n in range(workers)], []
    for job in order:
        at, worker = heapq.heappop(free)
        ends.append((at + real[job], job))
        heapq.heappush(free, (at + real[job], worker))
    for end, job in sorted(ends, key=lambda e: e[0]):
        if end <= until:
            left.add(job, real[job], end)
    return left.seconds(until), max(end for end, _ in ends)


@pytest.mark.scenario("J")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("workers", "known"), [(2, 2), (8, 8), (2, None), (1, 1)])
def test_after_a_minute_of_a_mixed_run_the_estimate_is_within_a_quarter(seed, workers, known):
    rng = np.random.default_rng(seed)
    all_jobs = jobs()
    costs = {job: 1.0 * len(job.spec.train_views) for job in all_jobs}
    # A kind's folds take up to nine times what is planned of another's, and each its own time.
    factor = dict(zip(MODELS, rng.uniform(1 / 3, 3, len(MODELS)) * workers, strict=True))
    factor["svm_hog"] /= 10
    real = {
        job: costs[job] * factor[job.spec.model.name] * rng.uniform(0.9, 1.1) for job in all_jobs
    }
    ordered = one_of_each_first(all_jobs)
    said, end = simulate(ordered, real, workers, costs, known, 60)
    assert end > 150
    assert said == pytest.approx(end - 60, rel=0.25)
    # By count alone it would be wrong: the first folds are not like the others.
    assert simulate(ordered, real, workers, costs, known, 1e9)[0] == 0


def test_one_fold_of_each_kind_is_first_and_none_is_lost():
    every = jobs(3)
    ordered = one_of_each_first(every)
    assert sorted(map(hash, ordered)) == sorted(map(hash, every))
    assert [job.spec.model.name for job in ordered[: len(MODELS)]] == list(MODELS)
    assert ordered[len(MODELS) :] == [job for job in every if job not in ordered[: len(MODELS)]]


def test_what_is_there_already_is_no_work_and_nothing_is_known_before_a_fold_is_done():
    every = jobs(3)
    left = TimeLeft(dict.fromkeys(every, 1.0), lambda: 1)
    assert left.seconds(5) is None
    for job in every[2:]:
        left.drop(job)
    left.add(every[0], 4.0, 10.0)
    assert left.seconds(10.0) == pytest.approx(4.0)
