"""The fingerprint of data: what was annotated and every byte of the frames used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mer_utils.datasets.rules import clip_frames
from mer_utils.frames import FrameFile, fingerprints

# The columns that can change a prediction. Where the files lie (frames_dir) cannot.
_COLUMNS = ["dataset", "subject", "clip", "onset", "apex", "offset", "label", "fps"]


def data_fingerprint(clips: pd.DataFrame, cache: Path | None = None) -> str:
    """Return the SHA-256 (hex) of a clip table and of the bytes of every frame or image it names.

    It is the same on every machine that holds the same data; for `cache` see
    :func:`mer_utils.frames.fingerprints`.
    """
    digest = hashlib.sha256()
    columns = [c for c in _COLUMNS if c in clips]
    digest.update(clips[columns].astype(str).to_csv(index=False).encode())
    if "label" in clips and isinstance(clips["label"].dtype, pd.CategoricalDtype):
        digest.update(json.dumps(list(clips["label"].cat.categories)).encode())
    if "images" in clips:
        views = [sorted(images) for images in clips["images"]]
        paths: list[Sequence[FrameFile]] = [
            [Path(images[view]) for view in names]
            for images, names in zip(clips["images"], views, strict=True)
        ]
        prefixes = [json.dumps(names).encode() for names in views]
    else:
        paths = [clip_frames(row).paths for row in clips.itertuples()]
        prefixes = [b""] * len(paths)
    for prefix, found in zip(prefixes, fingerprints(paths, cache), strict=True):
        digest.update(prefix + found.encode())
    return digest.hexdigest()
