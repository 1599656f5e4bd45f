"""What is published about the three data sets, as far as the made ones imitate it.

Numbers of subjects, clips and classes, durations and the keys of odd clips are published.
How many clips *each* subject has is published only as a range; the lists below are made up
to meet it and the totals. So are SAMM's and SMIC-HS's subject names beyond the published
ones, and SMIC-HS's durations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from scipy import special

Durations = Callable[[int, np.random.Generator], list[tuple[int, int]]]


@dataclass(frozen=True)
class Facts:
    """One data set's numbers.

    ``clips`` counts, subject by subject, the clips within ``scheme`` (all clips for a subject
    in ``only``). ``quirks`` says at which (subject, clip) the full-size twin has a missing
    apex ("missing"), a phase of a given number of frames ("rise", "fall"), or the published
    frame numbers themselves.
    """

    name: str
    number: int
    subjects: tuple[str, ...]
    clips: tuple[int, ...]
    counts: dict[str, int]
    scheme: tuple[str, ...]
    key_emotions: tuple[str, ...]
    onset_range: tuple[int, int]
    durations: Durations
    frame_size: tuple[int, int]
    fps: float
    grey: bool = False
    only: dict[str, tuple[str, ...]] = field(default_factory=dict)
    forced: dict[tuple[str, str], str] = field(default_factory=dict)
    quirks: dict[tuple[str, str], object] = field(default_factory=dict)
    odd_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: (emotion, units drawn, what the sheet says)
    odd_units: tuple[tuple[str, str, str], ...] = ()


def _strata(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n shuffled probabilities, one in each n-th of (0, 1)."""
    return (rng.permutation(n) + rng.uniform(0.05, 0.95, n)) / n


def gamma_durations(
    n: int,
    rng: np.random.Generator,
    rise: tuple[float, float],
    fall: tuple[float, float],
    total: tuple[int, int],
) -> list[tuple[int, int]]:
    """Draw n (rise, fall) from two gamma distributions of given mean and spread.

    The spreads published for CASME II agree with independent phases: 14.7 and 17.3 give
    22.7 for their sum, and 22.6 is published. Clips of a length outside `total` are
    stretched or cut to its ends, both phases alike.
    """
    parts = []
    for mean, spread in (rise, fall):
        shape = (mean / spread) ** 2
        parts.append(special.gammaincinv(shape, _strata(n, rng)) * mean / shape)
    drawn = []
    for a, b in zip(*parts, strict=True):
        frames = np.clip(a + b + 1, total[0] + 0.5, total[1] + 0.4)
        factor = (frames - 1) / (a + b)
        up = max(3, round(a * factor))
        drawn.append((up, max(3, round(frames - 1) - up)))
    return drawn


def beta_durations(
    n: int, rng: np.random.Generator, mean: float, spread: float, total: tuple[int, int]
) -> list[tuple[int, int]]:
    """Draw n (rise, fall) whose clip lengths have a mean and spread within a range.

    Lengths follow a beta distribution on `total`; the apex lies around the middle.
    """
    width = total[1] - total[0]
    m, v = (mean - total[0]) / width, (spread / width) ** 2
    size = m * (1 - m) / v - 1
    lengths = total[0] + width * special.betaincinv(m * size, (1 - m) * size, _strata(n, rng))
    share = special.betaincinv(8, 8, _strata(n, rng))
    drawn = []
    for length, part in zip(lengths, share, strict=True):
        frames = round(length)
        up = int(np.clip(round(part * (frames - 1)), 3, frames - 4))
        drawn.append((up, frames - 1 - up))
    return drawn


#: What a clip of SMIC-HS may show under its three classes.
SMIC_SHOWN: dict[str, tuple[str, ...]] = {
    "positive": ("happiness",),
    "negative": ("disgust", "anger", "sadness", "fear"),
}

CASME2 = Facts(
    name="casme2",
    number=1,
    subjects=tuple(f"sub{n:02d}" for n in range(1, 27)),
    clips=(9, 12, 7, 6, 18, 5, 8, 3, 13, 12, 9, 12, 8, 4, 4, 5, 34, 3, 15, 10, 2, 3, 12, 11, 7, 14),
    counts={
        "others": 99,
        "disgust": 63,
        "happiness": 32,
        "repression": 27,
        "surprise": 25,
        "sadness": 7,
        "fear": 2,
    },
    scheme=("happiness", "disgust", "repression", "surprise", "others"),
    key_emotions=("happiness", "disgust", "repression", "surprise"),
    onset_range=(1, 401),
    durations=partial(gamma_durations, rise=(33.4, 14.7), fall=(32.9, 17.3), total=(24, 141)),
    frame_size=(280, 340),
    fps=200.0,
    # 26 subjects have a clip in the five classes, 24 one in the three: two show only "others".
    only={"sub08": ("others",), "sub21": ("others",)},
    # Left out of the published three-class list, whose 88 negative clips are 63 + 27 - 2.
    forced={("sub04", "EP12_01f"): "disgust", ("sub05", "EP09_05f"): "repression"},
    quirks={
        ("sub04", "EP12_01f"): "missing",
        ("sub05", "EP09_05f"): ("rise", 0),
        ("sub05", "EP16_04f"): ("fall", 0),
        ("sub12", "EP09_06"): ("fall", 0),
        ("sub20", "EP16_01"): ("fall", 0),
        ("sub25", "EP18_04f"): ("fall", 0),
        ("sub16", "EP04_02f"): ("fall", 2),
        ("sub20", "EP12_01"): ("fall", 2),
    },
    odd_names={"sub02": ("EP06_02_01", "EP06_02_02"), "sub10": ("EP09f",)},
    odd_units=(
        ("others", "L14+L15", "L14+L15"),
        ("others", "R1+R2", "R1+R2"),
        ("others", "4+38", "4+38"),
        ("others", "4", "?"),
        ("disgust", "4+L10", "4+L10"),
    ),
)

SAMM = Facts(
    name="samm",
    number=2,
    subjects=tuple(f"{n:03d}" for n in range(6, 38) if n not in (8, 27, 29)),
    clips=(
        *(12, 4, 3, 4, 12, 8, 5, 8, 6, 4, 3, 7, 2, 6, 4, 4, 7, 3, 8, 5, 2, 4, 2, 4, 5, 2, 3, 4, 1),
    ),
    counts={
        "anger": 57,
        "other": 26,
        "happiness": 26,
        "surprise": 15,
        "contempt": 12,
        "disgust": 9,
        "fear": 8,
        "sadness": 6,
    },
    scheme=("anger", "contempt", "happiness", "surprise", "other"),
    key_emotions=("anger", "contempt", "happiness", "surprise"),
    onset_range=(120, 12600),
    durations=partial(beta_durations, mean=74.3, spread=19.0, total=(30, 101)),
    frame_size=(280, 340),
    fps=200.0,
    grey=True,
    # 27 of the 29 subjects have a clip in the five classes; 28 have one in the three.
    only={
        "021": ("disgust", "fear", "sadness"),
        "031": ("disgust", "fear", "sadness"),
        "037": ("other",),
    },
    quirks={
        ("032", "032_3_2"): (5126, 5127, 5207),
        ("026", "026_3_3"): (1704, 1736, 1737),
        ("017", "017_3_3"): (1393, 1489, 1492),
    },
    odd_units=(
        ("other", "R12+R15", "(R6 or R12)+R15"),
        ("anger", "7+43", "ref(7B)+43"),
        ("contempt", "R14+17", "R14+17+soft focus"),
        ("sadness", "15+17", "15A+17"),
        ("disgust", "10", "10A/B"),
        ("happiness", "L12", "A/L12"),
        ("other", "18+39", "T18+39"),
        ("anger", "4+6+7+43", "4D+ref(6)+7C+43E"),
    ),
)

SMIC = Facts(
    name="smic",
    number=3,
    subjects=tuple(f"s{n}" for n in (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20)),
    clips=(6, 6, 36, 18, 3, 9, 13, 12, 9, 5, 10, 9, 6, 8, 3, 11),
    counts={"negative": 70, "positive": 51, "surprise": 43},
    scheme=("negative", "positive", "surprise"),
    key_emotions=("negative", "positive", "surprise"),
    onset_range=(1, 2),
    # Half of CASME II's frames at half its rate: an assumption.
    durations=partial(gamma_durations, rise=(16.7, 5.0), fall=(16.5, 5.5), total=(11, 58)),
    frame_size=(140, 170),
    fps=100.0,
)

DATASETS: dict[str, Facts] = {facts.name: facts for facts in (CASME2, SAMM, SMIC)}


def subject_names(dataset: str, n: int) -> list[str]:
    """Return n subject names in the data set's style, continuing past the published ones."""
    facts = DATASETS[dataset]
    names = list(facts.subjects[:n])
    style = {"casme2": "sub{:02d}", "samm": "{:03d}", "smic": "s{}"}[dataset]
    number = 38
    while len(names) < n:
        names.append(style.format(number))
        number += 1
    return names
