"""LOSO folds against a second, plainly written splitter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import raises
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import LeaveOneGroupOut

from mer_utils import protocol

tables = st.lists(st.sampled_from(["s1", "s2", "s3", "s10"]), min_size=2, max_size=30).filter(
    lambda subjects: len(set(subjects)) > 1
)


def plain_splitter(subjects):
    folds = {}
    for held_out in subjects:
        train, test = [], []
        for position, subject in enumerate(subjects):
            (test if subject == held_out else train).append(position)
        folds[held_out] = (train, test)
    return folds


@given(tables)
def test_folds_equal_a_plain_splitter(subjects):
    folds = list(protocol.loso(pd.DataFrame({"subject": subjects})))
    found = {f.held_out: (f.train.tolist(), f.test.tolist()) for f in folds}
    assert found == plain_splitter(subjects)
    assert len(folds) == len(found)


@given(tables)
def test_every_clip_is_tested_once_and_no_subject_is_on_both_sides(subjects):
    table = pd.DataFrame({"subject": subjects})
    tested = np.concatenate([f.test for f in protocol.loso(table)])
    assert sorted(tested) == list(range(len(subjects)))
    for fold in protocol.loso(table):
        assert not set(table["subject"][fold.train]) & set(table["subject"][fold.test])


def test_folds_equal_scikit_learn(rng):
    subjects = rng.choice([f"{i:03d}" for i in range(27)], 136)
    theirs = LeaveOneGroupOut().split(subjects, groups=subjects)
    for mine, (train, test) in zip(
        protocol.loso(pd.DataFrame({"subject": subjects})), theirs, strict=True
    ):
        np.testing.assert_array_equal(mine.train, train)
        np.testing.assert_array_equal(mine.test, test)


@pytest.mark.parametrize(
    ("train", "test", "named"), [([0, 2], [1], "['a']"), ([0, 1], [], "empty side")]
)
def test_the_guard_refuses_a_subject_on_both_sides_and_an_empty_side(train, test, named):
    table = pd.DataFrame({"subject": ["a", "a", "b"]})
    with raises("leak", named):
        protocol.guard(protocol.Fold("a", np.array(train), np.array(test, int)), table)


def test_one_subject_cannot_be_left_out():
    with raises("too few subjects"):
        list(protocol.loso(pd.DataFrame({"subject": ["a", "a"]})))


def test_fold_of():
    table = pd.DataFrame({"subject": ["a", "b", "a"]})
    assert protocol.fold_of(table, "b").test.tolist() == [1]
    with raises("unknown name", "'c'", "a, b"):
        protocol.fold_of(table, "c")


def test_mixed_folds_deal_every_class_evenly_and_are_always_the_same():
    rng = np.random.default_rng(1)
    clips = pd.DataFrame(
        {
            "subject": [f"s{k % 7}" for k in range(84)],
            "label": pd.Categorical(rng.permutation(["a"] * 42 + ["b"] * 28 + ["c"] * 14)),
        }
    )
    found = list(protocol.mixed_folds(clips))
    assert [fold.held_out for fold in found] == [f"fold{k:02d}" for k in range(1, 8)]
    again = list(protocol.mixed_folds(clips))
    for fold, other in zip(found, again, strict=True):
        assert fold.test.tolist() == other.test.tolist()
        assert set(fold.train) | set(fold.test) == set(range(84))
        assert not set(fold.train) & set(fold.test)
        assert clips["label"].iloc[fold.test].value_counts().to_dict() == {"a": 6, "b": 4, "c": 2}
    assert any(len(set(clips["subject"].iloc[fold.test])) > 1 for fold in found)


def test_an_unknown_evaluation_is_refused():
    with raises("unknown name", "luck"):
        list(protocol.folds(pd.DataFrame({"subject": ["a", "b"]}), "luck"))


def test_groups_of_subjects_hold_everybody_once_and_are_of_like_size(rng):
    table = pd.DataFrame({"subject": rng.choice([f"s{n:02d}" for n in range(23)], 300)})
    folds = list(protocol.folds(table, "groups:5"))
    assert [fold.held_out for fold in folds] == [f"group{n:02d}" for n in range(1, 6)]
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(300))
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= table["subject"].value_counts().max()
    shuffled = table.sample(frac=1, random_state=1)
    again = [set(shuffled["subject"].iloc[f.test]) for f in protocol.folds(shuffled, "groups:5")]
    assert again == [set(table["subject"].iloc[fold.test]) for fold in folds]
    with raises("too few subjects", "24"):
        list(protocol.folds(table, "groups:24"))


def test_across_data_sets():
    table = pd.DataFrame({"dataset": list("aabbc"), "subject": ["a-1", "a-2", "b-1", "b-2", "c-1"]})
    found = {f.held_out: f.train.tolist() for f in protocol.folds(table, "cross")}
    assert found == {"a": [2, 3, 4], "b": [0, 1, 4], "c": [0, 1, 2, 3]}
    (fold,) = protocol.folds(table, "cross:a+b>c")
    assert (fold.held_out, fold.train.tolist(), fold.test.tolist()) == ("c", [0, 1, 2, 3], [4])
    with raises("unknown name", "d"):
        list(protocol.folds(table, "cross:a>d"))
    with raises("invalid option", "--data"):
        list(protocol.folds(table[:2], "cross"))
    shared = table.assign(subject="one")
    with raises("leak"):
        list(protocol.folds(shared, "cross"))


@pytest.mark.parametrize("name", ["groups", "groups:1", "groups:x", "cross:a", "crossed", ""])
def test_evaluations_that_there_are_not(name):
    with raises("unknown name", "groups:K"):
        protocol.require_evaluation(name)
