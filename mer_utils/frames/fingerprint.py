"""Fingerprints of data: what was annotated and every byte of the frames used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mer_utils.datasets import clip_frames
from mer_utils.files import atomic_write

# The columns that can change a prediction. Where the files lie (frames_dir) cannot.
_COLUMNS = ["dataset", "subject", "clip", "onset", "apex", "offset", "label", "fps"]


def clip_fingerprint(paths: Sequence[Path]) -> str:
    """Return the SHA-256 (hex) of the frames' bytes, in order."""
    digest = hashlib.sha256()
    for path in paths:
        data = Path(path).read_bytes()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def data_fingerprint(clips: pd.DataFrame, missing_frames: str, cache: Path) -> str:
    """Return the SHA-256 (hex) of a clip table and of the bytes of every frame it names.

    Parameters
    ----------
    clips : DataFrame
        The clip table of :func:`mer_utils.datasets.load`; for a manifest its images are read.
    missing_frames : str
        The rule by which frames were found, see :func:`mer_utils.datasets.clip_frames`.
    cache : Path
        A folder. Reading every frame takes a while, so each clip's fingerprint is kept
        there under its files' names, sizes and modification times.

    Returns
    -------
    str
        The same on every machine that holds the same data.
    """
    digest = hashlib.sha256()
    columns = [c for c in _COLUMNS if c in clips]
    digest.update(clips[columns].astype(str).to_csv(index=False).encode())
    if "label" in clips and isinstance(clips["label"].dtype, pd.CategoricalDtype):
        digest.update(json.dumps(list(clips["label"].cat.categories)).encode())
    store = cache / "fingerprints.json"
    known: dict[str, str] = _read(store)
    found: dict[str, str] = {}
    for position, row in enumerate(clips.itertuples()):
        if "images" in clips:
            images: dict[str, str] = clips["images"].iloc[position]
            digest.update(json.dumps(sorted(images)).encode())
            paths = [Path(images[view]) for view in sorted(images)]
        else:
            paths = clip_frames(row, missing_frames=missing_frames).paths
        identity = _identity(paths)
        found[identity] = known.get(identity) or clip_fingerprint(paths)
        digest.update(found[identity].encode())
    if not found.keys() <= known.keys():
        with atomic_write(store) as temporary:
            temporary.write_text(json.dumps(known | found))
    return digest.hexdigest()


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
