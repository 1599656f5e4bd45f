"""A GPU, if there is one: many clips pooled at once, folds side by side, networks at full size.

Every part takes the device, so that tests run it on the CPU. It was written on a machine without
a GPU: until a record shows its rows, nothing here has run on one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.clock import best, seconds
from benchmarks.dynamic_images import largest_error
from benchmarks.folds import CLASSES, noise_fold, run_seconds
from benchmarks.machine import matmul_peak
from benchmarks.record import Recorder
from mer_utils import dynamic_image as di
from mer_utils import models, synthetic
from mer_utils.experiments import PROFILES, Workspace, open_workspace
from mer_utils.experiments.profiles import Profile
from mer_utils.runs import ModelSpec, RunSpec, RunStore, open_executor, prepare_views
from mer_utils.runs.device import make_repeatable
from mer_utils.runs.plan import STEP_OVER_FORWARD, forward_operations

SECTION, RATES = "gpu", "gpu rates"
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
CLIPS, WORKERS = 32, 8
# Of the image's range; a step of 8 bits is 4e-3. The library's product rounds its result to the
# 11 bits of a float16, the kernel adds in float32.
LARGEST_ERRORS = {"one pass": 1e-4}
OTHER_ERROR = 1e-3


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    if not torch.cuda.is_available():
        print("No CUDA device is visible: the section gpu records nothing.")
        return
    measure_on(torch.device("cuda", 0), recorder, quick=quick)


def measure_on(device: torch.device, recorder: Recorder, *, quick: bool = False) -> None:
    make_repeatable()
    pooling(recorder, device, quick=quick)
    torch.cuda.empty_cache()
    workspace = open_workspace("smoke" if quick else "demo", workers=os.cpu_count() or 1)
    numbers = (2,) if quick else sorted({WORKERS, os.cpu_count() or WORKERS})
    folds_at_once(recorder, device, workspace, workspace.specs("table2"), numbers)
    network_rates(recorder, device, PROFILES["smoke" if quick else "paper"], quick=quick)


def on_device(device: torch.device, calls: int = 10) -> Callable[[Callable[[], object]], float]:
    """Return what times a call by the device's own clock.

    Several calls stand in its queue, so that it never waits for Python to start the next.
    """

    def timer(work: Callable[[], object]) -> float:
        if device.type != "cuda":
            return seconds(work)
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        with torch.cuda.device(device):
            torch.cuda.synchronize()
            begin.record()
            for _ in range(calls):
                work()
            end.record()
            end.synchronize()
        return begin.elapsed_time(end) / 1e3 / calls

    return timer


def made_clips(clips: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (b, t, h, w, c), uint8, and each clip's apex: one made clip, moved about."""
    made = synthetic.make_clip("casme2", n_frames=(33, 33), frame_size=(size, size))
    frames = np.stack([np.roll(made.frames, shift, axis=2) for shift in range(clips)])
    return frames, 1 + np.arange(clips) % (len(made.frames) - 2)


def phase_weights(n: int, apex: int) -> np.ndarray:
    """Return the weights (3, n) of every phase, zero outside of it."""
    return np.stack(list(di.phase_weights(n, apex).values()))


def in_halves(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Write (b, 3, t) weights as sums of two float16 numbers, (b, 6, t), times a scale (b, 3, 1).

    A float16 keeps 11 bits, too few for the weights of a still pixel to cancel; two keep 22.
    Scaled so, no sum of bytes leaves the range of a float16.
    """
    scale = weights.abs().sum(2, keepdim=True) / 256
    high = (weights / scale).half()
    low = (weights / scale - high).half()
    return torch.cat([high, low], 1), scale.float()


def matrix_product(
    frames: torch.Tensor, halves: torch.Tensor, scale: torch.Tensor, clips_at_once: int
) -> torch.Tensor:
    """Pool (b, t, n) bytes: the library's matrix product, which needs the bytes as float16."""
    pooled = []
    for start in range(0, len(frames), clips_at_once):
        part = slice(start, start + clips_at_once)
        high, low = torch.bmm(halves[part], frames[part].half()).chunk(2, 1)
        pooled.append((high.float() + low) * scale[part])
    return torch.cat(pooled)


def pooling(recorder: Recorder, device: torch.device, *, quick: bool = False) -> None:
    """Record the speed of each form against that of a copy, and its error."""
    clips, apexes = made_clips(4 if quick else CLIPS, 32 if quick else 224)
    exact = np.stack(
        [
            np.stack(list(di.phase_dynamic_images(clip, int(apex)).values()))
            for clip, apex in zip(clips, apexes, strict=True)
        ]
    )
    held = torch.from_numpy(clips)
    held = held.pin_memory() if device.type == "cuda" else held
    frames = held.to(device).flatten(2)
    weights = torch.from_numpy(np.stack([phase_weights(clips.shape[1], a) for a in apexes]))
    forms = pooling_forms(frames, weights.to(device))
    copied = torch.empty_like(frames)
    times = best(
        {"copy": lambda: copied.copy_(frames), "sent": lambda: frames.copy_(held.flatten(2))}
        | forms,
        2 if quick else 10,
        on_device(device),
    )
    bandwidth = 2 * frames.nbytes / times["copy"]
    add = recorder.about(SECTION, " x ".join(map(str, clips.shape)))
    add("copy on the device, read and written", bandwidth / 1e9, "GB/s")
    fastest = min(forms, key=times.__getitem__)
    for name, form in forms.items():
        share = frames.nbytes / times[name] / bandwidth
        goal = 0.5 if name == fastest else None
        add(f"{name}, bytes read, of copy bandwidth", share, at_least=goal)
        pooled = form().cpu().numpy().reshape(exact.shape)
        error = max(largest_error(*both) for both in zip(pooled, exact, strict=True))
        goal = LARGEST_ERRORS.get(name, OTHER_ERROR)
        add(f"{name}, largest error", error, "of the range", at_most=goal)
    add(f"{fastest}, clips per second", len(frames) / times[fastest])
    add("sending the frames / pooling them", times["sent"] / times[fastest], "x")


def pooling_forms(
    frames: torch.Tensor, weights: torch.Tensor
) -> dict[str, Callable[[], torch.Tensor]]:
    """Return the ways to pool (b, t, n) bytes with (b, 3, t) weights that work here."""
    halves, scale = in_halves(weights)
    forms: dict[str, Callable[[], torch.Tensor]] = {
        "matrix product": lambda: matrix_product(frames, halves, scale, len(frames)),
        "matrix product, clip by clip": lambda: matrix_product(frames, halves, scale, 1),
    }
    try:
        from benchmarks.one_pass import one_pass

        singles = weights.float()
        one_pass(frames, singles)
        forms["one pass"] = lambda: one_pass(frames, singles)
    except Exception as error:  # without Triton, or a compiler, there is nothing to compile with
        print(f"The pooling kernel failed: {type(error).__name__}: {error}")
    return forms


def folds_at_once(
    recorder: Recorder,
    device: torch.device,
    workspace: Workspace,
    specs: Sequence[RunSpec],
    numbers: Sequence[int],
) -> None:
    """Record how much faster several worker processes compute the folds of each network."""
    by_model = {name: [s for s in specs if s.model.name == name] for name in models.networks()}
    by_model = {name: found for name, found in by_model.items() if found}
    prepare_views(list(specs), workspace.context, workers=max(numbers))
    times: dict[tuple[str, int], float | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        stores = {(m, n): Path(folder) / f"{m}-{n}" for n in (1, *numbers) for m in by_model}
        for workers in (1, *numbers):
            # The device by its number: else workers would share all GPUs of the machine.
            with open_executor(workers=workers, device=str(device)) as executor:
                for name, found in by_model.items():
                    store = stores[name, workers]
                    context = replace(workspace.context, device=str(device), store=store)
                    jobs = workspace.jobs(found)
                    times[name, workers] = run_seconds(jobs, context, executor, workers)
        for name, found in by_model.items():
            add = recorder.about(
                SECTION, f"{models.title(name)}, {len(workspace.jobs(found))} folds"
            )
            alone = times[name, 1]
            faster = {n: alone / took for n in numbers if alone and (took := times[name, n])}
            for n, speed in faster.items():
                goal = 4 if name == "learnet" and speed == max(faster.values()) else None
                add(f"one worker / {n} workers", speed, "x", at_least=goal)
                differ = largest_difference(stores[name, 1], stores[name, n], found)
                add(f"probabilities differ, {n} workers", differ)


def largest_difference(one: Path, other: Path, specs: Sequence[RunSpec]) -> float:
    """Return the largest difference between the probabilities in two stores, 0 if none."""
    stored = [RunStore(path).predictions(specs, every_epoch=True) for path in (one, other)]
    a, b = (rows.filter(regex=r"^p_\d").to_numpy() for rows in stored)
    return float(np.nanmax(np.abs(a - b)))


def network_rates(
    recorder: Recorder, device: torch.device, profile: Profile, *, quick: bool = False
) -> None:
    """Record each network's operations per second in training, against the matrix-product peak."""
    sizes = (256,) if quick else (4096, 8192)
    n = (2 if quick else 20) * profile.training.batch_size
    for precision, dtype in PRECISIONS.items():
        peak = matmul_peak(sizes=sizes, timer=on_device(device), device=device, dtype=dtype)
        add = recorder.about(SECTION, "this GPU")
        add(f"matrix-product peak, {precision}", peak / 1e12, "TFLOP/s")
        for name in ["learnet"] if quick else models.networks():
            fold = noise_fold(profile, name, n, precision)
            model = fold.network()
            try:
                for _warm in (True, False):
                    # Each step reads its loss, so the device has done what it was asked for.
                    report = fold.fit(model, device=device)
            except torch.cuda.OutOfMemoryError:
                print(f"{name} in {precision} does not fit into the memory of the device.")
                continue
            images = report.images / report.compute_seconds
            each = forward_operations(
                ModelSpec(name=name, width=fold.width), fold.images.shape[1], CLASSES
            )
            rate = STEP_OVER_FORWARD * each * images
            add = recorder.about(RATES, name)
            add(f"images a second, {precision}", images)
            add(f"operations a second, {precision}", rate / 1e12, "TFLOP/s")
            add(f"of the peak, {precision}", rate / peak)
