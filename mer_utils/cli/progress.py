"""Progress: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from mer_utils.runs import Job, Outcome

_LOG_EVERY_SECONDS = 30


def show_bar(title: str, iterator: Iterator, total: int) -> Iterator:
    """Wrap an iterator in a progress bar; in a log, one line at the end."""
    terminal, started = sys.stderr.isatty(), time.monotonic()
    yield from tqdm(iterator, title, total, disable=not terminal)
    if not terminal:
        _say(f"{title}: {total} clips in {time.monotonic() - started:.0f} s")


class FoldProgress:
    """Folds done, failed and the time left, weighted by the images that each one shows.

    Parameters
    ----------
    title : str
    jobs : sequence of Job
        What is to be computed. A dual fold shows three times the images of a single one,
        so folds are weighted by their training views.
    """

    def __init__(self, title: str, jobs: Sequence[Job]) -> None:
        self._title, self._total = title, sum(map(_weight, jobs))
        self._folds, self._done, self._failed = len(jobs), 0, 0
        self._elsewhere = False
        self._weight_done = 0.0
        # The time left is judged from the first fold's end on: before it, processes start.
        self._first: tuple[float, float] | None = None
        self._started = self._last_line = time.monotonic()
        self._bar = tqdm(total=len(jobs), desc=title, disable=not sys.stderr.isatty())

    def __enter__(self) -> FoldProgress:
        if self._bar.disable:
            _say(f"{self._title}: {self._folds} folds to compute")
        return self

    def update(self, outcome: Outcome) -> None:
        """Count one outcome."""
        computed = outcome.status in ("done", "present")
        if computed:
            self._done += 1
            self._weight_done += _weight(outcome.job)
            self._first = self._first or (time.monotonic(), self._weight_done)
        elif outcome.status != "busy":
            self._failed += 1
        elif not self._elsewhere:
            self._elsewhere = True
            _say(
                f"{self._title}: another run on this store computes some of these folds; "
                "they are waited for at the end"
            )
        self._bar.update(computed)
        self._bar.set_postfix_str(f"failed {self._failed}, about {self._left()} left")
        if self._bar.disable and time.monotonic() - self._last_line > _LOG_EVERY_SECONDS:
            self._last_line = time.monotonic()
            _say(f"  {self._line()}, about {self._left()} left")

    def __exit__(self, *error: object) -> None:
        self._bar.close()
        _say(f"{self._line()} in {duration(time.monotonic() - self._started)}")

    def _line(self) -> str:
        failed = f", {self._failed} failed tries" if self._failed else ""
        return f"{self._title}: {self._done} of {self._folds} folds{failed}"

    def _left(self) -> str:
        if self._first is None or self._first[1] == self._weight_done:
            return "an unknown time"
        rate = (time.monotonic() - self._first[0]) / (self._weight_done - self._first[1])
        return duration(rate * (self._total - self._weight_done))


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


def _weight(job: Job) -> float:
    from mer_utils.models import is_network  # slow to import, see mer_utils.cli.experiments

    if not is_network(job.spec.model.name):
        return 1.0  # next to nothing beside a network
    return len(job.spec.train_views) * job.spec.views.image_size**2 * job.spec.model.width
