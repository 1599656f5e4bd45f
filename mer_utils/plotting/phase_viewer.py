"""The phase viewer: play a clip, move its onset, apex and offset, watch the DIs build up.

Readers can also open a clip of their own in it, and save the images.

A piece of HTML that needs no kernel, no network and no library: the frames travel inside
it as one JPEG sheet, and a small script computes the dynamic images from them.
"""

from __future__ import annotations

import base64
import json
from typing import Literal

import numpy as np

from mer_utils.dynamic_image import phase_dynamic_images, to_uint8
from mer_utils.errors import MerError
from mer_utils.extras import cv2
from mer_utils.plotting.markup import Markup, check_id, escape, script
from mer_utils.plotting.style import PHASE_TITLES

MAX_SIDE = 112  # pixels; the viewer's page has to stay light
MAX_BYTES = 1_400_000
QUALITIES = (90, 80, 70, 60)  # JPEG, the first that fits into MAX_BYTES


def phase_viewer(
    frames: np.ndarray,
    apex: int,
    fps: float = 200.0,
    element_id: str = "phase-viewer",
    *,
    title: str = "One clip and its phases",
    first_frame: int = 0,
    fall: Literal["forward", "backward"] = "forward",
    playing: bool = False,
) -> Markup:
    """Return an interactive viewer of one clip, its phases and their dynamic images.

    Parameters
    ----------
    frames : ndarray of shape (t, h, w, c) or (t, h, w), uint8
        The clip from onset to offset, at least three frames, RGB or grey; shrunk to at
        most 112 pixels per side.
    apex : int
        Index of the apex into `frames` (0-based).
    fps : float
        Frames a second of the recording.
    element_id : str
        Id of the outermost element; one page must not use it twice.
    title : str
        Heading of the viewer, such as the clip's name and emotion.
    first_frame : int
        The data set's own number of ``frames[0]``; only changes the numbers shown.
    fall : {"forward", "backward"}
        Whether the fall is pooled in the order of time at first; the reader can switch.
    playing : bool
        Whether the clip plays once by itself, where the reader's system wants motion.

    Returns
    -------
    Markup
        HTML, at most 1.5 MB, the same bytes for the same input.
    """
    check_id(element_id)
    clip = _small(_checked(frames, apex, fps))
    sprite, columns, pitch = _sprite(clip)
    data = {
        "count": len(clip),
        "width": clip.shape[2],
        "height": clip.shape[1],
        "columns": columns,
        "pitch": pitch,
        "onset": 0,
        "apex": int(apex),
        "offset": len(clip) - 1,
        "first": int(first_frame),
        "fps": float(fps),
        "playing": playing,
        "sprite": sprite,
    }
    embedded = json.dumps(data, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")
    return Markup(
        f'<div class="mer-figure mer-phase-viewer" id="{element_id}" role="group" '
        f'aria-labelledby="{element_id}-title">\n<style>{script("interactive.css")}</style>\n'
        f'<p id="{element_id}-title"><strong data-part="title">{escape(title)}</strong></p>\n'
        f"<noscript>{_fallback(clip, apex, title)}</noscript>\n"
        f"{_body(element_id, data, fall)}\n"
        f'<script type="application/json">{embedded}</script>\n'
        f"<script>{script('phase_viewer.js')}</script>\n</div>"
    )


def _checked(frames: np.ndarray, apex: int, fps: float) -> np.ndarray:
    """Return the clip as RGB (t, h, w, 3) uint8, or raise."""
    clip = np.asarray(frames)
    if clip.ndim == 3:
        clip = clip[..., None]
    if clip.ndim != 4 or clip.dtype != np.uint8 or clip.shape[-1] not in (1, 3) or len(clip) < 3:
        raise MerError(
            "bad frames",
            f"frames of type {clip.dtype} and shape {np.shape(frames)} are no clip to view",
            "a uint8 array (t, h, w, 1) or (t, h, w, 3) of at least three frames",
            "pass the frames of one clip as the frames room reads them",
        )
    if not 0 <= apex < len(clip) or not fps > 0:
        raise MerError(
            "apex outside the clip",
            f"apex index {apex} at {fps} fps does not fit {len(clip)} frames",
            f"an index from 0 to {len(clip) - 1} and a positive frame rate",
            "count the apex from the onset, which has index 0",
        )
    return np.repeat(clip, 3, axis=-1) if clip.shape[-1] == 1 else clip


def _small(clip: np.ndarray) -> np.ndarray:
    """Shrink a clip so that its longer side is at most `MAX_SIDE` pixels."""
    height, width = clip.shape[1:3]
    scale = min(1.0, MAX_SIDE / max(height, width))
    if scale == 1.0:
        return clip
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in clip])


def _jpeg(rgb: np.ndarray, quality: int) -> str:
    """Return an RGB image as a data URI; colours are not subsampled."""
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), options)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def _sprite(clip: np.ndarray) -> tuple[str, int, tuple[int, int]]:
    """Return all frames as one sheet (a data URI), its columns and its (x, y) pitch.

    The pitch is a multiple of JPEG's 8-pixel blocks: a still pixel then has the same coding
    error in every frame, and the dynamic image of a still clip stays exactly zero.
    """
    count, height, width, channels = clip.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    tall, wide = -(-height // 8) * 8, -(-width // 8) * 8
    padded = np.pad(clip, ((0, 0), (0, tall - height), (0, wide - width), (0, 0)), mode="edge")
    sheet = np.zeros((rows * tall, columns * wide, channels), np.uint8)
    for k, frame in enumerate(padded):
        y, x = k // columns * tall, k % columns * wide
        sheet[y : y + tall, x : x + wide] = frame
    for quality in QUALITIES:
        uri = _jpeg(sheet, quality)
        if len(uri) <= MAX_BYTES:
            return uri, columns, (wide, tall)
    raise MerError(
        "bad frames",
        f"a clip of {count} frames makes a viewer of {len(uri):,} bytes",
        f"at most {MAX_BYTES:,} bytes",
        "pass fewer frames, for instance every second one",
    )


def _fallback(clip: np.ndarray, apex: int, title: str) -> str:
    """Return a still picture of the clip for readers without scripts."""
    tiles = [clip[0], clip[apex], clip[-1]]
    images = phase_dynamic_images(clip, apex)
    tiles += [to_uint8(image, mode="symmetric") for image in images.values()]
    words = ["onset frame", "apex frame", "offset frame"]
    words += [f"dynamic image {PHASE_TITLES[phase]}" for phase in images]
    gap = np.full((clip.shape[1], 4, 3), 255, np.uint8)
    strip = np.hstack([piece for tile in tiles for piece in (tile, gap)][:-1])
    alt = escape(f"{title}: {', '.join(words)}")
    return (
        f'<p>From left to right: {", ".join(words)}.</p><img src="{_jpeg(strip, 85)}" '
        f'alt="{alt}" style="width:100%;max-width:{strip.shape[1]}px;height:auto">'
    )


def _body(element_id: str, data: dict[str, object], fall: str) -> str:
    """Return the controls, hidden until the script shows them."""
    width, height = data["width"], data["height"]
    first, count = int(str(data["first"])), int(str(data["count"]))
    tiles = [("frame", "Frame", "--line")]
    tiles += [(phase, PHASE_TITLES[phase].capitalize(), f"--{phase}") for phase in PHASE_TITLES]
    canvases = "".join(
        f'<div><canvas data-part="canvas-{name}" width="{width}" height="{height}" role="img" '
        f'aria-label="{label}" style="--tile:var({colour})"></canvas><strong>{label}</strong>'
        f'<span class="mer-note" data-part="text-{name}"></span></div>'
        for name, label, colour in tiles
    )
    labels = {"onset": "Onset", "apex": "Apex", "offset": "Offset", "frame": "Frame shown"}
    sliders = "".join(
        f'<div><label for="{element_id}-{name}">{label} <output data-part="out-{name}" '
        f'for="{element_id}-{name}"></output></label><input type="range" '
        f'id="{element_id}-{name}" data-part="{name}" min="{first}" max="{first + count - 1}" '
        f'step="1" value="{first}"></div>'
        for name, label in labels.items()
    )
    selects = _selects(element_id, float(str(data["fps"])), fall)
    return (
        f'<div data-part="body" hidden>\n<div class="mer-tiles">{canvases}</div>\n'
        f'<div class="mer-sliders">{sliders}</div>\n<div class="mer-row"><div class="mer-row">'
        '<button type="button" data-part="play">Play</button>'
        '<button type="button" data-part="reset">Reset</button>'
        '<button type="button" data-part="save">Save as PNG</button></div>'
        f'<div class="mer-row mer-filters">{selects}</div></div>\n'
        '<p class="mer-note">Weight of each frame in each phase; solid bars are the frames '
        "already in the dynamic image.</p>\n"
        '<div data-part="plot" role="img" aria-label="Rank-pooling weights"></div>\n'
        '<p class="mer-note" data-part="status" role="status"></p>\n'
        f'<label for="{element_id}-files">Your own clip: a video, or its frames as pictures</label>'
        f'<input type="file" id="{element_id}-files" data-part="files" multiple '
        'accept="video/*,image/*">\n<p class="mer-note" data-part="own" role="status">Choose '
        "files, or drop them here. They are read in this page and leave your machine nowhere."
        "</p>\n</div>"
    )


def _selects(element_id: str, fps: float, fall: str) -> str:
    speeds = {"0.05": "20× slower", "0.1": "10× slower", "0.25": "4× slower"}
    speeds["1"] = f"real time, {fps:g} fps"
    return "".join(
        f'<div><label for="{element_id}-{name}">{label}</label><select id="{element_id}-{name}" '
        f'data-part="{name}">{"".join(_option(v, w, chosen) for v, w in options.items())}'
        "</select></div>"
        for name, label, chosen, options in (
            ("speed", "Speed", "0.1", speeds),
            (
                "kind",
                "Weights",
                "bilen",
                {
                    "bilen": "bilen (sum 0)",
                    "linear": "linear (sum 0)",
                    "ported": "ported (sum N)",
                },
            ),
            (
                "fall",
                "Fall",
                fall,
                {"forward": "in the order of time", "backward": "backwards: offset to apex"},
            ),
            (
                "build",
                "Build up",
                "sofar",
                {"sofar": "DI of the frames so far", "running": "running weighted sum"},
            ),
        )
    )


def _option(value: str, words: str, chosen: str) -> str:
    selected = " selected" if value == chosen else ""
    return f'<option value="{value}"{selected}>{words}</option>'
