"""Plans: counts by hand, operations without weights, times that are positive and ordered."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from mer_utils import models
from mer_utils.runs import DataSpec, Job, ModelSpec, RunSpec, plan
from mer_utils.training import TrainingOptions
from mer_utils.views import ViewOptions

DATA = DataSpec(dataset="casme2", scheme="casme2-5", fingerprint="0" * 64)
CLIPS = pd.DataFrame(
    {
        "subject": ["a", "a", "b", "c", "c", "c"],
        "label": pd.Categorical(["x", "y", "x", "y", "x", "y"]),
    }
)
SPEC = RunSpec(
    data=DATA,
    views=ViewOptions(image_size=16),
    model=ModelSpec(name="learnet", width=0.5),
    training=TrainingOptions(epochs=3, batch_size=4),
    train_views=("full", "onset_apex", "apex_offset"),
)


def test_a_plan_counts_what_folds_would_show(monkeypatch):
    monkeypatch.setattr(plan, "seconds_per_image", lambda *a: 0.5)
    monkeypatch.setattr(plan, "forward_operations", lambda *a: 1e12)
    jobs = [Job(SPEC, "a"), Job(SPEC, "c")]
    counted = plan.plan_runs([SPEC], jobs, {DATA: CLIPS}, workers=2)
    shown = (4 + 3) * 3 * 3
    assert (counted.runs, counted.folds, counted.missing) == (1, 3, 2)
    assert counted.images == shown
    two = SPEC.model_copy(update={"evaluation": "groups:2"})
    assert plan.plan_runs([SPEC, two], [], {DATA: CLIPS}).folds == 5
    assert counted.operations == 3e12 * shown
    assert counted.seconds == pytest.approx(plan.BESIDE_STEPS * shown * 0.5 / 2)
    rate = plan.GPU_OPERATIONS_PER_SECOND["learnet"]["float32"]
    assert counted.gpu_seconds == pytest.approx(3e12 * shown / rate)
    other = SPEC.model_copy(update={"model": ModelSpec(name="resnet18")})
    like = plan.plan_runs([other], [Job(other, "a")], {DATA: CLIPS})
    rate = plan.GPU_OPERATIONS_PER_SECOND["resnet50"]["float32"]
    assert like.gpu_seconds == pytest.approx(3e12 * 4 * 3 * 3 / rate)


@pytest.mark.parametrize(
    ("device", "workers", "divided"),
    [("cpu", 8, 8), ("cuda", 8, 2), ("auto", 8, 2), ("cuda", 1, 1), ("cuda:1", 8, 1)],
)
def test_workers_on_one_gpu_count_as_one(monkeypatch, device, workers, divided):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(
        plan, "resolve_device", lambda device: torch.device("cpu" if device == "cpu" else "cuda:0")
    )
    monkeypatch.setattr(plan, "seconds_per_image", lambda *a: 0.5)
    monkeypatch.setattr(plan, "forward_operations", lambda *a: 1e12)
    counted = plan.plan_runs(
        [SPEC], [Job(SPEC, "a")], {DATA: CLIPS}, device=device, workers=workers
    )
    assert counted.seconds == pytest.approx(plan.BESIDE_STEPS * counted.images * 0.5 / divided)


def test_small_images_are_little_faster_on_a_large_gpu_and_much_on_a_small_one(monkeypatch):
    """ResNet50 at 112 pixels: 231,372 images in bfloat16 were measured to take 65 to 75 s."""
    monkeypatch.setattr(plan, "seconds_per_image", lambda *a: 0.5)
    options = TrainingOptions(epochs=1, precision="bfloat16")
    times = {}
    for size in (112, 224, 448):
        spec = SPEC.model_copy(
            update={
                "model": ModelSpec(name="resnet50"),
                "views": ViewOptions(image_size=size),
                "training": options,
            }
        )
        found = plan.plan_runs([spec], [Job(spec, "a")], {DATA: CLIPS})
        times[size] = found.gpu_seconds / found.images, found.small_gpu_seconds / found.images
    assert 65 < 231_372 * times[112][0] < 75
    assert times[224][0] == pytest.approx(plan.GPU_GAIN * times[112][0])
    assert times[448][0] == pytest.approx(4 * times[224][0], rel=0.01)
    assert times[224][1] == pytest.approx(4 * times[112][1], rel=0.06)
    assert times[224][1] == pytest.approx(plan.SMALL_GPU_TIMES * times[224][0])


def test_a_finished_run_is_not_probed(monkeypatch):
    monkeypatch.setattr(plan, "seconds_per_image", lambda *a: pytest.fail("probed"))
    counted = plan.plan_runs([SPEC], [], {DATA: CLIPS})
    assert (counted.missing, counted.seconds, counted.gpu_seconds) == (0, 0, 0)


def test_operations_need_no_weights_and_equal_those_of_a_real_network():
    # The hub is not asked, though the specification names pre-trained weights.
    named = ModelSpec(name="resnet50", pretrained=True, weights="hub:timm/resnet50.a1_in1k")
    counted = plan.forward_operations(named, 64, 5)
    assert counted == models.count_operations(models.create("resnet50", 5, 64), 64)


def test_a_training_step_is_three_forward_passes():
    """The counter agrees where it can be asked: a network without grouped convolutions."""
    network = models.create("learnet", 5, 112)
    forward = models.count_operations(network, 112)
    step = models.count_operations(network, 112, backward=True)
    # The first layer needs no gradient of its input, so a little less than three.
    assert 2.5 < step / forward <= plan.STEP_OVER_FORWARD


def test_the_probe_measures_a_time():
    arguments = (SPEC.model, 16, 2, SPEC.training, "cpu")
    assert 0 < plan.seconds_per_image(*arguments) < 10
    assert plan.seconds_per_image(*arguments) == plan.seconds_per_image(*arguments)
