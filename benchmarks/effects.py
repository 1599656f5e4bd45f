"""What was tried to train faster: each change alone, by the speed of a step."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import torch
from torch.nn import functional

from benchmarks.clock import best, seconds
from benchmarks.folds import Fold, first_fold, prepared
from benchmarks.record import Recorder
from mer_utils.models import normalisation

SECTION = "effects"
IN_USE, TRIED = "in use", "tried"


def stepper(
    fold: Fold,
    *,
    channels_last: bool = True,
    fused: bool = True,
    precision: torch.dtype = torch.float32,
    compiled: bool = False,
    batch: int | None = None,
) -> Callable[[], None]:
    """Return one training step on a batch, as the training loop does it but for the changes."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = fold.network().train().to(memory_format=layout)
    mean, std = normalisation(model, pretrained=False)
    places = torch.arange(batch or fold.options.batch_size) % len(fold.images)
    images = torch.from_numpy(fold.images)[places]
    labels = torch.from_numpy(fold.labels)[places].long()
    optimizer = torch.optim.AdamW(model.parameters(), fused=fused)
    run = torch.compile(model) if compiled else model

    def step() -> None:
        x = (images.permute(0, 3, 1, 2).float() / 255 - mean) / std
        with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
            scores = run(x.contiguous(memory_format=layout))
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(scores.float(), labels).backward()
        optimizer.step()

    return step


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    torch.set_num_threads(1)
    workspace, specs = prepared(quick)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for spec in specs:
            _effects(recorder, first_fold(workspace, spec), pool, quick)


def _effects(recorder: Recorder, fold: Fold, pool: ProcessPoolExecutor, quick: bool) -> None:
    rounds, size = 3 if quick else 20, fold.options.batch_size
    steps = {
        "ours": stepper(fold),
        "channels first": stepper(fold, channels_last=False),
        "unfused": stepper(fold, fused=False),
        "bfloat16": stepper(fold, precision=torch.bfloat16),
        **{str(b): stepper(fold, batch=b) for b in (8, 32)},
    }
    times = best(steps, rounds)
    ours = times["ours"]
    add = recorder.about(SECTION, fold.model)
    add("channels last", times["channels first"] / ours, IN_USE)
    add("fused AdamW", times["unfused"] / ours, IN_USE)
    add("bfloat16", ours / times["bfloat16"], TRIED)
    for batch in (8, 32):
        add(f"batches of {batch}", ours / size * batch / times[str(batch)], TRIED)
    if not quick and (compiled := _compiled(fold, rounds)):
        add("torch.compile", ours / compiled, TRIED)
    alone = pool.submit(steps_a_second, fold, rounds, 1).result()
    list(pool.map(steps_a_second, [fold] * 2, [2] * 2, [1] * 2))  # both processes are warm
    together = sum(pool.map(steps_a_second, [fold] * 2, [rounds] * 2, [1] * 2))
    threads = pool.submit(steps_a_second, fold, rounds, 2).result()
    add("two folds at once", together / alone, IN_USE)
    add("2 threads per fold, instead of two folds", threads / together, TRIED)


def _compiled(fold: Fold, rounds: int) -> float | None:
    """Return the time of a compiled step, None if it failed."""
    try:
        return best({"step": stepper(fold, compiled=True)}, rounds)["step"]
    except Exception as error:  # without a C++ compiler there is nothing to compile with
        print(f"torch.compile failed on {fold.model}: {type(error).__name__}")
        return None


def steps_a_second(fold: Fold, steps: int, threads: int) -> float:
    """Return the speed of a process of its own."""
    torch.set_num_threads(threads)
    step = stepper(fold)
    step()
    return steps / seconds(lambda: [step() for _ in range(steps)])
