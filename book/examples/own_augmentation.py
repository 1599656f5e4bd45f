"""Add an augmentation: vary the contrast of each training image."""

import torch

from mer_utils import augment, experiments, runs
from mer_utils.experiments import run_spec


def contrast(images: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """Scale each image about zero, its middle grey, by 0.8 to 1.2."""
    return images * (0.8 + 0.4 * numbers)[:, None, None, None]


augment.SPATIAL["contrast"] = (contrast,)
own = experiments.open_workspace("smoke", datasets=["casme2"])
data = own.data["casme2"]
spec = run_spec(own.profile, data, "learnet", spatial="contrast")
report = runs.run(own.jobs([spec]), own.context)
print(report.done, "folds computed")
