"""What this machine is to us: how many cores are ours, and what its user has set."""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from mer_utils.errors import MerError

#: The settings, which are environment variables. Of each data set there are those of `OF_DATA`.
PATHS = ("MER_BUILD", "MER_CORRECTIONS", "MER_WEIGHTS")
SETTINGS = (
    *PATHS,
    "MER_CROP",
    "MER_MISSING_APEX",
    "MER_MISSING_FRAMES",
    "MER_NO_FACE",
    "MER_DATA",
    "MER_EVALUATION",
    "MER_SCHEME",
)
#: As in ``MER_CASME2_ROOT``.
OF_DATA = ("_ROOT", "_SHEET", "_COLUMNS")


# The exit code of a worker whose script would have started workers of its own.
_RUN_AGAIN = 78


def cores() -> int:
    """Return how many cores this process may use: on a shared machine often fewer than there are.

    Counted are those that it is bound to, and those that a container or batch job pays for.

    Examples
    --------
    >>> 1 <= cores() <= os.cpu_count()
    True
    """
    bound = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        bound = len(os.sched_getaffinity(0))
    return max(1, math.ceil(min(bound, _quota())))


def _quota(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float:
    """Return the processor time that this process's control groups leave it, in cores."""
    quota = math.inf
    try:
        groups = [line.split(":", 2) for line in own.read_text().split()]
    except OSError:  # not on Linux
        return quota
    for _, controllers, path in groups:
        version_1 = "cpu" in controllers.split(",")
        if controllers and not version_1:
            continue
        top = root / "cpu" if version_1 else root
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us") if version_1 else ("cpu.max",)
            try:
                limit, period = " ".join((folder / name).read_text() for name in names).split()
                if float(limit) > 0:
                    quota = min(quota, float(limit) / float(period))
            except (OSError, ValueError):  # no such group here, or no limit in it ("max")
                pass
            if folder == top:
                break
    return quota


def processes(
    workers: int, start: Callable[..., None] | None = None, *arguments: object
) -> ProcessPoolExecutor:
    """Return a pool of spawned processes, each of which begins with ``start(*arguments)``.

    Spawned, not forked: a fork of a process with threads can hang. A spawned process first runs
    the script again that started it.

    Raises
    ------
    MerError
        ``unguarded script``, if there is no script that could be run again, as it came from
        standard input. In a process that is being started, this ends it: see `refuse_unguarded`.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(_RUN_AGAIN)
    main = sys.modules["__main__"]
    script = getattr(main, "__file__", None)
    if getattr(main, "__spec__", None) is None and script and not Path(script).exists():
        raise _unguarded(f"workers cannot run {script} again, which is no file")
    context = multiprocessing.get_context("spawn")
    # Its stubs ask for the initializer's own parameters, which are whatever the caller gives.
    return ProcessPoolExecutor(workers, context, initializer=start, initargs=arguments)  # type: ignore[arg-type]


def refuse_unguarded(exit_codes: Iterable[int | None]) -> None:
    """Raise ``unguarded script`` if a process ended because its script would have started more."""
    if _RUN_AGAIN in exit_codes:
        script = getattr(sys.modules["__main__"], "__file__", "the script")
        raise _unguarded(f"each worker runs {script} again, which would start workers itself")


def _unguarded(what: str) -> MerError:
    return MerError(
        "unguarded script",
        what,
        'a file whose own work stands below if __name__ == "__main__":',
        "save and indent it so, or use one worker",
    )


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
    """Take white space from round the settings, and make every path among them absolute.

    What is started from here may run in another folder, as notebooks do, and sees these settings;
    so does ``PYTHONPATH``, by which a detector of one's own is found.
    """
    for name in [n for n in os.environ if n.startswith("MER_")]:
        os.environ[name] = os.environ[name].strip()  # not every reader asks `setting`
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
        Names of the data sets that have settings.

    Raises
    ------
    MerError
        ``invalid setting``.
    """
    names = [name.upper() for name in datasets]
    own = {f"MER_{name}{suffix}" for name in names for suffix in OF_DATA}
    own -= {f"MER_MANIFEST{OF_DATA[0]}"}  # a manifest is named by its file
    known = {name.removeprefix("MER_"): name for name in (*SETTINGS, *sorted(own))}
    for name in sorted(n for n in os.environ if n.startswith("MER_")):
        word, meant = name.removeprefix("MER_"), known
        if suffix := next((s for s in OF_DATA if name.endswith(s)), ""):
            word, meant = word.removesuffix(suffix), {n: f"MER_{n}{suffix}" for n in names}
            meant = {n: full for n, full in meant.items() if full in own}
        if name in SETTINGS or name in meant.values():
            continue
        if close := get_close_matches(word.upper(), meant, 1, 0.7):
            raise MerError(
                "invalid setting",
                f"{name} is set, and no such setting exists",
                f"{meant[close[0]]}, which is close, or one of {', '.join(SETTINGS)}",
                f"correct the name, or unset {name}",
            )
        _warn(name)


def _is_root(name: str) -> bool:
    return name.startswith("MER_") and name.endswith("_ROOT")


@cache
def _warn(name: str) -> None:
    logging.getLogger(__name__).warning("%s is no setting of this program: not used", name)
