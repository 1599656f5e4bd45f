"""The time that is left: planned costs, corrected by what folds of each kind really took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence

from mer_utils.runs.fold import Job


def kind(job: Job) -> Hashable:
    """Return what folds share whose real cost is the planned one times one factor."""
    return job.spec.model, job.spec.views.image_size, job.spec.training.precision


def one_of_each_first(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs with one of each kind first, so that each is soon measured."""
    firsts = {kind(job): job for job in reversed(jobs)}
    ahead = dict.fromkeys(firsts[k] for k in dict.fromkeys(map(kind, jobs)))
    return [*ahead, *(job for job in jobs if job not in ahead)]


class TimeLeft:
    """Estimate the time that the folds not done yet will take.

    A fold counts by its planned cost times the factor that was measured on folds of its kind; of
    a kind none of which is done, times the factor of all folds. So what matters is the ratio
    between planned costs, not their unit.

    Parameters
    ----------
    costs : mapping of Job to float
        Planned, of every fold to be computed.
    workers : callable, optional
        Returns how many work side by side; without it that follows from what was done when.
    """

    def __init__(
        self, costs: Mapping[Job, float], workers: Callable[[], int] | None = None
    ) -> None:
        self._costs, self._workers = dict(costs), workers
        self._left: dict[Hashable, float] = defaultdict(float)
        for job, cost in costs.items():
            self._left[kind(job)] += cost
        self._done: dict[Hashable, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._folds, self._begun = 0, float("inf")

    def add(self, job: Job, seconds: float, now: float) -> None:
        """Note that a fold has taken so long until now."""
        planned_and_real = self._done[kind(job)]
        planned_and_real[0] += self.drop(job)
        planned_and_real[1] += seconds
        self._folds += 1
        self._begun = min(self._begun, now - seconds)

    def drop(self, job: Job) -> float:
        """Leave a fold out, as one that is there already, and return its planned cost."""
        cost = self._costs.pop(job, 0.0)
        self._left[kind(job)] -= cost
        return cost

    def work(self) -> float | None:
        """Return the seconds that the folds left take one after the other, None if unknown."""
        planned, real = map(sum, zip((0.0, 0.0), *self._done.values(), strict=True))
        if not planned:
            return None
        total = 0.0
        for k, cost in self._left.items():
            own_planned, own_real = self._done.get(k, (planned, real))
            total += max(cost, 0.0) * own_real / own_planned if own_planned else 0.0
        return total

    def seconds(self, now: float) -> float | None:
        """Return the seconds until all is done, None if nothing is known yet."""
        if (work := self.work()) is None:
            return None
        real = sum(seconds for _, seconds in self._done.values())
        if self._workers is None:
            return work * (now - self._begun) / real if real else None
        # All but the one that reported last are halfway through a fold, on average.
        at_work = self._workers()
        part = (at_work - 1) * real / self._folds / 2
        return max(work - part, 0.0) / at_work
