"""How the time of a leave-one-subject-out run grows with clips and with subjects."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import torch

from benchmarks.folds import CLASSES, Fold
from benchmarks.record import Recorder
from companion.costs import growth_table
from mer_utils.protocol import loso
from mer_utils.training import TrainingOptions

SECTION = "scaling"
CLIPS = (1, 2, 4, 8)
SUBJECTS = (8, 16, 32)
# Folds are alike: of a run of many, so many are trained and stand for the rest.
FOLDS_TIMED = 4
ROUNDS = 3


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    torch.set_num_threads(1)
    size, each = (32, 2) if quick else (48, 10)
    loso_run(4, 16, size)
    base = SUBJECTS[0]
    varied = [(f"clips, {base} subjects", n * each * base, base, n * each * base) for n in CLIPS]
    varied += [(f"subjects, {each} clips each", n, n, each * n) for n in SUBJECTS]
    for case, x, subjects, clips in varied:
        # The shortest of some is the one that the rest of the machine disturbed least.
        took, shown = min(loso_run(subjects, clips, size) for _ in range(ROUNDS))
        recorder.add(SECTION, case, "time of a run", took, "s", x=x)
        recorder.add(SECTION, case, "images shown", shown, "images", x=x)
    print(growth_table(recorder.costs()).to_string(index=False))


def loso_run(subjects: int, clips: int, image_size: int) -> tuple[float, int]:
    """Train and test the folds of made images; return the time of all folds and their images."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (clips, image_size, image_size, 3), np.uint8)
    labels = rng.integers(0, CLASSES, clips)
    folds = list(loso(pd.DataFrame({"subject": [f"sub{i % subjects:03d}" for i in range(clips)]})))
    timed = folds[:FOLDS_TIMED]
    options = TrainingOptions(epochs=1, batch_size=16)
    started = time.perf_counter()
    for fold in timed:
        made = Fold("learnet", 1 / 2, 1.0, images[fold.train], labels[fold.train], options, "none")
        classifier = made.classifier(made.network())
        classifier.fit(made.images, made.labels)
        classifier.predict(images[fold.test])
    took = (time.perf_counter() - started) / len(timed) * len(folds)
    return took, sum(len(fold.train) for fold in folds) * options.epochs
