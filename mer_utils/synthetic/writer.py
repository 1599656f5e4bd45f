"""Writing a whole made data set: all of it or nothing, the same bytes for the same seed."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
from collections import Counter
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from mer_utils.datasets import SYNTHETIC_MARK, made_at
from mer_utils.errors import MerError
from mer_utils.extras import cv2, require
from mer_utils.files import cannot_write
from mer_utils.frames import clip_fingerprint
from mer_utils.synthetic import sheets
from mer_utils.synthetic.drawing import draw_all
from mer_utils.synthetic.dynamics import DEFAULT_FALL_INFORMATION, DEFAULT_PHASE_DIFFERENCE
from mer_utils.synthetic.population import ClipPlan
from mer_utils.synthetic.settings import GENERATOR_VERSION, Settings, make_settings
from mer_utils.synthetic.truth import GROUND_TRUTH

PART = ".part"
NOTICE = (
    "Drawn faces and made motion in the layout of a real data set. "
    "Results on these files are not evidence about faces."
)


def write(
    dataset: str,
    root: str | os.PathLike[str],
    *,
    subjects: int | None = None,
    clips_per_subject: int | None = None,
    seed: int = 0,
    phase_difference: float = DEFAULT_PHASE_DIFFERENCE,
    noise: float = 1.0,
    frame_size: tuple[int, int] | None = None,
    layout: str = "cropped",
    fall_information: float = DEFAULT_FALL_INFORMATION,
    workers: int = 1,
    progress: bool = False,
) -> Path:
    """Write a synthetic twin of a data set: frames, sheet and ground truth; return its root.

    The faces are drawn and the motion is made. Nothing measured on a twin is evidence about
    faces; it shows that code runs, and what the code does with motion that is known.

    Parameters
    ----------
    dataset : {"casme2", "samm", "smic"}
    root : path
        The folder to make. It must not exist, be empty, or hold this very twin.
    subjects : int, optional
        None: the published numbers of subjects, of clips per class and of odd rows.
    clips_per_subject : int, optional
        With `subjects`: clips of the default scheme's classes, on average (default 10). Subjects
        and classes are as unequal as the full-size twin's, every class with two subjects where
        there are clips enough; up to three subjects get one more outside those classes.
    seed : int
        The same arguments give the same bytes, whatever the number of workers.
    phase_difference : float
        How different fall and rise are, 0 to 1; see `dynamics.activation`.
    noise : float
        Scales head drift, flicker, sensor noise and the variation of action units.
    frame_size : tuple of int, optional
        Width and height in pixels; by default that of the data set's `Twin`.
    layout : {"cropped", "raw"}
        "raw" shows head and shoulders before a plain wall; SMIC-HS has "cropped" only.
    fall_information : float
        How much the fall says of the class beyond the rise, 0 to 1; see `dynamics.activation`.
        By default nothing: that real falls do is what the method hopes, and is not known.
    workers : int
        Processes to draw with.
    progress : bool
        Show a progress bar.

    Raises
    ------
    MerError
        ``unknown name``, ``invalid option``, ``cannot write``; ``other twin``, if `root` holds
        something else.
    """
    settings = make_settings(
        dataset, seed, subjects, clips_per_subject, phase_difference, noise, frame_size, layout,
        fall_information,
    )  # fmt: skip
    target = Path(root).absolute()
    if _is_done(target, settings):
        return target
    require("pyarrow", "stats")  # of the ground truth
    plans = settings.plans()
    prefix = f".{target.name}.{platform.node()}-{os.getpid()}-"
    part = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        part = target.parent / f"{prefix}{secrets.token_hex(4)}{PART}"
        part.mkdir()  # with the rights that the umask leaves
        rows = draw_all(plans, settings, part, workers, progress)
        sheets.write_sheet(dataset, plans, part)
        hashes = {
            sheets.clip_folder(plan, layout).as_posix(): row.pop("sha256")
            for plan, row in zip(plans, rows, strict=True)
        }
        pd.DataFrame(rows).to_parquet(part / GROUND_TRUTH, index=False)
        hashes[GROUND_TRUTH] = clip_fingerprint([part / GROUND_TRUTH])
        _write_manifest(part, settings, plans, hashes)
        try:
            os.rename(part, target)
        except OSError:
            # Another process may have finished the same twin meanwhile.
            if not _is_done(target, settings):
                raise
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
    return target


def outline(dataset: str, root: Path, **options: Any) -> Path:
    """Write what tells the clips of a twin, for counting them; tiny pictures stand for frames.

    It takes seconds where drawing takes minutes, and belongs in a folder that is soon removed.

    Parameters
    ----------
    dataset : {"casme2", "samm", "smic"}
    root : Path
        A folder that does not exist.
    **options
        As of `write`: subjects, clips_per_subject, seed, phase_difference, noise,
        fall_information.
    """
    given = {
        "seed": 0,
        "subjects": None,
        "clips_per_subject": None,
        "phase_difference": DEFAULT_PHASE_DIFFERENCE,
        "noise": 1.0,
        "frame_size": None,
        "layout": "cropped",
        **options,
    }
    settings = make_settings(dataset, **given)
    plans = settings.plans()
    root.mkdir(parents=True)
    picture = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    number = count()
    for row in plans:
        where = root / sheets.clip_folder(row)
        where.mkdir(parents=True)
        for frame in range(row.onset, row.offset + 1):
            # A comment in the file, so that no two are the same picture, of other twins neither.
            unlike = hashlib.sha256(f"{dataset} {next(number)}".encode()).digest()[:8]
            note = b"\xff\xfe" + (10).to_bytes(2, "big") + unlike
            path = where / sheets.frame_name(row, frame)
            path.write_bytes(picture[:2] + note + picture[2:])
    sheets.write_sheet(dataset, plans, root)
    _write_manifest(root, settings, plans, {})
    return root


def _sweep(target: Path) -> None:
    """Remove what killed processes of this machine left of `target`."""
    ours = f".{target.name}.{platform.node()}-"
    for left in target.parent.glob(f".*{PART}"):
        pid = left.name.removeprefix(ours).partition("-")[0]
        if left.name.startswith(ours) and pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _is_done(target: Path, settings: Settings) -> bool:
    """Return whether `target` holds this very twin; raise if it holds anything else."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return False
    found = made_at(target)
    if found is None:
        raise MerError(
            "other twin",
            f"{target} exists and is not a complete synthetic twin",
            "a folder that does not exist yet, or an empty one",
            "name another folder, or remove this one yourself",
        )
    if found.get("key") == settings.key:
        return True
    made = (found.get("generator_version"), found["arguments"])
    raise MerError(
        "other twin",
        f"{target} holds a synthetic twin made with other arguments or another generator",
        f"generator {GENERATOR_VERSION} with {settings.as_json()}, not {made}",
        "name another folder, or remove this one",
    )


def _write_manifest(
    folder: Path, settings: Settings, plans: list[ClipPlan], hashes: Mapping[str, str]
) -> None:
    """Write the file that makes a twin complete; it comes last.

    With the hashes of what was drawn, so that a file that is edited afterwards is noticed.
    """
    counts = {
        "subjects": len({row.subject for row in plans}),
        "clips": len(plans),
        "frames": sum(row.n_frames for row in plans),
        "emotions": dict(sorted(Counter(row.emotion for row in plans).items())),
    }
    text = json.dumps(
        {
            "notice": NOTICE,
            "generator_version": GENERATOR_VERSION,
            "dataset": settings.dataset,
            "seed": settings.seed,
            "arguments": settings.as_json(),
            "counts": counts,
            "key": settings.key,
            "sha256": hashes,
        },
        indent=2,
    )
    (folder / SYNTHETIC_MARK).write_text(text + "\n", "utf-8")
