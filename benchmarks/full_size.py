"""Train two steps of a full-size fold and print the process's peak memory in GiB.

``python -m benchmarks.full_size learnet``: as many clips as CASME II has, three views each, the
network, batch and precision of the paper profile. A fold's memory does not grow after its second
step: by then the optimiser's state is there.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.folds import noise_fold
from mer_utils.experiments import get_profile
from mer_utils.runs.device import make_repeatable

CLIPS, STEPS = 255, 2


def main(name: str) -> float:
    make_repeatable()
    profile = get_profile("paper")
    fold = noise_fold(profile, name, STEPS * profile.training.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "views.npy"
        shape = (CLIPS, 3, *fold.images.shape[1:])
        np.lib.format.open_memmap(file, "w+", np.uint8, shape).flush()
        views = np.load(file, mmap_mode="r")
        images = np.concatenate([views[:, phase] for phase in range(3)])
        few = replace(fold, images=images[: len(fold.images)], spatial="none")
        few.fit(few.network())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    print(main(sys.argv[1]))
