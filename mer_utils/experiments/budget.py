"""What fits into a time: the tables in the order in which they answer the book's questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from mer_utils.errors import MerError
from mer_utils.experiments.workspace import Workspace
from mer_utils.runs import Job

#: The primary question first, then what its gain is due to; the others in the book's order.
FIRST = ("table2", "table4")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def parse(text: str) -> float:
    """Return the seconds of a budget.

    Examples
    --------
    >>> parse("8h"), parse("1.5 h"), parse("90m")
    (28800.0, 5400.0, 5400.0)
    """
    found = re.fullmatch(r"\s*([0-9]{1,5}(?:\.[0-9]+)?)\s*(s|m|min|h|d)\s*", text)
    if not found or not (seconds := float(found[1]) * _UNITS[found[2]]):
        raise MerError(
            "invalid option",
            f"--budget is {text!r}",
            "a number and s, m, h or d, as in 90m or 8h",
            "correct the budget",
        )
    return seconds


def _words(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


@dataclass(frozen=True)
class Part:
    """What is computed with one command.

    Parameters
    ----------
    workspace : Workspace
        With the profile confined to what fits.
    tables : tuple of str
    jobs : tuple of Job
        The folds that the store lacks, none of which an earlier part has.
    seconds : float
        Estimated.
    """

    workspace: Workspace
    tables: tuple[str, ...]
    jobs: tuple[Job, ...]
    seconds: float

    @property
    def command(self) -> str:
        """The command to copy."""
        return self.workspace.command(*self.tables)


def fit(
    workspace: Workspace,
    tables: Iterable[str],
    seconds: float,
    cost: Callable[[Sequence[Job]], float],
) -> list[Part]:
    """Choose what fits, a table after the other, of each as many seeds as fit.

    If not even the first of them fits with one seed, as many of its models are taken as do,
    those that take least first.

    Parameters
    ----------
    workspace : Workspace
    tables : iterable of str
    seconds : float
    cost : callable
        From folds to the seconds that they take.

    Raises
    ------
    MerError
        ``invalid option``, if nothing fits.
    """
    names = sorted(tables, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    parts: list[Part] = []
    counted: set[Job] = set()
    least: tuple[float, Part] | None = None
    for name in names:
        missing = [j for j in workspace.missing(workspace.specs(name)) if j not in counted]
        if not missing:
            continue
        found = list(_by_seeds(workspace, name, missing, cost))
        fitting = [part for part in found if part.seconds <= seconds]
        if not fitting and not parts:
            by_model = list(_by_models(workspace, name, missing, cost))
            fitting = [part for part in by_model if part.seconds <= seconds]
            least = least or (by_model[0].seconds, by_model[0])
        if fitting:
            parts.append(fitting[-1])
            counted |= {*fitting[-1].jobs}
            seconds -= fitting[-1].seconds
    if least and not parts:
        raise MerError(
            "invalid option",
            f"nothing fits into a budget of {_words(seconds)}",
            f"{_words(least[0])} or more, which `{least[1].command}` takes",
            "give more time, or make the experiments smaller: --image-size, --epochs, or "
            "--profile demo",
        )
    return _joined(parts)


def _by_seeds(
    workspace: Workspace, name: str, missing: Sequence[Job], cost: Callable
) -> Iterable[Part]:
    """Yield a table with one seed, with two, and so on."""
    seeds = workspace.profile.seeds
    for n in range(1, len(seeds) + 1):
        jobs = tuple(job for job in missing if job.spec.seed in seeds[:n])
        fewer = workspace if n == len(seeds) else _confined(workspace, seeds=n)
        yield Part(fewer, (name,), jobs, cost(jobs))


def _by_models(
    workspace: Workspace, name: str, missing: Sequence[Job], cost: Callable
) -> Iterable[Part]:
    """Yield a table's first seed with the model that takes least, with the two, and so on."""
    each: dict[str, list[Job]] = {}
    for job in missing:
        if job.spec.seed == workspace.profile.seeds[0]:
            each.setdefault(job.spec.model.name, []).append(job)
    chosen, jobs = list[str](), list[Job]()
    for model in sorted(each, key=lambda model: cost(each[model])):
        chosen, jobs = [*chosen, model], [*jobs, *each[model]]
        seeds = {} if len(workspace.profile.seeds) == 1 else {"seeds": 1}
        fewer = _confined(workspace, models=chosen, **seeds)
        yield Part(fewer, (name,), tuple(jobs), cost(jobs))


def _confined(workspace: Workspace, **changes: object) -> Workspace:
    # Fields of several types, checked by name where they are used.
    return replace(workspace, profile=workspace.profile.changed(**changes))  # type: ignore[arg-type]


def _joined(parts: Sequence[Part]) -> list[Part]:
    """Join parts that one command computes, where that keeps their order."""
    joined: list[Part] = []
    for part in parts:
        if joined and joined[-1].workspace.profile == part.workspace.profile:
            last = joined.pop()
            both = (last.tables + part.tables, last.jobs + part.jobs)
            part = Part(last.workspace, *both, last.seconds + part.seconds)
        joined.append(part)
    return joined
