"""Fingerprints of clips: every byte of their frames."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from mer_utils.files import atomic_write


def clip_fingerprint(paths: Sequence[Path]) -> str:
    """Return the SHA-256 (hex) of the frames' bytes, in order."""
    digest = hashlib.sha256()
    for path in paths:
        data = Path(path).read_bytes()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def fingerprints(clips: Sequence[Sequence[Path]], cache: Path | None = None) -> list[str]:
    """Return the fingerprint of each clip, given its frames.

    Reading every frame takes a while, so the folder `cache` keeps each clip's fingerprint under
    its files' names, sizes and modification times.
    """
    if cache is None:
        return [clip_fingerprint(paths) for paths in clips]
    store = cache / "fingerprints.json"
    known = _read(store)
    keys = [_identity(paths) for paths in clips]
    found = {
        key: known.get(key) or clip_fingerprint(paths)
        for key, paths in zip(keys, clips, strict=True)
    }
    if not found.keys() <= known.keys():
        with atomic_write(store) as temporary:
            temporary.write_text(json.dumps(known | found))
    return [found[key] for key in keys]


def _identity(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        status = path.stat()
        digest.update(f"{path}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _read(store: Path) -> dict[str, str]:
    # A damaged cache costs time, never a wrong result: its entries are found anew.
    try:
        return dict(json.loads(store.read_text()))
    except (OSError, ValueError):
        return {}
