"""What a fold was computed with: versions, machine, commit; and whether folds differ in it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    distributions,
    entry_points,
    version,
)
from pathlib import Path
from typing import Any

import pandas as pd

from mer_utils import models

NAME = "mer-utils"
PACKAGES = (
    NAME,
    "numpy",
    "pandas",
    "opencv-python",
    "torch",
    "torchvision",
    "timm",
    "scikit-learn",
)
_PACKAGE = Path(__file__).parents[1]
#: What of the package's files is run or read, and so must be in the commit.
_CODE = (".py", ".csv", ".toml", ".lark")
#: What a network's, and a baseline's, probabilities are computed with.
_COMPUTE = {
    True: ("numpy", "opencv-python", "torch", "torchvision", "timm"),
    False: ("numpy", "opencv-python", "scikit-learn"),
}

_MACHINE = ("processor", "system", "python", "source", "threads")


@cache  # of this process, which goes on with the code that it has imported
def environment() -> dict[str, Any]:
    """Return versions and files of Python's packages that compute, machine, commit, source, lock.

    And what packages add that say so, by the name of their entry point in "mer.provenance": the
    companion the hash of the rules that will judge the results.
    """
    added = {point.name: point.load()() for point in entry_points(group="mer.provenance")}
    return added | {
        "python": platform.python_version(),
        "packages": versions(PACKAGES),
        "files": {name: contents(name) for name in versions(PACKAGES)},
        "lock": lock(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "commit": commit() or _installed_commit() or "unknown",
        "source": source(),
    }


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def contents(name: str) -> str:
    """Return 12 digits that name the files of an installed distribution, by the hashes it lists.

    Scripts, byte code and notes of the installer, which hold paths and times, do not count.
    """
    lines = (distribution(name).read_text("RECORD") or "").splitlines()
    own = (x for x in lines if not re.match(r"[./]|__editable__|.*(\.dist-info/|\.pyc,)|$", x))
    return hashlib.sha256("\n".join(sorted(own)).encode()).hexdigest()[:12]


def installed() -> dict[str, str]:
    """Return everything that is installed: version and `contents` by name."""
    names = {str(found.metadata["Name"]) for found in distributions()}
    return {name: f"{version(name)} {contents(name)}" for name in sorted(names, key=str.lower)}


def lock(root: Path = _PACKAGE.parent) -> str:
    """Return 12 digits that name the lock of the checkout, if the package lies in one."""
    file = root / "requirements.lock"
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else "none"


def processor() -> str:
    """Return the processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def commit(root: Path = _PACKAGE.parent) -> str:
    """Return the commit of this project's checkout at `root`, with ``-dirty`` if it was changed.

    So it was if a file of code that no commit holds, ignored or not, lies in the package. Empty
    if `root` is no such checkout: that of another repository in which the package lies, in a
    virtual environment for instance, says nothing of it.
    """
    root = Path(os.path.realpath(root))
    # Of this folder alone, whatever a hook's environment names, and whoever owns it: its code is
    # what runs here.
    outside = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "--no-optional-locks"]
    try:
        if f'name = "{NAME}"' not in (root / "pyproject.toml").read_text("utf-8"):
            return ""
        named, others = (
            subprocess.run(
                [*command, *words],
                cwd=root,
                env={**outside, "GIT_CEILING_DIRECTORIES": str(root.parent)},
                capture_output=True,
                text=True,
                check=True,
                timeout=10,
            ).stdout.strip()
            for words in (
                ("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"),
                ("ls-files", "--others", "--", *(f"{_PACKAGE.name}/*{end}" for end in _CODE)),
            )
        )
        return f"{named.removesuffix('-dirty')}-dirty" if others else named
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""


def _installed_commit() -> str:
    """Return the commit that pip installed this package from, empty if it was none."""
    try:
        installed = distribution(NAME)
        if Path(str(installed.locate_file(_PACKAGE.name))).samefile(_PACKAGE):
            said = json.loads(installed.read_text("direct_url.json") or "{}")
            return str(said["vcs_info"]["commit_id"])[:12]
    except (OSError, ValueError, KeyError, PackageNotFoundError):
        pass
    return ""


def source(package: Path = _PACKAGE) -> str:
    """Return 12 digits that name the package's files, where no commit does or it is dirty."""
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*")):
        if file.suffix in _CODE and file.is_file():
            digest.update(f"{file.relative_to(package).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def hardware(torch: Any, device: str) -> dict[str, Any]:
    """Return what of processor, or GPU, can change the last bits of a fold on `device`."""
    if device == "cpu":
        return {"instructions": torch.backends.cpu.get_cpu_capability()}
    try:
        said = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        said = ""
    driver = re.search(r"\s(\d+\.\d[\d.]*)\s", said)
    return {
        "CUDA": torch.version.cuda,
        "cuDNN": torch.backends.cudnn.version(),
        "driver": driver and driver[1],
    }


def mixed(folds: pd.DataFrame, unrecorded: int = 0) -> str:
    """Say in what the environments of folds differ, and how many folds were computed in each.

    Networks and baselines, which are computed by other packages and on other devices, are
    compared among themselves. Empty if nothing differs.

    Parameters
    ----------
    folds : DataFrame
        As `RunStore.environments` gives it.
    unrecorded : int
        How many others have no record, see `RunStore.unrecorded`, which is said too.
    """
    counted: dict[tuple[bool, str], Counter[str]] = {}
    for record in folds.to_dict("records"):
        network = models.is_network(record["model"])
        for what, value in _compared(record, _COMPUTE[network]).items():
            counted.setdefault((network, what), Counter())[value] += 1
    said = []
    for (network, what), values in counted.items():
        if len(values) > 1:
            each = ", ".join(
                f"{value} ({n:,} fold{'s' * (n > 1)})" for value, n in values.most_common()
            )
            said.append(f"{what} of {'networks' if network else 'baselines'}: {each}")
    sentences = [f"Computed in mixed environments. {'; '.join(said)}."] if said else []
    if unrecorded:
        sentences.append(f"{unrecorded:,} fold(s) lack the record of what computed them.")
    return " ".join(sentences)


def differing(one: Mapping[str, Any], other: Mapping[str, Any], network: bool) -> dict[str, Any]:
    """Return what differs in the environments of two folds, and its two values."""
    names = _COMPUTE[network]
    pair = [
        _compared(record, (*names, NAME))
        | {k: str(record.get(k)) for k in _MACHINE}
        | {f"files of {name}": str(record.get("files", {}).get(name)) for name in names}
        for record in (one, other)
    ]
    return {what: (v, pair[1].get(what)) for what, v in pair[0].items() if v != pair[1].get(what)}


def _compared(record: Mapping[Any, Any], packages: Iterable[str]) -> dict[str, str]:
    def text(value: Any) -> str:
        if value is None or value != value:
            return "not recorded"
        return f"{value:g}" if isinstance(value, float) else str(value)  # pandas has no whole ones

    named = record.get("packages")
    known = named if isinstance(named, dict) else {}
    found = {what: text(record.get(what)) for what in ("device", "precision")}
    found["part of a batch"] = text(record.get("micro_batch")).replace("not recorded", "all of it")
    of_device = ("instructions",) if found["device"] == "cpu" else ("CUDA", "cuDNN", "driver")
    found |= {what: text(record.get(what)) for what in of_device}
    return found | {what: text(known.get(what)) for what in packages}
