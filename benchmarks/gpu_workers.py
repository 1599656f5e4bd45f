"""Worker processes that share a GPU, each training networks of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.folds import Fold
from mer_utils.runs.device import make_repeatable

START_SECONDS, ANSWER_SECONDS = 120, 60


def speeds(
    folds: Sequence[Fold], numbers: Sequence[int], device: str, span: float, until: float
) -> Iterator[tuple[str, int, float]]:
    """Yield network, number of workers, and the images a second of all of them together."""
    context, workers = get_context("spawn"), []
    for _worker in range(max(numbers)):
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, device, span), daemon=True)
        process.start()
        workers.append((process, ours))
    try:
        for _, ours in workers:
            _answer(ours, START_SECONDS)
        for fold in folds:
            for n in numbers:
                if until - time.perf_counter() < 5 * span + 10:
                    print(f"{fold.model}, {n} workers: left out, the time is up")
                    continue
                answers = _together([ours for _, ours in workers[:n]], fold)
                if failed := [a for a in answers if isinstance(a, str)]:
                    print(f"{fold.model}, {n} workers: {len(failed)} failed: {failed[0]}")
                    continue
                yield fold.model, n, sum(answers)
    finally:
        for process, _ in workers:
            process.kill()
            process.join()


def _together(pipes: Sequence[Connection], fold: Fold) -> list[Any]:
    """Have all workers make ready, then train at once; return what each says."""
    for pipe in pipes:
        pipe.send(fold)
    answers = [_answer(pipe, ANSWER_SECONDS) for pipe in pipes]
    ready = [pipe for pipe, answer in zip(pipes, answers, strict=True) if answer == "ready"]
    for pipe in ready:
        pipe.send("go")
    failed = [answer for answer in answers if answer != "ready"]
    return failed + [_answer(pipe, ANSWER_SECONDS) for pipe in ready]


def _answer(pipe: Connection, seconds: float) -> Any:
    if not pipe.poll(seconds):
        raise TimeoutError(f"a worker gave no answer in {seconds} s")
    return pipe.recv()


def _work(pipe: Connection, device: str, span: float) -> None:
    make_repeatable()
    pipe.send("there")
    while fold := pipe.recv():
        try:
            classifier = fold.classifier(fold.network(), device)
            classifier.fit(fold.images, fold.labels, spatial=fold.spatial)
            pipe.send("ready")
            pipe.recv()
            started, shown = time.perf_counter(), 0
            while time.perf_counter() - started < span:
                classifier.start_again(classifier.network)
                shown += classifier.fit(fold.images, fold.labels, spatial=fold.spatial).images
            pipe.send(shown / (time.perf_counter() - started))
            del classifier
        except Exception as error:
            pipe.send(f"{type(error).__name__}: {error}")
