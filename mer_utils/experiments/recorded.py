"""Data sets of which only results are at hand: what a store says of licensed clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from mer_utils import datasets
from mer_utils.datasets import DATASETS, SCHEMES, Dataset, Problem, Scheme
from mer_utils.errors import MerError
from mer_utils.frames import CropOptions
from mer_utils.registry import unknown
from mer_utils.runs import DataSpec, RunSpec, RunStore

#: Stands before a data set's name where only its results are at hand.
RECORDED = "recorded:"


@dataclass(frozen=True)
class Recorded(Dataset):
    """The clips of a store's runs: subject, name and class, without a frame.

    Parameters
    ----------
    store : Path
    data : DataSpec
        What most of its runs on this data set say of it.
    missing_apex, degenerate_phase, missing_frames : str or None
        As in `DataSpec`; runs under these rules are meant.
    """

    store: Path
    data: DataSpec
    missing_apex: str | None
    degenerate_phase: str
    missing_frames: str

    recorded = True

    # Three that a class has elsewhere, so mypy knows them as no property: here its runs say them.
    @property
    def name(self) -> str:  # type: ignore[override]
        """The name under which its runs are stored."""
        return self.data.dataset

    @property
    def title(self) -> str:  # type: ignore[override]
        """The same for people."""
        return datasets.title(self.name)

    @property
    def published(self) -> Any:  # type: ignore[override]
        """What is published about the data set."""
        return DATASETS[self.name].published if self.name in DATASETS else None

    @property
    def scheme(self) -> Scheme:
        """The label scheme."""
        return SCHEMES[self.data.scheme]

    @property
    def rules(self) -> dict[str, str | None]:
        """The rules for odd clips."""
        return {
            name: getattr(self, name)
            for name in ("missing_apex", "degenerate_phase", "missing_frames")
        }

    @property
    def crops(self) -> tuple[tuple[str, CropOptions], ...]:
        """Which frames were cropped."""
        return self.data.crops

    def _runs(self) -> list[RunSpec]:
        own = self.published.missing_apex if self.published else None
        apex = "own" if self.missing_apex == own else self.missing_apex
        wanted = self.data.model_copy(
            update={**self.rules, "missing_apex": apex, "fingerprint": ""}
        )
        unnamed = {"fingerprint": ""}
        return [s for s in specs(self.store) if s.data.model_copy(update=unnamed) == wanted]

    def clips(self) -> pd.DataFrame:
        """Return the clips that were tested; frame numbers and folders are not known."""
        runs = [spec for spec in self._runs() if spec.evaluation == "loso"]
        if not runs:
            said = ", ".join(f"{rule}={value}" for rule, value in self.rules.items())
            raise MerError(
                "no results",
                f"{self.store} lacks runs of {self.name} under {said}",
                "runs from which its clips are known",
                "import a store that has them, or name the data at hand",
            )
        rows = RunStore(self.store).predictions(runs)[["subject", "clip", "y_true"]]
        rows = rows.drop_duplicates().sort_values(["subject", "clip"], ignore_index=True)
        classes = pd.Index(list(self.scheme.classes))
        label = pd.Categorical.from_codes(rows.pop("y_true").astype(int).tolist(), classes)
        frames: dict[str, Any] = dict.fromkeys(("onset", "apex", "offset"), pd.NA)
        words = dict.fromkeys(("apex_source", "action_units", "frames_dir"), "")
        return rows.assign(
            dataset=self.name, label=label, emotion=label.astype(str), fps=float("nan"),
            **frames, **words,
        )  # fmt: skip

    def check(self, decode: bool = False) -> list[Problem]:
        """Return nothing: there is nothing to check."""
        return []

    def ledger(self) -> pd.DataFrame:
        """Return the clips in use; of those left out a store knows nothing."""
        clips = self.clips()[["dataset", "subject", "clip", "emotion", "label", "apex_source"]]
        return clips.assign(row=range(1, len(clips) + 1), status="used", reason="", rules="")

    def fingerprint(self, cache: Path | None = None, *, anew: bool = True) -> str:
        """Return that of the runs; empty if no run is under these rules."""
        return next((spec.data.fingerprint for spec in self._runs()), "")


@lru_cache(maxsize=4)
def specs(store: Path) -> tuple[RunSpec, ...]:
    """Return the runs of a store on licensed data, read once."""
    return tuple(spec for spec in RunStore(store).specs() if spec.data.noise is None)


def recorded(store: Path, names: Iterable[str]) -> tuple[Recorded, ...]:
    """Return the data sets that are named as in ``recorded:casme2``.

    Raises
    ------
    MerError
        ``unknown name``, if the store has no results of one.
    """
    wanted = [name.removeprefix(RECORDED) for name in names if name.startswith(RECORDED)]
    held = licensed(store) if wanted else {}
    for name in wanted:
        if name not in held:
            raise unknown("data set with recorded results", name, held)
    return tuple(held[name] for name in wanted)


def licensed(store: Path) -> dict[str, Recorded]:
    """Return the licensed data sets of which a store holds results, by name."""
    counts: dict[str, Counter[DataSpec]] = {}
    for spec in specs(store):
        counts.setdefault(spec.data.dataset, Counter())[spec.data] += 1
    found = {}
    for name, counted in counts.items():
        data = counted.most_common(1)[0][0]
        published = DATASETS[name].published if name in DATASETS else None
        own = published.missing_apex if published else None
        apex = own if data.missing_apex == "own" else data.missing_apex
        found[name] = Recorded(store, data, apex, data.degenerate_phase, data.missing_frames)
    return found


def weights(store: Path) -> dict[str, str]:
    """Return which pre-trained weights the runs of each network began with."""
    return {s.model.name: s.model.weights for s in specs(store) if s.model.weights is not None}
