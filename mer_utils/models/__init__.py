"""The six networks of the comparison, every one created through timm, and three baselines.

ViT-B/16 and LEARNet are the paper's; which four CNNs it used is not known to us, so the
other four are an assumption (see the register in the book). Any other timm model can be
created by its name as well.
"""

from mer_utils.models.baselines import BASELINES, Baseline, fit_and_predict
from mer_utils.models.create import MODELS, Architecture, create
from mer_utils.models.operations import count_operations, count_parameters
from mer_utils.models.weights import weights_identity

__all__ = [
    "BASELINES",
    "MODELS",
    "Architecture",
    "Baseline",
    "count_operations",
    "count_parameters",
    "create",
    "fit_and_predict",
    "weights_identity",
]
