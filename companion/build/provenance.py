"""What made the pages: versions, platform, commit, profile, and each notebook's run time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from companion.build.agreement import NOT_COMPARED
from mer_utils.files import atomic_write, build_dir, checkout
from mer_utils.runs.environment import PACKAGES, commit, contents, environment, versions

if TYPE_CHECKING:
    from companion.build.executed import Record

FILE = "provenance.json"

#: Besides what computes, the packages that can change the look of a page.
_PAGES = (
    "scipy",
    "statsmodels",
    "matplotlib",
    "jupytext",
    "papermill",
    "ipykernel",
    "myst-nb",
    "jupyter-book",
    "sphinx",
    "numpydoc",
    "sphinx-book-theme",
    "sphinxcontrib-bibtex",
)


def collect(
    repository: Path,
    records: Mapping[str, Record],
    *,
    profile: str,
    data_title: str,
    inputs: Mapping[str, str],
    agreed: Mapping[str, Any] = NOT_COMPARED,
) -> dict[str, Any]:
    """Gather what the Status page shows.

    Times are those of each notebook's recorded run, never of the clock, so that a second
    build of the same state gives the same page.
    """
    made_on = environment()
    return {
        "profile": profile,
        "data": data_title,
        "commit": commit(repository) or "unknown",
        "python": made_on["python"],
        "platform": made_on["system"],
        "cpu_cores": os.cpu_count(),
        "packages": (found := versions((*PACKAGES, *_PAGES))),
        "files": {name: contents(name) for name in found},
        "inputs": dict(inputs),
        "agreed": dict(agreed),
        "notebooks": {name: asdict(record) for name, record in sorted(records.items())},
    }


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
    try:
        last = json.loads((build_dir() / FILE).read_text("utf-8"))
        return {"agreed": dict(NOT_COMPARED), **last}
    except FileNotFoundError:
        here = checkout() or Path.cwd()
        return collect(here, {}, profile="none", data_title="none: not built yet", inputs={})


def summary_table(provenance: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per fact: profile, data, commit, platform, fingerprints of the inputs."""
    name, _, dirty = provenance["commit"].partition("-")
    facts = {
        "profile": provenance["profile"],
        "data": provenance["data"],
        "commit": name + (" (with uncommitted changes)" if dirty else ""),
        "Python": provenance["python"],
        "platform": f"{provenance['platform']}, {provenance['cpu_cores']} cores",
        **{f"SHA-256 of the {k}": str(v) for k, v in provenance.get("inputs", {}).items()},
    }
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())})


def notebooks_table(provenance: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per notebook: name, seconds of its recorded run, when that ended (UTC)."""
    rows = [{"notebook": name, **record} for name, record in provenance["notebooks"].items()]
    return pd.DataFrame(rows, columns=["notebook", "seconds", "finished"])


def packages_table(provenance: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per package: name, version, and 12 digits that name its files."""
    rows = [
        (name, version, provenance.get("files", {}).get(name, ""))
        for name, version in provenance["packages"].items()
    ]
    return pd.DataFrame(rows, columns=["package", "version", "SHA-256 of its files"])
