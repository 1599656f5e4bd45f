"""Train two steps of a full-size fold and print the process's peak memory in GiB.

``python -m benchmarks.full_size learnet``: as many clips as CASME II has, three views each, the
network, batch and precision of the paper profile. A fold's memory does not grow after its second
step: by then the optimiser's state is there.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from mer_utils import models
from mer_utils.experiments import get_profile
from mer_utils.models.create import normalisation
from mer_utils.runs.device import make_repeatable
from mer_utils.training import fit

CLIPS, CLASSES, STEPS = 255, 5, 2


class _EnoughError(Exception):
    pass


def main(name: str) -> float:
    make_repeatable()
    profile = get_profile("paper")
    plan = profile.models[name]
    changes = {"epochs": 1, "precision": plan.precision, "micro_batch": plan.micro_batch}
    options = profile.training.model_copy(update=changes)
    model = models.create(name, CLASSES, plan.image_size)
    mean, std = normalisation(model, pretrained=False)
    step, steps = torch.optim.AdamW.step, 0

    def counted(*args: object, **options: object) -> object:
        nonlocal steps
        done = step(*args, **options)
        steps += 1
        if steps == STEPS:
            raise _EnoughError
        return done

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "views.npy"
        shape = (CLIPS, 3, plan.image_size, plan.image_size, 3)
        np.lib.format.open_memmap(file, "w+", np.uint8, shape).flush()
        views = np.load(file, mmap_mode="r")
        images = np.concatenate([views[:, phase] for phase in range(3)])
        labels = np.arange(len(images)) % CLASSES
        counting = mock.patch.object(torch.optim.AdamW, "step", counted)
        with counting, contextlib.suppress(_EnoughError):
            fit(model, images, labels, options, mean=mean, std=std)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    print(main(sys.argv[1]))
