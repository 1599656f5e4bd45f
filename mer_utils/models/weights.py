"""Which ImageNet weights a run starts from, as part of its key."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from mer_utils.errors import MerError

WEIGHTS_SETTING = "MER_WEIGHTS"


def weights_file(name: str, folder: Path) -> Path:
    """Return the file of a network's ImageNet weights in a folder of them.

    Raises
    ------
    MerError
        If it is not there.
    """
    file = folder / f"{name}.safetensors"
    if not file.is_file():
        raise MerError(
            "TODO",
            f"{file} does not exist",
            f"the ImageNet weights of {name}",
            f"put timm's model.safetensors of {name} there under that name",
        )
    return file


def weights_identity(name: str, weights_dir: Path | None = None) -> str:
    """Say which ImageNet weights :func:`mer_utils.models.create` would load.

    Nothing is downloaded and no network is built.

    Parameters
    ----------
    name : str
        A timm name.
    weights_dir : Path, optional
        As for `create`; the default is the folder that ``MER_WEIGHTS`` names.

    Returns
    -------
    str
        ``sha256:<hex>`` of a local file, else the hub's name of the weights, as in
        ``hub:timm/resnet50.a1_in1k``.

    Raises
    ------
    MerError
        If the folder lacks the file, or timm knows no weights of that name.

    Examples
    --------
    >>> weights_identity("vgg19")
    'hub:timm/vgg19.tv_in1k'
    """
    folder = weights_dir or os.environ.get(WEIGHTS_SETTING)
    if folder:
        file = weights_file(name, Path(folder))
        status = file.stat()
        return f"sha256:{_sha256(file, status.st_size, status.st_mtime_ns)}"
    import timm  # two seconds, and only pre-trained networks ask

    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    source = config and (config.hf_hub_id or config.url)
    if not source:
        raise MerError(
            "TODO",
            f"timm knows no ImageNet weights of {name}",
            "a network with weights",
            "set pretrained to false for this model",
        )
    return f"hub:{source}"


@lru_cache(maxsize=64)
def _sha256(file: Path, size: int, changed: int) -> str:
    # Size and time of change are arguments so that a file that was replaced is read again.
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
