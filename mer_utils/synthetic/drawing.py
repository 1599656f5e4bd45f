"""Drawing the clips of a data set into files, in this process or in several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from mer_utils.errors import MerError
from mer_utils.extras import cv2
from mer_utils.frames import clip_fingerprint
from mer_utils.machine import processes, refuse_unguarded
from mer_utils.synthetic import clips, motion, sheets
from mer_utils.synthetic.population import ClipPlan
from mer_utils.synthetic.settings import Settings, clip_rng, curves_of, face_key
from mer_utils.synthetic.stage import draw_drift

JPEG_QUALITY = 92


def draw_all(
    plans: list[ClipPlan], settings: Settings, folder: Path, workers: int, progress: bool
) -> list[dict[str, Any]]:
    """Draw every clip; return the ground truth, and each clip's `sha256`, in the plans' order."""
    jobs = _jobs(plans)
    done: dict[tuple[str, str], dict[str, Any]] = {}
    # None: a bar on a terminal only, not in a log.
    hidden = None if progress else True
    with tqdm(
        total=len(plans), desc=f"drawing {settings.dataset}", unit="clip", disable=hidden
    ) as bar:
        for rows in _run(jobs, settings, folder, workers):
            done.update({(row["subject"], row["clip"]): row for row in rows})
            bar.update(len(rows))
    return [done[row.subject, row.clip] for row in plans]


def _jobs(plans: list[ClipPlan], most: int = 6) -> list[list[ClipPlan]]:
    """Split the plans into runs of clips of one subject, whose face is then drawn once."""
    jobs: list[list[ClipPlan]] = []
    for row in plans:
        if jobs and jobs[-1][0].subject == row.subject and len(jobs[-1]) < most:
            jobs[-1].append(row)
        else:
            jobs.append([row])
    return jobs


def _run(
    jobs: list[list[ClipPlan]], settings: Settings, folder: Path, workers: int
) -> Iterator[list[dict[str, Any]]]:
    if workers <= 1:
        threads = cv2.getNumThreads()
        try:
            for job in jobs:
                yield _draw_clips(job, settings, folder)
        finally:
            cv2.setNumThreads(threads)
        return
    with processes(min(workers, len(jobs))) as pool:
        futures = [pool.submit(_draw_clips, job, settings, folder) for job in jobs]
        started = list((pool._processes or {}).values())
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            pool.shutdown()  # until then a process may have ended and its exit code be unknown
            refuse_unguarded(process.exitcode for process in started)
            raise MerError(
                "worker died",
                f"a process that drew clips into {folder} died",
                "processes that live, most often with enough memory",
                "use fewer workers, then give the same command again",
            ) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _draw_clips(rows: Iterable[ClipPlan], settings: Settings, folder: Path) -> list[dict[str, Any]]:
    """Draw some clips into `folder`; return their ground truth."""
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        return [_draw_clip(row, settings, folder) for row in rows]


def _draw_clip(row: ClipPlan, settings: Settings, folder: Path) -> dict[str, Any]:
    stage, rng = settings.stage, clip_rng(row, settings, 4)
    scale = stage.unit / motion.NOMINAL_UNIT
    curves = curves_of(row, settings)
    drift = draw_drift(curves.shape[1], rng, scale, settings.noise)
    who, _ = clips.rest_image(face_key(row, settings), stage)
    fields = motion.fields(who, row.units, stage.moving)
    where = folder / sheets.clip_folder(row, settings.layout)
    where.mkdir(parents=True)
    images = clips.frames(
        face_key(row, settings), fields, curves, drift, stage, rng, settings.noise
    )
    paths = []
    for number, image in enumerate(images, row.onset):
        ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        assert ok
        paths.append(where / sheets.frame_name(row, number, settings.layout))
        paths[-1].write_bytes(data.tobytes())
    peak = row.apex - row.onset
    amplitudes = fields.amplitudes(len(row.units)) * curves[:, peak]
    return {
        "dataset": row.dataset,
        "subject": row.subject,
        "clip": row.clip,
        "emotion": row.emotion,
        "shown": row.shown,
        "onset": row.onset,
        "true_apex": row.apex,
        "offset": row.offset,
        "action_unit": [unit.number for unit in row.units],
        "side": [unit.side for unit in row.units],
        "intensity": [max(unit.sides) for unit in row.units],
        "amplitude_px": [float(value) for value in amplitudes],
        "left_at_offset": [float(value) for value in curves[:, -1]],
        "drift_x_px": float(drift.x[peak]),
        "drift_y_px": float(drift.y[peak]),
        "drift_degrees": float(drift.degrees[peak]),
        "drift_scale": float(drift.scale[peak]),
        "sha256": clip_fingerprint(paths),
    }
