"""What is published about a data set, and what its made twin imitates: one record each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Durations:
    """Frames per clip, onset and offset included: mean, sd, fewest, most; None where unpublished.

    `rise` and `fall` are (mean, sd) of the frames from onset to apex and from apex to offset.
    """

    mean: float | None
    sd: float | None
    fewest: int
    most: int
    rise: tuple[float, float] | None = None
    fall: tuple[float, float] | None = None


@dataclass(frozen=True)
class Twin:
    """What :mod:`mer_utils.synthetic` writes in a data set's place.

    Durations, classes and odd clips follow what is published; how many clips *each* subject
    has is published only as a range, so `clips` is made up to meet it and the totals.

    Parameters
    ----------
    number : int
        Of its own: it goes into the seed.
    clips : tuple of int
        Subject by subject, the clips within `classes` (all clips for a subject in `only`).
    classes, key_emotions : tuple of str
        The words of the default scheme, and those of which every subject has one.
    onset_range : (int, int)
        First frame numbers, the second excluded.
    frame_size, raw_size : (width, height) in pixels
        Of a face crop, and of head and shoulders; None where there is no such layout.
    raw_unit : float
        Pixels per half width of a face crop, in a frame of `raw_size`.
    folders, frames : mapping of str to str
        For each layout ("cropped", "raw") where a clip's frames lie and what they are called.
    grey : bool
        One channel instead of three.
    only : mapping of subject to emotions
        Subjects with no other emotions.
    forced : mapping of (subject, clip) to emotion
    quirks : mapping of (subject, clip)
        Where the full-size twin has a missing apex ("missing"), a phase of so many frames
        (("rise", n), ("fall", n)), or the published frame numbers themselves.
    odd_names : mapping of subject to clip names
    odd_units : tuple of (emotion, units drawn, what the sheet says)
    shown : mapping of emotion to emotions
        What a clip of a class that is no emotion may show.
    """

    number: int
    clips: tuple[int, ...]
    classes: tuple[str, ...]
    key_emotions: tuple[str, ...]
    onset_range: tuple[int, int]
    frame_size: tuple[int, int]
    folders: Mapping[str, str]
    frames: Mapping[str, str]
    raw_size: tuple[int, int] | None = None
    raw_unit: float = 0.0
    grey: bool = False
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    forced: Mapping[tuple[str, str], str] = field(default_factory=dict)
    quirks: Mapping[tuple[str, str], object] = field(default_factory=dict)
    odd_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    odd_units: tuple[tuple[str, str, str], ...] = ()
    shown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """What is published about a data set.

    Parameters
    ----------
    emotions : mapping of str to int
        Clips per emotion word, in lower case.
    fps : float
        Frames per second.
    scheme, missing_apex : str
        The label scheme, and the rule for a missing apex, when none is chosen.
    subjects : tuple of str
        Names, as far as they are published.
    shown : mapping of str to int
        Label scheme to the number of subjects with a clip in it.
    spellings : frozenset of str
        Further emotion words, of other editions of the sheet.
    durations : Durations, optional
    twin : Twin, optional
        None: no twin of it can be made.
    """

    emotions: Mapping[str, int]
    fps: float
    scheme: str
    subjects: tuple[str, ...] = ()
    shown: Mapping[str, int] = field(default_factory=dict)
    missing_apex: str = "skip_view"
    spellings: frozenset[str] = frozenset()
    durations: Durations | None = None
    twin: Twin | None = None

    @property
    def clips(self) -> int:
        """Number of clips."""
        return sum(self.emotions.values())

    @property
    def words(self) -> frozenset[str]:
        """Every emotion word that a sheet may use."""
        return self.spellings.union(self.emotions)
