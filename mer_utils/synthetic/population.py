"""Who shows what, when: the rows of a made data set, before any pixel is drawn."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mer_utils.datasets import DATASETS, Published, Twin
from mer_utils.registry import unknown
from mer_utils.synthetic import emotions
from mer_utils.synthetic.durations import draw_durations
from mer_utils.synthetic.emotions import Unit
from mer_utils.synthetic.exact import Draw

#: Frames a phase would take where a clip shows only a part of it.
WHOLE_PHASE = 30
#: A smaller twin has no odd rows.
FEW_ROWS = 20


class Original(NamedTuple):
    """A data set of which twins are made: what is published, and what a twin imitates."""

    name: str
    facts: Published
    twin: Twin
    subject_format: str
    sheet_name: str | None
    codes: dict[str, str]


def original(dataset: str) -> Original:
    """Return the data set of that name, if twins of it can be made.

    Raises
    ------
    MerError
        ``unknown name``.
    """
    classes: dict[str, Any] = {
        name: known for name, known in DATASETS.items() if known.published and known.published.twin
    }
    if dataset not in classes:
        raise unknown("data set to make a twin of", dataset, classes)
    known = classes[dataset]
    sheet_name, codes = getattr(known, "sheet_name", None), getattr(known, "codes", {})
    facts: Published = known.published
    assert facts.twin is not None
    return Original(dataset, facts, facts.twin, known.subject_format, sheet_name, codes)


@dataclass(frozen=True)
class ClipPlan:
    """One row of a made data set.

    ``person`` and ``number`` count subjects and a subject's clips from 1. ``onset``, ``apex``
    and ``offset`` are frame numbers, both ends inclusive; ``apex`` is the true one and
    ``noted_apex`` what the sheet says (None: "/"). ``rise`` and ``fall`` are the frames that
    the whole phases take.
    """

    dataset: str
    person: int
    number: int
    subject: str
    clip: str
    emotion: str
    shown: str
    onset: int
    apex: int
    offset: int
    noted_apex: int | None
    rise: int
    fall: int
    units: tuple[Unit, ...]
    noted_units: str

    @property
    def n_frames(self) -> int:
        """Number of frames, onset and offset included."""
        return self.offset - self.onset + 1


def plan(
    dataset: str, subjects: int | None, clips_per_subject: int, seed: int, noise: float
) -> list[ClipPlan]:
    """Draw a data set's rows, sorted by subject and clip.

    With ``subjects=None`` the published numbers of subjects and of clips per class hold, and
    the published quirks sit at their published keys. Otherwise a subject has
    `clips_per_subject` clips on average, subjects and classes as unequal as those of the full
    twin; some have one more outside the data set's default scheme.
    """
    known = original(dataset)
    full = subjects is None
    rng = Draw(seed, known.twin.number, 0, 0, 1)
    names = _subject_names(known, subjects or len(known.facts.subjects))
    cast = (
        _full_cast(known, rng) if full else _small_cast(known, len(names), clips_per_subject, rng)
    )
    assert known.facts.durations is not None
    total = sum(len(words) for words in cast)
    lengths = iter(draw_durations(known.facts.durations, total, rng))
    plans = []
    for person, (subject, words) in enumerate(zip(names, cast, strict=True), 1):
        clip_names = _clip_names(known, subject, words, rng, full=full)
        for number, (clip, word) in enumerate(zip(clip_names, words, strict=True), 1):
            own = Draw(seed, known.twin.number, person, number, 2)
            plans.append(
                ClipPlan(
                    dataset, person, number, subject, clip, word,
                    **_drawn(known, word, own, noise, *next(lengths)),
                )
            )  # fmt: skip
    plans = _quirks(known, plans, rng, full=full)
    return sorted(plans, key=lambda row: (row.subject, row.clip))


def _subject_names(known: Original, n: int) -> list[str]:
    """Return n subject names in the data set's style, continuing past the published ones."""
    names = list(known.facts.subjects[:n])
    return names + [known.subject_format.format(38 + i) for i in range(n - len(names))]


def _drawn(
    known: Original, word: str, rng: Draw, noise: float, rise: int, fall: int
) -> dict[str, Any]:
    """Draw what one clip shows, from the clip's own generator."""
    shown = word
    if word in known.twin.shown:
        shown = rng.choice(known.twin.shown[word])
    units = emotions.draw_units(shown, rng, noise)
    onset = rng.integers(*known.twin.onset_range)
    letters = known.name == "samm" and rng.random() < 0.2
    apex = onset + rise
    return {
        "shown": shown,
        "onset": onset,
        "apex": apex,
        "offset": apex + fall,
        "noted_apex": apex,
        "rise": max(rise, 1),
        "fall": max(fall, 1),
        "units": units,
        "noted_units": emotions.notation(units, letters=letters),
    }


def _small_cast(known: Original, subjects: int, clips: int, rng: Draw) -> list[list[str]]:
    """Deal `clips` a subject on average, to subjects and of classes as unequal as the full twin's.

    Each class goes to two subjects first, if there are as many clips, so that whoever is held
    out, it can be learnt; the rest is dealt at random.
    """
    classes, total = known.twin.classes, subjects * clips
    # How many clips the first, second, ... part of the full twin's subjects have.
    ranked = sorted(n for n in known.twin.clips for _ in range(subjects))
    size = len(known.twin.clips)
    weights = [sum(ranked[i * size : (i + 1) * size]) for i in range(subjects)]
    room = rng.permutation(_shares(total, weights, least=1))
    counts = _shares(total, [known.facts.emotions[word] for word in classes], least=2)
    left = dict(zip(classes, counts, strict=True))
    cast: list[list[str]] = [[] for _ in range(subjects)]
    for word in sorted(classes, key=lambda word: left[word]):
        # To those with most room, so that there is room for the last class too.
        for person in sorted(range(subjects), key=lambda i: len(cast[i]) - room[i])[:2]:
            if left[word] and len(cast[person]) < room[person]:
                left[word] -= 1
                cast[person].append(word)
    pool = rng.permutation([word for word in classes for _ in range(left[word])])
    outside = [word for word in known.facts.emotions if word not in classes]
    for person, words in enumerate(cast):
        words += [pool.pop() for _ in range(room[person] - len(words))]
        if outside and person < 3:
            words.append(outside[person % len(outside)])
    return [rng.permutation(words) for words in cast]


def _shares(total: int, weights: Sequence[int], least: int) -> list[int]:
    """Divide a number in proportion to weights, each share at least `least` if there is so much."""
    least, whole = min(least, total // len(weights)), sum(weights)
    shares = [max(least, total * weight // whole) for weight in weights]
    while (lack := total - sum(shares)) != 0:
        short = [total * w - s * whole for w, s in zip(weights, shares, strict=True)]
        open_to = [i for i, share in enumerate(shares) if lack > 0 or share > least]
        at = max(open_to, key=lambda i: short[i] if lack > 0 else -short[i])
        shares[at] += 1 if lack > 0 else -1
    return shares


def _full_cast(known: Original, rng: Draw) -> list[list[str]]:
    """Deal the published class counts to the subjects.

    A subject named in ``twin.only`` has nothing but the emotions listed there; every other
    one has at least one of ``twin.key_emotions``, which gives the published numbers of
    subjects in the five-class and three-class schemes.
    """
    twin, subjects = known.twin, known.facts.subjects
    pool = Counter(known.facts.emotions)
    cast: list[list[str]] = [[] for _ in subjects]

    def take(person: int, allowed: Sequence[str]) -> None:
        words = [word for word in allowed if pool[word] > 0]
        word = rng.choice(words, [pool[word] for word in words])
        pool[word] -= 1
        cast[person].append(word)

    for person, subject in enumerate(subjects):
        if subject in twin.only:
            for _ in range(twin.clips[person]):
                take(person, twin.only[subject])
        else:
            forced = [word for (who, _), word in twin.forced.items() if who == subject]
            for word in forced:
                take(person, (word,))
            if not any(word in twin.key_emotions for word in forced):
                take(person, twin.key_emotions)
    open_to = [i for i, subject in enumerate(subjects) if subject not in twin.only]
    for person in open_to:
        for _ in range(twin.clips[person] - len(cast[person])):
            take(person, twin.classes)
    # What is left lies outside the scheme, or is the remainder of it.
    for word in sorted(pool.elements()):
        cast[rng.choice(open_to)].append(word)
    return cast


def _clip_names(
    known: Original, subject: str, words: list[str], rng: Draw, *, full: bool
) -> list[str]:
    """Name a subject's clips in the data set's style; published odd names first."""
    if known.codes:
        seen: Counter[str] = Counter()
        names = []
        for word in words:
            seen[word] += 1
            names.append(f"{subject}_{known.codes[word]}_{seen[word]:02d}")
        return names
    twin = known.twin
    names = [clip for who, clip in twin.forced if who == subject] if full else []
    if full:
        names += [clip for who, clip in twin.quirks if who == subject and clip not in names]
    names += twin.odd_names.get(subject, ()) if full or len(words) > 4 else ()
    names, many = names[: len(words)], len(words)
    while len(names) < len(words):
        if known.name == "casme2":
            suffix = "f" if rng.random() < 0.7 else ""
            name = f"EP{rng.integers(1, 20):02d}_{rng.integers(1, max(20, many)):02d}{suffix}"
        else:
            name = f"{subject}_{rng.integers(1, 8)}_{rng.integers(1, max(12, many))}"
        # The same name with and without "f" would be two clips that readers mix up.
        if name.rstrip("f") not in {other.rstrip("f") for other in names}:
            names.append(name)
    return names


def _quirks(known: Original, plans: list[ClipPlan], rng: Draw, *, full: bool) -> list[ClipPlan]:
    """Give the data set its odd rows: at the published keys, or a few in a small twin."""
    twin = known.twin
    if not full and len(plans) < FEW_ROWS:
        return plans
    quirks = dict(twin.quirks) if full else {}
    if not full and not known.codes:
        # The first two clips of the scheme's last class lose the apex and the fall.
        last = [(row.subject, row.clip) for row in plans if row.emotion == twin.classes[-1]]
        quirks = {last[0]: "missing", last[1]: ("fall", 0)}
    odd: dict[int, tuple[tuple[Unit, ...], str]] = {}
    for word, drawn, noted in twin.odd_units if full else twin.odd_units[:3]:
        spots = [i for i, row in enumerate(plans) if row.emotion == word and i not in odd]
        if spots:
            odd[rng.choice(spots)] = (emotions.parse(drawn), noted)
    made = []
    for i, row in enumerate(plans):
        if i in odd:
            # As strong as the units that the clip would have had.
            strength = math.fsum(unit.intensity for unit in row.units) / len(row.units)
            units = tuple(replace(unit, intensity=strength) for unit in odd[i][0])
            row = replace(row, units=units, noted_units=odd[i][1])
        made.append(_odd_frames(row, quirks.get((row.subject, row.clip))))
    return made


def _odd_frames(row: ClipPlan, quirk: Any) -> ClipPlan:
    """Apply one quirk of `Twin.quirks` to a row's frame numbers."""
    if quirk is None:
        return row
    if quirk == "missing":
        return replace(row, noted_apex=None)
    if len(quirk) == 3:
        onset, apex, offset = quirk
    elif quirk[0] == "rise":
        onset, apex = row.onset, row.onset + quirk[1]
        offset = apex + max(row.fall, WHOLE_PHASE)
    else:
        onset, apex = row.onset, row.onset + max(row.rise, WHOLE_PHASE)
        offset = apex + quirk[1]
    rise, fall = max(apex - onset, WHOLE_PHASE), max(offset - apex, WHOLE_PHASE)
    return replace(
        row, onset=onset, apex=apex, offset=offset, noted_apex=apex, rise=rise, fall=fall
    )
