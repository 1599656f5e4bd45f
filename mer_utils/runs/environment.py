"""What a fold was computed with: versions, machine, commit."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "mer-utils",
    "numpy",
    "pandas",
    "opencv-python",
    "torch",
    "torchvision",
    "timm",
    "scikit-learn",
)


@cache
def environment() -> dict[str, Any]:
    """Return versions of Python and of the packages that compute, machine and commit."""
    return {
        "python": platform.python_version(),
        "packages": versions(PACKAGES),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "commit": commit(),
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


def processor() -> str:
    """Return the processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def commit(folder: Path = Path(__file__).parent) -> str:
    """Return the commit of a checkout, with ``-dirty`` if it was changed since."""
    try:
        done = subprocess.run(
            [
                "git",
                "--no-optional-locks",
                "describe",
                "--always",
                "--dirty",
                "--abbrev=12",
                "--exclude=*",
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
