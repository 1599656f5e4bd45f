"""Dynamic images (DIs): against the plain form, the speed of reading, decoding, and the disk."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.clock import best, seconds
from benchmarks.machine import read_seconds
from benchmarks.record import Recorder
from mer_utils import dynamic_image as di
from mer_utils import synthetic, views
from mer_utils.datasets import Casme2, clip_frames
from mer_utils.frames import read_frames
from mer_utils.phases import PHASES
from mer_utils.synthetic.drawing import JPEG_QUALITY

SECTION = "dynamic images"
SIZES = ((224, 224), (640, 480))
# Of the image's range, float32 against float64; a step of 8 bits is 4e-3.
LARGEST_ERROR = 1e-5
REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def plain(frames: np.ndarray) -> np.ndarray:
    """The straightforward NumPy form: split channels, broadcast over all frames, sum."""
    weights = di.rank_pooling_weights(len(frames)).reshape(-1, 1, 1)
    channels = [frames[..., c] for c in range(frames.shape[-1])]
    return np.stack([(channel * weights).sum(axis=0) for channel in channels], axis=-1)


def plain_copied(frames: np.ndarray) -> np.ndarray:
    """The same on contiguous copies of the channels, as the Python port that is copied about."""
    weights = di.rank_pooling_weights(len(frames)).reshape(-1, 1, 1)
    split = [cv2.split(frame) for frame in frames]
    channels = [np.array(channel) for channel in zip(*split, strict=True)]
    return np.stack([(channel * weights).sum(axis=0) for channel in channels], axis=-1)


def largest_error(ours: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest difference relative to the range of the exact image."""
    return float(np.abs(ours - exact).max() / np.ptp(exact))


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Measure all of this section with one thread, but for what says otherwise."""
    with threadpool_limits(1):
        for width, height in ((64, 48),) if quick else SIZES:
            _pooling(recorder, width, height, rounds=3 if quick else 15)
        with tempfile.TemporaryDirectory() as folder:
            size = (2, 2) if quick else (None, None)  # the full-size twin
            root = synthetic.write(
                "casme2",
                Path(folder) / "twin",
                subjects=size[0],
                clips_per_subject=size[1],
                workers=2,
            )
            from_disk(recorder, root, Path(folder), quick=quick)


def _pooling(recorder: Recorder, width: int, height: int, rounds: int) -> None:
    made = synthetic.make_clip("casme2", n_frames=(33, 33), frame_size=(width, height))
    frames, apex = np.ascontiguousarray(made.frames), made.apex
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    coded = [cv2.imencode(".jpg", f[..., ::-1], options)[1] for f in frames]
    ours, exact, copied = di.dynamic_image(frames), plain(frames), np.empty_like(frames)
    error = largest_error(ours, exact)
    if error > LARGEST_ERROR or largest_error(ours, plain_copied(frames)) > LARGEST_ERROR:
        raise AssertionError(f"ours differs from the plain form by {error} of the range")
    times = best(
        {
            "plain": lambda: plain(frames),
            "copied": lambda: plain_copied(frames),
            "one": lambda: di.dynamic_image(frames),
            "three": lambda: di.phase_dynamic_images(frames, apex),
            "decode": lambda: [cv2.imdecode(data, cv2.IMREAD_COLOR) for data in coded],
            "copy": lambda: np.copyto(copied, frames),
        },
        rounds,
    )
    read = read_seconds(frames, rounds)
    one, three = times["one"], times["three"]
    add = recorder.about(SECTION, " x ".join(map(str, frames.shape)))
    add("one phase", 1e3 * one, "ms")
    add("largest error", error, "of the range", at_most=LARGEST_ERROR)
    add("plain form / ours", times["plain"] / one, "x", at_least=8)
    add("plain form on copied channels / ours", times["copied"] / one, "x")
    add("plain form, three times / ours, three", 3 * times["plain"] / three, "x")
    add("three phases / one", three / one, "x", at_most=1.5)
    add("one phase / JPEG decoding", one / times["decode"], "x", at_most=0.1)
    add("three phases / JPEG decoding", three / times["decode"], "x", at_most=0.1)
    add("one phase / reading the bytes", one / read, "x")
    add("one phase / copying the bytes", one / times["copy"], "x")
    for name, phases in (("one phase", PHASES[:1]), ("three phases", PHASES)):
        tracemalloc.start()
        di.phase_dynamic_images(frames, apex, views=phases)
        peak = tracemalloc.get_traced_memory()[1] / ours.nbytes / len(phases)
        tracemalloc.stop()
        add(f"memory of {name}", peak, "images per phase", at_most=1.5)


def from_disk(recorder: Recorder, root: Path, folder: Path, *, quick: bool) -> None:
    """Measure JPEG files to views, the view cache, and decoding straight to a smaller size."""
    clips = Casme2(root).clips()
    source = views.Source(clips, "benchmark")
    found = [clip_frames(row) for row in clips.itertuples()]
    paths = [path for clip in found for path in clip.paths]
    for path in paths:  # into the system's cache: the processor is measured, not the disk
        path.read_bytes()
    options = views.ViewOptions(image_size=64)

    def decode(threads: int) -> None:
        # Frames are let go at once: holding them would time the memory too.
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda clip: deque(read_frames(clip.paths), maxlen=0), found))

    def build(name: str, threads: int) -> views.Views:
        cache = folder / name
        return views.load(source, options, views=PHASES, cache=cache, workers=threads)

    rounds = range(1 if quick else 3)
    one, two = (min(seconds(lambda n=n: decode(n)) for _ in rounds) for n in (1, 2))
    made = {n: min(seconds(lambda n=n, i=i: build(f"{n}-{i}", n)) for i in rounds) for n in (1, 2)}
    again = best({"open": lambda: build("1-0", 1)}, 3)["open"]
    mapped = isinstance(build("1-0", 1).images["full"], np.memmap)
    add = recorder.about(SECTION, f"{len(clips)} clips, {len(paths):,} frames")
    add("decoding, one thread", len(paths) / one, "frames per second")
    add("decoding, 2 threads / one", one / two, "x")
    add("views, one thread, of decoding speed", one / made[1], at_least=0.9)
    add("views, 2 threads, of twice decoding", one / 2 / made[2], at_least=0.9)
    add("view cache / decoding, 2 threads", made[2] / two, "x", at_most=1.15)
    add("opening the cache / building it", again / made[2], "x", at_most=0.01)
    add("read back as a memory map", mapped, at_least=1)
    _reduced(recorder, found[: 3 if quick else 20])


def _reduced(recorder: Recorder, found: list) -> None:
    """Decode at 1/2, 1/4, 1/8 in the codec itself; compare time and views with full decoding."""
    coded = [[np.fromfile(path, np.uint8) for path in clip.paths] for clip in found]

    def decoded(flag: int) -> list[np.ndarray]:
        return [np.stack([cv2.imdecode(data, flag) for data in clip]) for clip in coded]

    flags = {1: cv2.IMREAD_COLOR, **REDUCED}
    times = best({str(n): lambda f=f: decoded(f) for n, f in flags.items()}, 3)
    whole = decoded(flags[1])
    for n, flag in REDUCED.items():
        small = decoded(flag)
        side = min(small[0].shape[1:3])
        add = recorder.about(SECTION, f"decoded at 1/{n}, shorter side {side} pixels")
        add("full decoding / reduced", times["1"] / times[str(n)], "x")
        for image_size in (size for size in (48, 112, 224) if size <= side):
            options = views.ViewOptions(image_size=image_size)
            errors = np.array(
                [
                    np.subtract(
                        *(views.clip_views(f, c.apex, options)["full"] for f in both), dtype=float
                    )
                    for c, *both in zip(found, small, whole, strict=True)
                ]
            )
            rms = float(np.sqrt(np.mean(np.square(errors))))
            add(f"RMS error of a view of {image_size}", rms, "grey levels")
            add(f"largest error of a view of {image_size}", np.abs(errors).max(), "grey levels")
