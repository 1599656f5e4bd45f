"""What is here and what is missing: installed parts, device, data, and what each chapter lacks."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from mer_utils.datasets import DATASETS
from mer_utils.errors import MerError
from mer_utils.machine import cores, path_setting

if TYPE_CHECKING:
    from mer_utils.experiments import Workspace

_PACKAGE = "mer-utils"


def extras() -> Iterator[tuple[str, str, str]]:
    """Yield each part of the library, what is there of it, and what to do about what is not."""
    try:
        wanted = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        yield "core", "not installed", f'pip install "{_PACKAGE}", or . in the checkout'
        return
    lacking: dict[str, list[str]] = {"core": []}
    for line in wanted:
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra *== *['\"](\w+)['\"]", line)
        if name is None or name[0] == _PACKAGE:
            continue
        found = lacking.setdefault(extra[1] if extra else "core", [])
        try:
            metadata.version(name[0])
        except metadata.PackageNotFoundError:
            found.append(name[0])
    for part, absent in lacking.items():
        named = f"{_PACKAGE}[{part}]" if part != "core" else _PACKAGE
        state = f"lacks {', '.join(absent)}" if absent else "installed"
        yield part, state, f'pip install "{named}"' if absent else ""


def device() -> str:
    """Return what folds would be computed on, in words."""
    try:
        from mer_utils.runs.device import resolve_device

        found = resolve_device("auto")
        import torch
    except MerError as error:
        return f"nothing to train on: {error.what}"
    name = torch.cuda.get_device_name(found) if found.type == "cuda" else "the processor"
    return f"{name}, torch {torch.__version__}"


def machine() -> str:
    """Return the system and its processor, in words."""
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{system}, {cores()} core(s)"


def data_sets(workspace: Workspace) -> Iterator[tuple[str, str, str]]:
    """Yield each data set, where it was found, and what to do to use the licensed one."""
    for name, kind in DATASETS.items():
        setting = f"MER_{name.upper()}_ROOT"
        if not (kind.published and kind.published.clips):
            continue  # a table, or made of others
        root = path_setting(setting)
        if root is not None:
            state = f"in {root}" if root.is_dir() else f"{root} is no folder"
            yield name, state, "" if root.is_dir() else f"correct {setting}"
            continue
        twin = (workspace.data_root or Path()) / f"{name}-{workspace.profile.name}"
        state = f"synthetic twin in {twin}" if twin.exists() else "no data, and no twin yet"
        yield name, state, f"{setting}=FOLDER for the licensed data"


def chapters(workspace: Workspace, repository: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each chapter that reads results, what it lacks of them, and the command for it."""
    from mer_utils.experiments import TABLES

    missing: dict[str, int] = {}
    for page in sorted((repository / "notebooks").glob("*.md")):
        text = page.read_text("utf-8")
        read = [name for name in TABLES if re.search(rf'"{re.escape(name)}"', text)]
        if not read:
            continue
        for name in read:
            if name not in missing:
                missing[name] = len(workspace.missing(workspace.specs(name)))
        lacks = {name: missing[name] for name in read if missing[name]}
        folds = ", ".join(f"{count} folds of {name}" for name, count in lacks.items())
        command = workspace.command(*lacks) if lacks else ""
        yield page.stem, f"lacks {folds}" if folds else "ready", command
