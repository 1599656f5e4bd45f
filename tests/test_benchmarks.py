"""What the benchmarks are made of: equal results on both sides, a record that is read back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks import dynamic_images, effects, machine, scaling, training, usual_loop
from benchmarks.clock import best
from benchmarks.record import Recorder
from mer_utils import dynamic_image, models, tables
from mer_utils.experiments.profiles import get_profile
from mer_utils.models.create import normalisation
from mer_utils.training import TrainingOptions
from mer_utils.training.fit import _scale


@pytest.fixture
def fold(workspace):
    spec = next(s for s in workspace.specs("table2") if s.model.name == "learnet")
    return training.first_fold(workspace, spec)


@pytest.mark.parametrize("form", [dynamic_images.plain, dynamic_images.plain_copied])
def test_the_plain_form_equals_ours(rng, form):
    frames = rng.integers(0, 256, (67, 40, 30, 3), dtype=np.uint8)
    assert (
        dynamic_images.largest_error(dynamic_image.dynamic_image(frames), form(frames))
        < dynamic_images.LARGEST_ERROR
    )


def test_both_loops_see_the_same_images(rng, tmp_path):
    images = rng.integers(0, 256, (7, 20, 20, 3), dtype=np.uint8)
    labels = np.array([2, 0, 2, 2, 0, 4, 4])  # classes 1 and 3 have no image
    mean, std = normalisation(torch.nn.Identity(), pretrained=False)
    folder = usual_loop.write_folder(images, labels, 5, tmp_path / "images")
    read = usual_loop.dataset(folder, mean, std)
    ours = _scale(torch.from_numpy(images), mean, std)
    order = np.argsort(labels, kind="stable")
    for (image, label), number in zip(read, order, strict=True):
        torch.testing.assert_close(image, ours[number])
        assert label == labels[number]


def test_the_usual_loop_augments_as_ours_does(rng, tmp_path):
    images = rng.integers(0, 256, (1, 21, 21, 3), dtype=np.uint8)
    mean, std = normalisation(torch.nn.Identity(), pretrained=False)
    folder = usual_loop.write_folder(images, np.zeros(1, int), 1, tmp_path / "images")
    ours = _scale(torch.from_numpy(images), mean, std)[0]
    flipped = usual_loop.dataset(folder, mean, std, "flip")
    seen = [bool(torch.allclose(flipped[0][0], ours.flip(-1), atol=1e-5)) for _ in range(40)]
    assert set(seen) == {True, False}
    turned = usual_loop.dataset(folder, mean, std, "rotation")[0][0]
    # The centre stays where it is; a corner moves by up to 14 sin(10 degrees) = 2.5 pixels.
    torch.testing.assert_close(turned[:, 10, 10], ours[:, 10, 10], atol=0.02, rtol=0)
    assert not torch.allclose(turned, ours, atol=0.1)


def test_the_usual_loop_learns(rng, tmp_path):
    torch.set_num_threads(1)
    labels = np.arange(24) % 2
    images = (rng.integers(0, 60, (24, 32, 32, 3)) + 150 * labels[:, None, None, None]).astype("u1")
    plan = get_profile("smoke").models["learnet"]
    torch.manual_seed(0)
    model = models.create("learnet", 2, 32, width=plan.width)
    mean, std = normalisation(model, pretrained=False)
    folder = usual_loop.write_folder(images, labels, 2, tmp_path / "images")
    read = usual_loop.dataset(folder, mean, std, "flip+rotation")
    losses = usual_loop.train(model, read, TrainingOptions(epochs=6, batch_size=8))
    assert losses[-1] < 0.8 * losses[0]


def test_the_parts_of_the_training_loop_add_up(fold):
    parts = training.timed_parts(fold)
    named = [parts[part] for part in ("forward", "backward", "optimiser")]
    assert min(named) > 0
    assert sum(named) + parts["augmentation"] + parts["other"] == pytest.approx(parts["all"])
    assert parts["other"] > 0


@pytest.mark.parametrize("changes", [{}, {"channels_last": False}, {"fused": False}, {"batch": 4}])
def test_every_variant_of_a_step_trains(fold, changes, monkeypatch):
    made = []
    create = models.create
    monkeypatch.setattr(models, "create", lambda *a, **k: made.append(create(*a, **k)) or made[-1])
    step = effects.stepper(fold, **changes)
    before = [p.detach().clone() for p in made[0].parameters()]
    step()
    assert any((a != b).any() for a, b in zip(before, made[0].parameters(), strict=True))


def test_a_made_run_counts_the_images_of_its_folds():
    took, shown = scaling.loso_run(subjects=4, clips=12, image_size=32)
    assert shown == 4 * 9
    assert took > 0


def test_a_record_is_read_back_as_it_was_written(tmp_path):
    recorder = Recorder(machine.describe())
    recorder.add("whole", "a case", "seconds", 0.25, "s", at_most=0.3)
    recorder.add("scaling", "clips", "time of a run", 2, "s", x=8)
    read = tables.read_costs(recorder.write(tmp_path / "record.json"))
    assert read.machine == recorder.machine
    assert read.rows["value"].tolist() == [0.25, 2.0]
    assert tables.costs_table(read, "whole")["verdict"].tolist() == ["met"]


def test_contestants_take_turns():
    calls = []
    shortest = best({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2)
    assert "".join(calls) == "ababab"
    assert set(shortest) == {"a", "b"}
