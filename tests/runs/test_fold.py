"""One fold: computed, stored, found again, and refused where something does not fit."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from helpers import raises, registered
from torch import nn

from mer_utils import machine, models, protocol
from mer_utils.datasets import Manifest
from mer_utils.errors import MerError
from mer_utils.models import baselines
from mer_utils.phases import PHASES, TRAINING_SETS, VIEWS
from mer_utils.runs import (
    Context,
    Data,
    DataSpec,
    Job,
    ModelSpec,
    RunStore,
    compute_fold,
    device,
    load_views,
    open_executor,
    prepare_views,
    run_fold,
)
from mer_utils.runs.device import device_name, make_repeatable, resolve_device
from mer_utils.runs.learners import training_set
from mer_utils.training import Classifier, TrainingOptions


def with_spec(job: Job, **changes) -> Job:
    return replace(job, spec=job.spec.model_copy(update=changes))


def test_a_fold_predicts_every_view_of_the_held_out_clips_and_of_no_other(jobs, context):
    job = jobs[0]
    every, record, maps = compute_fold(job, context)
    rows = every[every["epoch"] == job.spec.training.epochs]
    clips = context.data(job.spec.data).clips
    views = load_views(job.spec, context)
    held_out = clips[clips["subject"] == job.held_out]
    assert set(rows["subject"]) == {job.held_out}
    assert sorted(rows.loc[rows["test_view"] == "full", "clip"]) == sorted(held_out["clip"])
    assert len(rows) == sum(views.present[p][held_out.index].sum() for p in PHASES)
    codes = held_out.set_index("clip")["label"].cat.codes
    assert (rows["y_true"].to_numpy() == codes[rows["clip"]].to_numpy()).all()
    p = rows.filter(regex=r"^p_\d").to_numpy()
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)
    assert (p.argmax(1) == rows["y_pred"]).all()
    assert record["training_clips"] == len(clips) - len(held_out)
    assert maps is not None
    assert len(maps) == len(held_out)
    assert ((maps >= 0) & (maps <= 1)).all()
    assert record["device"] == "cpu"
    assert record["precision"] == "float32"
    assert record["threads"] == 1
    assert 0 < record["compute_seconds"] <= record["seconds"]


def test_views_are_made_before_any_fold_and_only_once(jobs, context, tmp_path):
    elsewhere, told = replace(context, cache=tmp_path / "cache"), []

    def progress(title, made, n):
        told.append((title, n))
        return made

    for _ in range(2):
        prepare_views([job.spec for job in jobs], elsewhere, workers=1, progress=progress)
    assert told == [("views casme2", len(context.data(jobs[0].spec.data).clips))]


def test_dual_trains_on_all_three_phases(jobs, context):
    single, dual = jobs[0], next(job for job in jobs if len(job.spec.train_views) == 3)
    views = load_views(dual.spec, context)
    fold = next(protocol.loso(context.data(dual.spec.data).clips))
    images, labels = training_set(views, fold, dual.spec)
    assert len(images) == len(labels) == 3 * len(fold.train)
    assert len(training_set(views, fold, single.spec)[0]) == len(fold.train)
    matched = with_spec(dual, train_views=("full",) * 3).spec
    tripled, _ = training_set(views, fold, matched)
    assert tripled.tobytes() == np.concatenate([views.images["full"][fold.train]] * 3).tobytes()


def test_the_views_shown_are_those_that_some_clip_has(tmp_path):
    def shown(*rows):
        clips = pd.DataFrame(rows, columns=["onset", "apex", "offset"], dtype="Int64")
        return Data(SimpleNamespace(clips=lambda: clips, recorded=False), tmp_path).shown

    assert shown((1, 5, 9), (1, pd.NA, 9)) == set(VIEWS)
    whole = {view for view in VIEWS if VIEWS[view].phase == "full"}
    assert shown((1, pd.NA, 9)) == whole
    assert shown((1, 1, 9), (1, pd.NA, 9)) == whole | {"apex_offset", "offset_apex"}


@pytest.fixture
def uneven(tmp_path, rng) -> tuple[DataSpec, Context]:
    """Subjects of 1, 7 and 12 clips, of which every third lacks a view: a table of images."""
    rows = []
    for number, (subject, clip) in enumerate((s, c) for s in (1, 7, 12) for c in range(s)):
        lacking = dict.fromkeys({2: PHASES[1:], 5: ("offset_apex",)}.get(number % 6, ()))
        for view in (v for v in VIEWS if v not in lacking):
            image = f"{number}-{view}.png"
            cv2.imwrite(str(tmp_path / image), rng.integers(0, 256, (32, 32), dtype=np.uint8))
            rows.append((f"s{subject}", f"c{clip}", "ab"[number % 2], image, view))
    table = pd.DataFrame(rows, columns=["subject", "clip", "label", "image", "view"])
    table.to_csv(tmp_path / "uneven.csv", index=False)
    context = Context((Manifest(tmp_path / "uneven.csv"),), tmp_path / "store", tmp_path / "cache")
    return Data(context.datasets[0], context.cache).spec, context


@pytest.mark.parametrize("n_views", {len(s.views) for s in TRAINING_SETS.values()})
def test_all_arms_of_a_comparison_take_as_many_steps(jobs, uneven, n_views):
    data, context = uneven
    arms = [s.views for s in TRAINING_SETS.values() if len(s.views) == n_views]
    specs = [with_spec(jobs[0], data=data, train_views=views).spec for views in arms]
    for held_out in ("s1", "s7", "s12"):
        records = [compute_fold(Job(spec, held_out), context)[1] for spec in specs]
        counts = {(r["steps"], r["images_shown"], r["training_images"]) for r in records}
        clips = 20 - int(held_out[1:])
        batch, epochs = specs[0].training.batch_size, specs[0].training.epochs
        steps = -(-clips * n_views // batch)
        steps -= clips * n_views % batch == 1 < steps  # a single image joins the batch before it
        assert counts == {(epochs * steps, epochs * clips * n_views, clips * n_views)}
        assert len({spec.fold_seed(held_out) for spec in specs}) == 1


def test_only_the_mistake_by_that_name_trains_on_the_held_out_subject(jobs, context):
    dual = next(job for job in jobs if len(job.spec.train_views) == 3)
    views = load_views(dual.spec, context)
    fold = next(protocol.loso(context.data(dual.spec.data).clips))
    for evaluation in protocol.EVALUATIONS:
        spec = with_spec(dual, evaluation=evaluation).spec
        images, labels = training_set(views, fold, spec)
        honest, _ = views.training_set(fold, "dual")
        copies = [views.test_set(fold, phase)[0] for phase in PHASES[1:]]
        leaked = np.concatenate(copies) if evaluation == "held-out copies" else honest[:0]
        assert images.tobytes() == np.concatenate([honest, leaked]).tobytes()
        assert len(images) == len(labels)


def test_what_is_predicted_after_each_epoch_changes_nothing(jobs, context, monkeypatch):
    three = TrainingOptions(epochs=3, batch_size=16)
    job = with_spec(jobs[0], training=three)
    rows = compute_fold(job, context)[0]
    assert sorted(set(rows["epoch"])) == [1, 2, 3]
    assert set(rows.loc[rows["epoch"] < 3, "test_view"]) == {"full"}

    fit = Classifier.fit

    def blind(self, *args, after_epoch, **options):
        report = fit(self, *args, **options)
        after_epoch(three.epochs)
        return report

    monkeypatch.setattr(Classifier, "fit", blind)
    alone = compute_fold(job, context)[0]
    last = rows[rows["epoch"] == 3].reset_index(drop=True)
    assert set(alone["epoch"]) == {3}
    pd.testing.assert_frame_equal(alone, last, check_exact=True)


@pytest.mark.scenario("C")
def test_a_fold_that_diverges_fails_and_is_not_stored(jobs, context):
    job = with_spec(jobs[0], training=TrainingOptions(epochs=2, learning_rate=1e30))
    with raises("diverged fold", "LEARNet", "NaN"):
        compute_fold(job, context)
    assert run_fold(job, context).status == "failed"
    assert not RunStore(context.store).has(job.spec, job.held_out)


@pytest.mark.parametrize("name", baselines())
def test_baselines_are_folds_like_any_other(jobs, context, name):
    job = with_spec(jobs[0], model=ModelSpec(name=name))
    rows, record, maps = compute_fold(job, context)
    every = compute_fold(jobs[0], context)[0]
    network = every[every["epoch"] == every["epoch"].max()].reset_index(drop=True)
    shared = ["test_view", "epoch", "subject", "clip", "y_true"]
    pd.testing.assert_frame_equal(rows[shared], network[shared])
    np.testing.assert_allclose(rows.filter(regex=r"^p_\d").to_numpy().sum(1), 1, rtol=1e-5)
    assert record["training_images"] > 0
    assert maps is None


def test_a_network_of_ones_own_is_registered_once_and_computes_folds(jobs, context):
    own = models.Architecture(
        "own",
        "Own",
        constructor=lambda n, size: nn.Sequential(nn.Flatten(), nn.Linear(3 * size**2, n)),
    )
    with registered(models.MODELS, own):
        rows, record, maps = compute_fold(with_spec(jobs[0], model=ModelSpec(name="own")), context)
    assert set(rows["model"]) == {"own"}
    assert record["steps"] > 0
    assert maps is None


def test_mixed_folds_test_every_clip_once(jobs, context):
    clips = context.data(jobs[0].spec.data).clips
    found = list(protocol.folds(clips, "mixed folds"))
    assert len(found) == clips["subject"].nunique()
    assert sorted(np.concatenate([fold.test for fold in found])) == list(range(len(clips)))
    job = Job(with_spec(jobs[0], evaluation="mixed folds").spec, found[0].held_out)
    rows = compute_fold(job, context)[0]
    assert set(rows["clip"]) == set(clips["clip"].iloc[found[0].test])


def test_a_fold_is_done_then_present(jobs, context):
    assert run_fold(jobs[0], context).status == "done"
    assert run_fold(jobs[0], context).status == "present"


def test_a_fold_that_another_run_computes_is_given_back(jobs, context):
    with RunStore(context.store).lock(jobs[0].spec, jobs[0].held_out):
        assert run_fold(jobs[0], context).status == "busy"


def test_a_failure_is_an_outcome_with_its_error(jobs, context):
    outcome = run_fold(Job(jobs[0].spec, "sub99"), context)
    assert outcome.status == "failed"
    assert "sub99" in outcome.error
    assert "Remedy" in outcome.error


def test_an_unexpected_error_is_an_outcome_with_its_place(jobs, context, monkeypatch):
    monkeypatch.setattr(Classifier, "fit", lambda *a, **k: 1 / 0)
    outcome = run_fold(jobs[0], context)
    assert outcome.status == "failed"
    assert "ZeroDivisionError" in outcome.error
    assert "learners.py" in outcome.error


def test_a_store_that_cannot_be_written_is_told_apart_from_a_failure(jobs, context, monkeypatch):
    def refuses(*args, **kwargs):
        raise MerError("cannot write", "the disk is full", "space", "make some")

    monkeypatch.setattr(RunStore, "write", refuses)
    assert run_fold(jobs[0], context).status == "unwritable"


def test_a_store_that_became_one_of_another_version_stops_the_run(jobs, context):
    RunStore(context.store).prepare()
    (context.store / "store.json").write_text('{"version": 1}')
    outcome = run_fold(jobs[0], context)
    assert outcome.status == "unwritable"
    assert "version 1" in outcome.error


@pytest.mark.parametrize("change", [{"training_version": 99}, {"views_version": 99}])
def test_a_run_planned_by_other_code_is_refused(jobs, context, change):
    with raises("other code", "99"):
        compute_fold(with_spec(jobs[0], **change), context)


def test_other_data_are_refused(jobs, context):
    data = jobs[0].spec.data.model_copy(update={"fingerprint": "f" * 64})
    with pytest.raises(MerError, match="ffff"):
        compute_fold(with_spec(jobs[0], data=data), context)


def test_other_weights_are_refused(jobs, context, tmp_path, monkeypatch):
    model = ModelSpec(name="resnet50", pretrained=True, weights="hub:x")
    (tmp_path / "resnet50.safetensors").write_bytes(b"weights")
    monkeypatch.setenv("MER_WEIGHTS", str(tmp_path))
    with raises("other weights", "hub:x"):
        compute_fold(with_spec(jobs[0], model=model), context)


def test_a_data_set_without_a_folder_is_named(jobs, context):
    elsewhere = replace(context, datasets=(), cache=context.cache / "elsewhere")
    with raises("other data", "casme2"):
        compute_fold(jobs[0], elsewhere)


def test_a_gpu_that_is_demanded_and_missing_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto").type == "cpu"
    with raises("no device", "cuda"):
        resolve_device("cuda")
    with raises("unknown name", "tpu9000"):
        resolve_device("tpu9000")
    with raises("unknown name", "meta"):
        resolve_device("meta")
    assert device_name(torch.device("cpu")) == "cpu"


@pytest.fixture
def two_gpus(monkeypatch):
    """Two GPUs seem to be visible; nothing can be computed on them."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.parametrize("wanted", ["auto", "cuda"])
def test_workers_take_the_gpus_in_turn(two_gpus, wanted):
    taken = [str(resolve_device(wanted, worker)) for worker in range(5)]
    assert taken == ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"]
    assert str(resolve_device(wanted)) == "cuda:0"


def test_a_gpu_that_is_named_is_every_workers(two_gpus):
    assert {str(resolve_device("cuda:1", worker)) for worker in range(3)} == {"cuda:1"}
    assert {str(resolve_device("cpu", worker)) for worker in range(3)} == {"cpu"}
    with raises("no device", "cuda:2", "2 GPU"):
        resolve_device("cuda:2")


def test_a_fold_trains_on_the_gpu_of_its_worker(two_gpus, jobs, context, monkeypatch):
    seen = []

    def placed(*arguments, device, **options):
        seen.append(str(device))
        raise MerError("no device", "no GPU is here", "one", "stop")

    monkeypatch.setattr("mer_utils.runs.learners.Classifier", placed)
    for worker in (0, 3):
        assert run_fold(jobs[0], replace(context, worker=worker)).status == "failed"
    assert seen == ["cuda:0", "cuda:1"]


def test_repeatable_means_one_thread_and_deterministic_algorithms():
    make_repeatable()
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.allow_tf32


@pytest.fixture
def no_gpu(monkeypatch):
    """A GPU is there, and torch cannot use it."""
    device._say_if_a_gpu_is_idle.cache_clear()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device, "_gpus", lambda: ["/dev/nvidia0"])


@pytest.mark.scenario("K")
@pytest.mark.parametrize("why", ["The NVIDIA driver on your system is too old", "built for CPUs"])
def test_a_gpu_that_cannot_be_used_is_said_once(no_gpu, monkeypatch, caplog, why):
    def too_old():
        raise RuntimeError(f"{why} (found version 11040).\nPlease update")

    monkeypatch.setattr(torch.cuda, "init", too_old)
    monkeypatch.setattr(torch.version, "cuda", None if "CPUs" in why else "13.0")
    for _fold in range(3):
        assert resolve_device("auto").type == "cpu"
    assert len(caplog.records) == 1
    assert why in caplog.text
    with raises("no device", why):
        resolve_device("cuda")


@pytest.mark.scenario("K")
@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_gpu_that_was_hidden_on_purpose_is_not_missed(no_gpu, monkeypatch, caplog, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert resolve_device("auto").type == "cpu"
    assert caplog.records == []


@pytest.mark.scenario("K")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "1"),
        ("NVIDIA_TF32_OVERRIDE", "1"),
        ("ONEDNN_DEFAULT_FPMATH_MODE", "BF16"),
    ],
)
def test_digits_taken_away_from_outside_are_refused(jobs, context, monkeypatch, name, value):
    monkeypatch.setenv(name, "0" if value == "1" else "strict")
    assert resolve_device("cpu").type == "cpu"
    monkeypatch.setenv(name, value)
    with raises("invalid setting", name):
        open_executor("local")
    assert name in run_fold(jobs[0], context).error


def test_digits_taken_away_in_this_process_are_given_back():
    torch.set_float32_matmul_precision("medium")
    make_repeatable()
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.scenario("K")
def test_the_memory_of_gpus_limits_the_workers(two_gpus, workspace, monkeypatch):
    def memory(gib):
        found = SimpleNamespace(total_memory=gib * 2**30)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: found)

    small = [s for s in workspace.specs("table2") if s.model.name == "vgg19"]
    large = [s.model_copy(update={"model": ModelSpec(name="vgg19"),
             "views": s.views.model_copy(update={"image_size": 224})}) for s in small]  # fmt: skip
    memory(8)
    assert device.workers_that_fit(small, "auto") == 2 * 7
    assert device.workers_that_fit(small, "cuda:1") == 7
    assert device.workers_that_fit(large, "cuda") == 2 * 1
    memory(80)
    assert 8 <= device.workers_that_fit(large, "cuda:0") <= 16
    memory(1)
    assert device.workers_that_fit(large, "cuda") == 1
    assert device.workers_that_fit(large, "cpu") == float("inf")


@pytest.mark.scenario("K")
@pytest.mark.parametrize(
    ("name", "value", "rank"),
    [("SLURM_LOCALID", "3", 3), ("OMPI_COMM_WORLD_LOCAL_RANK", "1", 1), ("SLURM_LOCALID", "x", 0)],
)
def test_tasks_of_a_batch_system_take_the_gpus_in_turn(
    two_gpus, jobs, context, monkeypatch, name, value, rank
):
    monkeypatch.setenv(name, value)
    seen = []

    def placed(*arguments, device, **options):
        seen.append(str(device))
        raise MerError("no device", "no GPU is here", "one", "stop")

    monkeypatch.setattr("mer_utils.runs.learners.Classifier", placed)
    with open_executor("local") as executor:
        assert list(executor.outcomes(jobs[:1], context, wait_for_others=False))
    assert seen == [f"cuda:{rank % 2}"]


@pytest.mark.scenario("K")
def test_cores_are_those_that_a_container_pays_for(tmp_path):
    group = tmp_path / "cgroup" / "jobs" / "mine"
    group.mkdir(parents=True)
    own = tmp_path / "own"
    own.write_text("0::/jobs/mine\n")
    assert machine._quota(tmp_path / "cgroup", own) == float("inf")
    (group / "cpu.max").write_text("max 100000\n")
    (group.parent / "cpu.max").write_text("250000 100000\n")
    assert machine._quota(tmp_path / "cgroup", own) == 2.5
    assert machine._quota(tmp_path / "cgroup", tmp_path / "none") == float("inf")
    old = tmp_path / "cgroup" / "cpu" / "docker"
    old.mkdir(parents=True)
    own.write_text("4:cpu,cpuacct:/docker\n1:name=systemd:/x\n")
    (old / "cpu.cfs_quota_us").write_text("150000\n")
    (old / "cpu.cfs_period_us").write_text("100000\n")
    assert machine._quota(tmp_path / "cgroup", own) == 1.5
