"""One fold: fit a network on arrays for a fixed number of epochs, then predict.

The last epoch counts. Nothing of the held-out subject can reach the fit: what is predicted
after each epoch is written down and never looked at while training goes on.
"""

from mer_utils.training.fit import FitReport, fit, predict
from mer_utils.training.options import TrainingOptions

# Raised by hand whenever a change here, or in the models or the augmentation, changes
# what a run predicts; it is part of every run's key.
TRAINING_VERSION = 2

__all__ = ["TRAINING_VERSION", "FitReport", "TrainingOptions", "fit", "predict"]
