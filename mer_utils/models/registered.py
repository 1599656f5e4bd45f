"""The one registry of what can be trained: networks, and the baselines that they must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.models.architectures import NETWORKS, OTHERS, Architecture
from mer_utils.models.baselines import BASELINES, Baseline
from mer_utils.registry import Registry, unknown

if TYPE_CHECKING:
    import pandas as pd

#: Networks and baselines by name; a model of your own joins them by ``MODELS.register``.
MODELS: Registry[Any] = Registry("model", *NETWORKS, *BASELINES, parts=("title", "is_network"))


def networks() -> dict[str, Architecture]:
    """Return the registered networks by name."""
    return {name: model for name, model in MODELS.items() if model.is_network}


def baselines() -> dict[str, Baseline]:
    """Return the registered baselines by name."""
    return {name: model for name, model in MODELS.items() if not model.is_network}


def is_network(name: str) -> bool:
    """Say whether a model is a network: whatever is not registered as a baseline.

    Examples
    --------
    >>> is_network("learnet"), is_network("svm_hog"), is_network("resnet18")
    (True, False, True)
    """
    return MODELS[name].is_network if name in MODELS else True


def are_networks(names: pd.Series) -> pd.Series:
    """Say of each name in a column whether it is a network's."""
    return names.map(is_network).astype(bool)


def title(name: str) -> str:
    """Return a model's name in captions; of one that is not registered, its name.

    Examples
    --------
    >>> title("vit_base_patch16_224"), title("svm_hog"), title("resnet18")
    ('ViT-B/16', 'linear SVM on HOG', 'resnet18')
    """
    known = MODELS.get(name) or OTHERS.get(name)
    return known.title if known else str(name)


def own_parts(name: str) -> tuple[Any, ...]:
    """Return what computes a model that is registered beside the library's own; of those, nothing.

    Examples
    --------
    >>> own_parts("learnet"), own_parts("svm_hog"), own_parts("resnet18")
    ((), (), ())
    """
    model = MODELS.get(name)
    if model is None or any(model is one for one in (*NETWORKS, *BASELINES)):
        return ()
    if getattr(model, "version", "") or not isinstance(model, Architecture | Baseline):
        return (model,)
    return tuple(value for _, value in sorted(vars(model).items()) if callable(value))


def find(name: str) -> Architecture | Baseline:
    """Return a registered model, or a network of which only timm knows.

    Raises
    ------
    MerError
        ``unknown name``, if it is neither.
    """
    if name in MODELS:
        return MODELS[name]
    if name in OTHERS:
        return OTHERS[name]
    timm = require("timm", "train")  # two seconds, and only other networks ask
    if not timm.is_model(name):
        error = unknown("model", name, MODELS)
        others = f"{error.expected}, or another name that timm.list_models() gives"
        raise MerError(error.kind, error.what, others, error.remedy)
    return Architecture(name, name, image_size=timm.get_pretrained_cfg(name).input_size[-1])
