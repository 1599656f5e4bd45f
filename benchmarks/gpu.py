"""A GPU, checked and measured: does training repeat itself, agree with the CPU, and how fast is it?

    python -m benchmarks.gpu [--budget SECONDS] [--out FILE]     # make gpu-check
    python -m benchmarks.gpu --quick --device cpu                # all of its code, without a GPU

The record is written after every section, so a call that is cut off keeps what it has. Sections
come in the order in which their answers are wanted; what the budget does not allow is said.
"""

from __future__ import annotations

import argparse
import copy
import gc
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from benchmarks import gpu_pooling, gpu_workers
from benchmarks.clock import best, on_device, seconds
from benchmarks.folds import CLASSES, Fold, noise_fold, run_seconds
from benchmarks.machine import describe, matmul_peak
from benchmarks.record import Recorder
from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.experiments import PROFILES, TABLES, open_workspace
from mer_utils.experiments.profiles import Profile
from mer_utils.machine import cores
from mer_utils.runs import ModelSpec, RunSpec, RunStore, open_executor, prepare_views
from mer_utils.runs.device import make_repeatable
from mer_utils.runs.plan import STEP_OVER_FORWARD, forward_operations
from mer_utils.training import Classifier
from mer_utils.training.explain import class_activation_maps

SECTION, RATES = "gpu", "gpu rates"
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# What a fold adds to its steps is measured on as many tested clips as a subject has in the mean.
TESTED = 10
# Clips and subjects of the full data sets.
FULL_SIZE = {"casme2": (255, 26), "samm": (159, 28)}
# Largest subject of CASME II, whose maps are made at once.
LARGEST_SUBJECT = 34


@dataclass(frozen=True)
class Check:
    """Where a check runs, how large it is and until when.

    Parameters
    ----------
    device : torch.device
    profile : Profile
        Whose networks and sizes are taken.
    names : tuple of str
        The networks.
    steps : int
        Of a measured fit.
    until : float
        When the budget ends, by `time.perf_counter`.
    quick : bool
    """

    device: torch.device
    profile: Profile
    names: tuple[str, ...]
    steps: int
    until: float
    quick: bool

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.until - time.perf_counter()

    def fold(self, name: str, n: int, precision: str = "bfloat16") -> Fold:
        return noise_fold(self.profile, name, n, precision)


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Measure on the first GPU, as a section of ``python -m benchmarks``."""
    if not torch.cuda.is_available():
        print("No CUDA device is visible: the section gpu records nothing.")
        return
    measure_on(torch.device("cuda", 0), recorder, quick=quick)


def measure_on(
    device: torch.device,
    recorder: Recorder,
    *,
    quick: bool = False,
    budget: float = 3600,
    out: Path | None = None,
) -> None:
    """Take every section for which there is time; write the record after each, into `out`."""
    make_repeatable()
    profile = PROFILES["smoke" if quick else "paper"]
    names = ("learnet", "vgg19") if quick else tuple(models.networks())
    steps = 3 if quick else 60
    check = Check(device, profile, names, steps, time.perf_counter() + budget, quick)
    for section, least in SECTIONS.items():
        if check.left < least:
            print(f"{section.__name__}: left out, {check.left:.0f} s are left")
            continue
        took = seconds(lambda s=section: _tried(s.__name__, lambda: s(recorder, check)))
        print(f"{section.__name__}: {took:.0f} s", flush=True)
        if out:
            recorder.write(out)


def _tried(what: str, work: Callable[[], Any]) -> Any:
    """Do it; say what failed and go on, since what was measured before is worth keeping."""
    try:
        return work()
    except Exception as error:
        print(f"{what} FAILED: {type(error).__name__}: {error}")
        traceback.print_exc()
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
    return None


@contextmanager
def eager() -> Iterator[None]:
    """Have steps called one operation after the other, as on a CPU."""
    with mock.patch("mer_utils.training.steps.captured", lambda work, *rest: work):
        yield


def repeatable(recorder: Recorder, check: Check) -> None:
    """Record whether a fit repeats itself bit by bit: anew, not captured, gone on with."""
    for name in check.names:
        _tried(name, lambda name=name: _repeatable(recorder, check, name))


def _repeatable(recorder: Recorder, check: Check, name: str) -> None:
    fold = check.fold(name, 2 * check.profile.training.batch_size + 5)
    shown, targets = fold.images[:TESTED], fold.labels[:TESTED]

    def results(classifier: Classifier) -> list[torch.Tensor]:
        classifier.fit(fold.images, fold.labels, spatial=fold.spatial, seed=3)
        found = [classifier.predict(shown)]
        with suppress(MerError):  # a transformer has none
            found.append(class_activation_maps(classifier, shown, targets, upsample=False))
        weights = [p.detach().clone() for p in classifier.network.parameters()]
        return [*map(classifier.on_device, found), *weights]

    def fresh() -> Classifier:
        return fold.classifier(fold.network(), check.device)

    first = fresh()
    expected = results(first)
    with eager():
        others = {"anew, not captured": results(fresh())}
    first.start_again(fold.network())
    others["gone on with other weights"] = results(first)
    add = recorder.about(SECTION, models.title(name))
    finite = all(bool(values.isfinite().all()) for values in expected)
    add("a fit gives finite numbers", finite, at_least=1)
    for how, found in others.items():
        differ = max(float((a - b).abs().max()) for a, b in zip(expected, found, strict=True))
        add(f"weights, probabilities and maps differ, {how}", differ, at_most=0)


def waits(recorder: Recorder, check: Check) -> None:
    """Record how often a step waits for the GPU: calls that a longer fit makes more of."""
    if check.device.type != "cuda":
        return
    batch = check.profile.training.batch_size
    for name in check.names:
        seen = []
        with eager():
            for steps in (2, 6):
                fold = check.fold(name, steps * batch)
                classifier = fold.classifier(fold.network(), check.device)
                torch.cuda.set_sync_debug_mode("warn")
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    classifier.fit(fold.images, fold.labels, spatial=fold.spatial)
                torch.cuda.set_sync_debug_mode("default")
                seen.append(sum("synchroniz" in str(w.message) for w in caught))
        waited = (seen[1] - seen[0]) / 4
        recorder.add(SECTION, models.title(name), "waits for the GPU", waited, "a step", at_most=0)


def agreement(recorder: Recorder, check: Check) -> None:
    """Record how far small networks are apart after the first step on the GPU and on the CPU.

    Later they part: a difference in the last bit grows with every step, and says nothing.
    """
    for name in check.names:
        n = PROFILES["demo"].training.batch_size
        small = noise_fold(PROFILES["demo"], name, n, "float32")
        found = []
        for device in ("cpu", check.device):
            classifier = small.classifier(small.network(), device)
            for module in classifier.network.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.0  # a GPU draws other numbers for it
            losses = classifier.fit(small.images, small.labels, spatial=small.spatial).losses
            found.append((losses[-1], classifier.predict(small.images[:TESTED])))
        add = recorder.about(SECTION, f"{models.title(name)}, demo profile, one step")
        differ = float(np.abs(found[0][1] - found[1][1]).max())
        # The first step of AdamW is as long for a gradient of 0 and rounding as for any other.
        add("largest difference of a probability from the CPU's", differ, at_most=0.05)
        add("difference of the loss from the CPU's", abs(found[0][0] - found[1][0]), at_most=1e-3)


def rates(recorder: Recorder, check: Check) -> None:
    """Record images a second of every network: how steps are started, and in which precision."""
    sizes, timer = (256,) if check.quick else (4096, 8192), on_device(check.device)
    peaks = {
        precision: matmul_peak(sizes=sizes, timer=timer, device=check.device, dtype=dtype)
        for precision, dtype in PRECISIONS.items()
    }
    for precision, peak in peaks.items():
        add = recorder.about(SECTION, "this GPU")
        add(f"matrix-product peak, {precision}", peak / 1e12, "TFLOP/s")
    for name in check.names:
        for precision, peak in peaks.items():
            _tried(
                f"{name}, {precision}",
                lambda n=name, p=precision, k=peak: _rates(recorder, check, n, p, k),
            )


def _rates(recorder: Recorder, check: Check, name: str, precision: str, peak: float) -> None:
    fold = check.fold(name, check.steps * check.profile.training.batch_size, precision)
    add = recorder.about(RATES, name)
    each = STEP_OVER_FORWARD * forward_operations(
        ModelSpec(name=name, width=fold.width, depth=fold.depth), fold.images.shape[1], CLASSES
    )
    images, captured = images_a_second(fold, check.device)
    add(f"images a second, {precision}", images)
    add(f"operations a second, {precision}", each * images / 1e12, "TFLOP/s")
    add(f"of the peak, {precision}", each * images / peak)
    add(f"seconds to capture, {precision}", captured, "s")
    if check.device.type == "cuda":
        add(f"memory, {precision}", torch.cuda.max_memory_allocated() / 2**30, "GiB")
    if precision == "float32":
        with tf32():
            add("images a second, TF32", images_a_second(fold, check.device)[0])
        return
    with eager():
        add(f"images a second, {precision}, not captured", images_a_second(fold, check.device)[0])
    if check.device.type == "cuda":
        add(f"share of busy time, {precision}", busy_share(fold, check.device))


def images_a_second(fold: Fold, device: torch.device) -> tuple[float, float]:
    """Return the speed of a fit that replays what another captured, and what capturing took."""
    classifier = fold.classifier(fold.network(), device)
    few = slice(0, 2 * fold.options.batch_size)
    times = []
    for _fit in range(2):
        classifier.start_again(classifier.network)
        times.append(
            seconds(
                lambda: classifier.fit(fold.images[few], fold.labels[few], spatial=fold.spatial)
            )
        )
    classifier.start_again(classifier.network)
    report = classifier.fit(fold.images, fold.labels, spatial=fold.spatial)
    return report.images / report.compute_seconds, times[0] - times[1]


@contextmanager
def tf32() -> Iterator[None]:
    """Let the GPU round the inputs of products and convolutions to ten bits."""
    places = (torch.backends.cuda.matmul, torch.backends.cudnn)
    for place in places:
        place.allow_tf32 = True
    try:
        yield
    finally:
        for place in places:
            place.allow_tf32 = False


def busy_share(fold: Fold, device: torch.device) -> float:
    """Return the share of a fit's time in which the GPU computes: kernel times over the clock's."""
    classifier = fold.classifier(fold.network(), device)
    few = slice(0, 12 * fold.options.batch_size)
    images, labels = fold.images[few], fold.labels[few]
    classifier.fit(images, labels, spatial=fold.spatial)
    classifier.start_again(classifier.network)
    plain = classifier.fit(images, labels, spatial=fold.spatial).compute_seconds
    classifier.start_again(classifier.network)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        classifier.fit(images, labels, spatial=fold.spatial)
    computed = sum(event.self_device_time_total for event in profile.key_averages())
    return computed / 1e6 / plain


def folds(recorder: Recorder, check: Check) -> None:
    """Record what a fold adds to its steps, and the memory of its maps."""
    for name in check.names:
        _tried(name, lambda name=name: _fold(recorder, check, name))


def _fold(recorder: Recorder, check: Check, name: str) -> None:
    fold = check.fold(name, LARGEST_SUBJECT)
    add, made = recorder.about("gpu folds", name), []
    add("making the network", seconds(lambda: made.append(fold.network())), "s")
    classifier = fold.classifier(made[0], check.device)
    other = copy.deepcopy(classifier.network).cpu()
    classifier.fit(fold.images, fold.labels)
    shown, targets = fold.images[:TESTED], fold.labels[:TESTED]
    for what, work in {
        "sending its weights": lambda: classifier.start_again(other),
        "predicting after an epoch": lambda: classifier.predict(shown),
        "maps": lambda: class_activation_maps(classifier, shown, targets, upsample=False),
    }.items():
        with suppress(MerError):  # a transformer has no maps
            work()
            add(what, best({what: work}, 3)[what], "s")
    if check.device.type == "cuda" and not name.startswith("vit"):
        torch.cuda.reset_peak_memory_stats()
        many = slice(0, LARGEST_SUBJECT)
        class_activation_maps(classifier, fold.images[many], fold.labels[many], upsample=False)
        add(
            f"memory of the maps of {LARGEST_SUBJECT} clips",
            torch.cuda.max_memory_allocated() / 2**30,
            "GiB",
        )


def side_by_side(recorder: Recorder, check: Check) -> None:
    """Record the images a second of several worker processes on one GPU."""
    names = ("learnet", "resnet50", "mobilenetv2_100", "vgg19")
    for name, workers, speed in gpu_workers.speeds(
        [check.fold(name, 24 * check.profile.training.batch_size) for name in names]
        if not check.quick
        else [check.fold("learnet", 24)],
        (1,) if check.quick else (1, 4, 8, 16),
        str(check.device),
        0.2 if check.quick else 2.0,
        check.until,
    ):
        measure = f"images a second, {workers} workers"
        recorder.add(SECTION, models.title(name), measure, speed)


def whole(recorder: Recorder, check: Check) -> None:
    """Record that the run engine gives the same by one worker and by several, and as the CPU."""
    workspace = open_workspace("smoke", datasets=["casme2"], workers=cores())
    specs = [s for s in workspace.specs("table2") if models.is_network(s.model.name)]
    specs = [s for s in specs if s.model.name in check.names and s.setting in ("single", "dual")]
    prepare_views(specs, workspace.context, workers=cores())
    device = str(check.device)
    with tempfile.TemporaryDirectory() as folder:
        stores: dict[str, Path] = {}
        for workers, on in ((1, device), (1 if check.quick else 4, device), (1, "cpu")):
            store = Path(folder) / str(len(stores))
            context = replace(workspace.context, device=on, store=store)
            with open_executor(workers=workers, device=on) as executor:
                took = run_seconds(workspace.jobs(specs), context, executor, workers)
            if took is None:
                continue
            stores[f"{workers} workers on {'the CPU' if on == 'cpu' else 'the GPU'}"] = store
            add = recorder.about(SECTION, f"smoke profile, {len(workspace.jobs(specs))} folds")
            add(f"seconds, {workers} workers on {on}", took, "s")
        first, *others = stores.items()
        for what, store in others:
            differ = largest_difference(first[1], store, specs)
            goal = 0 if "GPU" in what else 0.05
            add(f"probabilities differ from {what}", differ, at_most=goal)


def largest_difference(one: Path, other: Path, specs: Sequence[RunSpec]) -> float:
    """Return the largest difference between the probabilities in two stores, 0 if none."""
    stored = [RunStore(path).predictions(specs, every_epoch=True) for path in (one, other)]
    a, b = (rows.filter(regex=r"^p_\d").to_numpy() for rows in stored)
    return float(np.nanmax(np.abs(a - b)))


def planned(recorder: Recorder, check: Check) -> None:
    """Record what the paper profile's tables train: images and folds of each network.

    Counted from the full data sets' published numbers of clips and subjects; what tables share
    counts in the first of them.
    """
    workspace, paper = open_workspace("smoke"), PROFILES["paper"]
    data = list(workspace.data.values())
    variants = len(paper.variants)
    seen: set[str] = set()
    with mock.patch("mer_utils.experiments.tables.weights_identity", return_value="any"):
        for name, table in TABLES.items():
            images, folds = Counter[str](), Counter[str]()
            for spec in table.grid(paper, data[:1] if table.made else data):
                counted = spec.key in seen and not table.made
                if counted or not models.is_network(spec.model.name):
                    continue
                seen.add(spec.key)
                clips, subjects = FULL_SIZE[spec.data.dataset]
                times = variants if table.made else 1
                folds[spec.model.name] += times * subjects
                shown = clips * (subjects - 1) * len(spec.train_views) * spec.training.epochs
                images[spec.model.name] += times * shown
            for unit, numbers in (("images", images), ("folds", folds)):
                for model, n in numbers.items():
                    recorder.add("gpu plan", name, model, n, unit)


def pooling(recorder: Recorder, check: Check) -> None:
    """Record the dynamic images of many clips at once."""
    gpu_pooling.pooling(recorder, check.device, quick=check.quick)


#: In the order in which they are taken, with the seconds that must be left to begin.
SECTIONS: dict[Callable[[Recorder, Check], None], float] = {
    planned: 10,
    repeatable: 20,
    waits: 20,
    rates: 40,
    folds: 20,
    agreement: 15,
    side_by_side: 40,
    whole: 25,
    pooling: 10,
}


def main(arguments: list[str] | None = None) -> Path:
    parser = argparse.ArgumentParser("python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--quick", action="store_true", help="the smallest form, to try it out")
    parser.add_argument("--budget", type=float, default=600, help="seconds that it may take")
    parser.add_argument("--out", type=Path, help="result file; default: in build/bench")
    given = parser.parse_args(arguments)
    recorder = Recorder(describe() | {"quick": given.quick})
    with torch.cuda.device(given.device) if given.device != "cpu" else nullcontext():
        measure_on(
            torch.device(given.device),
            recorder,
            quick=given.quick,
            budget=given.budget,
            out=given.out,
        )
    for section in (SECTION, RATES, "gpu folds"):
        recorder.show(section)
    path = recorder.write(given.out)
    print(f"Written: {path}")
    return path


if __name__ == "__main__":
    main()
