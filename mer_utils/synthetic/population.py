"""Who shows what, when: the rows of a made data set, before any pixel is drawn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from mer_utils.synthetic import emotions, published
from mer_utils.synthetic.emotions import Unit
from mer_utils.synthetic.published import DATASETS, Facts

#: Frames a phase would take where a clip shows only a part of it.
WHOLE_PHASE = 30


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
    the published quirks sit at their published keys. Otherwise every subject has
    `clips_per_subject` clips with the classes spread evenly, some subjects one more outside
    the data set's five-class scheme.
    """
    facts = DATASETS[dataset]
    rng = np.random.default_rng(np.random.SeedSequence([seed, facts.number, 0, 0, 1]))
    if subjects is None:
        names, cast = list(facts.subjects), _full_cast(facts, rng)
    else:
        names = published.subject_names(dataset, subjects)
        cast = _even_cast(facts, subjects, clips_per_subject, rng)
    total = sum(len(words) for words in cast)
    lengths = iter(facts.durations(total, rng))
    plans = []
    for person, (subject, words) in enumerate(zip(names, cast, strict=True), 1):
        clip_names = _clip_names(facts, subject, words, rng, full=subjects is None)
        for number, (clip, word) in enumerate(zip(clip_names, words, strict=True), 1):
            rise, fall = next(lengths)
            plans.append(_row(facts, seed, noise, person, number, subject, clip, word, rise, fall))
    plans = _quirks(facts, plans, rng, full=subjects is None, least=20)
    return sorted(plans, key=lambda row: (row.subject, row.clip))


def _row(
    facts: Facts,
    seed: int,
    noise: float,
    person: int,
    number: int,
    subject: str,
    clip: str,
    word: str,
    rise: int,
    fall: int,
) -> ClipPlan:
    """Draw what one clip shows, from the clip's own generator."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, facts.number, person, number, 2]))
    shown = word
    if word in published.SMIC_SHOWN:
        shown = str(rng.choice(published.SMIC_SHOWN[word]))
    units = emotions.draw_units(shown, rng, noise)
    onset = int(rng.integers(*facts.onset_range))
    letters = facts.name == "samm" and rng.random() < 0.2
    noted = emotions.notation(units, letters=letters)
    apex, offset = onset + rise, onset + rise + fall
    return ClipPlan(
        facts.name, person, number, subject, clip, word, shown, onset, apex, offset, apex,
        max(rise, 1), max(fall, 1), units, noted,
    )  # fmt: skip


def _even_cast(
    facts: Facts, subjects: int, clips: int, rng: np.random.Generator
) -> list[list[str]]:
    """Give each subject every class of the scheme as evenly as `clips` allows."""
    classes = list(facts.scheme)
    outside = [word for word in facts.counts if word not in classes]
    cast = []
    for person in range(subjects):
        words = [classes[(k + person) % len(classes)] for k in range(clips)]
        if outside and person < min(3, subjects):
            words.append(outside[person % len(outside)])
        cast.append([str(word) for word in rng.permutation(words)])
    return cast


def _full_cast(facts: Facts, rng: np.random.Generator) -> list[list[str]]:
    """Deal the published class counts to the subjects.

    A subject named in ``facts.only`` has nothing but the emotions listed there; every other
    one has at least one emotion of ``facts.key_emotions``, which gives the published numbers
    of subjects in the five-class and three-class schemes.
    """
    pool = Counter(facts.counts)
    cast: list[list[str]] = [[] for _ in facts.subjects]

    def take(person: int, allowed: tuple[str, ...]) -> None:
        words = [word for word in allowed if pool[word] > 0]
        weights = np.array([pool[word] for word in words], dtype=float)
        word = words[int(rng.choice(len(words), p=weights / weights.sum()))]
        pool[word] -= 1
        cast[person].append(word)

    for person, subject in enumerate(facts.subjects):
        if subject in facts.only:
            for _ in range(facts.clips[person]):
                take(person, facts.only[subject])
        else:
            forced = [word for (who, _), word in facts.forced.items() if who == subject]
            for word in forced:
                take(person, (word,))
            if not any(word in facts.key_emotions for word in forced):
                take(person, facts.key_emotions)
    for person, subject in enumerate(facts.subjects):
        free = facts.clips[person] - len(cast[person])
        for _ in range(free if subject not in facts.only else 0):
            take(person, tuple(facts.scheme))
    # What is left lies outside the scheme, or is the remainder of it.
    left = [word for word, n in sorted(pool.items()) for _ in range(n)]
    open_to = [i for i, subject in enumerate(facts.subjects) if subject not in facts.only]
    for word in left:
        cast[open_to[int(rng.integers(len(open_to)))]].append(word)
    return cast


def _clip_names(
    facts: Facts, subject: str, words: list[str], rng: np.random.Generator, *, full: bool
) -> list[str]:
    """Name a subject's clips in the data set's style; published odd names first."""
    if facts.name == "smic":
        seen: Counter[str] = Counter()
        names = []
        for word in words:
            seen[word] += 1
            short = {"negative": "ne", "positive": "po", "surprise": "sur"}[word]
            names.append(f"{subject}_{short}_{seen[word]:02d}")
        return names
    names = [clip for who, clip in facts.forced if who == subject] if full else []
    if full:
        names += [clip for who, clip in facts.quirks if who == subject and clip not in names]
    names += facts.odd_names.get(subject, ()) if full or len(words) > 4 else ()
    names = names[: len(words)]
    while len(names) < len(words):
        if facts.name == "casme2":
            suffix = "f" if rng.random() < 0.7 else ""
            name = f"EP{rng.integers(1, 20):02d}_{rng.integers(1, 20):02d}{suffix}"
        else:
            name = f"{subject}_{rng.integers(1, 8)}_{rng.integers(1, 12)}"
        # The same name with and without "f" would be two clips that readers mix up.
        if name.rstrip("f") not in {known.rstrip("f") for known in names}:
            names.append(name)
    return names


def _quirks(
    facts: Facts, plans: list[ClipPlan], rng: np.random.Generator, *, full: bool, least: int
) -> list[ClipPlan]:
    """Give the data set its odd rows: at the published keys, or a few in a small twin."""
    quirks = dict(facts.quirks) if full else {}
    if not full and len(plans) >= least and facts.name != "smic":
        # The first two clips of the scheme's last class lose the apex and the fall.
        last = [(row.subject, row.clip) for row in plans if row.emotion == facts.scheme[-1]]
        quirks = {last[0]: "missing", last[1]: ("fall", 0)}
    odd = {}
    if full or len(plans) >= least:
        taken: set[int] = set()
        for word, drawn, noted in facts.odd_units if full else facts.odd_units[:3]:
            spots = [i for i, row in enumerate(plans) if row.emotion == word and i not in taken]
            if spots:
                spot = spots[int(rng.integers(len(spots)))]
                taken.add(spot)
                odd[spot] = (emotions.parse(drawn), noted)
    made = []
    for i, row in enumerate(plans):
        if i in odd:
            units = tuple(_like(unit, row) for unit in odd[i][0])
            row = replace(row, units=units, noted_units=odd[i][1])
        made.append(_odd_frames(row, quirks.get((row.subject, row.clip))))
    return made


def _like(unit: Unit, row: ClipPlan) -> Unit:
    """Return `unit` as strong as the units that the clip would have had."""
    return replace(unit, intensity=float(np.mean([other.intensity for other in row.units])))


def _odd_frames(row: ClipPlan, quirk: object) -> ClipPlan:
    """Apply one quirk of `Facts.quirks` to a row's frame numbers."""
    if quirk is None:
        return row
    if quirk == "missing":
        return replace(row, noted_apex=None)
    if isinstance(quirk, tuple) and len(quirk) == 3:
        onset, apex, offset = quirk
    elif isinstance(quirk, tuple) and quirk[0] == "rise":
        onset = row.onset
        apex, offset = onset + quirk[1], onset + quirk[1] + max(row.fall, WHOLE_PHASE)
    else:
        assert isinstance(quirk, tuple)
        onset = row.onset
        apex = onset + max(row.rise, WHOLE_PHASE)
        offset = apex + quirk[1]
    return replace(
        row, onset=onset, apex=apex, offset=offset, noted_apex=apex,
        rise=max(apex - onset, WHOLE_PHASE), fall=max(offset - apex, WHOLE_PHASE),
    )  # fmt: skip
