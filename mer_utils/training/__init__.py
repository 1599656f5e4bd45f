"""One fold: fit a network on arrays for a fixed number of epochs, predict, explain.

The last epoch counts. Nothing of the held-out subject can reach the fit: what is predicted
after each epoch is written down and never looked at while training goes on.
"""

from typing import TYPE_CHECKING, Any

from mer_utils.extras import require
from mer_utils.training.options import TrainingOptions

if TYPE_CHECKING:
    from mer_utils.training.classifier import Classifier, FitReport

# Raised by hand whenever a change here, or in the models or the augmentation, changes
# what a run predicts; it is part of every run's key.
TRAINING_VERSION = 3

__all__ = ["TRAINING_VERSION", "Classifier", "FitReport", "TrainingOptions"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to load, and who asks for options or the version trains nothing yet.
    if name not in ("Classifier", "FitReport"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require("torch", "train")
    from mer_utils.training import classifier

    return getattr(classifier, name)
