"""The prediction store: a folder of Parquet files, one per run.

::

    store/
      store.json                              the store's version
      <key of the run>/
        spec.json                             the run specification
        run.parquet                           one row per prediction
        environments.json                     per fold: versions, device, times, commit

While a run is computed, each fold is in files of its own::

        held_out=sub01.parquet                one row per prediction
        held_out=sub01.environment.json       what computed it
        held_out=sub02.error.json             why this fold is not there, if it failed

A file is written under a temporary name, flushed and renamed, so it is there whole or not at
all. It carries a checksum of its bytes: only if that fails is a file damaged. Reading writes
nothing. Scores are never stored: they are derived from these rows.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from filelock import Timeout
from pydantic import ValidationError

from mer_utils.errors import MerError
from mer_utils.files import atomic_write, cannot_read, cannot_write
from mer_utils.runs import signed
from mer_utils.runs.locks import held
from mer_utils.runs.rows import with_setting
from mer_utils.runs.run_folder import Part, RunFolder, file_name, read_json
from mer_utils.runs.spec import RunSpec

STORE_VERSION = 4
log = logging.getLogger(__name__)

#: The order of a results frame: by what tells runs apart, then by clip.
_ORDER = [
    *("dataset", "phase_difference", "noise", "fall_information", "model", "train_views"),
    *(
        "spatial",
        "source",
        "kind",
        "scaling",
        "frames",
        "cut",
        "apex_shift",
        "trim",
        "missing_apex",
        "degenerate_phase",
    ),
    *("evaluation", "seed", "run", "subject", "clip", "test_view", "epoch"),
]


class RunStore:
    """Predictions on disk.

    Parameters
    ----------
    path : Path
        The store's folder; it is made when the first fold is written.

    Raises
    ------
    MerError
        If the folder is a store of another version, or is something else.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()
        self.origin = str(self.path)  # for messages: of an unpacked archive, the archive
        self._folders: dict[str, RunFolder] = {}
        try:
            self._require_store()
        except OSError as error:
            raise cannot_read(self.path, error) from error

    def _require_store(self) -> None:
        marker = self.path / "store.json"
        mend = (
            f'write {{"version": {STORE_VERSION}}} into {marker}, if this release wrote the store'
        )
        with suppress(FileNotFoundError, NotADirectoryError):
            os.stat(marker)
            found = read_json(marker, remedy=mend).get("version")
            if found != STORE_VERSION:
                raise MerError(
                    "other store",
                    f"{self.path} is a store of version {found!r}",
                    f"version {STORE_VERSION}",
                    "move it away or name another folder with --store, and results are computed "
                    "anew; or use the release that wrote this one",
                )
            return
        with suppress(FileNotFoundError):
            what = "is a file"
            if os.path.isdir(self.path):
                what = "holds files but no store.json"
                # A name with a dot in front is what a killed process left of a file.
                if not any(name[0] != "." for name in os.listdir(self.path)):
                    return
            os.stat(self.path)
            runs = os.path.isdir(self.path) and self.names()
            raise MerError(
                "other store",
                f"{self.path} {what}",
                "a prediction store or an empty folder",
                "name another folder with --store" + (f"; {mend}" if runs else ""),
            )

    def folder(self, spec: RunSpec) -> RunFolder:
        """Return the folder of a run's predictions."""
        key = spec.key
        return self._folders.setdefault(key, RunFolder(self.path / key))

    def _all(self, specs: Iterable[RunSpec]) -> Iterable[RunFolder]:
        return {spec.key: self.folder(spec) for spec in specs}.values()

    def names(self) -> list[str]:
        """Return the keys of the runs that are in this folder."""
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise cannot_read(self.path, error) from error
        return sorted(n for n in names if (self.path / n / "spec.json").is_file())

    def spec(self, key: str) -> RunSpec:
        """Return the specification of a run that is in this folder, whatever else is at hand.

        Raises
        ------
        MerError
            ``other code``, if the key is not that of the specification; what `RunSpec` raises.
        """
        file = self.path / key / "spec.json"
        try:
            remedy = "move its folder away, and mer run computes the run anew"
            spec = RunSpec.model_validate(read_json(file, remedy=remedy))
        except FileNotFoundError as error:
            raise cannot_read(file, error) from error
        except ValidationError as error:
            what = f"no specification ({error.error_count()} errors)"
            raise _other_specification(file, what) from error
        if spec.key != key:
            raise _other_specification(file, f"the specification of {spec.key}")
        return spec

    def specs(self) -> list[RunSpec]:
        """Return the specification of every run that is in this folder, by key.

        So that predictions can be read and scored where the data are not; runs of another
        release, and of models that are not registered here, are left out with a warning.
        """
        found = []
        for key in self.names():
            try:
                found.append(self.spec(key))
            except MerError as error:
                log.warning("A run is left out: %s", error)
        return found

    def prepare(self) -> None:
        """Make the store's folder and mark it as a store.

        Raises
        ------
        MerError
            If it cannot be written: before anything is computed for it, not after.
        """
        with atomic_write(self.path / "store.json") as temporary:
            temporary.write_text(json.dumps({"version": STORE_VERSION}))

    def lock(
        self, spec: RunSpec, held_out: str, *, wait: bool = False
    ) -> AbstractContextManager[None]:
        """Hold the lock of a fold while it is computed; see `mer_utils.runs.locks.held`."""
        return held(self._locks / f"{spec.key}.{file_name(held_out)}.lock", wait=wait)

    def lock_run(self, spec: RunSpec) -> AbstractContextManager[None]:
        """Hold the lock under which the files of a run are put together."""
        return held(self._locks / f"{spec.key}.lock", wait=True)

    @property
    def _locks(self) -> Path:
        return self.path / ".locks"

    def has(self, spec: RunSpec, held_out: str) -> bool:
        """Say whether a fold is there, in microseconds: nothing of it is read."""
        return self.folder(spec).has(held_out)

    def missing(self, spec: RunSpec, subjects: Iterable[str]) -> list[str]:
        """Return the held-out subjects whose fold is not there, or is damaged.

        Every byte is verified and nothing is written; damage is warned of.

        Raises
        ------
        MerError
            ``cannot read``: what cannot be read is neither missing nor damaged.
        """
        there = self.folder(spec).intact()
        return [s for s in subjects if file_name(s) not in there]

    def set_damaged_aside(self, specs: Iterable[RunSpec]) -> None:
        """Rename what is damaged, so that it is computed anew, and say so."""
        for folder in self._all(specs):
            if not any(True for _ in folder.damaged()):
                continue
            # Found again under the lock: another process may have put it right meanwhile.
            with held(self._locks / f"{folder.path.name}.lock", wait=True):
                for file, error in list(folder.damaged()):
                    aside = _free_name(file)
                    try:
                        file.rename(aside)
                    except OSError as refusal:
                        raise cannot_write(file, refusal) from error
                    log.warning("%s It was set aside as %s.", error, aside.name)

    def consolidate(self, spec: RunSpec, folds: Iterable[str]) -> None:
        """Put the `folds` of a run, its held-out subjects, into one file if all are there.

        Readers and other processes that compute may go on meanwhile. What hinders it is said
        and is no error: the folds stay as they are.
        """
        folder = self.folder(spec)
        try:
            if not folder.listed(".parquet"):
                return
            self.set_damaged_aside([spec])  # of folds that the run lacks no more, too
            with suppress(Timeout), held(self._locks / f"{spec.key}.lock"):
                if folder.consolidate(folds):
                    for file in self._locks.glob(f"{spec.key}.held_out=*.lock"):
                        file.unlink(missing_ok=True)
        except (MerError, OSError) as error:
            log.warning("The folds of %s stay in files of their own: %s", folder.path, error)

    def write(
        self,
        spec: RunSpec,
        held_out: str,
        rows: pd.DataFrame,
        environment: dict[str, Any],
        maps: np.ndarray | None = None,
    ) -> None:
        """Store one fold's predictions and what computed them.

        Parameters
        ----------
        spec : RunSpec
        held_out : str
        rows : DataFrame
            As `prediction_rows` makes them.
        environment : dict
            JSON-able: versions, device, times, commit.
        maps : ndarray of shape (n, h, w), float32, optional
            Class activation maps of the clips tested on ``full``, in the order of their rows.
        """
        if not (self.path / "store.json").exists():
            self.prepare()
        self._specify(spec).write(held_out, rows, environment, maps)

    def write_parts(
        self, spec: RunSpec, parts: Iterable[Part], notes: dict[str, dict[str, Any]]
    ) -> None:
        """Put folds of another store beside those of a run; what is there stays."""
        self._specify(spec).add(parts, notes)

    def _specify(self, spec: RunSpec) -> RunFolder:
        folder = self.folder(spec)
        if not (specification := folder.path / "spec.json").exists():
            with atomic_write(specification) as temporary:
                temporary.write_text(spec.model_dump_json(indent=1), "utf-8")
        return folder

    def write_failure(self, spec: RunSpec, held_out: str, error: str) -> None:
        """Note why a fold could not be computed; `write` removes the note."""
        with atomic_write(self.folder(spec).file(held_out, ".error.json")) as temporary:
            temporary.write_text(json.dumps({"held_out": held_out, "error": error}), "utf-8")

    def failures(self, specs: Iterable[RunSpec]) -> dict[tuple[str, str], str]:
        """Return the errors of folds that failed last: (run key, held-out subject) -> error."""
        found = {}
        for folder in self._all(specs):
            for note in folder.listed(".error.json"):
                with suppress(FileNotFoundError):  # computed meanwhile
                    said = read_json(note, "held_out", "error")
                    found[folder.path.name, said["held_out"]] = said["error"]
        return found

    def _parts(self, specs: Iterable[RunSpec]) -> list[Part]:
        return [part for folder in self._all(specs) for part in folder.parts()]

    def predictions(self, specs: Iterable[RunSpec], *, every_epoch: bool = False) -> pd.DataFrame:
        """Read the predictions of runs: one row per prediction, in a fixed order.

        Folds that are not there are simply absent: ask `missing` for them.

        Parameters
        ----------
        specs : iterable of RunSpec
        every_epoch : bool
            Also those that were made after each epoch but the last, which never count: they
            show how a score grows, and what choosing an epoch by it would add.

        Raises
        ------
        MerError
            ``damaged file``, if a checksum fails; ``cannot read``; ``no results``, if none of
            the runs has a fold here.
        """
        parts = self._parts(specs := list(specs))
        if not parts:
            raise MerError(
                "no results",
                f"the store {self.path} holds no fold of these {len(specs)} run(s)",
                "at least one computed fold",
                "compute them with mer run, with the same --profile and --store",
            )
        tables = [signed.rows(part.data) for part in parts]
        tables = [t.drop_columns("map") if "map" in t.column_names else t for t in tables]
        folds = pa.concat_tables(tables, promote_options="default")
        rows = with_setting(folds.to_pandas().astype({"frames": "Int64"}))
        if not every_epoch:
            rows = rows[rows["epoch"] == rows.groupby("run")["epoch"].transform("max")]
        return rows.sort_values(_ORDER, ignore_index=True)

    def maps(self, specs: Iterable[RunSpec]) -> tuple[pd.DataFrame, np.ndarray]:
        """Read where the networks looked: class activation maps of the tested clips.

        Returns
        -------
        rows : DataFrame
            The prediction rows on ``full`` that have a map.
        maps : ndarray of shape (n, h, w), float32
            In the order of the rows; at the size of the network's last convolution.

        Raises
        ------
        MerError
            ``no results``, if none of the runs has maps here, or their sizes differ.
        """
        parts = [part for part in self._parts(specs) if part.map_shape]
        if len({part.map_shape for part in parts}) != 1:
            raise MerError(
                "no results",
                f"the store {self.path} holds no class activation maps of one size for these runs",
                "runs of one convolutional network, computed",
                "compute them with mer run, and ask for one network at a time",
            )
        tables = pa.concat_tables([signed.rows(p.data) for p in parts], promote_options="default")
        mapped = tables.filter(tables["map"].is_valid())
        maps = np.frombuffer(b"".join(mapped["map"].to_pylist()), np.float32)
        rows = with_setting(mapped.drop_columns("map").to_pandas())
        return rows, maps.reshape(-1, *parts[0].map_shape)

    def environments(self, specs: Iterable[RunSpec]) -> pd.DataFrame:
        """Read what computed the folds of runs: one row per fold that is there."""
        records = [
            {**spec.columns, **note}
            for spec in specs
            for note in self.folder(spec).notes().values()
        ]
        return pd.DataFrame(records)

    def unrecorded(self, specs: Iterable[RunSpec]) -> int:
        """Count the folds that are there without a record of what computed them."""
        return sum(len(f.names() - set(map(file_name, f.notes()))) for f in self._all(specs))

    def digests(self, specs: Iterable[RunSpec]) -> dict[tuple[str, str], str]:
        """Return the SHA-256 of each fold as it was written: (run key, held-out subject) -> hex."""
        return {
            (folder.path.name, held_out): sha
            for folder in self._all(specs)
            for part in folder.parts()
            for held_out, (_, sha) in part.folds.items()
        }

    def fingerprint(self, specs: Iterable[RunSpec]) -> str:
        """Return a SHA-256 (hex) of which folds of these runs are there, and their predictions."""
        found = sorted((*fold, sha) for fold, sha in self.digests(specs).items())
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def _other_specification(file: Path, what: str) -> MerError:
    return MerError(
        "other code",
        f"{file} holds {what}",
        f"that of {file.parent.name}, as this release writes it",
        "use the release that wrote this store, or remove this folder",
        file,
    )


def _free_name(file: Path) -> Path:
    number = 1
    while (aside := file.with_name(f"{file.name}.damaged-{number}")).exists():
        number += 1
    return aside
