"""Which ImageNet weights a run starts from, as part of its key."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.machine import path_setting

WEIGHTS_SETTING = "MER_WEIGHTS"


def weights_file(name: str, folder: Path | None = None) -> Path | None:
    """Return the file of a network's ImageNet weights, None if the hub is to be asked.

    Parameters
    ----------
    name : str
        timm's.
    folder : Path, optional
        By default the one that ``MER_WEIGHTS`` names, if it does.

    Raises
    ------
    MerError
        ``missing weights``, if the folder lacks the file.
    """
    named = folder or path_setting(WEIGHTS_SETTING)
    if not named:
        return None
    file = Path(named) / f"{name}.safetensors"
    if not file.is_file():
        raise MerError(
            "missing weights",
            f"{file} does not exist",
            f"the ImageNet weights of {name}",
            f"put timm's model.safetensors of {name} there under that name",
        )
    return file


def weights_identity(name: str, weights_dir: Path | None = None) -> str:
    """Say which ImageNet weights :func:`mer_utils.models.create` would load; load none.

    Returns
    -------
    str
        ``sha256:<hex>`` of a local file, see `weights_file`, else the hub's name of the
        weights.

    Raises
    ------
    MerError
        ``missing weights``, if the folder lacks the file, or timm knows no weights.

    Examples
    --------
    >>> weights_identity("vgg19")
    'hub:timm/vgg19.tv_in1k'
    """
    if file := weights_file(name, weights_dir):
        status = file.stat()
        return f"sha256:{_sha256(file, status.st_size, status.st_mtime_ns)}"
    timm = require("timm", "train")  # two seconds, and only pre-trained networks ask
    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    source = config and (config.hf_hub_id or config.url)
    if not source:
        raise MerError(
            "missing weights",
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
