"""The made data sets' rows against what is published."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from mer_utils.synthetic import population, published


@pytest.fixture(scope="module", params=[0, 11])
def seed(request):
    return request.param


def plan(dataset, seed=0, subjects=None, clips=10):
    return population.plan(dataset, subjects, clips, seed, 1.0)


def lengths(rows):
    return (
        np.array([row.n_frames for row in rows]),
        np.array([row.apex - row.onset for row in rows]),
        np.array([row.offset - row.apex for row in rows]),
    )


def test_full_casme2_has_the_published_counts(seed):
    rows = plan("casme2", seed)
    published_counts = {
        "others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25,
        "sadness": 7, "fear": 2,
    }  # fmt: skip
    assert Counter(row.emotion for row in rows) == published_counts
    five = Counter(row.subject for row in rows if row.emotion not in ("sadness", "fear"))
    assert (sum(five.values()), len(five), min(five.values()), max(five.values())) == (
        246, 26, 2, 34,
    )  # fmt: skip
    left_out = {("sub04", "EP12_01f"), ("sub05", "EP09_05f")}
    three = [
        row for row in rows
        if row.emotion in ("happiness", "surprise", "disgust", "repression")
        and (row.subject, row.clip) not in left_out
    ]  # fmt: skip
    assert (len(three), len({row.subject for row in three})) == (145, 24)
    negative = [row for row in three if row.emotion in ("disgust", "repression")]
    assert len(negative) == 88


def test_full_samm_has_the_published_counts(seed):
    rows = plan("samm", seed)
    assert len(rows) == 159
    assert len({row.subject for row in rows}) == 29
    scheme = ("anger", "other", "happiness", "surprise", "contempt")
    five = [row for row in rows if row.emotion in scheme]
    three = [row for row in rows if row.emotion != "other"]
    assert (len(five), len({row.subject for row in five})) == (136, 27)
    assert (len(three), len({row.subject for row in three})) == (133, 28)


def test_full_smic_has_the_published_counts(seed):
    rows = plan("smic", seed)
    assert Counter(row.emotion for row in rows) == {"negative": 70, "positive": 51, "surprise": 43}
    assert len({row.subject for row in rows}) == 16


def test_durations_have_the_published_means_spreads_and_ranges(seed):
    frames, rise, fall = lengths(plan("casme2", seed))
    assert frames.min() >= 24
    assert frames.max() <= 141
    assert frames.mean() == pytest.approx(67.2, abs=1.5)
    assert frames.std() == pytest.approx(22.6, abs=1.5)
    assert (rise.mean(), rise.std()) == (pytest.approx(33.4, abs=1), pytest.approx(14.7, abs=1))
    assert (fall.mean(), fall.std()) == (pytest.approx(32.9, abs=1), pytest.approx(17.3, abs=1))
    frames, *_ = lengths(plan("samm", seed))
    assert frames.min() >= 30
    assert frames.max() <= 101
    assert frames.mean() == pytest.approx(74.3, abs=1.5)
    assert frames.std() == pytest.approx(19.0, abs=1.5)


def test_full_quirks_sit_at_their_keys(seed):
    rows = {(row.subject, row.clip): row for row in plan("casme2", seed)}
    assert [key for key, row in rows.items() if row.noted_apex is None] == [("sub04", "EP12_01f")]
    at_onset = [key for key, row in rows.items() if row.noted_apex == row.onset]
    at_offset = {key for key, row in rows.items() if row.noted_apex == row.offset}
    nearly = {key for key, row in rows.items() if row.offset - row.apex == 2}
    assert at_onset == [("sub05", "EP09_05f")]
    assert at_offset == {
        ("sub05", "EP16_04f"), ("sub12", "EP09_06"), ("sub20", "EP16_01"), ("sub25", "EP18_04f"),
    }  # fmt: skip
    assert nearly == {("sub16", "EP04_02f"), ("sub20", "EP12_01")}
    assert {"EP06_02_01", "EP06_02_02", "EP09f"} <= {clip for _, clip in rows}
    noted = {row.noted_units for row in rows.values()}
    assert {"L14+L15", "R1+R2", "4+38", "?", "4+L10"} <= noted
    samm = {row.clip: row for row in plan("samm", seed)}
    found = {
        clip: (samm[clip].onset, samm[clip].noted_apex, samm[clip].offset)
        for clip in ("032_3_2", "026_3_3", "017_3_3")
    }
    assert found == {
        "032_3_2": (5126, 5127, 5207),
        "026_3_3": (1704, 1736, 1737),
        "017_3_3": (1393, 1489, 1492),
    }
    assert max(row.offset for row in samm.values()) > 10_000


@pytest.mark.parametrize("dataset", ["casme2", "samm", "smic"])
@pytest.mark.parametrize(("subjects", "clips"), [(8, 10), (3, 7), (31, 2)])
def test_small_twins_spread_the_classes_evenly(dataset, subjects, clips):
    rows = plan(dataset, 2, subjects, clips)
    scheme = published.DATASETS[dataset].scheme
    per_subject = defaultdict(Counter)
    for row in rows:
        per_subject[row.subject][row.emotion in scheme and row.emotion] += 1
    assert len(per_subject) == subjects
    for counts in per_subject.values():
        inside = [counts[word] for word in scheme]
        assert sum(inside) == clips
        assert max(inside) - min(inside) <= 1
    outside = sum(counts[False] for counts in per_subject.values())
    assert outside == (0 if dataset == "smic" else 3)


@pytest.mark.parametrize("dataset", ["casme2", "samm"])
def test_small_twins_have_a_missing_apex_and_one_at_the_offset(dataset):
    rows = plan(dataset, 0, 4, 5)
    assert sum(row.noted_apex is None for row in rows) == 1
    assert sum(row.noted_apex == row.offset for row in rows) == 1
    assert all(row.noted_apex is not None for row in plan(dataset, 0, 2, 5))


@pytest.mark.parametrize("dataset", ["casme2", "samm", "smic"])
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
