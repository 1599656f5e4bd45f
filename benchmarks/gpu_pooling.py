"""Dynamic images on a GPU: many clips pooled at once, as a matrix product and in one pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.clock import best, on_device
from benchmarks.dynamic_images import largest_error
from benchmarks.record import Recorder
from mer_utils import dynamic_image as di
from mer_utils import synthetic

SECTION, CLIPS = "gpu", 32
# Of the image's range; a step of 8 bits is 4e-3. The library's product rounds its result to the
# 11 bits of a float16, the kernel adds in float32.
LARGEST_ERRORS = {"one pass": 1e-4}
OTHER_ERROR = 1e-3


def made_clips(clips: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (b, t, h, w, c), uint8, and each clip's apex: one made clip, moved about."""
    made = synthetic.make_clip("casme2", n_frames=(33, 33), frame_size=(size, size))
    frames = np.stack([np.roll(made.frames, shift, axis=2) for shift in range(clips)])
    return frames, 1 + np.arange(clips) % (len(made.frames) - 2)


def phase_weights(n: int, apex: int) -> np.ndarray:
    """Return the weights (3, n) of every phase, zero outside of it."""
    return np.stack(list(di.phase_weights(n, apex).values()))


def in_halves(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Write (b, 3, t) weights as sums of two float16 numbers, (b, 6, t), times a scale (b, 3, 1).

    A float16 keeps 11 bits, too few for the weights of a still pixel to cancel; two keep 22.
    Scaled so, no sum of bytes leaves the range of a float16.
    """
    scale = weights.abs().sum(2, keepdim=True) / 256
    high = (weights / scale).half()
    low = (weights / scale - high).half()
    return torch.cat([high, low], 1), scale.float()


def matrix_product(
    frames: torch.Tensor, halves: torch.Tensor, scale: torch.Tensor, clips_at_once: int
) -> torch.Tensor:
    """Pool (b, t, n) bytes: the library's matrix product, which needs the bytes as float16."""
    pooled = []
    for start in range(0, len(frames), clips_at_once):
        part = slice(start, start + clips_at_once)
        high, low = torch.bmm(halves[part], frames[part].half()).chunk(2, 1)
        pooled.append((high.float() + low) * scale[part])
    return torch.cat(pooled)


def pooling(recorder: Recorder, device: torch.device, *, quick: bool = False) -> None:
    """Record the speed of each form against that of a copy, and its error."""
    clips, apexes = made_clips(4 if quick else CLIPS, 32 if quick else 224)
    exact = np.stack(
        [
            np.stack(list(di.phase_dynamic_images(clip, int(apex)).values()))
            for clip, apex in zip(clips, apexes, strict=True)
        ]
    )
    held = torch.from_numpy(clips)
    held = held.pin_memory() if device.type == "cuda" else held
    frames = held.to(device).flatten(2)
    weights = torch.from_numpy(np.stack([phase_weights(clips.shape[1], a) for a in apexes]))
    forms = pooling_forms(frames, weights.to(device))
    copied = torch.empty_like(frames)
    times = best(
        {"copy": lambda: copied.copy_(frames), "sent": lambda: frames.copy_(held.flatten(2))}
        | forms,
        2 if quick else 10,
        on_device(device),
    )
    bandwidth = 2 * frames.nbytes / times["copy"]
    add = recorder.about(SECTION, " x ".join(map(str, clips.shape)))
    add("copy on the device, read and written", bandwidth / 1e9, "GB/s")
    fastest = min(forms, key=times.__getitem__)
    for name, form in forms.items():
        share = frames.nbytes / times[name] / bandwidth
        goal = 0.5 if name == fastest else None
        add(f"{name}, bytes read, of copy bandwidth", share, at_least=goal)
        pooled = form().cpu().numpy().reshape(exact.shape)
        error = max(largest_error(*both) for both in zip(pooled, exact, strict=True))
        goal = LARGEST_ERRORS.get(name, OTHER_ERROR)
        add(f"{name}, largest error", error, "of the range", at_most=goal)
    add(f"{fastest}, clips per second", len(frames) / times[fastest])
    add("sending the frames / pooling them", times["sent"] / times[fastest], "x")


def pooling_forms(
    frames: torch.Tensor, weights: torch.Tensor
) -> dict[str, Callable[[], torch.Tensor]]:
    """Return the ways to pool (b, t, n) bytes with (b, 3, t) weights that work here."""
    halves, scale = in_halves(weights)
    forms: dict[str, Callable[[], torch.Tensor]] = {
        "matrix product": lambda: matrix_product(frames, halves, scale, len(frames)),
        "matrix product, clip by clip": lambda: matrix_product(frames, halves, scale, 1),
    }
    try:
        from benchmarks.one_pass import one_pass

        singles = weights.float()
        one_pass(frames, singles)
        forms["one pass"] = lambda: one_pass(frames, singles)
    except Exception as error:  # without Triton, or a compiler, there is nothing to compile with
        print(f"The pooling kernel failed: {type(error).__name__}: {error}")
    return forms
