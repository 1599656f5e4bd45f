"""The paper's method: a clip cut into phases, and the training sets that the phases make.

A clip runs from its onset to its offset, both included, and its *apex* is the frame of strongest
expression. A *phase* is a stretch of it: ``full`` (onset to offset), ``onset_apex`` (the rise) and
``apex_offset`` (the fall); the apex frame belongs to both halves. A *view* is what a dynamic image
(DI) shows: a phase in the order of time; ``offset_apex``, the fall in reverse time, whose DI has
the sign of the rise; or a control that shows no phase, such as the whole clip in reverse time. A
*training set* names the views of each clip that are trained on, all with the clip's label.
Everything here is a pure function of numbers and arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mer_utils.errors import MerError
from mer_utils.registry import Registry, unknown

PHASES = ("full", "onset_apex", "apex_offset")


class View(NamedTuple):
    """What an image shows of a clip.

    Parameters
    ----------
    phase : str
    reverse : bool
        Whether it is pooled from the end of the phase to its beginning.
    inverted : bool
        Whether its weights change sign, so that light stands for dark.
    drawn : int
        Not 0: start and end are drawn, each up to a quarter of the phase inside of it; equally
        for the same number.
    """

    phase: str
    reverse: bool = False
    inverted: bool = False
    drawn: int = 0

    def pooled(self, values: np.ndarray) -> np.ndarray:
        """Return the weights of its frames, in the order of time, from those of its pooling."""
        return (values[::-1] if self.reverse else values) * (-1 if self.inverted else 1)


#: The views by name: those of the phases, and the controls, which show the whole clip otherwise.
VIEWS = {
    **{phase: View(phase) for phase in PHASES},
    "offset_apex": View("apex_offset", reverse=True),
    "offset_onset": View("full", reverse=True),
    "inverted": View("full", inverted=True),
    "jittered_1": View("full", drawn=1),
    "jittered_2": View("full", drawn=2),
}


def phase_slices(n: int, apex: int | None) -> dict[str, slice]:
    """Return the frames of each phase that a clip has.

    Parameters
    ----------
    n : int
        Number of frames of the clip, onset and offset included.
    apex : int or None
        Index of the apex into the frames (0-based), or None where it is not known.

    Returns
    -------
    dict of str to slice
        A phase of fewer than two frames has no DI and is absent.

    Examples
    --------
    >>> phase_slices(5, apex=2)
    {'full': slice(0, 5, None), 'onset_apex': slice(0, 3, None), 'apex_offset': slice(2, 5, None)}
    >>> list(phase_slices(5, apex=4))
    ['full', 'onset_apex']
    """
    slices = {"full": slice(0, n)}
    if apex is not None:
        if not 0 <= apex < n:
            raise MerError(
                "apex outside the clip",
                f"apex index {apex} lies outside the {n} frames",
                f"an index from 0 to {n - 1}",
                "count the apex from the onset, which has index 0",
            )
        slices["onset_apex"] = slice(0, apex + 1)
        slices["apex_offset"] = slice(apex, n)
    return {phase: part for phase, part in slices.items() if part.stop - part.start >= 2}


def view_slices(
    phases: Mapping[str, slice], views: Iterable[str], seed: Sequence[int] = ()
) -> dict[str, slice]:
    """Return the frames that each view shows, of those views whose phase there is.

    Parameters
    ----------
    phases : mapping of str to slice
        As `phase_slices` returns them.
    views : iterable of str
        Of `VIEWS`.
    seed : sequence of int
        Of the clip; only views that draw their ends depend on it.

    Examples
    --------
    >>> view_slices(phase_slices(5, apex=2), ["full", "offset_apex"])
    {'full': slice(0, 5, None), 'offset_apex': slice(2, 5, None)}
    """
    found = {view: phases[VIEWS[view].phase] for view in views if VIEWS[view].phase in phases}
    for view, part in found.items():
        if VIEWS[view].drawn:
            rng = np.random.default_rng([*seed, VIEWS[view].drawn])
            start, stop = rng.integers(0, (part.stop - part.start) // 4 + 1, size=2)
            found[view] = slice(part.start + int(start), part.stop - int(stop))
    return found


def missing_phases(onset: int, apex: int | None, offset: int) -> tuple[str, ...]:
    """Return the phases of a clip that have no DI; its frame numbers include both ends.

    Examples
    --------
    >>> missing_phases(10, 10, 20), missing_phases(10, 20, 20), missing_phases(10, 19, 20)
    (('onset_apex',), ('apex_offset',), ())
    >>> missing_phases(10, None, 20)
    ('onset_apex', 'apex_offset')
    """
    there = phase_slices(offset - onset + 1, None if apex is None else apex - onset)
    return tuple(phase for phase in PHASES if phase not in there)


def midpoint_apex(onset: int, offset: int) -> int:
    """Return the frame halfway between onset and offset, the earlier of two.

    The only place that knows how a missing apex is filled.

    Examples
    --------
    >>> midpoint_apex(10, 20), midpoint_apex(10, 21)
    (15, 15)
    """
    return onset + (offset - onset) // 2


@dataclass(frozen=True)
class TrainingSet:
    """What is trained on: which views of each clip, under which name.

    Parameters
    ----------
    name : str
    views : tuple of str
        Of `VIEWS`; one named k times is shown k times per epoch.
    control : str
        The training set of as many images, none of them new; empty if there is none.
    """

    name: str
    views: tuple[str, ...]
    control: str = ""

    def __post_init__(self) -> None:
        require_views(self.views)


def require_views(views: tuple[str, ...]) -> None:
    """Refuse views that do not exist, and none at all.

    Raises
    ------
    MerError
        Of the kind ``unknown name`` or ``invalid option``.
    """
    for view in views:
        if view not in VIEWS:
            raise unknown("view", view, VIEWS)
    if not views:
        raise MerError(
            "invalid option", "a training set of no view", "one view at least", "name one"
        )


class TrainingSets(Registry[TrainingSet]):
    """The training sets by name; what has one set of views has one name."""

    def register(self, thing: TrainingSet) -> TrainingSet:
        """Add a training set.

        Raises
        ------
        MerError
            Of the kind ``taken name`` if the name or the very views are registered already.
        """
        other = self.named(thing.views)
        if other is not None and other.name != thing.name:
            raise MerError(
                "taken name",
                f"the views of {thing.name!r} are registered already, as {other.name!r}",
                "one name for one training set",
                "use that name",
            )
        return super().register(thing)

    def named(self, views: tuple[str, ...]) -> TrainingSet | None:
        """Return the training set of these views, None if it has no name."""
        return next((s for s in self.values() if s.views == tuple(views)), None)

    def find(self, wanted: str | tuple[str, ...]) -> TrainingSet:
        """Return a training set by name, or that of views named one by one.

        Examples
        --------
        >>> TRAINING_SETS.find("dual").views
        ('full', 'onset_apex', 'apex_offset')
        >>> TRAINING_SETS.find(("full", "full")).name, TRAINING_SETS.find(("offset_apex",)).name
        ('single twice', 'offset_apex')
        """
        if isinstance(wanted, str):
            return self[wanted]
        return self.named(wanted) or TrainingSet("+".join(wanted), tuple(wanted))


#: What networks are trained on, by name; one of your own joins them by ``register``.
TRAINING_SETS = TrainingSets(
    "training set",
    TrainingSet("single", ("full",)),
    TrainingSet("matched single", ("full", "full", "full")),
    TrainingSet("dual", ("full", "onset_apex", "apex_offset"), control="matched single"),
    TrainingSet("aligned", ("full", "onset_apex", "offset_apex"), control="matched single"),
    TrainingSet("inverted copy", ("full", "full", "inverted"), control="matched single"),
    TrainingSet("reversed copy", ("full", "full", "offset_onset"), control="matched single"),
    TrainingSet("jittered", ("full", "jittered_1", "jittered_2"), control="matched single"),
    TrainingSet("onset_apex only", ("onset_apex",), control="single"),
    TrainingSet("apex_offset only", ("apex_offset",), control="single"),
    TrainingSet("single twice", ("full", "full")),
    TrainingSet("halves", ("onset_apex", "apex_offset"), control="single twice"),
)


def training_images(
    images: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray],
    clips: np.ndarray,
    training: TrainingSet,
) -> tuple[np.ndarray, np.ndarray]:
    """Collect the images that a fold trains on.

    Every clip is shown as often as the training set has views, so that sets of as many views take
    as many steps, with the same clips in each: where a clip lacks a view it shows its full image
    instead, or else another that the training set names. One that has none of them is left out.

    Parameters
    ----------
    images : mapping of str to ndarray of shape (n, ...)
        The images of each view, one per clip of the table.
    present : mapping of str to ndarray of shape (n,), bool
        Which clips have that view.
    clips : ndarray of int
        Positions (0-based) of the fold's training clips.
    training : TrainingSet

    Returns
    -------
    images : ndarray of shape (m, ...)
    positions : ndarray of shape (m,), int
        The clip of each image, whose label it has.

    Raises
    ------
    MerError
        Of the kind ``invalid option`` if none of the clips has some view: what was trained would
        not be what its name says.
    """
    order = [v for v in dict.fromkeys(("full", *training.views)) if v in images]
    clips = clips[np.any([present[view][clips] for view in order], axis=0)]
    parts = []
    for view in training.views:
        lacking = ~present[view][clips]
        if lacking.all():
            raise MerError(
                "invalid option",
                f"{training.name!r} trains on the view {view}, which no training clip has",
                "some clips that have it",
                "train on views that the clips have; those of the phases need an apex",
            )
        shown = images[view][clips]
        for other in order:
            here = lacking & present[other][clips]
            shown[here] = images[other][clips[here]]
            lacking &= ~here
        parts.append(shown)
    return np.concatenate(parts), np.tile(clips, len(parts))
