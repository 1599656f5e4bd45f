"""Play the fall backwards: correlations against numpy, comparisons against their own sides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats as reference

from companion.chapters import answers, backwards, tables
from mer_utils import experiments

SHARES = {"dual": 0.4, "aligned": 1.0, "jittered": 0.8}


@pytest.fixture
def trained(filled):
    """Tables 2 and 4 in which a training set's name decides how many clips are right."""

    def trained(name):
        return filled(name, right=lambda spec, view, epoch: SHARES.get(spec.setting, 0.6))

    return trained


def test_correlations_are_those_of_numpy_and_turn_with_the_fall(workspace):
    found = backwards.correlations(workspace)
    assert set(found["pair"]) == set(backwards.PAIRS)
    spec = next(s for s in workspace.specs("table2") if s.setting == "aligned")
    views = workspace.context.data(spec.data).views(spec.views, ("onset_apex", "offset_apex"))
    at = int(np.flatnonzero(views.present["onset_apex"] & views.present["offset_apex"])[0])
    clip = workspace.clips(spec.data.dataset).iloc[at]
    (r,) = found[
        found["dataset"].eq(spec.data.dataset)
        & found["subject"].eq(clip["subject"])
        & found["clip"].eq(clip["clip"])
        & found["pair"].eq("rise, fall backwards")
    ]["correlation"]
    images = (views.images[v][at].ravel() for v in ("onset_apex", "offset_apex"))
    assert r == pytest.approx(np.corrcoef(*images)[0, 1])
    medians = found.groupby("pair")["correlation"].median()
    assert medians["rise, fall"] < 0 < medians["rise, fall backwards"]
    means = backwards.mean_correlations(found)
    assert (
        means[["low", "correlation", "high"]]
        .apply(lambda row: row.is_monotonic_increasing, 1)
        .all()
    )
    assert means[["low", "high"]].abs().max(axis=None) <= 1
    said = backwards.said_of_correlations(means)
    assert said.count("with the") == 2 * 3


def test_the_mean_correlation_is_students_on_fishers_scale():
    rows = pd.DataFrame(
        {
            "dataset": "casme2",
            "pair": "rise, fall",
            "subject": list("aabbcc"),
            "correlation": [-0.9, -0.7, -0.5, -0.3, 0.1, 0.3],
        }
    )
    row = backwards.mean_correlations(rows).iloc[0]
    z = np.arctanh([-0.8, -0.4, 0.2])
    ends = reference.t.interval(0.95, 2, z.mean(), reference.sem(z))
    np.testing.assert_allclose(row[["low", "high"]].astype(float), np.tanh(ends))
    assert (row["clips"], row["subjects"], row["below_zero"]) == (6, 3, pytest.approx(4 / 6))
    one = backwards.mean_correlations(rows[rows["subject"] == "a"]).iloc[0]
    assert np.isnan(one["low"])
    assert one["correlation"] == pytest.approx(-0.8)


def test_over_networks_is_the_mean_of_the_networks_differences(trained):
    workspace = trained("table2")
    found = backwards.over_networks(tables.read(workspace, "table2"), "accuracy_pooled")
    pairs = list(zip(found["setting"], found["base_setting"], strict=True))[:3]
    assert pairs == list(backwards.ARMS)
    alone = tables.read(workspace, "table2").differences
    alone = alone[alone["metric"].eq("accuracy_pooled") & alone["model"].isin(
        workspace.profile.networks)]  # fmt: skip
    for row in found.itertuples():
        part = alone[
            alone["dataset"].eq(row.dataset)
            & alone["setting"].eq(row.setting)
            & alone["base_setting"].eq(row.base_setting)
        ]
        assert len(part) == row.networks == 6
        assert row.value == pytest.approx(part["value"].mean())
    said = backwards.said_of_networks(found)
    assert "aligned minus dual +0.60" in said


def test_a_network_of_more_seeds_counts_no_more_and_the_primary_question_has_the_same_answer(
    workspace, store_all
):
    specs = [s for s in workspace.specs("table2") if s.model.name in ("learnet", "vgg19")]
    store_all(specs, lambda s, v, e: SHARES.get(s.setting, 0.6) if s.model.name == "learnet" else 0)
    once = tables.read(workspace, "table2")
    again = once.predictions[once.predictions["model"] == "learnet"]
    again = again.assign(seed=1, run=again["run"] + " again")
    rows = pd.concat([once.predictions, again], ignore_index=True)
    found = backwards.over_networks(tables.Shown(once.table, rows))
    assert found["networks"].eq(2).all()
    numbers = ["value", "low", "high"]
    np.testing.assert_allclose(found[numbers], backwards.over_networks(once)[numbers])
    asked = answers.asked(rows)
    asked = asked[asked["model"].eq("every") & asked["dataset"].ne("every")]
    on = ["dataset", "setting", "base_setting"]
    both = found.merge(asked, on=on, suffixes=("", "_asked"))
    assert len(both) == 2 * 2  # of each data set, dual and aligned against their control
    np.testing.assert_allclose(both["value"], both["difference"])
    np.testing.assert_allclose(both[["low", "high"]], both[["low_asked", "high_asked"]])


def test_a_network_that_lacks_an_arm_is_in_neither_mean(workspace, store_all):
    specs = [s for s in workspace.specs("table2") if s.model.name in ("learnet", "vgg19")]
    kept = [s for s in specs if s.model.name == "learnet" or s.setting != "aligned"]
    store_all(kept, lambda s, v, e: SHARES.get(s.setting, 0.6) if s.model.name == "learnet" else 0)
    found = backwards.over_networks(tables.read(workspace, "table2"), "accuracy_pooled")
    counted = found.groupby(["setting", "base_setting"])["networks"].unique().map(list).to_dict()
    assert counted == dict(zip(backwards.ARMS, ([2], [1], [1]), strict=True))
    direction = found[found["base_setting"].eq("dual")]
    assert direction["value"].to_numpy() == pytest.approx(0.6)
    assert "1 to 2 networks" in backwards.said_of_networks(found)


def test_controls_are_the_comparisons_that_isolate_the_phase(trained):
    shown = tables.read(trained("table4"), "table4")
    found = backwards.controls(shown)
    compared = {(setting, cut) for setting, cut in zip(found["setting"], found["cut"], strict=True)}
    assert compared == {
        *((s, "apex") for s in ("halves", "dual", "aligned", *experiments.CONTROLS)),
        *((s, cut) for s in ("dual", "aligned") for cut in ("random", "midpoint")),
        ("halves", "random"),
    }
    learnt = found[found["model"].eq("learnet")]
    halves = learnt["setting"].eq("halves")
    assert set(learnt.loc[~halves, "base_setting"]) == {"matched single"}
    assert set(learnt.loc[halves, "base_setting"]) == {"single twice"}
    assert set(found.loc[found["model"].eq("svm_hog"), "base_setting"]) == {"single"}
    assert not found.duplicated(["dataset", "model", "setting", "cut", "metric"]).any()
    said = backwards.said_of_controls(found, "accuracy_pooled")
    assert "jittered +0.20" in said
