"""Annotations moved on purpose, to see what depends on them."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from pydantic import Field, field_validator

from mer_utils.frames.spotting import RULE, complete_rule, is_spotted
from mer_utils.frozen import Frozen
from mer_utils.phases import midpoint_apex
from mer_utils.registry import unknown

CUTS = ("apex", "midpoint", "random")


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
    cut : {"apex", "midpoint", "random", "spotted"}
        Where the clip is cut into phases: at its apex, halfway, at a frame drawn at random
        from all but the first and the last, or where the apex is spotted, see
        `mer_utils.frames.spotting`. Clips without an apex stay without.
    seed : int
        Of the numbers drawn, those of views with drawn ends among them. They depend on it and on
        the clip's key only.
    """

    apex_shift: int = Field(default=0, ge=0)
    trim: int = Field(default=0, ge=0)
    cut: str = "apex"
    seed: int = Field(default=0, ge=0)

    @field_validator("cut")
    @classmethod
    def _known_cut(cls, value: str) -> str:
        if is_spotted(value):
            return complete_rule(value)
        if value not in CUTS:
            raise unknown("cut", value, (*CUTS, RULE))
        return value

    def apply(self, n: int, apex: int | None, key: str) -> Span:
        """Move the annotation of one clip.

        Parameters
        ----------
        n : int
            Number of frames, onset and offset included.
        apex : int or None
            Index of the apex (0-based), spotted if it is to be; None where it is not known.
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
