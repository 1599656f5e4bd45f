"""Rows of the picture grids, from a clip's frames: what `di_grid` and its like are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from mer_utils import dynamic_image as di


def di_row(title: str, frames: np.ndarray, apex: int | None) -> dict[str, Any]:
    """Make a row of `di_grid`: three frames and every phase's DI.

    Parameters
    ----------
    title : str
    frames : ndarray of shape (t, h, w, c), uint8
        The clip from onset to offset.
    apex : int or None
        Index of the apex into `frames` (0-based).

    Returns
    -------
    dict
        The DIs are mapped symmetrically: mid-grey is zero.
    """
    return {
        "title": title,
        "onset_frame": frames[0],
        "apex_frame": None if apex is None else frames[apex],
        "offset_frame": frames[-1],
        "dis": {
            phase: di.to_uint8(image, "symmetric")
            for phase, image in di.phase_dynamic_images(frames, apex).items()
        },
    }


def frames_row(title: str, frames: np.ndarray, apex: int) -> dict[str, Any]:
    """Make a row of `sample_frames`: onset, apex and offset."""
    chosen = [frames[0], frames[apex], frames[-1]]
    return {"title": title, "frames": chosen, "labels": ["onset", "apex", "offset"]}


def ported_row(title: str, frames: np.ndarray) -> dict[str, Any]:
    """Make a row of `ported_vs_right`; both DIs are mapped min to max."""
    return {
        "title": title,
        "mean_frame": frames.mean(axis=0).round().astype(np.uint8),
        "right": di.to_uint8(di.dynamic_image(frames, "bilen")),
        "ported": di.to_uint8(di.dynamic_image(frames, "ported")),
    }
