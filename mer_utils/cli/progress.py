"""What is printed while and after something is computed: a bar, or lines in a log; tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from tqdm import tqdm

if TYPE_CHECKING:
    from mer_utils.runs import Job, Outcome

_LOG_EVERY_SECONDS = 30


def printer(**options: Any) -> Console:
    """Return what prints names and messages as they are: ``clips:one:`` holds no emoji."""
    return Console(emoji=False, **options)


def show_bar(title: str, iterator: Iterator, total: int) -> Iterator:
    """Wrap an iterator in a progress bar; in a log, one line at the end."""
    terminal, started = sys.stderr.isatty(), time.monotonic()
    yield from tqdm(iterator, title, total, disable=not terminal)
    if not terminal:
        _say(f"{title}: {total} clips in {time.monotonic() - started:.0f} s")


class FoldProgress:
    """Folds done, failed and the time left, see `mer_utils.runs.time_left`.

    Parameters
    ----------
    title : str
    costs : mapping of Job to float
        What is to be computed, and its planned cost, in any unit.
    workers : callable, optional
        Returns how many compute, if it is known.
    """

    def __init__(
        self, title: str, costs: Mapping[Job, float], workers: Callable[[], int] | None = None
    ) -> None:
        from mer_utils.runs.time_left import TimeLeft  # slow to import, see cli.experiments

        self._title, self._left = title, TimeLeft(costs, workers)
        self._folds, self._done, self._failed = len(costs), 0, 0
        self._elsewhere = False
        self._started = self._last_line = time.monotonic()
        self._bar = tqdm(total=len(costs), desc=title, disable=not sys.stderr.isatty())

    def __enter__(self) -> FoldProgress:
        if self._bar.disable:
            _say(f"{self._title}: {self._folds} folds to compute")
        return self

    def update(self, outcome: Outcome) -> None:
        """Count one outcome."""
        computed, now = outcome.status in ("done", "present"), time.monotonic()
        if computed:
            self._done += 1
            if outcome.status == "done":
                self._left.add(outcome.job, outcome.seconds, now)
            else:
                self._left.drop(outcome.job)
        elif outcome.status != "busy":
            self._failed += 1
        elif not self._elsewhere:
            self._elsewhere = True
            _say(
                f"{self._title}: another run on this store computes some of these folds; "
                "they are waited for at the end"
            )
        self._bar.update(computed)
        seconds = self._left.seconds(now)
        left = f"about {'an unknown time' if seconds is None else duration(seconds)} left"
        self._bar.set_postfix_str(f"failed {self._failed}, {left}")
        if self._bar.disable and now - self._last_line > _LOG_EVERY_SECONDS:
            self._last_line = now
            _say(f"  {self._line()}, {left}")

    def __exit__(self, *error: object) -> None:
        self._bar.close()
        _say(f"{self._line()} in {duration(time.monotonic() - self._started)}")

    def _line(self) -> str:
        failed = f", {self._failed} failed tries" if self._failed else ""
        return f"{self._title}: {self._done} of {self._folds} folds{failed}"


def duration(seconds: float) -> str:
    """Write a duration for people.

    Examples
    --------
    >>> duration(5), duration(130), duration(9000)
    ('5 s', '2 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)  # above a bar, if there is one
    sys.stderr.flush()
