"""Scores against scikit-learn, hand-made confusion matrices and invariants."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import raises
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from mer_utils import metrics, stats


def made_predictions(rng, seeds=2, n_classes=4, subjects=6, clips=7):
    rows = [
        {
            "run": f"r{seed}",
            "dataset": "casme2",
            "scheme": "s",
            "model": "learnet",
            "test_view": "full",
            "seed": seed,
            "subject": f"sub{s:02d}",
            "clip": f"EP{c:02d}",
            "y_true": (s * clips + c) % n_classes,
        }
        for seed in range(seeds)
        for s in range(subjects)
        for c in range(clips)
    ]
    frame = pd.DataFrame(rows)
    p = rng.dirichlet(np.ones(n_classes), len(frame)).astype(np.float32)
    frame["y_pred"] = p.argmax(axis=1)
    return frame.assign(**{f"p_{k}": p[:, k] for k in range(n_classes)})


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.filterwarnings("ignore:y_pred contains classes", "ignore:A single label")
@given(
    st.integers(2, 5).flatmap(
        lambda k: st.tuples(
            st.just(k),
            st.lists(
                st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)), min_size=1, max_size=40
            ),
        )
    )
)
def test_scores_agree_with_scikit_learn(case):
    n_classes, pairs = case
    true, pred = np.array(pairs).T
    ours = metrics.scores(true, pred, n_classes)
    assert ours.accuracy == pytest.approx(accuracy_score(true, pred))
    assert ours.undefined == tuple(k for k in range(n_classes) if k not in true)
    if len(set(true)) < 2:
        assert np.isnan([ours.uf1, ours.uar]).all()
        return
    assert ours.uar == pytest.approx(balanced_accuracy_score(true, pred))
    # zero_division=nan leaves out of the mean what is neither true nor predicted.
    macro = f1_score(true, pred, labels=range(n_classes), average="macro", zero_division=np.nan)
    assert ours.uf1 == pytest.approx(macro)


def test_with_every_class_present_uf1_is_plain_macro_f1(rng):
    true = np.tile(np.arange(5), 20)
    pred = rng.integers(0, 5, 100)
    expected = f1_score(true, pred, labels=range(5), average="macro")
    assert metrics.scores(true, pred, 5).uf1 == pytest.approx(expected)


def test_hand_made_confusion_matrix():
    # 3 true of class 0 (2 right), 2 of class 1 (1 right); F1: 4/6 and 2/4; recall: 2/3, 1/2.
    counts = [[2, 1], [1, 1]]
    accuracy, uf1, uar = metrics.scores_from_counts(counts)
    assert accuracy == pytest.approx(3 / 5)
    assert uf1 == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert uar == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert metrics.confusion_matrix([0, 0, 0, 1, 1], [0, 0, 1, 0, 1], 2).tolist() == counts


def test_a_class_predicted_but_never_true_counts_as_f1_zero_and_is_named():
    found = metrics.scores([0, 0, 1], [0, 2, 1], 4)
    assert found.uf1 == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert found.uar == pytest.approx((1 / 2 + 1) / 2)
    assert found.undefined == (2, 3)


def test_extremes():
    true = [0] * 6 + [1] * 3 + [2]
    table = metrics.extremes(true, 3)
    assert (table.loc["perfect"] == 1).all()
    assert table.loc["always 0", "accuracy"] == pytest.approx(0.6)
    assert np.allclose(table["uar"].iloc[1:], 1 / 3)
    # 2 * 6 / (6 + 10) for the class answered, 0 for the others.
    assert table.loc["always 0", "uf1"] == pytest.approx(12 / 16 / 3)


@pytest.mark.parametrize(
    ("true", "pred", "names"),
    [
        ([0, 1], [0], "2 clips"),
        ([0, 2], [0, 1], "y_true contains 2"),
        ([0, -1], [0, 1], "contains -1"),
        ([0.5, 1], [0, 1], "contains 0.5"),
        ([np.nan, 1], [0, 1], "contains nan"),
        (pd.array([0, None], dtype="Int64"), [0, 1], "contains nan"),
        (["happiness", "disgust"], [0, 1], "happiness"),
    ],
)
def test_bad_input_is_refused_with_a_remedy(true, pred, names):
    with raises("no results"):
        metrics.scores([], [], 2)
    with raises("bad predictions", names):
        metrics.scores(true, pred, 2)


def test_class_scores_state_what_is_undefined():
    table = metrics.class_scores([0, 0, 1], [0, 2, 1], 4).set_index("class")
    assert table["undefined"].tolist() == ["", "", "recall", "precision, recall, f1"]
    assert table["recall"].isna().tolist() == [False, False, True, True]
    assert table.loc["0", "f1"] == pytest.approx(2 / 3)
    assert table["n_true"].sum() == table["n_predicted"].sum() == 3
    with raises("invalid option"):
        metrics.class_scores([0], [0], 2, classes=["only"])


def test_scores_by_equals_scores_of_each_group(rng):
    frame = made_predictions(rng)
    table = metrics.scores_by(frame, ["model", "seed"], subject_mean=True)
    for row in table.itertuples():
        group = frame[frame["seed"] == row.seed]
        whole = metrics.scores(group["y_true"], group["y_pred"], 4)
        assert (row.accuracy_pooled, row.uf1_pooled, row.uar_pooled) == pytest.approx(
            (whole.accuracy, whole.uf1, whole.uar)
        )
        folds = [metrics.scores(g["y_true"], g["y_pred"], 4) for _, g in group.groupby("subject")]
        assert row.uf1_subject_mean == pytest.approx(np.mean([f.uf1 for f in folds]))
        assert row.uar_subject_mean == pytest.approx(np.mean([f.uar for f in folds]))
        assert (row.n_clips, row.n_subjects, row.undefined) == (42, 6, "")


def test_row_order_and_index_never_matter(rng):
    frame = made_predictions(rng)
    shuffled = frame.sample(frac=1, random_state=3)
    shuffled.index = np.zeros(len(shuffled), dtype=int)
    for by in (["seed"], ["dataset", "seed"], ["seed", "subject"]):
        pd.testing.assert_frame_equal(
            metrics.scores_by(frame, by, subject_mean=True),
            metrics.scores_by(shuffled, by, subject_mean=True),
        )


def test_schemes_of_different_size_share_a_frame(rng):
    five = made_predictions(rng, seeds=1, n_classes=5)
    three = made_predictions(rng, seeds=1, n_classes=3).assign(scheme="t", y_true=1)
    both = pd.concat([five, three])
    table = metrics.scores_by(both, ["scheme"]).set_index("scheme")
    assert table["undefined"].to_dict() == {"s": "", "t": "0, 2 (UF1 and UAR: one class)"}
    with raises("bad predictions", "schemes"):
        metrics.scores_by(both.assign(clip=range(len(both))), ["model"])
    three["y_true"] = 3
    with raises("bad predictions", "from 0 to 2"):
        metrics.scores_by(pd.concat([five, three]), ["scheme"])


def test_scores_by_refuses_what_it_cannot_score(rng):
    frame = made_predictions(rng)
    with raises("bad predictions", "group by run, seed"):
        metrics.scores_by(frame, ["model"])
    with raises("bad predictions", "EP00"):
        metrics.scores_by(pd.concat([frame, frame.head(1)]), ["seed"])
    with raises("missing predictions column", "setting"):
        metrics.scores_by(frame, ["setting"])
    with raises("no results"):
        metrics.scores_by(frame.head(0), ["seed"])


def test_classes_may_have_names_or_no_probabilities(rng):
    frame = made_predictions(rng)
    bare = frame.drop(columns=[f"p_{k}" for k in range(4)])
    expected = metrics.scores_by(frame, ["seed"])
    pd.testing.assert_frame_equal(metrics.scores_by(bare, ["seed"]), expected)
    names = np.array(["d", "c", "b", "a"])
    named = bare.assign(y_true=names[bare["y_true"]], y_pred=names[bare["y_pred"]])
    scored = metrics.scores_by(named, ["seed"])
    assert np.allclose(scored.drop(columns="undefined"), expected.drop(columns="undefined"))
    rare = named[named["y_true"] != "b"].assign(
        y_true=lambda rows: pd.Categorical(rows["y_true"], [*names, "never"])
    )
    assert set(metrics.scores_by(rare, ["seed"])["undefined"]) == {"b, never"}
    for bad in (named.assign(y_pred=0), named.assign(y_true=None)):
        with raises("bad predictions"):
            metrics.scores_by(bad, ["seed"])
    with raises("bad predictions", "a, b, c, d"):
        metrics.scores_by(named, ["seed"], n_classes=3)


def test_average_views_is_the_mean_over_the_views_a_clip_has(rng):
    full = made_predictions(rng, seeds=1)
    frames = []
    for view in ("full", "onset_apex", "apex_offset"):
        p = rng.dirichlet(np.ones(4), len(full)).astype(np.float32)
        probabilities = {f"p_{k}": p[:, k] for k in range(4)}
        frames.append(full.assign(test_view=view, y_pred=p.argmax(axis=1), **probabilities))
    rows = pd.concat(frames, ignore_index=True)
    lost_half = rows.drop(
        rows[(rows["clip"] == "EP00") & (rows["test_view"] == "apex_offset")].index
    )
    halves = ["onset_apex", "apex_offset"]
    mean = metrics.average_views(lost_half.sample(frac=1, random_state=1), halves)
    assert len(mean) == len(full)
    assert set(mean["test_view"]) == {"onset_apex+apex_offset"}
    columns = [f"p_{k}" for k in range(4)]
    first, second = (f.set_index(["subject", "clip"])[columns] for f in frames[1:])
    for row in mean.itertuples():
        key = (row.subject, row.clip)
        one_only = row.clip == "EP00"
        expected = first.loc[key] if one_only else (first.loc[key] + second.loc[key]) / 2
        assert np.allclose([getattr(row, c) for c in columns], expected, atol=1e-6)
        assert row.y_pred == np.argmax(expected.to_numpy())
        assert row.n_views == (1 if one_only else 2)
    assert metrics.scores_by(mean, ["run", "test_view"])["n_clips"].tolist() == [len(full)]

    no_half = lost_half.drop(
        lost_half[(lost_half["clip"] == "EP00") & (lost_half["test_view"] != "full")].index
    )
    with raises("bad predictions", "6 clips"):
        metrics.average_views(no_half, halves)
    assert len(metrics.average_views(no_half, halves, missing="drop")) == len(full) - 6
    with raises("bad predictions", "onset_apex"):
        metrics.average_views(frames[0], halves)
    with raises("bad predictions"):
        metrics.average_views(pd.concat([rows, rows]), halves)


def test_average_views_keeps_a_narrower_scheme_narrow(rng):
    three = made_predictions(rng, seeds=1, n_classes=3).assign(p_3=np.nan, p_4=np.nan)
    mean = metrics.average_views(three, ["full"])
    assert mean["y_pred"].max() <= 2
    assert mean[["p_3", "p_4"]].isna().all(axis=None)
    three[["p_0", "p_1", "p_2"]] = three[["p_0", "p_1", "p_2"]].mask(three["clip"] == "EP01")
    with raises("bad predictions"):
        metrics.average_views(three, ["full"])


@pytest.mark.scenario("F")
def test_scores_of_one_class_are_undefined_not_perfect():
    rows = pd.DataFrame({"subject": list("aabb"), "clip": list("1234"), "y_true": 0, "y_pred": 0})
    (one,) = metrics.scores_by(rows, subject_mean=True).to_dict("records")
    assert np.isnan([one["uf1_pooled"], one["uar_pooled"]]).all()
    assert (one["accuracy_pooled"], one["undefined"]) == (1.0, "(UF1 and UAR: one class)")
    found = stats.intervals(rows).set_index("metric")
    assert found.loc["accuracy_pooled", "estimate"] == 1.0
    for metric in ("uf1_pooled", "uar_pooled"):
        assert found.loc[metric, ["estimate", "low", "high"]].isna().all()
        assert "UF1 and UAR (one class)" in found.loc[metric, "undefined"]
    both = pd.concat(
        [rows.assign(setting="single"), rows.assign(setting="dual", y_pred=[0, 0, 0, 1])]
    )
    compared = stats.compare(both, "single", "dual").set_index("metric")
    assert compared.loc["uf1_pooled", ["difference", "p_bootstrap"]].isna().all()


@pytest.mark.scenario("C")
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_views_are_not_averaged_over_a_probability_that_is_no_number(value):
    rows = pd.DataFrame({
        "run": "r", "dataset": "d", "subject": "s", "clip": "a", "y_true": 1,
        "test_view": ["full", "onset_apex"], "y_pred": [0, 1],
        "p_0": [0.6, value], "p_1": [0.4, 0.8],
    })  # fmt: skip
    with raises("bad predictions", "clip a of s"):
        metrics.average_views(rows, ["full", "onset_apex"])
