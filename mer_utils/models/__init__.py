"""The six networks of the comparison, timm's but for LEARNet, and three baselines.

One registry, `MODELS`, says what each is; any other timm network can be named as well.
"""

from mer_utils.models.architectures import Architecture
from mer_utils.models.baselines import Baseline
from mer_utils.models.create import create, memory_format, normalisation
from mer_utils.models.operations import count_operations, count_parameters
from mer_utils.models.registered import (
    MODELS,
    are_networks,
    baselines,
    find,
    is_network,
    networks,
    own_parts,
    title,
)
from mer_utils.models.weights import fetch_weights_file, weights_identity

__all__ = [
    "MODELS",
    "Architecture",
    "Baseline",
    "are_networks",
    "baselines",
    "count_operations",
    "count_parameters",
    "create",
    "fetch_weights_file",
    "find",
    "is_network",
    "memory_format",
    "networks",
    "normalisation",
    "own_parts",
    "title",
    "weights_identity",
]
