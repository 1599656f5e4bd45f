"""What made the pages: versions, platform, commit, profile, and each notebook's run time."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from companion.build.executed import Record
from mer_utils.files import BUILD_SETTING, atomic_write

FILE = "provenance.json"

#: The packages whose versions can change a number or the look of a page.
PACKAGES = [
    "mer-utils",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "statsmodels",
    "opencv-python",
    "torch",
    "torchvision",
    "timm",
    "matplotlib",
    "seaborn",
    "plotly",
    "jupytext",
    "papermill",
    "ipykernel",
    "myst-nb",
    "jupyter-book",
    "sphinx",
    "sphinx-book-theme",
    "sphinxcontrib-bibtex",
]


def collect(
    repository: Path,
    records: Mapping[str, Record],
    *,
    profile: str,
    data_title: str,
    inputs: Mapping[str, str],
) -> dict[str, Any]:
    """Gather what the Status page shows.

    Times are those of each notebook's recorded run, never of the clock, so that a
    second build of the same state gives the same page.

    Parameters
    ----------
    repository : Path
        The repository's root.
    records : mapping of str to Record
        Each notebook's last successful run.
    profile, data_title : str
        Which profile and data.
    inputs : mapping of str to str
        Fingerprints of the data, the results and the lock.
    """
    return {
        "profile": profile,
        "data": data_title,
        "commit": commit(repository),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu_cores": os.cpu_count(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "inputs": dict(inputs),
        "notebooks": {
            name: {"seconds": record.seconds, "finished": record.finished}
            for name, record in sorted(records.items())
        },
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def commit(repository: Path) -> dict[str, Any]:
    """Return ``{"id": ..., "dirty": ...}`` of the working tree; both None outside git."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "--no-optional-locks", "-C", str(repository), *arguments],
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    name = git("rev-parse", "HEAD")
    changes = git("status", "--porcelain") if name else None
    return {"id": name, "dirty": None if changes is None else bool(changes)}


def write(build: Path, gathered: Mapping[str, Any]) -> Path:
    """Write what `collect` returned into the build folder and return the file."""
    path = build / FILE
    with atomic_write(path) as part:
        part.write_text(json.dumps(gathered, indent=1, sort_keys=True), "utf-8")
    return path


def load() -> dict[str, Any]:
    """Return the provenance of the book being built, for the Status page.

    In a Jupyter session outside a build the file of the last build is read; where there
    is none, the versions of now are given, and no run times.
    """
    here = Path.cwd()
    root = next((p for p in (here, *here.parents) if (p / "_config.yml").exists()), here)
    build = Path(os.environ.get(BUILD_SETTING) or root / "build")
    try:
        return dict(json.loads((build / FILE).read_text("utf-8")))
    except FileNotFoundError:
        return collect(root, {}, profile="none", data_title="none: not built yet", inputs={})


def summary_table(provenance: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row a fact: profile, data, commit, platform, fingerprints of the inputs."""
    made_by = provenance["commit"]
    changed = " (with uncommitted changes)" if made_by["dirty"] else ""
    facts = {
        "profile": provenance["profile"],
        "data": provenance["data"],
        "commit": f"{made_by['id'] or 'not in a git checkout'}{changed}",
        "Python": provenance["python"],
        "platform": f"{provenance['platform']}, {provenance['cpu_cores']} cores",
        **{f"SHA-256 of the {k}": str(v) for k, v in provenance.get("inputs", {}).items()},
    }
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())})


def notebooks_table(provenance: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row a notebook: name, seconds of its recorded run, when that ended (UTC)."""
    rows = [{"notebook": name, **record} for name, record in provenance["notebooks"].items()]
    return pd.DataFrame(rows, columns=["notebook", "seconds", "finished"])


def packages_table(provenance: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row a package: name and version."""
    rows = list(provenance["packages"].items())
    return pd.DataFrame(rows, columns=["package", "version"])
