"""Fingerprints of clips: every byte of their frames."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from mer_utils.errors import MerError
from mer_utils.files import atomic_write, cannot_read, cannot_write, identity
from mer_utils.frames.decode import FrameFile
from mer_utils.frames.video import VideoFrame

log = logging.getLogger(__name__)

#: The file of what was found before, in the folder of the cache.
MEMO = "frames.json"
_SETTLED = 3.0
# What could not be written there, known to this process alone.
_unwritten: dict[str, list[str]] = {}


def clip_fingerprint(paths: Sequence[FrameFile | str]) -> str:
    """Return the SHA-256 (hex) of the frames' bytes, in order; of a video its, and the numbers."""
    digest = hashlib.sha256()
    digest.update("".join(f"{p.number}|" for p in paths if isinstance(p, VideoFrame)).encode())
    for path in _files(paths):
        data = Path(path).read_bytes()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def _files(paths: Sequence[FrameFile | str]) -> list[Path | str]:
    """Return the files that hold frames, each once."""
    return list(dict.fromkeys(p.path if isinstance(p, VideoFrame) else p for p in paths))


def fingerprints(
    clips: Iterable[Sequence[FrameFile | str]], cache: Path | None = None
) -> list[str]:
    """Return the fingerprint of each clip, given its frames.

    Reading every frame takes a while, so the folder `cache` keeps each clip's fingerprint as long
    as no file's `mer_utils.files.identity` has changed; `forget` makes all be read again.

    Raises
    ------
    MerError
        ``cannot read``.

    Notes
    -----
    A change within one tick of the file system's clock cannot be told, so what was changed in
    the `_SETTLED` seconds before it was read is not kept. That leaves network file systems whose
    clock is behind this machine's by more, and those without an inode's own time, as on Windows.
    """
    try:
        if cache is None:
            return [clip_fingerprint(paths) for paths in clips]
        return _remembered(clips, cache / MEMO)
    except OSError as error:
        raise cannot_read(Path(error.filename or "a frame"), error) from error


def _remembered(clips: Iterable[Sequence[FrameFile | str]], store: Path) -> list[str]:
    known = _read(store) | _unwritten
    kept, found = {}, []
    for paths in clips:
        place = hashlib.sha256("\n".join(map(str, paths)).encode()).hexdigest()
        before = _identity(paths)
        if known.get(place, [""])[0] == before:
            found.append(known[place][1])
            continue
        started = time.time()
        found.append(clip_fingerprint(paths))
        if (
            started - max((os.stat(path).st_ctime for path in _files(paths)), default=0.0)
            > _SETTLED
        ):
            kept[place] = [before, found[-1]]
    if kept:
        try:
            with atomic_write(store) as temporary:
                temporary.write_text(json.dumps(known | kept))
        except MerError as error:
            if not _unwritten:
                log.warning("Every command will read every frame again: %s", error)
            _unwritten.update(kept)
    return found


def forget(cache: Path) -> None:
    """Let every frame be read again when a fingerprint is asked for the next time."""
    _unwritten.clear()
    try:
        (cache / MEMO).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(cache / MEMO, error) from error


def _identity(paths: Sequence[FrameFile | str]) -> str:
    return hashlib.sha256("\n".join(map(identity, _files(paths))).encode()).hexdigest()


def _read(store: Path) -> dict[str, list[str]]:
    # A damaged cache costs time, never a wrong result: its entries are found anew.
    try:
        known = json.loads(store.read_text())
        return {place: entry for place, entry in known.items() if len(entry) == 2}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
