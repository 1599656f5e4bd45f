"""The folder of one run: a file per fold while it is computed, then one file for all of them."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from string import ascii_uppercase
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow as pa

from mer_utils.errors import MerError
from mer_utils.files import atomic_write, cannot_read, cannot_write, identity
from mer_utils.runs import signed

log = logging.getLogger(__name__)

#: Longer names of folds are cut, and told apart by a digest: file systems take 255 bytes.
_LONGEST = 120
_TRIES = 10
_REMOVE = "remove this file, or name another store"


class Part(NamedTuple):
    """A file of predictions: its bytes, the shape of its maps, and the folds in it.

    `folds` gives each held-out subject the number of its rows, in their order, and the SHA-256
    of the fold as it was first written.
    """

    data: bytes
    map_shape: tuple[int, ...]
    folds: dict[str, tuple[int, str]]


class RunFolder:
    """Predictions of one run.

    A fold is in a file of its own until `consolidate` puts all of them into one; what is in that
    one counts, should a file of its own be left beside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.whole = path / "run.parquet"
        self._in_whole: tuple[str, frozenset[str]] = ("", frozenset())
        self._warned: set[Path] = set()

    def file(self, held_out: str, suffix: str = ".parquet") -> Path:
        """Return where a fold is until the run is complete, or what belongs to it."""
        return self.path / (file_name(held_out) + suffix)

    def has(self, held_out: str) -> bool:
        """Say whether a fold is there, by names alone."""
        name = file_name(held_out)
        if name in self._consolidated() or _exists(self.path / f"{name}.parquet"):
            return True
        return name in self._consolidated()  # by now, that is

    def names(self) -> set[str]:
        """Return the `file_name` of every fold that is there."""
        # In this order: what is consolidated between the two is found.
        loose = {file.stem for file in self._loose()}
        return loose | self._consolidated()

    def _consolidated(self) -> frozenset[str]:
        """Return the `file_name` of every fold in the one file, as its last bytes say."""
        try:
            if (now := identity(self.whole)) == self._in_whole[0]:
                return self._in_whole[1]
            data = self.whole.read_bytes()
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise cannot_read(self.whole, error) from error
        try:
            folds = json.loads(signed.about(data)["folds"])
        except (OSError, ValueError, KeyError, pa.ArrowException):
            return frozenset()  # damaged, which `damaged` says
        self._in_whole = (now, frozenset(map(file_name, folds)))
        return self._in_whole[1]

    def _loose(self) -> list[Path]:
        return self.listed(".parquet")

    def listed(self, suffix: str) -> list[Path]:
        """Return the files of single folds that end so, by name."""
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise cannot_read(self.path, error) from error
        found = (n for n in names if n.startswith("held_out=") and n.endswith(suffix))
        return sorted(self.path / name for name in found)

    def parts(self) -> list[Part]:
        """Read and verify every fold exactly once, by name, also while it is consolidated.

        Raises
        ------
        MerError
            ``damaged file``, if a checksum fails; ``cannot read``.
        """
        for _ in range(_TRIES):
            whole = self._read(self.whole) if _exists(self.whole) else None
            inside = set() if whole is None else set(map(file_name, whole.folds))
            found = [self._read(f) for f in self._loose() if f.stem not in inside]
            # Folds that went while they were read are in the one file by now: read again.
            if None not in found and (whole is not None) == _exists(self.whole):
                return sorted((p for p in (whole, *found) if p), key=lambda p: min(p.folds))
        gone = OSError("files come and go")
        raise cannot_read(self.path, gone)

    def _read(self, file: Path) -> Part | None:
        """Read a file; None if it is not there any more."""
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise cannot_read(file, error) from error
        try:
            digest = signed.checksum(data)
            said = signed.about(data)
            folds = {
                name: (n, sha or digest) for name, (n, sha) in json.loads(said["folds"]).items()
            }
            if said["run"] != self.path.name:
                raise ValueError("it is another run's file")
            if file != self.whole and [file.stem] != [*map(file_name, folds)]:
                raise ValueError("it is another fold's file")
        except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise _damaged(file, str(error).splitlines()[0][:120]) from error
        return Part(data, tuple(json.loads(said.get("map_shape", "[]"))), folds)

    def _checked(self) -> Iterator[tuple[Path, Part | None, MerError | None]]:
        """Read each file; of a damaged one, how it is. Others that cannot be read are raised."""
        for file in [*self._loose(), self.whole]:
            try:
                yield file, self._read(file), None
            except MerError as error:
                if error.kind != "damaged file":
                    raise
                yield file, None, error

    def damaged(self) -> Iterator[tuple[Path, MerError]]:
        """Yield the files whose checksum fails, and how."""
        return ((file, error) for file, _, error in self._checked() if error)

    def intact(self) -> set[str]:
        """Return the `file_name` of every fold that is there and undamaged; warn of the others."""
        found = set[str]()
        for file, part, error in self._checked():
            if error and file not in self._warned:
                log.warning("%s", error)
                self._warned.add(file)
            found |= set(map(file_name, part.folds if part else ()))
        return found

    def write(
        self, held_out: str, rows: pd.DataFrame, note: dict[str, Any], maps: np.ndarray | None
    ) -> None:
        """Write one fold and the note of what computed it."""
        table = pa.Table.from_pandas(rows, preserve_index=False)
        about = {"run": self.path.name, "folds": json.dumps({held_out: (len(rows), None)})}
        if maps is not None:
            mapped = (rows["epoch"] == rows["epoch"].max()) & (rows["test_view"] == "full")
            each = iter(np.ascontiguousarray(maps, np.float32))
            column = [next(each).tobytes() if has else None for has in mapped]
            if next(each, None) is not None:
                raise ValueError("more maps than clips tested on the full view")
            table = table.append_column("map", pa.array(column, pa.binary()))
            about["map_shape"] = json.dumps(maps.shape[1:])
        with atomic_write(self.file(held_out, ".environment.json")) as temporary:
            said = {"held_out": held_out, **note}
            temporary.write_text(json.dumps(said, indent=1, sort_keys=True), "utf-8")
        with atomic_write(self.file(held_out)) as temporary:
            temporary.write_bytes(signed.sign(table, about))
        with suppress(OSError):
            self.file(held_out, ".error.json").unlink(missing_ok=True)

    def notes(self) -> dict[str, dict[str, Any]]:
        """Return what computed each fold that is there, by held-out subject."""
        found: dict[str, dict[str, Any]] = {}
        for file in self.listed(".environment.json"):
            with suppress(FileNotFoundError):  # consolidated meanwhile: read next
                note = read_json(file, "held_out")
                found[note["held_out"]] = note
        with suppress(FileNotFoundError):
            found = read_json(self._notes_file, each=dict) | found
        there = self.names()
        return {name: note for name, note in sorted(found.items()) if file_name(name) in there}

    @property
    def _notes_file(self) -> Path:
        return self.path / "environments.json"

    def consolidate(self, folds: Iterable[str]) -> bool:
        """Put the folds into one file, if all of them are there and undamaged; say whether.

        The one file is written under another name, read again, flushed and renamed, then the
        others are removed: wherever this is cut short, nothing is lost and nothing doubled.
        """
        if not (loose := self._loose()):
            return _exists(self.whole)
        parts = self.parts()
        if {name for part in parts for name in part.folds} != set(folds):
            return False
        self._put_together(parts, loose, self.notes())
        return True

    def add(self, parts: Iterable[Part], notes: dict[str, dict[str, Any]]) -> None:
        """Put further folds beside those that are there, all in one file; what is there stays."""
        loose = self._loose()
        self._put_together([*self.parts(), *parts], loose, notes | self.notes())

    def _put_together(
        self, parts: list[Part], loose: list[Path], notes: dict[str, dict[str, Any]]
    ) -> None:
        try:
            if len(parts) > 1 or parts[0].data != self._bytes_of_whole():
                self._write_whole(united(self.path.name, parts), notes)
            _flush(self.path)
            for file in loose:
                file.unlink(missing_ok=True)
                file.with_suffix(".environment.json").unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _write_whole(self, data: bytes, notes: dict[str, dict[str, Any]]) -> None:
        with atomic_write(self._notes_file) as temporary:
            temporary.write_text(json.dumps(notes, indent=1, sort_keys=True), "utf-8")
        with atomic_write(self.whole) as temporary:
            temporary.write_bytes(data)
            if temporary.read_bytes() != data:
                raise OSError(errno.EIO, "it is not read as it was written")

    def _bytes_of_whole(self) -> bytes:
        return self.whole.read_bytes() if _exists(self.whole) else b""


def folds_of(parts: Iterable[Part]) -> dict[str, tuple[str, pa.Table]]:
    """Return the SHA-256 and the rows of every fold, by name; of one that is twice, the first."""
    found: dict[str, tuple[str, pa.Table]] = {}
    for part in parts:
        rows, start = signed.rows(part.data), 0
        for name, (n, sha) in part.folds.items():
            found.setdefault(name, (sha, rows.slice(start, n)))
            start += n
    return dict(sorted(found.items()))


def united(run: str, parts: list[Part], *, maps: bool = True) -> bytes:
    """Return the bytes of one file of all folds: the same, however they were in `parts`."""
    folds = folds_of(parts)
    about = {
        "run": run,
        "folds": json.dumps({name: (rows.num_rows, sha) for name, (sha, rows) in folds.items()}),
    }
    rows = pa.concat_tables([rows for _, rows in folds.values()], promote_options="default")
    if not maps and "map" in rows.column_names:
        rows = rows.drop_columns("map")
    elif shape := max(part.map_shape for part in parts):
        about["map_shape"] = json.dumps(shape)
    return signed.sign(rows.combine_chunks(), about)


def file_name(held_out: str) -> str:
    """Return the name of a fold's files, without what it ends in.

    No two names are one file, on a file system that does not tell A from a either.

    Examples
    --------
    >>> file_name("sub01"), file_name("a/b"), file_name("Ann") == file_name("ann")
    ('held_out=sub01', 'held_out=a%2Fb', False)
    """
    name = quote(held_out, safe="")
    if len(name) > _LONGEST or any(c in ascii_uppercase for c in held_out):
        name = f"{name[: _LONGEST - 20]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return f"held_out={name}"


def read_json(
    path: Path, *needed: str, remedy: str = _REMOVE, each: type = object
) -> dict[str, Any]:
    """Read what a run wrote as JSON, an object with these fields at least, each of a type.

    Raises
    ------
    FileNotFoundError
    MerError
        ``damaged file``, or ``cannot read``.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict) or not found.keys() >= set(needed):
            raise ValueError(f"no object with {', '.join(needed) or 'fields'}")
        if odd := [name for name, value in found.items() if not isinstance(value, each)]:
            raise ValueError(f"{odd[0]} is no object")
        return found
    except FileNotFoundError:
        raise
    except OSError as error:
        raise cannot_read(path, error) from error
    except ValueError as error:
        raise MerError(
            "damaged file",
            f"{path} is not what a run wrote ({error})",
            "a JSON object",
            remedy,
        ) from error


def _exists(file: Path) -> bool:
    # Not Path.exists, which may take a file in a forbidden folder for one that is not there.
    try:
        os.stat(file)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot_read(file, error) from error
    return True


def _flush(folder: Path) -> None:
    """Make sure that a rename in a folder outlives a power cut, before anything is removed."""
    if os.name == "nt":  # where no folder can be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that has no such thing
            raise
    finally:
        os.close(handle)


def _damaged(file: Path, reason: str) -> MerError:
    return MerError(
        "damaged file",
        f"{file} is damaged ({reason})",
        "predictions as they were written",
        "run mer run again, with the settings of that run: it sets the file aside and computes "
        f"what was in it anew; or move {file.parent.name} out of the store, if nobody needs it",
    )
