"""Add an augmentation: move each training image by up to two pixels."""

import torch

from mer_utils import augment, experiments, runs
from mer_utils.experiments import run_spec


def shift(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Move each image along both axes; what leaves comes back in."""
    moves = torch.randint(-2, 3, (len(images), 2), generator=generator)
    pairs = zip(images, moves.tolist(), strict=True)
    return torch.stack([i.roll(move, (-2, -1)) for i, move in pairs])


augment.SPATIAL["shift"] = (shift,)
own = experiments.open_workspace("smoke", datasets=["casme2"])
data = own.data["casme2"]
spec = run_spec(own.profile, data, "learnet", spatial="shift")
report = runs.run(own.jobs([spec]), own.context)
print(report.done, "folds computed")
