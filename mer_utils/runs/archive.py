"""Results to share: a store in one archive, and what others computed put beside one's own.

An archive is a ZIP file of a store's folder, unpacked it is one. Beside the runs lie README.md,
LICENSE, SHA256SUMS, and what deposits ask for: ``ro-crate-metadata.json``, ``.zenodo.json``. The
same store gives the same bytes. It holds no frame and no face: of licensed data predictions
alone, under the names that the sheets give to subjects and clips.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from mer_utils.errors import MerError
from mer_utils.files import atomic_write, cannot_read
from mer_utils.runs.deposit import Deposit
from mer_utils.runs.run_folder import RunFolder, folds_of, united
from mer_utils.runs.spec import RunSpec
from mer_utils.runs.store import STORE_VERSION, RunStore

SUMS = "SHA256SUMS"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of ZIP's calendar: no clock, so the same bytes each time
#: More than any prediction shrinks: what unpacks to more is no archive of results.
_MOST_SHRUNK = 1000
#: What unpacking raises of damaged bytes, by the way in which they are packed.
_DAMAGE = (zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError)
_FETCH = "fetch it again from where it was deposited; nothing was taken from it"


def export(
    store: RunStore,
    path: Path,
    specs: Iterable[RunSpec] | None = None,
    *,
    licence: str = "CC-BY-4.0",
    creators: Iterable[str] = (),
    more: Mapping[str, bytes] = MappingProxyType({}),
    maps: Container[str] | None = None,
) -> Deposit:
    """Write runs of a store into one archive, and return what it says of them.

    Parameters
    ----------
    store : RunStore
    path : Path
        Of the archive; one that is there is replaced when the new one is whole.
    specs : iterable of RunSpec, optional
        The runs; by default all that are in the store. Those without a fold are left out.
    licence : str
        By its SPDX identifier.
    creators : iterable of str
        Names, as "Family, Given", for the metadata.
    more : mapping of str to bytes
        Further files.
    maps : container of str, optional
        Keys of the runs whose maps are kept; by default all. Those of licensed clips never are.

    Raises
    ------
    MerError
        ``damaged file`` or ``cannot read``, of a run in the store; ``no results``.
    """
    chosen = {spec.key: spec for spec in (store.specs() if specs is None else specs)}
    deposit = Deposit(licence, tuple(creators))
    files = {**more, "store.json": json.dumps({"version": STORE_VERSION}).encode()}
    for key, spec in sorted(chosen.items()):
        folder = store.folder(spec)
        if not (parts := folder.parts()):
            continue
        notes = folder.notes()
        deposit.add(spec, folds_of(parts), notes.values())
        files |= {
            f"{key}/spec.json": spec.model_dump_json(indent=1).encode(),
            f"{key}/run.parquet": united(
                key, parts, maps=spec.data.noise is not None and (maps is None or key in maps)
            ),
            f"{key}/environments.json": json.dumps(notes, indent=1, sort_keys=True).encode(),
        }
    if not deposit.runs:
        raise MerError(
            "no results",
            f"the store {store.path} holds no fold to export",
            "at least one computed fold",
            "name the store with --store, or compute with mer run first",
        )
    files |= deposit.files(files)
    sums = "".join(f"{_sha256(data)}  {name}\n" for name, data in sorted(files.items()))
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in sorted({**files, SUMS: sums.encode()}.items()):
            member = zipfile.ZipInfo(name, _FIRST_DAY)
            member.external_attr = 0o644 << 16
            archive.writestr(member, data, zipfile.ZIP_DEFLATED, 9)
    return deposit


@contextmanager
def unpacked(path: Path) -> Iterator[RunStore]:
    """Yield the store in an archive, unpacked for as long as the block lasts.

    Raises
    ------
    MerError
        ``bad archive``, if it is cut short or altered, or a path leads out of it; ``other store``,
        if another release wrote it; ``cannot read``.
    """
    with tempfile.TemporaryDirectory(prefix="mer-archive-") as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                sums = _sums(archive, path)
                for name, wanted in sums.items():
                    data = archive.read(name)
                    if _sha256(data) != wanted:
                        raise _bad(path, f"{name} is not what {SUMS} says")
                    target = Path(folder, name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(data)
        except (zipfile.BadZipFile, *_DAMAGE) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise cannot_read(path, error) from error
            raise _bad(path, f"it is cut short, altered or no ZIP file: {error}") from error
        try:
            store = RunStore(folder)
            store.origin = str(path)
            yield store
        except MerError as error:  # of the archive, not of the folder that is gone when it is read
            if folder not in error.what:
                raise
            what = error.what.replace(folder, str(path))
            remedy = "use the release that wrote it, or fetch an archive of this one"
            raise MerError(error.kind, what, error.expected, remedy, path) from error


def _sums(archive: zipfile.ZipFile, path: Path) -> dict[str, str]:
    """Return the digest of each file in an archive, once no path in it can do harm."""
    members = [m for m in archive.infolist() if not m.is_dir()]
    names = [m.filename for m in members]
    for member in members:
        parts = PurePosixPath(member.filename).parts
        link = (member.external_attr >> 16) & 0o170000 == 0o120000
        if link or ".." in parts or set(member.filename) & set("\\:\0") or parts[:1] == ("/",):
            raise _bad(path, f"{member.filename!r} leads out of it")
        if member.file_size > _MOST_SHRUNK * max(member.compress_size, _MOST_SHRUNK):
            raise _bad(path, f"{member.filename} would unpack to {member.file_size:,} bytes")
    if SUMS not in names:
        inside = " but in a folder" * any(name.endswith(f"/{SUMS}") for name in names)
        raise _bad(path, f"it holds no {SUMS}{inside}")
    try:
        lines = archive.read(SUMS).decode().splitlines()
        sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except ValueError as error:
        raise _bad(path, f"{SUMS} is not a list of digests") from error
    if odd := {*names} - {SUMS} ^ sums.keys():
        raise _bad(path, f"{min(odd)} is in the archive or in {SUMS} alone")
    if len(names) != len({*names}):
        raise _bad(path, "it holds two files of one name")
    whole = {"store.json"} | {
        f"{PurePosixPath(name).parts[0]}/{part}"
        for name in sums
        for part in ("spec.json", "run.parquet")
        if "/" in name
    }
    if lacking := whole - sums.keys():
        raise _bad(path, f"it holds no {min(lacking)}")
    return sums


def _bad(path: Path, what: str) -> MerError:
    return MerError(
        "bad archive",
        f"{path} cannot be used: {what}",
        "an archive as mer store export writes it, whole and unaltered",
        _FETCH,
        path,
    )


@dataclass
class Merged:
    """What became of the folds of other stores.

    Parameters
    ----------
    added, same : int
        Folds that are new here, and those that were here already with the same predictions.
    conflicts : list of (str, str)
        Run and held-out subject of those that are here with other predictions, and were left.
    refused : list of str
        Runs that were not taken, and why.
    """

    added: int = 0
    same: int = 0
    conflicts: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def merge(into: RunStore, *others: RunStore) -> Merged:
    """Put the folds of other stores beside those of one; what is there is never overwritten.

    A fold is known by run and subject. Where both have it, it is a conflict unless its
    predictions are the same bit for bit.

    Raises
    ------
    MerError
        ``damaged file``, ``cannot read``, or ``cannot write``. What was taken until then is whole.
    """
    done = Merged()
    into.prepare()
    for other in others:
        for key in other.names():
            try:
                spec = other.spec(key)
            except MerError as error:
                done.refused.append(str(error).replace(str(other.path), other.origin))
                continue
            with into.lock_run(spec):
                _merge_run(into, spec, other.folder(spec), done)
    return done


def _merge_run(into: RunStore, spec: RunSpec, theirs: RunFolder, done: Merged) -> None:
    ours, given = folds_of(into.folder(spec).parts()), theirs.parts()
    new = set()
    for name, (sha, rows) in folds_of(given).items():
        if name not in ours:
            new.add(name)
        elif ours[name][0] == sha or same_rows(rows, ours[name][1]):
            done.same += 1
        else:
            done.conflicts.append((spec.key, name))
    if new:
        notes = {name: note for name, note in theirs.notes().items() if name in new}
        into.write_parts(spec, [part for part in given if new & part.folds.keys()], notes)
        done.added += len(new)


def same_rows(one: Any, other: Any) -> bool:
    """Say whether the rows of a fold are the same, whichever release of Parquet wrote them."""
    both = [
        rows.drop_columns([c for c in rows.column_names if c == "map"]) for rows in (one, other)
    ]
    return bool(both[0].equals(both[1]))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
