"""The fingerprint of data: what was annotated and every byte of the frames used."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from mer_utils.datasets.rules import clip_files
from mer_utils.frames import FrameFile, fingerprints
from mer_utils.frames.layout import Listing
from mer_utils.frames.spotting import is_spotted

log = logging.getLogger(__name__)

#: Of the fingerprint itself: raised when the same data get another one.
_VERSION = 2
# The columns that can change a prediction. Where the files lie (frames_dir) cannot.
_COLUMNS = ["dataset", "subject", "clip", "onset", "apex", "offset", "label", "fps"]


def data_fingerprint(
    clips: pd.DataFrame,
    cache: Path | None = None,
    drawn: Mapping[str, tuple[str, str]] | None = None,
    listed: Mapping[Path, Listing] = MappingProxyType({}),
) -> str:
    """Return the SHA-256 (hex) of a clip table and of the bytes of every frame or image it names.

    It is the same on every machine that holds the same data; for `cache` see
    :func:`mer_utils.frames.fingerprints`. Of made clips `drawn` says, by the folder, what the
    bytes were when they were drawn and the name of what was drawn: while they are so, the name
    counts in their place. What folders hold is `listed`, or looked at now.
    """
    columns = [c for c in _COLUMNS if c in clips]
    # How an apex is spotted, the frames and its rule say; any other stands in the table.
    if "apex_source" in clips and clips["apex_source"].map(is_spotted).any():
        columns.append("apex_source")
    rows = [list(map(_plain, row)) for row in clips[columns].itertuples(index=False)]
    classes = None
    if "label" in clips and isinstance(clips["label"].dtype, pd.CategoricalDtype):
        classes = list(map(str, clips["label"].cat.categories))
    digest = hashlib.sha256(json.dumps([_VERSION, columns, rows, classes]).encode())
    if "images" in clips:
        views = [sorted(images) for images in clips["images"]]
        paths: Iterable[Sequence[FrameFile | str]] = (
            [images[view] for view in names]
            for images, names in zip(clips["images"], views, strict=True)
        )
        prefixes = [json.dumps(names).encode() for names in views]
    else:
        paths = (clip_files(row, listed) for row in clips.to_dict("records"))
        prefixes = [b""] * len(clips)
    folders = clips["frames_dir"] if drawn else [""] * len(clips)
    changed = []
    for folder, prefix, found in zip(folders, prefixes, fingerprints(paths, cache), strict=True):
        was, name = (drawn or {}).get(folder, ("", ""))
        changed += [folder] * (was not in ("", found))
        digest.update(prefix + (name if was == found else found).encode())
    if changed:
        log.warning(
            "%d made clips are not as they were drawn, the first in %s; they count as other data",
            len(changed),
            changed[0],
        )
    return digest.hexdigest()


def _plain(value: Any) -> str | int | float | None:
    """Return a cell as JSON holds it, whatever type pandas gave it."""
    if pd.isna(value):
        return None
    if isinstance(value, str | int | float):
        return value
    return str(value) if not hasattr(value, "item") else value.item()
