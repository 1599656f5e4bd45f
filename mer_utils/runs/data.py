"""The data of a run: found on the machine at hand, read once, and made sure of."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from mer_utils import views
from mer_utils.datasets import Composite, Dataset
from mer_utils.datasets.rules import cut
from mer_utils.errors import MerError
from mer_utils.frames import remember
from mer_utils.phases import PHASES, VIEWS, missing_phases
from mer_utils.runs.spec import DataSpec, RunSpec


@dataclass(frozen=True, eq=False)
class Data:
    """A data set on this machine, as runs see it.

    Parameters
    ----------
    dataset : Dataset
    cache : Path
        Folder of fingerprints, faces, apexes and views, which can be made anew at any time.
    """

    dataset: Dataset
    cache: Path

    @property
    def name(self) -> str:
        """The name of the data set."""
        return self.dataset.name

    @cached_property
    def clips(self) -> pd.DataFrame:
        """The clip table; without a clip it is an error, not a run of nothing."""
        if self._clips.empty:
            raise MerError(
                "too few subjects",
                f"{self.dataset.title}: every clip is left out",
                "clips of two subjects at least",
                "mer check says why; see also MER_MISSING_FRAMES and MER_NO_FACE",
            )
        return self._clips

    @cached_property
    def _clips(self) -> pd.DataFrame:
        remember(self.cache)
        return self.dataset.clips()

    @property
    def left(self) -> bool:
        """Whether the rules leave clips of two subjects, so that one can be held out."""
        return self.dataset.recorded or len(set(self._clips["subject"])) > 1

    @cached_property
    def spec(self) -> DataSpec:
        """What a run's specification says of it, fingerprint and all."""
        return self.unread.model_copy(update={"fingerprint": self._fingerprint})

    @cached_property
    def unread(self) -> DataSpec:
        """The same without the fingerprint, for which every frame would be read."""
        # What became of clips without a face, the fingerprint says.
        fields: dict[str, Any] = {
            rule: chosen
            for rule, chosen in self.dataset.rules.items()
            if chosen is not None and rule in DataSpec.model_fields
        }
        if all(_is_own(part) for part in self.dataset.parts):
            fields["missing_apex"] = "own"
        made = (self.dataset.made or {}).get("arguments", {})
        numbers = ("phase_difference", "noise", "fall_information")
        fields |= {number: made.get(number) for number in numbers}
        return DataSpec(
            dataset=self.name,
            scheme=self.dataset.scheme.name,
            fingerprint="",
            crops=self.dataset.crops,
            **fields,
        )

    @cached_property
    def _fingerprint(self) -> str:
        remember(self.cache)
        return self.dataset.fingerprint(self.cache, anew=False)

    @cached_property
    def source(self) -> views.Source:
        """What views are made of."""
        now = partial(self.dataset.fingerprint, self.cache)
        return views.Source(self.clips, self._fingerprint, dict(self.dataset.crops), now)

    @cached_property
    def shown(self) -> frozenset[str]:
        """The views that some clip has; of recorded clips, which do not tell, all."""
        if self.dataset.recorded:
            return frozenset(VIEWS)
        clips = self.clips
        if "images" in clips:
            return frozenset().union(*clips["images"])
        columns = ["onset", "apex", "offset", "apex_source"]
        rows = clips.reindex(columns=columns).astype(object)
        lacking = [
            set(missing_phases(onset, cut(onset, apex, offset, source), offset))
            for onset, apex, offset, source in rows.where(rows.notna(), None).to_numpy()
        ]
        return frozenset(v for v in VIEWS if any(VIEWS[v].phase not in s for s in lacking))

    def shown_trimmed(self, trim: int) -> bool:
        """Say whether clips of two subjects keep both phases if both ends lose `trim` frames."""
        if self.dataset.recorded:
            return True
        clips = self.clips.dropna(subset=["onset", "apex", "offset"])
        rise, fall = clips["apex"] - clips["onset"], clips["offset"] - clips["apex"]
        return len(set(clips[(rise > trim) & (fall > trim)]["subject"])) > 1

    @cached_property
    def _known(self) -> dict[tuple[Dataset, ...], Data]:
        return {self.dataset.parts: self}

    def under(self, **rules: str) -> Data:
        """Return the same data set under other rules for odd clips, read once; without, itself."""
        if not self.dataset.rules:
            return self
        parts = tuple(part.under(**_spelt(part, rules)) for part in self.dataset.parts)
        if parts not in self._known:
            whole = Composite(parts) if isinstance(self.dataset, Composite) else parts[0]
            self._known[parts] = Data(whole, self.cache)
        return self._known[parts]

    def views(
        self,
        options: views.ViewOptions,
        wanted: Iterable[str] = PHASES,
        *,
        workers: int = 1,
        progress: views.Progress | None = None,
    ) -> views.Views:
        """Return views of the clips, made now if they are not cached."""
        return views.load(
            self.source,
            options,
            views=tuple(wanted),
            cache=self.cache / "views",
            workers=workers,
            progress=progress,
        )


def _spelt(part: Dataset, rules: dict[str, str]) -> dict[str, str]:
    """Return rules with a data set's own one for a missing apex in the place of ``own``."""
    if rules.get("missing_apex") != "own":
        return rules
    if part.published:
        return rules | {"missing_apex": part.published.missing_apex}
    return {rule: chosen for rule, chosen in rules.items() if rule != "missing_apex"}


def _is_own(part: Dataset) -> bool:
    """Say whether a data set's rule for a missing apex is the one that it has by itself."""
    own = part.published.missing_apex if part.published else None
    return part.rules.get("missing_apex", own) == own


@dataclass(frozen=True)
class Context:
    """Where things are on this machine: what a run needs but does not depend on.

    Parameters
    ----------
    datasets : tuple of Dataset
    store : Path
        Folder of the prediction store.
    cache : Path
        Folder of views and fingerprints, which can be made anew at any time.
    device : str
        "auto", "cpu", "cuda" or one GPU as in "cuda:1", see
        `mer_utils.runs.device.resolve_device`.
    worker : int
        Number of the process that computes, by which it takes one of several GPUs.
    micro_batch : int or None
        Images of a batch that go through a network at once, where memory is short, see
        :class:`mer_utils.training.Classifier`.
    opened : str
        Of one opening: what it has read, no other opening takes for its own, so that changed
        files are seen by the next command, in a worker that goes on too.
    """

    datasets: tuple[Dataset, ...] = field(compare=False)
    store: Path = field(compare=False)
    cache: Path
    device: str = field(default="auto", compare=False)
    worker: int = field(default=0, compare=False)
    micro_batch: int | None = field(default=None, compare=False)
    opened: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def every(self) -> list[Data]:
        """The data sets, each read once however many runs ask for it."""
        return _opened(self)

    def data(self, spec: DataSpec) -> Data:
        """Return the data of a run, made sure to be those that it names.

        Raises
        ------
        MerError
            Of the kind ``other data`` if the data on this machine differ from them.
        """
        # A made variant and the twin itself may differ in their frames alone.
        candidates = _fitting(self, spec.model_copy(update={"fingerprint": ""}))
        for found in candidates:
            if found.spec == spec:
                return found
        parts = [part for found in candidates for part in found.dataset.parts]
        places = ", ".join(str(getattr(part, "root", part.name)) for part in parts)
        raise MerError(
            "other data",
            f"the data in {places} have fingerprint "
            + ", ".join(f"{found.spec.fingerprint[:12]}..." for found in candidates),
            f"{spec.fingerprint[:12]}..., the data that this run was planned with",
            "plan the run anew with mer run, or put the original data back",
        )


@lru_cache(maxsize=16)
def _opened(context: Context) -> list[Data]:
    return [Data(dataset, context.cache) for dataset in context.datasets]


@lru_cache(maxsize=64)
def _fitting(context: Context, spec: DataSpec) -> list[Data]:
    """Return the data sets that a specification without fingerprint fits."""
    rules: dict[str, Any] = spec.model_dump(include={"missing_apex", "degenerate_phase"})
    fitting = []
    # Made variants are written when they are asked for: what is not there fits nothing.
    for data in _opened(context):
        fits = data.name == spec.dataset and _is_there(data.dataset)
        both = (data, data.under(**rules)) if fits else ()
        fitting += [found for found in both if found.unread == spec][:1]
    if fitting:
        return fitting
    raise MerError(
        "other data",
        f"no data set {spec.dataset!r} is open as the run names it",
        f"one of {', '.join(dict.fromkeys(d.name for d in context.datasets))}, "
        "with the same label scheme, rules and face crops",
        "name the folder and the options with which the run was planned",
    )


def _is_there(dataset: Dataset) -> bool:
    return all(Path(getattr(part, "root", ".")).exists() for part in dataset.parts)


def load_views(spec: RunSpec, context: Context) -> views.Views:
    """Return the views that a run trains on and is tested on."""
    return context.data(spec.data).views(spec.views, views_of(spec))


def views_of(spec: RunSpec) -> tuple[str, ...]:
    """Return the views that a run needs: those it trains on, and every phase to be tested on."""
    return tuple(dict.fromkeys((*PHASES, *spec.train_views)))


def tested_views(spec: RunSpec) -> tuple[str, ...]:
    """Return the views that a run is tested on: every phase, and those of a half it trains on."""
    halves = [view for view in spec.train_views if VIEWS[view].phase != "full"]
    return tuple(dict.fromkeys((*PHASES, *halves)))


def prepare_views(
    specs: list[RunSpec],
    context: Context,
    *,
    workers: int,
    progress: Callable[[str, Iterator, int], Iterator] | None = None,
) -> list[views.Note]:
    """Make the views of all these runs before any fold starts, decoding each clip once.

    What was changed, chosen or left out is returned, whether it was now or when they were made.
    """
    notes: list[views.Note] = []
    needed: dict[DataSpec, dict[views.ViewOptions, dict[str, None]]] = {}
    for spec in specs:
        wanted = needed.setdefault(spec.data, {}).setdefault(spec.views, {})
        wanted |= dict.fromkeys(views_of(spec))
    for data, options in needed.items():

        def shown(made: Iterator, n: int, title: str = f"views {data.dataset}") -> Iterator:
            return progress(title, made, n) if progress else made

        notes += views.prepare(
            context.data(data).source,
            options,
            cache=context.cache / "views",
            workers=workers,
            progress=shown,
        )
    return notes
