"""A workspace: a profile joined to the data, the cache and the store on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from mer_utils import execution, synthetic
from mer_utils.errors import MerError
from mer_utils.execution import Context, Job
from mer_utils.execution.data import describe_data
from mer_utils.experiments.grids import add_setting, get_table
from mer_utils.experiments.profiles import Profile, get_profile
from mer_utils.files import build_dir
from mer_utils.protocol import loso
from mer_utils.runs import DataSpec, RunSpec, RunStore
from mer_utils.views import Views


@dataclass(frozen=True)
class Dataset:
    """A data set of the paper.

    Parameters
    ----------
    name, title : str
    scheme : str
        The label scheme of the tables.
    setting : str
        The environment variable that names the folder of the licensed data.
    """

    name: str
    title: str
    scheme: str
    setting: str


DATASETS = {
    d.name: d
    for d in (
        Dataset("casme2", "CASME II", "casme2-5", "MER_CASME2_ROOT"),
        Dataset("samm", "SAMM", "samm-5", "MER_SAMM_ROOT"),
    )
}


@dataclass(frozen=True)
class Workspace:
    """Everything a notebook or a command needs to find data and results.

    Parameters
    ----------
    profile : Profile
    context : Context
    """

    profile: Profile
    context: Context

    @cached_property
    def data(self) -> dict[str, DataSpec]:
        """The data of each data set, with fingerprints."""
        return {
            d.name: describe_data(
                DataSpec(dataset=d.name, scheme=d.scheme, fingerprint=""),
                self.context.root(d.name),
                self.context.cache,
            )
            for d in DATASETS.values()
        }

    @cached_property
    def store(self) -> RunStore:
        """The prediction store."""
        return RunStore(self.context.store)

    def is_synthetic(self, dataset: str) -> bool:
        """Say whether a data set is a synthetic twin."""
        return synthetic.describe(self.context.root(dataset)) is not None

    @property
    def data_title(self) -> str:
        """One phrase for the top of every page: which data made it."""
        return "; ".join(self._data_title(d) for d in DATASETS.values())

    def _data_title(self, dataset: Dataset) -> str:
        made = synthetic.describe(self.context.root(dataset.name))
        if made is None:
            return f"{dataset.title} (licensed data)"
        clips = self.clips(dataset.name)
        return (
            f"synthetic twin of {dataset.title} "
            f"({clips['subject'].nunique()} subjects, {len(clips)} clips)"
        )

    def clips(self, dataset: str) -> pd.DataFrame:
        """Return the clip table of a data set."""
        return execution.load_clips(self.data[dataset], self.context)

    def specs(self, table: str) -> list[RunSpec]:
        """Return the run specifications of a table."""
        return list(get_table(table).grid(self.profile, list(self.data.values())))

    def jobs(self, specs: list[RunSpec]) -> list[Job]:
        """Return the folds of runs, one a held-out subject."""
        return [
            Job(spec, fold.held_out)
            for spec in specs
            for fold in loso(execution.load_clips(spec.data, self.context))
        ]

    def missing(self, specs: list[RunSpec]) -> list[Job]:
        """Return the folds of runs that the store lacks."""
        return [job for job in self.jobs(specs) if not self.store.has(job.spec, job.held_out)]

    def predictions(self, table: str) -> pd.DataFrame:
        """Return the predictions of a table, with the column ``setting``.

        Raises
        ------
        MerError
            If none of the table's folds is in the store.
        """
        return add_setting(self.store.predictions(self.specs(table)))

    def views(self, spec: RunSpec) -> Views:
        """Return the views of a run's clips."""
        return execution.load_views(spec, self.context)


def open_workspace(
    profile: str,
    data_root: str | Path | None = None,
    store: str | Path | None = None,
    *,
    device: str = "auto",
    workers: int = 1,
    progress: bool = False,
) -> Workspace:
    """Open a profile on this machine; make its synthetic twins if they are not there.

    Parameters
    ----------
    profile : str
        A key of ``PROFILES``.
    data_root : str or Path, optional
        Folder of the twins; by default ``build/data``. A data set whose environment
        variable is set (``MER_CASME2_ROOT``, ``MER_SAMM_ROOT``) is read from there.
    store : str or Path, optional
        Folder of the predictions; by default ``build/store``.
    device : str
        "auto", "cpu" or "cuda".
    workers : int
        Processes that make the twins.
    progress : bool
        Show a bar while the twins are made.

    Raises
    ------
    MerError
        If the profile is unknown or the folder of licensed data does not exist.
    """
    chosen = get_profile(profile)
    build = build_dir()
    twins = Path(data_root).absolute() if data_root else build / "data"
    roots = []
    for dataset in DATASETS.values():
        licensed = os.environ.get(dataset.setting)
        if licensed:
            root = Path(licensed).absolute()
            if not root.is_dir():
                raise MerError(
                    f"{dataset.setting} names {licensed}, which is no folder",
                    f"the folder of {dataset.title}",
                    f"correct {dataset.setting}, or unset it to use the synthetic twin",
                )
        else:
            root = twins / f"{dataset.name}-{chosen.name}"
            synthetic.write(
                dataset.name,
                root,
                subjects=chosen.subjects,
                clips_per_subject=chosen.clips_per_subject,
                seed=chosen.twin_seed,
                workers=workers,
                progress=progress,
            )
        roots.append((dataset.name, root))
    context = Context(
        roots=tuple(roots),
        store=Path(store).absolute() if store else build / "store",
        cache=build / "cache",
        device=device,
    )
    return Workspace(chosen, context)
