"""The prediction store: a folder of Parquet files, one per fold.

::

    store/
      store.json                              the store's version
      <key of the run>/
        spec.json                             the run specification
        held_out=sub01.parquet                one row per prediction
        held_out=sub01.environment.json       versions, device, times, commit
        held_out=sub01.maps.npy               where the network looked, one map a tested clip
        held_out=sub02.error.txt              why this fold is not there, if it failed

A fold's file is written under a temporary name, flushed and renamed, so it is there
whole or not at all; it carries a checksum of its rows, so damage is noticed. Scores are
never stored: they are derived from these rows.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from mer_utils.errors import MerError
from mer_utils.files import atomic_write
from mer_utils.runs.rows import with_setting
from mer_utils.runs.spec import RunSpec

STORE_VERSION = 3
log = logging.getLogger(__name__)

#: The order of a results frame: by what tells runs apart, then by clip.
_ORDER = [
    *("dataset", "phase_difference", "noise", "model", "train_views", "spatial", "source", "kind"),
    *("scaling", "frames", "cut", "apex_shift", "trim", "missing_apex", "degenerate_phase"),
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
        marker = self.path / "store.json"
        if marker.exists():
            found = _read_json(marker).get("version")
            if found != STORE_VERSION:
                raise MerError(
                    "other store",
                    f"{self.path} is a store of version {found}",
                    f"version {STORE_VERSION}",
                    "name another folder with --store, into which results are computed anew as "
                    "keys have changed; or use the release that wrote this one",
                )
        elif self.path.exists() and not self.path.is_dir():
            raise MerError(
                "other store",
                f"{self.path} is a file",
                "a prediction store or an empty folder",
                "name another folder with --store",
            )
        # A name with a dot in front is what a killed process left of a file it was writing.
        elif self.path.exists() and any(f.name[0] != "." for f in self.path.iterdir()):
            raise MerError(
                "other store",
                f"{self.path} holds files but no store.json",
                "a prediction store or an empty folder",
                "name another folder with --store",
            )

    def fold_file(self, spec: RunSpec, held_out: str) -> Path:
        """Return where a fold's predictions are, or will be."""
        return self.path / spec.key / f"held_out={quote(held_out, safe='')}.parquet"

    def prepare(self) -> None:
        """Make the store's folder and mark it as a store.

        Raises
        ------
        MerError
            If it cannot be written: before anything is computed for it, not after.
        """
        with atomic_write(self.path / "store.json") as temporary:
            temporary.write_text(json.dumps({"version": STORE_VERSION}))

    @contextmanager
    def lock(self, spec: RunSpec, held_out: str, *, wait: bool = False) -> Iterator[None]:
        """Hold the lock of a fold while it is computed.

        The system releases it when its process dies, however it dies.

        Raises
        ------
        filelock.Timeout
            On entering, if another process holds it and `wait` is false.
        MerError
            On entering, if no lock can be made: the disk is full, or it is another user's.
        """
        file = self.path / ".locks" / f"{spec.key}.{quote(held_out, safe='')}.lock"
        lock = FileLock(file, timeout=-1 if wait else 0)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise
        except (OSError, NotImplementedError) as error:
            raise MerError(
                "cannot write",
                f"{file} could not be locked ({getattr(error, 'strerror', None) or error})",
                "a writable store with free space, on a file system that has locks",
                "free some space, make the folder writable or name another one with --store",
            ) from error
        try:
            yield
        finally:
            lock.release()

    def has(self, spec: RunSpec, held_out: str) -> bool:
        """Say whether a fold is there and undamaged; a damaged one is set aside."""
        file = self.fold_file(spec, held_out)
        if not file.exists():
            return False
        try:
            _read_fold(file)
        except MerError as damage:
            aside = _free_name(file)
            try:
                file.rename(aside)
                log.warning("%s It was set aside as %s.", damage, aside.name)
            except FileNotFoundError:
                pass  # another process has set it aside first
            except OSError:
                log.warning("%s It is not read, nor set aside, as nobody may write here.", damage)
            return False
        return True

    def missing(self, spec: RunSpec, subjects: Iterable[str]) -> list[str]:
        """Return the held-out subjects whose fold is still to be computed."""
        return [s for s in subjects if not self.has(spec, s)]

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
        file = self.fold_file(spec, held_out)
        if not (self.path / "store.json").exists():
            self.prepare()
        if not (specification := file.parent / "spec.json").exists():
            with atomic_write(specification) as temporary:
                temporary.write_text(spec.model_dump_json(indent=1))
        table = pa.Table.from_pandas(rows, preserve_index=False)
        table = table.replace_schema_metadata(
            {"fold": f"{spec.key}/{file.stem}", "checksum": _checksum(table)}
        )
        with atomic_write(file.with_suffix(".environment.json")) as temporary:
            temporary.write_text(json.dumps(environment, indent=1, sort_keys=True))
        if maps is not None:
            with (
                atomic_write(file.with_suffix(".maps.npy")) as temporary,
                open(temporary, "wb") as f,
            ):
                np.save(f, maps)
        with atomic_write(file) as temporary:
            pq.write_table(table, temporary)
        with suppress(OSError):
            file.with_suffix(".error.txt").unlink(missing_ok=True)

    def write_failure(self, spec: RunSpec, held_out: str, error: str) -> None:
        """Note why a fold could not be computed; `write` removes the note."""
        with atomic_write(self.fold_file(spec, held_out).with_suffix(".error.txt")) as temporary:
            temporary.write_text(error)

    def failures(self, specs: Iterable[RunSpec]) -> dict[tuple[str, str], str]:
        """Return the errors of folds that failed last: (run key, held-out subject) -> error."""
        found = {}
        for key in dict.fromkeys(spec.key for spec in specs):
            for note in sorted((self.path / key).glob("held_out=*.error.txt")):
                name = note.name.removeprefix("held_out=").removesuffix(".error.txt")
                found[key, unquote(name)] = note.read_text()
        return found

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
            If a fold's file is damaged, or none of the runs has a fold here.
        """
        folders = [self.path / key for key in dict.fromkeys(spec.key for spec in specs)]
        files = [f for folder in folders for f in sorted(folder.glob("held_out=*.parquet"))]
        if not files:
            raise MerError(
                "no results",
                f"the store {self.path} holds no fold of these {len(folders)} run(s)",
                "at least one computed fold",
                "compute them with mer run, with the same --profile and --store",
            )
        folds = pa.concat_tables([_read_fold(f) for f in files], promote_options="default")
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
            If none of the runs has maps here, or their sizes differ.
        """
        rows, maps = [], []
        for key in dict.fromkeys(spec.key for spec in specs):
            for file in sorted((self.path / key).glob("held_out=*.maps.npy")):
                fold = file.with_name(file.name.replace(".maps.npy", ".parquet"))
                if not fold.exists():
                    continue
                tested = with_setting(_read_fold(fold).to_pandas())
                last = tested["epoch"] == tested["epoch"].max()
                rows.append(tested[last & (tested["test_view"] == "full")])
                maps.append(np.load(file, allow_pickle=False))
        if len({m.shape[1:] for m in maps}) != 1 or any(
            len(r) != len(m) for r, m in zip(rows, maps, strict=True)
        ):
            raise MerError(
                "no results",
                f"the store {self.path} holds no class activation maps of one size for these runs",
                "runs of one convolutional network, computed",
                "compute them with mer run, and ask for one network at a time",
            )
        return pd.concat(rows, ignore_index=True), np.concatenate(maps)

    def environments(self, specs: Iterable[RunSpec]) -> pd.DataFrame:
        """Read what computed the folds of runs: one row per fold."""
        records = []
        for spec in specs:
            for note in sorted((self.path / spec.key).glob("held_out=*.environment.json")):
                name = note.name.removeprefix("held_out=").removesuffix(".environment.json")
                records.append({**spec.columns, "held_out": unquote(name), **_read_json(note)})
        return pd.DataFrame(records)

    def fingerprint(self, specs: Iterable[RunSpec]) -> str:
        """Return a SHA-256 (hex) of which folds of these runs are there, and their bytes."""
        digest = hashlib.sha256()
        for key in sorted({spec.key for spec in specs}):
            for file in sorted((self.path / key).glob("held_out=*.parquet")):
                digest.update(f"{key}/{file.name}".encode())
                digest.update(file.read_bytes())
        return digest.hexdigest()


def _read_fold(file: Path) -> pa.Table:
    try:
        table = pq.read_table(file, partitioning=None)
        metadata = table.schema.metadata or {}
        intact = metadata.get(b"checksum", b"").decode() == _checksum(table)
        own = metadata.get(b"fold", b"").decode() == f"{file.parent.name}/{file.stem}"
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged(file, str(error).splitlines()[0][:120]) from error
    if not intact:
        raise _damaged(file, "its rows do not match its checksum")
    if not own:
        raise _damaged(file, "it is another fold's file")
    return table


def _damaged(file: Path, reason: str) -> MerError:
    return MerError(
        "damaged file",
        f"{file} is damaged ({reason})",
        "a fold's predictions as they were written",
        "run mer run again: it sets the file aside and computes the fold anew",
    )


def _checksum(table: pa.Table) -> str:
    return hashlib.sha256(json.dumps(table.to_pydict()).encode()).hexdigest()


def _free_name(file: Path) -> Path:
    number = 1
    while (aside := file.with_name(f"{file.name}.damaged-{number}")).exists():
        number += 1
    return aside


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, TypeError, ValueError) as error:
        raise MerError(
            "cannot read",
            f"{path} cannot be read ({error})",
            "the JSON that a run wrote",
            "remove this file, or name another store",
        ) from error
