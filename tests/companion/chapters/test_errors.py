"""Error analysis: counts known by hand, expectations known in closed form, edges stated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import raises

from companion.chapters import attention, errors
from companion.chapters.errors import of_networks
from mer_utils import metrics, stats
from mer_utils.models import networks

NAMES = ["a", "b", "c"]


def rows_of(*runs, dataset="casme2"):
    """Prediction rows: (model, setting, {(subject, clip): (true, predicted)})."""
    return pd.DataFrame(
        [
            {
                "run": f"{model}-{setting}-{seed}",
                "dataset": dataset,
                "model": model,
                "setting": setting,
                "seed": seed,
                "test_view": "full",
                "subject": subject,
                "clip": clip,
                "y_true": true,
                "y_pred": predicted,
                "p_0": 0.0,
                "p_1": 0.0,
                "p_2": 0.0,
            }
            for seed, (model, setting, clips) in enumerate(runs)
            for (subject, clip), (true, predicted) in clips.items()
        ]
    ).assign(seed=0)


FIRST = {("s1", "x"): (0, 1), ("s1", "y"): (1, 1), ("s2", "z"): (0, 1)}
SECOND = {("s1", "x"): (0, 1), ("s1", "y"): (1, 0), ("s2", "z"): (0, 0)}


@pytest.fixture
def two():
    return rows_of(("learnet", "dual", FIRST), ("resnet50", "dual", SECOND))


@pytest.fixture
def simulated():
    """Two networks in two settings, two seeds, twelve subjects."""
    parts = []
    for number, (model, setting) in enumerate(
        [("learnet", "single"), ("learnet", "dual"), ("vgg19", "single"), ("vgg19", "dual")]
    ):
        rows = stats.simulate(12, rng=np.random.default_rng(number), n_seeds=2, model=model)
        rows = rows[rows["setting"] == "baseline"]
        parts.append(rows.assign(setting=setting, dataset="casme2", run=f"{model}{setting}"))
    found = pd.concat(parts, ignore_index=True)
    return found.assign(run=found["run"] + found["seed"].astype(str))


def test_confusions_count_every_clip_once_a_run(two):
    found = errors.confusions(two, "casme2")
    assert list(found) == ["ResNet50\ndual", "LEARNet\ndual"]
    assert found["LEARNet\ndual"].tolist() == [[0, 2, 0], [0, 1, 0], [0, 0, 0]]
    usual = errors.usual_confusion(found, NAMES)
    assert usual == {"true": "a", "predicted": "b", "share": 0.75}


def test_nothing_missed_has_no_usual_confusion():
    right = rows_of(("learnet", "dual", {("s1", "x"): (0, 0)}))
    found = errors.usual_confusion(errors.confusions(right, "casme2"), NAMES)
    assert found == {"true": "none", "predicted": "none", "share": 0.0}


def test_a_network_that_no_registry_knows_counts_as_one(two):
    own = two.assign(model="own_net")
    pd.testing.assert_frame_equal(of_networks(own), own)


def test_rows_of_baselines_and_other_views_do_not_count(two):
    more = pd.concat(
        [two, two.assign(model="svm_hog"), two.assign(test_view="onset_apex", y_pred=2)],
        ignore_index=True,
    )
    pd.testing.assert_frame_equal(of_networks(more), two)


def test_no_predictions_is_an_error(two):
    with raises("no results", "samm"):
        errors.confusions(two, "samm")


def test_class_scores_are_those_of_metrics(simulated):
    found = errors.by_class(simulated, "casme2", list("abcde"))
    pooled = metrics.scores_by(simulated, ["model", "setting", "seed"])
    uar = pooled.groupby(["model", "setting"])["uar_pooled"].mean()
    recall = found.groupby(["model", "setting"])["recall"].mean()
    for (model, setting), value in uar.items():
        assert recall[model, setting] == pytest.approx(value)
    first = found[(found["model"] == "learnet") & (found["setting"] == "dual")]
    one = simulated.drop_duplicates(["model", "setting", "subject", "clip"])
    clips = one[(one["model"] == "learnet") & (one["setting"] == "dual")]
    assert first["clips"].sum() == len(clips)


def test_an_empty_class_is_named_and_stays_empty(two):
    found = errors.by_class(two, "casme2", NAMES)
    empty = found[found["class"] == "c"]
    assert (empty["clips"] == 0).all()
    assert empty["recall"].isna().all()
    assert empty["undefined"].str.contains("recall").all()


def test_a_subject_with_a_single_clip_is_scored_and_its_gaps_are_said(two):
    found = errors.by_subject(two, "casme2", "dual").set_index("subject")
    assert found.loc["s2", "clips"] == 1
    assert found.loc["s2", ["lowest", "accuracy", "highest"]].tolist() == [0.0, 0.5, 1.0]
    assert found.loc["s2", "undefined"] == "recall of 2 classes"
    assert found.loc["s1", "classes"] == 2


def test_equal_subjects_spread_as_much_as_expected():
    # Without variance of subjects or clips every clip has the same chance of being right.
    flat = stats.Variances(subject=0.0, clip=0.0)
    found = []
    for seed in range(150):
        rows = stats.simulate(10, rng=np.random.default_rng(seed), variances=flat, model="learnet")
        rows = rows[rows["setting"] == "baseline"].assign(dataset="casme2")
        found.append(errors.subject_spread(rows, "casme2").iloc[0])
    table = pd.DataFrame(found).astype({"sd": float, "sd_if_alike": float})
    observed, expected = (table[c] ** 2 for c in ("sd", "sd_if_alike"))
    error = observed.std() / np.sqrt(len(table))
    assert abs(observed.mean() - expected.mean()) < 3 * error


def test_one_subject_has_no_spread(two):
    found = errors.subject_spread(two[two["subject"] == "s1"], "casme2")
    assert found[["sd", "sd_if_alike"]].isna().all(axis=None)


def test_the_hardest_clips_come_first(two):
    found = errors.hardest_clips(two, "casme2", NAMES)
    assert found["clip"].tolist() == ["x", "y", "z"]
    assert found["missed_by"].tolist() == [2, 1, 1]
    assert found["runs"].tolist() == [2, 2, 2]
    assert found["taken_for"].tolist() == ["b", "a", "b"]
    assert len(errors.hardest_clips(two, "casme2", NAMES, 1)) == 1
    right = rows_of(("learnet", "dual", {("s1", "x"): (0, 0)}))
    assert errors.hardest_clips(right, "casme2", NAMES)["taken_for"].tolist() == [""]


def test_clips_that_all_miss_beside_what_independence_gives(two):
    # Class a: the first run misses all (rate 1), the second half; class b: 0 and 1.
    found = errors.missed_by_all(two, "casme2")
    assert found == {"clips": 3, "runs": 2, "missed": 1, "expected": pytest.approx(1.0)}


def test_independent_runs_miss_together_as_often_as_expected():
    rng = np.random.default_rng(0)
    clips = {(f"s{i % 20}", f"c{i}"): 0 for i in range(4000)}
    runs = [
        (m, "dual", {k: (t, int(rng.random() < 0.5)) for k, t in clips.items()})
        for m in list(networks())[:3]
    ]
    found = errors.missed_by_all(rows_of(*runs), "casme2")
    assert found["missed"] == pytest.approx(found["expected"], rel=0.1)


def test_maps_are_averaged_by_class():
    rows = pd.DataFrame({"y_true": [0, 2, 0]})
    maps = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    found = attention.mean_maps(rows, maps, NAMES)
    assert list(found) == ["a", "c"]
    np.testing.assert_array_equal(found["a"], maps[[0, 2]].mean(axis=0))


@pytest.fixture
def fields(rng):
    return {name: rng.random((12, 12)).astype(np.float32) for name in NAMES}


def test_maps_that_are_the_displacement_agree_perfectly(fields):
    maps = {name: field.reshape(4, 3, 4, 3).mean(axis=(1, 3)) for name, field in fields.items()}
    grid = attention.agreement(maps, fields)
    np.testing.assert_allclose(np.diag(grid), 1)
    found = attention.agreement_summary(grid)
    assert found["own"] == pytest.approx(1)
    assert found["others"] < 1
    assert found["n_own_highest"] == 3
    # One of six pairings is as good: the right one.
    assert found["p"] == pytest.approx(1 / 6)
    assert found["undefined"] == ""


def test_one_map_for_all_classes_shows_nothing(fields):
    maps = dict.fromkeys(NAMES, fields["a"])
    found = attention.agreement_summary(attention.agreement(maps, fields))
    assert found["p"] == 1
    assert found["own"] == pytest.approx(found["others"])


def test_the_pairing_test_keeps_its_level():
    rng = np.random.default_rng(1)
    small = 0
    for _ in range(300):
        grid = pd.DataFrame(rng.normal(size=(5, 5)))
        small += attention.agreement_summary(grid)["p"] <= 0.05
    assert small <= 300 * 0.05 + 3 * np.sqrt(300 * 0.05 * 0.95)


def test_flat_maps_and_single_classes_are_undefined(fields):
    flat = {**fields, "b": np.ones((12, 12), np.float32)}
    found = attention.agreement_summary(attention.agreement(flat, fields))
    assert np.isnan(found["own"])
    assert "b" in found["undefined"]
    alone = attention.agreement({"a": fields["a"]}, fields)
    assert attention.agreement_summary(alone)["undefined"].startswith("fewer than two")
    nothing = attention.agreement_summary(attention.agreement({}, fields))
    assert nothing["n_classes"] == 0
    assert nothing["undefined"]


def test_a_store_without_maps_says_why(workspace):
    rows, maps, why = attention.stored_maps(workspace, "casme2", "learnet", "dual")
    assert (len(rows), len(maps)) == (0, 0)
    assert why
    assert attention.mean_maps(rows, maps, NAMES) == {}


def test_mean_dynamic_images_by_class(workspace):
    spec = next(s for s in workspace.specs("table2") if s.data.dataset == "casme2")
    clips, views = workspace.clips("casme2"), workspace.views(spec)
    found = attention.mean_views(views, clips)
    label = clips["label"].iloc[0]
    chosen = (clips["label"] == label).to_numpy()
    expected = views.images["full"][chosen].mean(axis=0).round()
    np.testing.assert_array_equal(found[label], expected)
