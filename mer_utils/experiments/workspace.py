"""A workspace: a profile joined to the data, the cache and the store on this machine."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from mer_utils import augment, synthetic
from mer_utils.datasets import Casme2, Dataset, grouped, left_out
from mer_utils.errors import MerError
from mer_utils.experiments import profiles
from mer_utils.experiments.profiles import Profile
from mer_utils.experiments.recorded import RECORDED, Recorded, recorded, weights
from mer_utils.experiments.settings import PAPER, open_datasets
from mer_utils.experiments.tables import TABLES, Grid, Table
from mer_utils.files import build_dir
from mer_utils.frames import forget
from mer_utils.machine import cores, setting
from mer_utils.models import weights_identity
from mer_utils.phases import TRAINING_SETS
from mer_utils.protocol import evaluation_title, folds, require_evaluation
from mer_utils.runs import Context, Data, DataSpec, Job, RunSpec, RunStore
from mer_utils.synthetic.writer import outline
from mer_utils.views import Views

# Half the side of the crop: the made variants cost a quarter, and views are smaller still.
VARIANT_FRAME_SIZE = (140, 170)
#: So few of their clips are drawn in less time than other processes take to start.
FEW_CLIPS = 40


@dataclass(frozen=True)
class Workspace:
    """Everything a notebook or a command needs to find data and results.

    Parameters
    ----------
    profile : Profile
    context : Context
        Its data sets are those of the tables, then the made variants.
    names : tuple of str
        The data sets on which the tables are computed.
    progress : bool
        Show a bar while made variants are written.
    data_root : Path, optional
        Folder of the twins.
    outlines : Path, optional
        Folder of the outlines of twins that are not there, see `open_workspace`.
    evaluation : str
        How folds are made, see `mer_utils.protocol.folds`: of all tables but the one that compares
        evaluations, and the made variants.
    """

    profile: Profile
    context: Context
    names: tuple[str, ...]
    progress: bool = False
    data_root: Path | None = None
    outlines: Path | None = None
    evaluation: str = "loso"

    @cached_property
    def data(self) -> dict[str, Data]:
        """The data sets of the tables by name."""
        return {data.name: data for data in self.context.every[: len(self.names)]}

    @cached_property
    def variants(self) -> list[Data]:
        """The made variants of CASME II, on which the phases' difference is varied; made now."""
        made = self.context.datasets[len(self.names) :]
        for numbers, twin in zip(self.profile.variants, made, strict=True):
            assert isinstance(twin, Casme2)
            self._make_variant(Path(twin.root), numbers)
        return self.context.every[len(self.names) :]

    def _make_variant(self, root: Path, numbers: dict[str, float]) -> None:
        more: dict[str, Any] = dict(numbers)
        n_clips = (self.profile.subjects or np.inf) * (self.profile.clips_per_subject or np.inf)
        workers = 1 if n_clips <= FEW_CLIPS else cores()
        more["frame_size"] = VARIANT_FRAME_SIZE
        _make(Casme2.name, root, self.profile, self.outlines, workers, self.progress, more)

    @property
    def not_there(self) -> list[str]:
        """The made data sets that were outlined, as they are not there yet."""
        return sorted(p.name for p in self.outlines.iterdir()) if self.outlines else []

    @cached_property
    def store(self) -> RunStore:
        """The prediction store."""
        return RunStore(self.context.store)

    def is_synthetic(self, dataset: str) -> bool:
        """Say whether a data set is a synthetic twin, or a composite with one in it."""
        return self.data[dataset].dataset.made is not None

    @property
    def data_title(self) -> str:
        """One phrase for the top of every page: which data made it."""
        found = "; ".join(map(self.title_of, self.data))
        how = evaluation_title(self.evaluation)
        return found if self.evaluation == "loso" else f"{found}; evaluation: {how}"

    def title_of(self, dataset: str) -> str:
        """Return what a data set is, in a phrase: a synthetic twin, licensed data, or its title."""
        data = self.data[dataset]
        if data.dataset.made is None:
            licensed = any(part.published and part.published.clips for part in data.dataset.parts)
            said = ["licensed data"] * licensed + ["results alone"] * data.dataset.recorded
            return data.dataset.title + f" ({', '.join(said)})" * bool(said)
        subjects, clips = data.clips["subject"].nunique(), len(data.clips)
        counted = f"{subjects} subjects, {clips} clips"
        if ":" in data.dataset.name:  # a table of one's own is no twin of anything
            return f"{data.dataset.title} (synthetic, {counted})"
        return f"synthetic twin of {data.dataset.title} ({counted})"

    def clips(self, dataset: str) -> pd.DataFrame:
        """Return the clip table of a data set."""
        return self.data[dataset].clips

    @property
    def tables(self) -> list[str]:
        """The tables that the profile means where none is named."""
        return [TABLES[name].name for name in self.profile.tables or TABLES]

    def specs(self, table: str) -> list[RunSpec]:
        """Return the run specifications of a table, each of them once.

        They are kept until weights, which are part of them, are fetched.
        """
        chosen = TABLES[table]
        networks = self.profile.networks
        here = [weights_identity(m) for m in networks if self.profile.plan(m).pretrained]
        key: tuple[Grid | str, ...] = (chosen.grid, *here)
        if key not in self._listed:
            self._listed[key] = self._list(chosen)
        return list(self._listed[key])

    @cached_property
    def _listed(self) -> dict[tuple[Grid | str, ...], list[RunSpec]]:
        return {}

    def _list(self, chosen: Table) -> list[RunSpec]:
        data = self.variants if chosen.made else list(self.data.values())
        specs = list(chosen.grid(self.profile, data))
        if not chosen.made and "evaluation" not in chosen.columns:
            specs = [s.model_copy(update={"evaluation": self.evaluation}) for s in specs]
        if any(data.dataset.recorded for data in self.data.values()):
            specs = self._with_recorded_weights(specs)
        return list({spec.key: spec for spec in specs}.values())

    def _with_recorded_weights(self, specs: list[RunSpec]) -> list[RunSpec]:
        """Name the weights that the store names: without data they need not be here either."""
        known = weights(self.context.store)
        return [
            spec.model_copy(
                update={"model": spec.model.model_copy(update={"weights": known[spec.model.name]})}
            )
            if spec.model.pretrained and spec.model.name in known
            else spec
            for spec in specs
        ]

    def ledger(self, dataset: str) -> pd.DataFrame:
        """Return what became of every row of a data set's sheet, see `Dataset.ledger`."""
        return self.data[dataset].dataset.ledger()

    @property
    def remarks(self) -> list[str]:
        """What to know before anything is run on these data, one sentence each."""
        found = []
        for data in self.data.values():
            for group in grouped(data.dataset.remarks).to_dict("records"):
                others = int(group["count"]) - 1
                more = f" (and {others} more; mer check lists them)" * (others > 0)
                found.append(f"{data.dataset.title}: {group['example']}{more}.")
            if said := left_out(data.dataset.ledger()["reason"]):
                found.append(f"{data.dataset.title}: clips are left out: {said}.")
            lacking = [s.name for s in TRAINING_SETS.values() if not data.shown >= {*s.views}]
            if lacking:
                found.append(
                    f"{data.dataset.title}: no clip has the views of {', '.join(lacking)}, which "
                    f"the tables leave out; clips have {', '.join(sorted(data.shown))}."
                )
        pretrained = [m for m in self.profile.networks if self.profile.plan(m).pretrained]
        if absent := [m for m in pretrained if weights_identity(m).startswith("hub:")]:
            found.append(
                f"The ImageNet weights of {', '.join(absent)} are not on this machine: mer run "
                "fetches them first. As they are part of a run's key, folds that another machine "
                "computed count as missing until then."
            )
        return found

    def doubts(self, specs: Sequence[RunSpec]) -> list[str]:
        """Say what is doubtful about runs: images that may show flow, mirrored as others are."""
        plain = {s.data.dataset for s in specs if augment.flip in augment.SPATIAL[s.spatial]}
        return [
            f"{data.dataset.title}: flip mirrors an image and no more. In one of optical flow the "
            "horizontal component must change its sign too, as "
            + (
                f"flip-{data.dataset.horizontal} does."
                if data.dataset.horizontal
                else "flip-red does; name its channel in the manifest's column horizontal."
            )
            for name, data in self.data.items()
            if name in plain and "images" in data.clips
        ]

    def jobs(self, specs: Sequence[RunSpec]) -> list[Job]:
        """Return the folds of runs, one per held-out subject."""
        return [Job(spec, name) for spec, names in self._held_out(specs) for name in names]

    def _held_out(self, specs: Sequence[RunSpec]) -> Iterator[tuple[RunSpec, list[str]]]:
        known: dict[tuple[DataSpec, str], list[str]] = {}
        for spec in specs:
            how = spec.data, spec.evaluation
            if how not in known:
                found = folds(self.context.data(spec.data).clips, spec.evaluation)
                known[how] = [fold.held_out for fold in found]
            yield spec, known[how]

    def missing(self, specs: Sequence[RunSpec]) -> list[Job]:
        """Return the folds of runs that the store lacks; those in damaged files are among them."""
        return [
            Job(spec, name)
            for spec, names in self._held_out(specs)
            for name in self.store.missing(spec, names)
        ]

    def consolidate(self, specs: Sequence[RunSpec]) -> None:
        """Put each run of which no fold is missing into one file; `run` does as it goes."""
        for spec, names in self._held_out(specs):
            self.store.consolidate(spec, names)

    def predictions(self, table: str, *, every_epoch: bool = False) -> pd.DataFrame:
        """Return the predictions of a table, see `RunStore.predictions`."""
        try:
            return self.store.predictions(self.specs(table), every_epoch=every_epoch)
        except MerError as error:
            if error.kind != "no results":
                raise
            remedy = f"compute them with {self.command(table)}"
            raise MerError(error.kind, error.what, error.expected, remedy) from None

    def command(self, *tables: str) -> str:
        """Return the command that computes what the store lacks of these tables; none: of all."""
        build = build_dir()
        places = {"--store": self.context.store, "--data-root": self.data_root or build / "data"}
        usual = {"--store": build / "store", "--data-root": build / "data"}
        words = ["mer", "run", *tables, "--profile", *shlex.split(self.profile.words)]
        for option, place in places.items():
            words += [option, str(place)] if place != usual[option] else []
        if self.names != PAPER:
            for name in self.data_names:
                words += ["--data", name]
        return shlex.join(words)

    @property
    def data_names(self) -> list[str]:
        """What ``--data`` and ``MER_DATA`` call the data sets, wherever one stands."""
        return [_named(data.dataset) for data in self.data.values()]

    def views(self, spec: RunSpec) -> Views:
        """Return the views of a run's clips."""
        return self.context.data(spec.data).views(spec.views)


def _named(dataset: Dataset) -> str:
    """Return how ``--data`` names a data set: a table's own name is not its file's."""
    if isinstance(dataset, Recorded):
        return RECORDED + dataset.name
    if type(dataset).name == dataset.name:
        return dataset.name
    if len(dataset.parts) > 1:
        return "+".join(map(_named, dataset.parts))
    return f"{type(dataset).name}:{getattr(dataset, 'root', '')}"


def open_workspace(
    profile: str | Profile,
    data_root: str | Path | None = None,
    store: str | Path | None = None,
    *,
    datasets: Sequence[str] | None = None,
    device: str = "auto",
    workers: int = 1,
    micro_batch: int | None = None,
    progress: bool = False,
    rehash: bool = False,
    outlines: Path | None = None,
) -> Workspace:
    """Open a profile on this machine; make its synthetic twins if they are not there.

    Parameters
    ----------
    profile : str or Profile
        A name of `PROFILES`, a TOML file, or either with options: see `profiles.find`.
    data_root : str or Path, optional
        Folder of the twins; by default ``build/data``.
    store : str or Path, optional
        Folder of the predictions; by default ``build/store``.
    datasets : sequence of str, optional
        On which the tables are computed: registered names, ``clips:FILE`` or ``manifest:FILE``,
        or several joined by ``+``; by default CASME II and SAMM. Where they lie and how they are
        read, environment variables say: see `mer_utils.experiments.settings.open_datasets`.
        ``recorded:NAME`` is licensed data of which only the results in the store are at hand.
    device : str
        "auto", "cpu", "cuda" or one GPU as in "cuda:1".
    workers : int
        Processes that make the twins.
    micro_batch : int or None
        Images that go through a network at once, see `mer_utils.runs.Context`.
    progress : bool
        Show a bar while the twins are made.
    rehash : bool
        Read every frame again, for those who doubt that a change of one would be noticed.
    outlines : Path, optional
        An empty folder that takes an outline of each twin that is not there, in place of drawing
        it: enough to count clips, folds and images, and nothing to compute with.

    Raises
    ------
    MerError
        If the profile or a data set is unknown, or a setting is wrong.

    Notes
    -----
    ``MER_DATA`` names data sets, separated by semicolons, where `datasets` does not;
    ``MER_EVALUATION`` says how folds are made, if not by leave-one-subject-out.
    """
    chosen = profile if isinstance(profile, Profile) else profiles.find(profile)
    build = build_dir()
    if rehash:
        forget(build / "cache")
    twins = _folder(data_root) or build / "data"

    def place(name: str) -> Path:
        there = twins / f"{name}-{chosen.name}"
        return there if outlines is None or there.exists() else outlines / there.name

    def twin(name: str) -> Path:
        return _make(name, place(name), chosen, outlines, workers, progress)

    listed = [name.strip() for name in (setting("MER_DATA") or "").split(";") if name.strip()]
    names = datasets or listed or PAPER
    plain = [name for name in names if not name.startswith(RECORDED)]
    wanted = open_datasets(plain, twin, chosen.at_most)
    wanted += recorded(_folder(store) or build / "store", names)
    variants = tuple(
        Casme2(
            place(f"{Casme2.name}@" + ",".join(f"{n}={v:g}" for n, v in numbers.items())),
            verify_frames=False,  # written whole or not at all, by the program itself
            at_most=chosen.at_most,
        )
        for numbers in chosen.variants
    )
    context = Context(
        datasets=(*wanted, *variants),
        store=_folder(store) or build / "store",
        cache=build / "cache",
        device=device,
        micro_batch=micro_batch,
    )
    names = tuple(d.name for d in wanted)
    how = require_evaluation(setting("MER_EVALUATION") or "loso")
    return Workspace(chosen, context, names, progress, twins, outlines, how)


def _folder(named: str | Path | None) -> Path | None:
    """Return a folder's absolute path, ``~`` being the home folder; None if none is named."""
    text = str(named or "").strip()
    return Path(text).expanduser().absolute() if text else None


def _make(
    dataset: str,
    root: Path,
    profile: Profile,
    outlines: Path | None,
    workers: int,
    progress: bool,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """Make the synthetic twin of a data set, if it is not there, or its outline."""
    size = {
        "subjects": profile.subjects,
        "clips_per_subject": profile.clips_per_subject,
        "frame_size": profile.frame_size,
        "seed": profile.twin_seed,
        **more,
    }
    if outlines is not None and root.parent == outlines:
        return root if root.exists() else outline(dataset, root, **size)
    return synthetic.write(dataset, root, **size, workers=workers, progress=progress)
