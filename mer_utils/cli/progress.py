"""Progress: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from mer_utils.runs import Job, Outcome

_LOG_EVERY_SECONDS = 30


def show_bar(title: str, iterator: Iterator, total: int) -> Iterator:
    """Wrap an iterator in a progress bar; in a log, one line at the end."""
    if sys.stderr.isatty():
        yield from tqdm(iterator, title, total, leave=True)
        return
    started = time.monotonic()
    yield from iterator
    print(f"{title}: {total} clips in {time.monotonic() - started:.0f} s", file=sys.stderr)


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
        self._title = title
        self._total = sum(_weight(job) for job in jobs)
        self._folds, self._done, self._failed = len(jobs), 0, 0
        self._elsewhere = False
        self._weight_done = 0.0
        # The time left is judged from the first fold's end on: before it, processes start.
        self._first: tuple[float, float] | None = None
        self._started = self._last_line = time.monotonic()
        self._bar = tqdm(total=len(jobs), desc=title, leave=True) if sys.stderr.isatty() else None

    def __enter__(self) -> FoldProgress:
        if self._bar is None:
            print(f"{self._title}: {self._folds} folds to compute", file=sys.stderr, flush=True)
        return self

    def update(self, outcome: Outcome) -> None:
        """Count one outcome."""
        computed = outcome.status in ("done", "present")
        if computed:
            self._done += 1
            self._weight_done += _weight(outcome.job)
            self._first = self._first or (time.monotonic(), self._weight_done)
        elif outcome.status == "busy":
            self._tell_of_another_run()
        else:
            self._failed += 1
        if self._bar is not None:
            self._bar.update(computed)
            self._bar.set_postfix_str(f"failed {self._failed}, about {self._left()} left")
        elif time.monotonic() - self._last_line > _LOG_EVERY_SECONDS:
            self._last_line = time.monotonic()
            print(f"  {self._line()}, about {self._left()} left", file=sys.stderr, flush=True)

    def _tell_of_another_run(self) -> None:
        if not self._elsewhere:
            self._elsewhere = True
            tqdm.write(
                f"{self._title}: another run on this store computes some of these folds; "
                "they are waited for at the end",
                file=sys.stderr,
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        spent = duration(time.monotonic() - self._started)
        print(f"{self._line()} in {spent}", file=sys.stderr, flush=True)

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


def _weight(job: Job) -> float:
    from mer_utils.models import is_network  # slow to import, see mer_utils.cli.experiments

    if not is_network(job.spec.model.name):
        return 1.0  # next to nothing beside a network
    return len(job.spec.train_views) * job.spec.views.image_size**2 * job.spec.model.width
