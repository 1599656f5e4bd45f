"""What the benchmarks are made of: equal results on both sides, a record that is read back."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import (
    dynamic_images,
    effects,
    folds,
    gpu,
    gpu_pooling,
    learning,
    machine,
    rules,
    scaling,
    training,
    twins,
    usual_loop,
)
from benchmarks.clock import best
from benchmarks.record import Recorder
from companion import costs
from mer_utils import dynamic_image, models
from mer_utils.experiments.profiles import PROFILES
from mer_utils.models import normalisation
from mer_utils.runs import Job, open_executor
from mer_utils.training import Classifier, TrainingOptions


@pytest.fixture
def fold(workspace):
    spec = next(s for s in workspace.specs("table2") if s.model.name == "learnet")
    return folds.first_fold(workspace, spec)


@pytest.mark.parametrize("form", [dynamic_images.plain, dynamic_images.plain_copied])
def test_the_plain_form_equals_ours(rng, form):
    frames = rng.integers(0, 256, (67, 40, 30, 3), dtype=np.uint8)
    assert (
        dynamic_images.largest_error(dynamic_image.dynamic_image(frames), form(frames))
        < dynamic_images.LARGEST_ERROR
    )


def test_frames_and_views_are_timed_from_the_disk(twins, tmp_path):
    recorder = Recorder({})
    dynamic_images.from_disk(recorder, twins / "casme2-smoke", tmp_path, quick=True)
    values = {row["measure"]: row["value"] for row in recorder.rows}
    assert values["read back as a memory map"] == 1
    assert min(values.values()) > 0


def test_both_loops_see_the_same_images(rng, tmp_path):
    images = rng.integers(0, 256, (7, 20, 20, 3), dtype=np.uint8)
    labels = np.array([2, 0, 2, 2, 0, 4, 4])  # classes 1 and 3 have no image
    mean, std = normalisation(torch.nn.Identity(), pretrained=False)
    folder = usual_loop.write_folder(images, labels, 5, tmp_path / "images")
    read = usual_loop.dataset(folder, mean, std)
    ours = Classifier(torch.nn.Identity()).scaled(torch.from_numpy(images))
    order = np.argsort(labels, kind="stable")
    for (image, label), number in zip(read, order, strict=True):
        torch.testing.assert_close(image, ours[number])
        assert label == labels[number]


def test_the_usual_loop_augments_as_ours_does(rng, tmp_path):
    images = rng.integers(0, 256, (1, 21, 21, 3), dtype=np.uint8)
    mean, std = normalisation(torch.nn.Identity(), pretrained=False)
    folder = usual_loop.write_folder(images, np.zeros(1, int), 1, tmp_path / "images")
    ours = Classifier(torch.nn.Identity()).scaled(torch.from_numpy(images))[0]
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
    plan = PROFILES["smoke"].models["learnet"]
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


@pytest.fixture(scope="module")
def batch():
    """Three clips, their apexes, their frames as (b, t, n) bytes, and every phase's weights."""
    clips, apexes = gpu_pooling.made_clips(3, 34)
    weights = np.stack([gpu_pooling.phase_weights(clips.shape[1], apex) for apex in apexes])
    return clips, apexes, torch.from_numpy(clips).flatten(2), torch.from_numpy(weights)


def errors(pooled, clips, apexes):
    """The largest error of each clip's dynamic images, of the range of each."""
    return [
        dynamic_images.largest_error(ours.reshape(exact.shape), exact)
        for phases, clip, apex in zip(pooled, clips, apexes, strict=True)
        for ours, exact in zip(
            phases, dynamic_image.phase_dynamic_images(clip, int(apex)).values(), strict=True
        )
    ]


@pytest.mark.parametrize("clips_at_once", [1, 2, 3])
def test_the_matrix_product_of_a_batch_is_every_phases_dynamic_image(batch, clips_at_once):
    clips, apexes, frames, weights = batch
    pooled = gpu_pooling.matrix_product(frames, *gpu_pooling.in_halves(weights), clips_at_once)
    assert max(errors(pooled.numpy(), clips, apexes)) < gpu_pooling.OTHER_ERROR


def test_one_float16_a_weight_would_not_do(batch):
    clips, apexes, frames, weights = batch
    halves, scale = gpu_pooling.in_halves(weights)
    halves[:, 3:] = 0
    pooled = gpu_pooling.matrix_product(frames, halves, scale, 3)
    assert max(errors(pooled.numpy(), clips, apexes)) > gpu_pooling.OTHER_ERROR


def test_the_kernel_pools_as_ours_does(batch, tmp_path):
    """Triton's interpreter stands in for the GPU; its setting is read at the first import."""
    pytest.importorskip("triton")
    clips, apexes, frames, weights = batch
    np.savez(tmp_path / "batch.npz", frames=frames, weights=weights)
    code = (
        "import sys, numpy as np, torch; from benchmarks.one_pass import one_pass\n"
        "batch = np.load(sys.argv[1])\n"
        "frames, weights = (torch.from_numpy(batch[name]) for name in ('frames', 'weights'))\n"
        "np.save(sys.argv[2], one_pass(frames, weights.float()).numpy())"
    )
    path = os.pathsep.join(part for part in sys.path if part)
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": path}
    files = [tmp_path / "batch.npz", tmp_path / "pooled.npy"]
    subprocess.run([sys.executable, "-c", code, *files], check=True, env=environment)
    pooled = np.load(tmp_path / "pooled.npy")
    assert max(errors(pooled, clips, apexes)) < gpu_pooling.LARGEST_ERRORS["one pass"]


def recorded(recorder):
    rows = recorder.costs().rows
    return {(row.section, row.measure): row.value for row in rows.itertuples()}


def test_a_batch_is_pooled_and_timed_on_any_device(capsys):
    recorder = Recorder({})
    gpu_pooling.pooling(recorder, torch.device("cpu"), quick=True)
    values = recorded(recorder)
    forms = [m.removesuffix(", largest error") for _, m in values if m.endswith("largest error")]
    assert forms[:2] == ["matrix product", "matrix product, clip by clip"]
    for form in forms:
        assert values["gpu", f"{form}, bytes read, of copy bandwidth"] > 0
        assert values["gpu", f"{form}, largest error"] < gpu_pooling.OTHER_ERROR
    assert recorder.costs().rows["at_least"].notna().sum() == 1
    assert ("one pass" in forms) != ("kernel failed" in capsys.readouterr().out)


def test_folds_that_fail_are_said_and_not_timed(workspace, capsys):
    specs = [s for s in workspace.specs("table2") if s.model.name == "learnet"][:1]
    bad = [Job(specs[0], "nobody")]
    with open_executor() as executor:
        assert folds.run_seconds(bad, workspace.context, executor, 1) is None
    assert "learnet, 1 worker(s): 1 folds failed: " in capsys.readouterr().out


def test_the_whole_check_of_a_gpu_runs_without_one(monkeypatch, twins, tmp_path, capsys):
    monkeypatch.setenv("MER_BUILD", str(tmp_path))
    (tmp_path / "data").symlink_to(twins)
    monkeypatch.setattr(gpu, "matmul_peak", lambda **kind: 1e12)
    out = tmp_path / "record.json"
    gpu.main(["--device", "cpu", "--quick", "--out", str(out)])
    said = capsys.readouterr().out
    assert "FAILED" not in said
    assert all(f"{section.__name__}: " in said for section in gpu.SECTIONS)
    rows = costs.read(out).rows
    goals = rows[rows["at_least"].notna() | rows["at_most"].notna()]
    missed = [r["measure"] for r in goals.to_dict("records") if costs.record.verdict(r) == "missed"]
    assert all("of copy bandwidth" in measure for measure in missed)
    rates = rows.query("section == 'gpu rates'").set_index(["case", "measure"])["value"]
    plan = PROFILES["smoke"].models["vgg19"]
    scale = {"width": plan.width, "depth": plan.depth}
    network = models.create("vgg19", folds.CLASSES, plan.image_size, **scale)
    step = 3 * models.count_operations(network, plan.image_size)
    for precision in gpu.PRECISIONS:
        images = rates["vgg19", f"images a second, {precision}"]
        assert images > 0
        rate = rates["vgg19", f"operations a second, {precision}"]
        assert rate == pytest.approx(step * images / 1e12)
        assert rates["vgg19", f"of the peak, {precision}"] == pytest.approx(rate)


def test_a_section_that_fails_takes_no_other_with_it(monkeypatch, tmp_path, capsys):
    def broken(recorder, check):
        recorder.add("gpu", "case", "before it broke", 1)
        raise ValueError("out of order")

    def late(recorder, check):
        raise AssertionError("never reached")

    def good(recorder, check):
        recorder.add("gpu", "case", "measured", 2)

    monkeypatch.setattr(gpu, "SECTIONS", {broken: 0, late: 1e9, good: 0})
    out = tmp_path / "record.json"
    recorder = Recorder(machine.describe())
    gpu.measure_on(torch.device("cpu"), recorder, quick=True, budget=60, out=out)
    said = capsys.readouterr().out
    assert "broken FAILED: ValueError: out of order" in said
    assert "late: left out" in said
    assert costs.read(out).rows["measure"].tolist() == ["before it broke", "measured"]


def test_a_peak_is_measured_in_any_precision():
    peak = machine.matmul_peak(rounds=1, sizes=(64,), device="cpu", dtype=torch.bfloat16)
    assert peak > 0


def test_without_a_gpu_its_section_says_so_and_records_nothing(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    recorder = Recorder(machine.describe())
    gpu.measure(recorder)
    recorder.show(gpu.SECTION)
    said = capsys.readouterr().out
    assert said == "No CUDA device is visible: the section gpu records nothing.\n"
    assert recorder.rows == []
    assert recorder.machine["gpu"] == "none"


def test_a_made_run_counts_the_images_of_its_folds():
    took, shown = scaling.loso_run(subjects=4, clips=12, image_size=32)
    assert shown == 4 * 9
    assert took > 0


def test_a_record_is_read_back_as_it_was_written(tmp_path):
    recorder = Recorder(machine.describe())
    recorder.add("whole", "a case", "seconds", 0.25, "s", at_most=0.3)
    recorder.add("scaling", "clips", "time of a run", 2, "s", x=8)
    read = costs.read(recorder.write(tmp_path / "record.json"))
    assert read.machine == recorder.machine
    assert read.rows["value"].tolist() == [0.25, 2.0]
    assert costs.section_table(read, "whole")["verdict"].tolist() == ["met"]


def test_twins_are_computed_once_each(monkeypatch, tmp_path):
    monkeypatch.setattr(twins, "PROFILE", PROFILES["smoke"])
    monkeypatch.setattr(twins, "CELLS", ((1.0, 2.0, 1.0),))
    monkeypatch.setattr(twins, "LEARNERS", {"constant": 2, "svm_hog": 1})
    out = tmp_path / "twins.json"
    for first, rows in ((1, 2 * 3), (0, 2 * 3 + 3)):
        twins.main(first=first, out=out)
        assert len(json.loads(out.read_text("utf-8"))["rows"]) == rows
    monkeypatch.setattr(twins, "one_twin", None)  # there is nothing left to compute
    twins.main(out=out)
    rows = pd.DataFrame(json.loads(out.read_text("utf-8"))["rows"])
    assert rows.groupby("model")["seed"].nunique().to_dict() == {"constant": 2, "svm_hog": 1}
    assert set(rows["setting"]) == {"single", "dual", "aligned"}


def test_one_command_computes_every_record_of_the_book_and_goes_on(monkeypatch, tmp_path):
    folder = Path(rules.__file__).parent / "recorded" / "rules"
    assert {f"{name}.json" for name in rules.RECORDS} == {
        "tolerance.json", *(file.name for file in folder.iterdir())
    }  # fmt: skip
    started = []

    def stopped_at_alarms(command, check):
        module, option, out = command[2:]
        assert importlib.util.find_spec(module)
        assert option == "--out"
        started.append(module.removeprefix("benchmarks."))
        if started[-1] == "alarms" and started.count("alarms") == 1:
            raise subprocess.CalledProcessError(1, command)
        Path(out).write_text("{}")

    monkeypatch.setattr(rules.subprocess, "run", stopped_at_alarms)
    with pytest.raises(subprocess.CalledProcessError):
        rules.main(tmp_path / "rules")
    assert started == list(rules.RECORDS)
    rules.main(tmp_path / "rules")
    # What a command writes bit by bit is asked again what it lacks; what is whole is not.
    again = [name for name in rules.RECORDS if name not in rules.AT_ONCE]
    assert started[len(rules.RECORDS) :] == [*again, "alarms"]


def test_a_networks_learning_is_recorded_for_every_rate_and_epoch(monkeypatch, tmp_path):
    for module in (learning, twins):
        monkeypatch.setattr(module, "PROFILE", PROFILES["smoke"])
    out = tmp_path / "learning.json"
    learning.main(networks="learnet", rates="0.001,0.01", epochs=2, folds=2, out=out)
    rows = pd.DataFrame(json.loads(out.read_text("utf-8"))["rows"])
    assert len(rows) == 2 * 2 * len(learning.TWINS)
    assert rows["uar"].between(0, 1).all()


def test_a_rate_within_one_standard_error_of_the_best_and_nearer_the_common_one_is_chosen():
    rows = pd.DataFrame(
        [
            # 1e-3 is one standard error of the mean of two below, which is 0.05 * sqrt(2) / 2.
            ("a", 1e-3, 0.465, 0.0), ("a", 3e-3, 0.50, 0.05), ("a", 1e-2, 0.49, 0.0),
            ("b", 1e-3, 0.464, 0.9), ("b", 3e-3, 0.50, 0.05), ("b", 1e-2, 0.49, 0.0),
        ],
        columns=["network", "learning_rate", "uar", "error"],
    )  # fmt: skip
    rows = pd.concat([rows.assign(dataset=name, epoch=2, epochs=2) for name in learning.TWINS])
    earlier = rows.assign(epoch=1, uar=1.0)  # the end alone counts
    found = learning.chosen(pd.concat([earlier, rows]))
    assert found == {"a": 1e-3, "b": 3e-3}


def test_the_jackknife_of_equal_subjects_is_the_error_of_a_mean():
    seen = np.random.default_rng(0).integers(2, size=120)
    rows = pd.DataFrame(
        {"subject": np.repeat(list("abcdef"), 20), "y_true": np.arange(120) % 2, "y_pred": seen}
    ).assign(clip=range(120))
    right = rows["y_pred"].eq(rows["y_true"]).groupby(rows["subject"]).mean()
    assert learning.error(rows) == pytest.approx(right.sem())


def test_the_demos_rates_are_those_that_the_record_chooses():
    record = json.loads(learning.OUT.read_text("utf-8"))
    rows = pd.DataFrame(record["rows"])
    plans = PROFILES["demo"].models
    assert learning.chosen(rows) == {name: plan.learning_rate for name, plan in plans.items()}
    sizes = ["network", "width", "depth", "image_size", "epochs"]
    for name, *said in rows[sizes].drop_duplicates().to_numpy().tolist():
        plan = plans[name]
        length = plan.epochs or PROFILES["demo"].training.epochs
        assert said == [plan.width, plan.depth, plan.image_size, length]


def test_contestants_take_turns():
    calls = []
    shortest = best({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2)
    assert "".join(calls) == "ababab"
    assert set(shortest) == {"a", "b"}
