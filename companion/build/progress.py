"""How long it will take, and a bar that says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def expected_seconds(known: Sequence[float | None], workers: int) -> float | None:
    """Return how long the tasks take together, or None where nothing is known.

    A task that has never run counts as the mean of those that have.

    Parameters
    ----------
    known : sequence of float or None
        Seconds of each task's last run.
    workers : int
        Tasks at a time.

    Examples
    --------
    >>> expected_seconds([4.0, 2.0, None], workers=2)
    4.5
    >>> expected_seconds([None], workers=2) is None
    True
    """
    seen = [seconds for seconds in known if seconds is not None]
    if not seen:
        return None
    filled = [fmean(seen) if seconds is None else seconds for seconds in known]
    return max(sum(filled) / workers, max(filled))


@contextmanager
def bar(title: str, known: Sequence[float | None]) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal (nothing elsewhere); yield a function that marks one task done.

    Parameters
    ----------
    title : str
        What is being done.
    known : sequence of float or None
        Seconds of each task's last run: the bar moves by time, not by number.
    """
    seen = [seconds for seconds in known if seconds is not None]
    share = fmean(seen) if seen else 1.0
    weights = [share if seconds is None else seconds for seconds in known]
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[done]}/{task.fields[tasks]}"),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=sum(weights), done=0, tasks=len(weights))
        done = 0

        def advance(number: int) -> None:
            nonlocal done
            done += 1
            progress.update(task, advance=weights[number], done=done)

        yield advance
