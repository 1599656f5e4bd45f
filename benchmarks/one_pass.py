"""Every phase's dynamic image in one pass over the bytes of a batch of clips, on a GPU.

A matrix product (phases x frames) times (frames x values) has as few rows as a clip has phases,
so it waits for memory. A library's product wants both sides as floats, and writing them and
reading them again moves five times the bytes; this kernel turns bytes into floats in registers.

Tests run it in Triton's interpreter (TRITON_INTERPRET=1), which needs no GPU.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

# Values a program pools. Each thread of its four warps then reads 16 bytes of a frame at once.
BLOCK = 2048
# Frames under way at a time: the next ones are fetched while one is added.
STAGES = 6


@triton.jit
def _pool(frames, weights, pooled, n_frames, n_values, block: tl.constexpr, stages: tl.constexpr):
    clip = tl.program_id(1).to(tl.int64)
    value = tl.program_id(0) * block + tl.arange(0, block)
    inside = value < n_values
    frames += clip * n_frames * n_values + value
    weights += clip * 3 * n_frames
    full = tl.zeros((block,), tl.float32)
    first = tl.zeros((block,), tl.float32)
    second = tl.zeros((block,), tl.float32)
    for t in tl.range(0, n_frames, num_stages=stages):
        frame = tl.load(frames, mask=inside, other=0).to(tl.float32)
        full += tl.load(weights + t) * frame
        first += tl.load(weights + n_frames + t) * frame
        second += tl.load(weights + 2 * n_frames + t) * frame
        frames += n_values
    pooled += clip * 3 * n_values + value
    tl.store(pooled, full, mask=inside)
    tl.store(pooled + n_values, first, mask=inside)
    tl.store(pooled + 2 * n_values, second, mask=inside)


def one_pass(frames: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Pool (b, t, n) bytes with (b, 3, t) weights, float32; return (b, 3, n) float32."""
    clips, n_frames, n_values = frames.shape
    pooled = frames.new_empty((clips, 3, n_values), dtype=torch.float32)
    grid = (triton.cdiv(n_values, BLOCK), clips)
    _pool[grid](frames, weights, pooled, n_frames, n_values, BLOCK, STAGES)
    return pooled
