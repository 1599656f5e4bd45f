"""Annotations moved on purpose, to see what depends on them."""

from __future__ import annotations

import hashlib
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from mer_utils.frozen import Frozen
from mer_utils.phases import midpoint_apex


class Span(NamedTuple):
    """What is pooled of a clip's frames: ``frames[start:stop]``, and the apex within them."""

    start: int
    stop: int
    apex: int | None


class Perturbation(Frozen):
    """How the annotation of every clip is moved before its views are made.

    Parameters
    ----------
    apex_shift : int
        The apex is moved by a whole number of frames drawn from -apex_shift..apex_shift, all
        equally likely, and kept inside the clip.
    trim : int
        So many frames are cut off at the onset and at the offset. Two frames are left at
        least, and an apex that is cut off moves to the nearest frame that is left.
    cut : {"apex", "midpoint", "random"}
        Where the clip is cut into phases: at its apex, halfway, or at a frame drawn at random
        from all but the first and the last. Clips without an apex stay without.
    seed : int
        Of the numbers drawn, those of views with drawn ends among them. They depend on it and on
        the clip's key only.
    """

    apex_shift: int = Field(default=0, ge=0)
    trim: int = Field(default=0, ge=0)
    cut: Literal["apex", "midpoint", "random"] = "apex"
    seed: int = Field(default=0, ge=0)

    def apply(self, n: int, apex: int | None, key: str) -> Span:
        """Move the annotation of one clip.

        Parameters
        ----------
        n : int
            Number of frames, onset and offset included.
        apex : int or None
            Index of the apex (0-based), None where it is not known.
        key : str
            Of the clip: the same clip is moved the same way wherever it is asked for.

        Returns
        -------
        Span
            Its apex counts from its start.
        """
        rng = np.random.default_rng(self.seed_of(key))
        if apex is not None and self.cut == "midpoint":
            apex = midpoint_apex(0, n - 1)
        if apex is not None and self.cut == "random" and n > 2:
            apex = int(rng.integers(1, n - 1))
        if apex is not None and self.apex_shift:
            moved = apex + int(rng.integers(-self.apex_shift, self.apex_shift + 1))
            apex = min(max(moved, 0), n - 1)
        start = min(self.trim, (n - 2) // 2) if n > 2 else 0
        stop = n - start
        inside = None if apex is None else min(max(apex, start), stop - 1) - start
        return Span(start, stop, inside)

    def seed_of(self, key: str) -> list[int]:
        """Return the seed of what is drawn for the clip of this key."""
        digest = hashlib.sha256(key.encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
        return [self.seed, *words]
