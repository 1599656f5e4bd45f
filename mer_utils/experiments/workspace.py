"""A workspace: a profile joined to the data, the cache and the store on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from mer_utils import runs, synthetic
from mer_utils.datasets import ledger, made_at
from mer_utils.datasets.schema import prefixed
from mer_utils.experiments.datasets import (
    DATASETS,
    Dataset,
    chosen_datasets,
    corrections_file,
    cropped_datasets,
    drops_clips_without_face,
    folders_needed,
    licensed_root,
    made_variants,
    missing_frames_rule,
)
from mer_utils.experiments.grids import get_table
from mer_utils.experiments.profiles import Profile, get_profile
from mer_utils.experiments.settings import add_setting
from mer_utils.files import build_dir
from mer_utils.protocol import folds
from mer_utils.runs import Context, DataSpec, Job, RunSpec, RunStore
from mer_utils.runs.data import clips_without_face, describe_data, layout_of, parts_of
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
    datasets : tuple of Dataset
        On which the tables are computed.
    variants : tuple of Dataset
        Made variants of a twin, on which the difference of the phases is varied.
    progress : bool
        Show a bar while their twins are made.
    """

    profile: Profile
    context: Context
    datasets: tuple[Dataset, ...] = tuple(DATASETS.values())
    variants: tuple[Dataset, ...] = ()
    progress: bool = False

    @cached_property
    def data(self) -> dict[str, DataSpec]:
        """The data of each data set, with fingerprints."""
        return {d.name: describe_data(d.spec, self.context) for d in self.datasets}

    @cached_property
    def variant_data(self) -> dict[str, DataSpec]:
        """The data of each made variant, with fingerprints; its twin is made if need be."""
        for d in self.variants:
            self._make_variant(d)
        return {d.name: describe_data(d.spec, self.context) for d in self.variants}

    def _make_variant(self, dataset: Dataset) -> None:
        n_clips = (self.profile.subjects or np.inf) * (self.profile.clips_per_subject or np.inf)
        synthetic.write(
            layout_of(dataset.name),
            self.context.root(dataset.name),
            subjects=self.profile.subjects,
            clips_per_subject=self.profile.clips_per_subject,
            seed=self.profile.twin_seed,
            phase_difference=dataset.phase_difference or 0.0,
            noise=dataset.noise or 0.0,
            frame_size=VARIANT_FRAME_SIZE,
            workers=1 if n_clips <= FEW_CLIPS else os.cpu_count() or 1,
            progress=self.progress,
        )

    @cached_property
    def store(self) -> RunStore:
        """The prediction store."""
        return RunStore(self.context.store)

    def is_synthetic(self, dataset: str) -> bool:
        """Say whether a data set is a synthetic twin, or a composite with one in it."""
        roots = [self.context.root(part) for part in parts_of(dataset)]
        return any(made_at(root) is not None for root in roots)

    @property
    def data_title(self) -> str:
        """One phrase for the top of every page: which data made it."""
        return "; ".join(self._data_title(d) for d in self.datasets)

    def _data_title(self, dataset: Dataset) -> str:
        if dataset.file is not None:
            return dataset.title
        if not self.is_synthetic(dataset.name):
            return f"{dataset.title} (licensed data)"
        clips = self.clips(dataset.name)
        return (
            f"synthetic twin of {dataset.title} "
            f"({clips['subject'].nunique()} subjects, {len(clips)} clips)"
        )

    def clips(self, dataset: str) -> pd.DataFrame:
        """Return the clip table of a data set."""
        return runs.load_clips(self.data[dataset], self.context)

    def specs(self, table: str) -> list[RunSpec]:
        """Return the run specifications of a table."""
        chosen = get_table(table)
        data = self.variant_data if chosen.made else self.data
        specs = chosen.grid(self.profile, list(data.values()))
        return [self._as_shown(self._as_found(spec, data)) for spec in specs]

    def _as_found(self, spec: RunSpec, data: dict[str, DataSpec]) -> RunSpec:
        """Return the specification with the fingerprint that other rules lead to."""
        if spec.data == data[spec.data.dataset]:
            return spec
        found = describe_data(spec.data, self.context)
        return spec.model_copy(update={"data": found})

    def _as_shown(self, spec: RunSpec) -> RunSpec:
        """Return the specification with the face crops of its data set."""
        crops = self.context.crops(spec.data.dataset)
        views = spec.views.model_copy(update={"crops": crops})
        return spec.model_copy(update={"views": views})

    def ledger(self, dataset: str) -> pd.DataFrame:
        """Return what became of every row of a data set's sheet under this workspace's rules.

        Parameters
        ----------
        dataset : str

        Returns
        -------
        DataFrame
            As :func:`mer_utils.datasets.ledger`, the parts of a composite one below the
            other, with their subjects prefixed as in its clip table; clips left out for want
            of a face are among those left out.
        """
        data, parts = self.data[dataset], parts_of(dataset)
        if dataset.startswith("manifest:"):
            return ledger("manifest", self.context.root(dataset))
        lines = pd.concat(
            [
                ledger(
                    part,
                    self.context.root(part),
                    data.scheme,
                    missing_apex=data.missing_apex,
                    degenerate_phase=data.degenerate_phase,
                    missing_frames=data.missing_frames,
                    corrections=self.context.corrections,
                )
                for part in parts
            ],
            ignore_index=True,
        )
        if len(parts) > 1:
            lines = prefixed(lines)
        faceless = clips_without_face(data, self.context)
        keys = pd.MultiIndex.from_frame(faceless[["subject", "clip"]])
        dropped = pd.MultiIndex.from_frame(lines[["subject", "clip"]]).isin(keys)
        dropped &= lines["status"] == "used"
        lines.loc[dropped, "reason"] = "no face found on the onset frame (no_face=drop_clip)"
        lines.loc[dropped, "status"] = "left out"
        return lines

    @property
    def remarks(self) -> list[str]:
        """What to know before anything is run on these data, one sentence each."""
        found = []
        for dataset in self.datasets:
            clips = self.clips(dataset.name)
            if "images" in clips and {v for views in clips["images"] for v in views} <= {"full"}:
                found.append(
                    f"{dataset.title}: every image shows the view full, so dual trains on the "
                    "same images as single, and comparing the two says nothing. Add images of "
                    "the views onset_apex and apex_offset, or read the rows of single only."
                )
        return found

    def jobs(self, specs: list[RunSpec]) -> list[Job]:
        """Return the folds of runs, one a held-out subject."""
        return [
            Job(spec, fold.held_out)
            for spec in specs
            for fold in folds(runs.load_clips(spec.data, self.context), spec.evaluation)
        ]

    def missing(self, specs: list[RunSpec]) -> list[Job]:
        """Return the folds of runs that the store lacks."""
        return [job for job in self.jobs(specs) if not self.store.has(job.spec, job.held_out)]

    def predictions(self, table: str, *, every_epoch: bool = False) -> pd.DataFrame:
        """Return the predictions of a table, with the column ``setting``.

        Parameters
        ----------
        table : str
        every_epoch : bool
            See :meth:`mer_utils.runs.RunStore.predictions`.

        Raises
        ------
        MerError
            If none of the table's folds is in the store.
        """
        return add_setting(self.store.predictions(self.specs(table), every_epoch=every_epoch))

    def views(self, spec: RunSpec) -> Views:
        """Return the views of a run's clips."""
        return runs.load_views(spec.data, spec.views, self.context)

    def maps(self, specs: list[RunSpec]) -> tuple[pd.DataFrame, np.ndarray]:
        """Return class activation maps with their prediction rows, see `RunStore.maps`."""
        rows, maps = self.store.maps(specs)
        return add_setting(rows), maps


def open_workspace(
    profile: str,
    data_root: str | Path | None = None,
    store: str | Path | None = None,
    *,
    datasets: list[str] | None = None,
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
        variable is set (``MER_CASME2_ROOT``, ``MER_SAMM_ROOT``, ``MER_SMIC_ROOT``) is read
        from there.
    store : str or Path, optional
        Folder of the predictions; by default ``build/store``.
    datasets : list of str, optional
        On which the tables are computed: ``casme2``, ``samm``, ``smic``, ``megc2019`` (their
        composite) or ``manifest:FILE``; by default CASME II and SAMM.
    device : str
        "auto", "cpu", "cuda" or one GPU as in "cuda:1".
    workers : int
        Processes that make the twins.
    progress : bool
        Show a bar while the twins are made.

    Raises
    ------
    MerError
        If the profile or a data set is unknown, or the folder of licensed data does not
        exist.

    Notes
    -----
    Four more environment variables say how the data are read. ``MER_MISSING_FRAMES`` is the
    rule for clips that lack frames, ``error`` or ``drop_clip``. ``MER_CROP`` lists the data
    sets whose frames are cropped to the face, and how; ``MER_NO_FACE`` is the rule for their
    clips without one, ``error`` or ``drop_clip``; ``MER_CORRECTIONS`` names a file of the user's
    own corrections. See `mer_utils.experiments.datasets`.
    """
    chosen = get_profile(profile)
    build = build_dir()
    twins = Path(data_root).absolute() if data_root else build / "data"
    rule = missing_frames_rule()
    wanted = tuple(
        d if d.file is not None else replace(d, missing_frames=rule)
        for d in chosen_datasets(datasets)
    )
    roots = [(d.name, d.file) for d in wanted if d.file is not None]
    for dataset in folders_needed(wanted):
        root = licensed_root(dataset)
        if root is None:
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
    variants = made_variants(chosen.phase_differences, chosen.noises)
    roots += [(d.name, twins / f"{d.name}-{chosen.name}") for d in variants]
    context = Context(
        roots=tuple(roots),
        store=Path(store).absolute() if store else build / "store",
        cache=build / "cache",
        device=device,
        corrections=corrections_file(),
        drop_without_face=drops_clips_without_face(),
        cropped=cropped_datasets(),
    )
    return Workspace(chosen, context, wanted, variants, progress)
