"""What this machine is to us: how many cores are ours, and what its user has set."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from mer_utils.errors import MerError

#: The settings, which are environment variables. Of each data set there are those of `OF_DATA` too.
PATHS = ("MER_BUILD", "MER_CORRECTIONS", "MER_WEIGHTS")
SETTINGS = (*PATHS, "MER_CROP", "MER_MISSING_FRAMES", "MER_NO_FACE")
#: As in ``MER_CASME2_ROOT``.
OF_DATA = ("_ROOT", "_SHEET", "_COLUMNS")


def cores() -> int:
    """Return how many cores this process may use: on a shared machine often fewer than there are.

    Examples
    --------
    >>> 1 <= cores() <= os.cpu_count()
    True
    """
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def setting(name: str) -> str | None:
    """Return what a setting says without white space around it; None if it says nothing."""
    return os.environ.get(name, "").strip() or None


def path_setting(name: str) -> Path | None:
    """Return the absolute path that a setting names, ``~`` being the home folder."""
    named = setting(name)
    if named is None:
        return None
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError as error:  # ~nobody, or no HOME
        raise MerError(
            "invalid setting",
            f"{name} names {named} ({error})",
            "a path whose home folder is known",
            f"write the whole path into {name}",
        ) from error


def anchor_settings() -> None:
    """Make every path of the settings absolute, for processes that run in another folder.

    Notebooks do, and see these settings; so does ``PYTHONPATH``, by which a detector of one's own
    is found.
    """
    for name in [n for n in os.environ if n in PATHS or _is_root(n)]:
        if (path := path_setting(name)) is not None:
            os.environ[name] = str(path)
    if searched := os.environ.get("PYTHONPATH"):
        parts = map(os.path.abspath, searched.split(os.pathsep))
        os.environ["PYTHONPATH"] = os.pathsep.join(parts)


def refuse_misspelt_settings(datasets: Iterable[str]) -> None:
    """Raise for a setting that is nearly one that exists, and warn of others that are none.

    A twin would be used in silence where ``MER_CASME_ROOT`` names the licensed data.

    Parameters
    ----------
    datasets : iterable of str
        Names of the data sets that are known.

    Raises
    ------
    MerError
        ``invalid setting``.
    """
    known = {name.removeprefix("MER_"): name for name in SETTINGS}
    names = [name.upper() for name in datasets]
    for name in sorted(n for n in os.environ if n.startswith("MER_")):
        word, meant = name.removeprefix("MER_"), known
        if suffix := next((s for s in OF_DATA if name.endswith(s)), ""):
            word, meant = word.removesuffix(suffix), {n: f"MER_{n}{suffix}" for n in names}
        if name in SETTINGS or name in meant.values():
            continue
        if close := get_close_matches(word.upper(), meant, 1, 0.7):
            raise MerError(
                "invalid setting",
                f"{name} is set, and no such setting exists",
                f"{meant[close[0]]}, which is close, or one of {', '.join(known.values())}",
                f"correct the name, or unset {name}",
            )
        _warn(name)


def _is_root(name: str) -> bool:
    return name.startswith("MER_") and name.endswith("_ROOT")


@cache
def _warn(name: str) -> None:
    logging.getLogger(__name__).warning("%s is no setting of this program: not used", name)
