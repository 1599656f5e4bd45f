"""The made data sets' rows against what is published."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mer_utils.datasets import DATASETS, SCHEMES
from mer_utils.synthetic import population

TWINS = ("casme2", "samm", "smic")


@pytest.fixture(scope="module", params=[0, 11])
def seed(request):
    return request.param


def plan(dataset, seed=0, subjects=None, clips=10):
    return population.plan(dataset, subjects, clips, seed, 1.0)


@pytest.mark.parametrize("name", TWINS)
def test_full_twins_have_the_published_counts(name, seed):
    rows, published = plan(name, seed), DATASETS[name].published
    assert Counter(row.emotion for row in rows) == published.emotions
    assert {row.subject for row in rows} == set(published.subjects)


@pytest.mark.parametrize(
    ("name", "scheme", "clips", "subjects"),
    [
        ("casme2", "casme2-5", 246, 26),
        ("casme2", "megc-3", 145, 24),
        ("samm", "samm-5", 136, 27),
        ("samm", "megc-3", 133, 28),
        ("smic", "megc-3", 164, 16),
    ],
)
def test_schemes_keep_the_published_clips_and_subjects(name, scheme, clips, subjects, seed):
    scheme = SCHEMES[scheme]
    kept = [
        row.subject
        for row in plan(name, seed)
        if scheme.label(name, row.emotion)
        and (name, row.subject, row.clip) not in scheme.exclusions
    ]
    assert (len(kept), len(set(kept))) == (clips, subjects)


@pytest.mark.parametrize("name", TWINS)
def test_durations_have_the_published_means_spreads_and_ranges(name, seed):
    known = DATASETS[name].published.durations
    rows = plan(name, seed)
    frames = np.array([row.n_frames for row in rows])
    rise = [row.apex - row.onset for row in rows]
    fall = [row.offset - row.apex for row in rows]
    assert known.fewest <= frames.min() <= frames.max() <= known.most
    for found, expected in (
        (frames, (known.mean, known.sd)),
        (rise, known.rise),
        (fall, known.fall),
    ):
        if expected and expected[0]:
            assert (np.mean(found), np.std(found)) == pytest.approx(expected, abs=1.5)


def test_full_quirks_sit_at_their_keys(seed):
    for name in TWINS:
        rows = {(row.subject, row.clip): row for row in plan(name, seed)}
        twin = DATASETS[name].published.twin
        assert twin.quirks.keys() | twin.forced.keys() <= rows.keys()
        for key, quirk in twin.quirks.items():
            row = rows[key]
            if quirk == "missing":
                assert row.noted_apex is None
            elif len(quirk) == 3:
                assert (row.onset, row.noted_apex, row.offset) == quirk
            else:
                phase = row.apex - row.onset if quirk[0] == "rise" else row.offset - row.apex
                assert (row.noted_apex, phase) == (row.apex, quirk[1])
        odd = [row for key, row in rows.items() if key not in twin.quirks]
        assert all(row.onset < row.noted_apex < row.offset for row in odd)
        assert {noted for *_, noted in twin.odd_units} <= {row.noted_units for row in rows.values()}
        assert {clip for clips in twin.odd_names.values() for clip in clips} <= {c for _, c in rows}


@pytest.mark.parametrize("dataset", TWINS)
@pytest.mark.parametrize(("subjects", "clips"), [(8, 10), (3, 5), (4, 9), (31, 2)])
def test_small_twins_are_as_unequal_as_the_full_one(dataset, subjects, clips, seed):
    published = DATASETS[dataset].published
    scheme = published.twin.classes
    rows = plan(dataset, seed, subjects, clips)
    inside = [row for row in rows if row.emotion in scheme]
    assert len(inside) == subjects * clips
    assert len(rows) - len(inside) == (0 if dataset == "smic" else 3)
    each = Counter(row.subject for row in inside)
    assert len(each) == subjects
    classes = Counter(row.emotion for row in inside)
    for word in scheme:
        share = published.emotions[word] / sum(published.emotions[w] for w in scheme)
        assert classes[word] == pytest.approx(max(2, share * subjects * clips), abs=1.5)
        # Whoever is held out, the class can be learnt.
        assert len({row.subject for row in inside if row.emotion == word}) >= 2
    if subjects == 8:
        spread = np.array(published.twin.clips) / np.mean(published.twin.clips)
        assert np.std(list(each.values())) / clips == pytest.approx(spread.std(), rel=0.3)
        # Not every subject shows every class.
        assert len({(row.subject, row.emotion) for row in inside}) < subjects * len(scheme)


def test_the_smallest_twins_have_what_they_can():
    assert len(plan("smic", 0, 1, 1)) == 1
    assert [len({row.emotion for row in plan("smic", 0, 2, n)}) for n in (1, 2)] == [2, 3]
    assert len(plan("samm", 0, 2, 150)) == 302  # more clips than there are usual names


@pytest.mark.parametrize("dataset", ["casme2", "samm"])
def test_small_twins_have_a_missing_apex_and_one_at_the_offset(dataset):
    rows = plan(dataset, 0, 4, 5)
    assert sum(row.noted_apex is None for row in rows) == 1
    assert sum(row.noted_apex == row.offset for row in rows) == 1
    assert all(row.noted_apex is not None for row in plan(dataset, 0, 2, 5))


@pytest.mark.parametrize("dataset", TWINS)
def test_keys_are_unique_and_frames_in_order(dataset, seed):
    for rows in (plan(dataset, seed), plan(dataset, seed, 5, 20)):
        keys = [(row.subject, row.clip) for row in rows]
        assert len(set(keys)) == len(keys)
        assert keys == sorted(keys)
        assert all(1 <= row.onset <= row.apex <= row.offset for row in rows)
        assert all(row.units for row in rows)


def test_another_seed_gives_another_population():
    assert plan("casme2", 0, 4, 5) != plan("casme2", 1, 4, 5)
    assert plan("casme2", 0, 4, 5) == plan("casme2", 0, 4, 5)
