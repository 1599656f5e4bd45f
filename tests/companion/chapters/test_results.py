"""Table 2: scores and differences against the rooms they come from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companion.chapters import results
from mer_utils import metrics, stats
from mer_utils.errors import MerError


@pytest.fixture
def predictions():
    """Made predictions of two models in three settings, 8 subjects."""
    parts = []
    for number, model in enumerate(("resnet50", "learnet")):
        for setting, recall in (("single", 0.4), ("matched single", 0.5), ("dual", 0.6)):
            rows = stats.simulate(8, rng=np.random.default_rng(number), recall=recall)
            rows = rows[rows["setting"] == rows["setting"].iloc[0]]
            parts.append(rows.assign(model=model, setting=setting, test_view="full"))
    return pd.concat(parts, ignore_index=True)


def test_scores_are_the_pooled_ones(predictions):
    tidy = results.scores(predictions)
    pooled = metrics.scores_by(predictions, by=["model", "setting"])
    for row in pooled.itertuples():
        found = tidy[(tidy["model"] == row.model) & (tidy["setting"] == row.setting)]
        values = found.set_index("metric")["value"]
        assert values["uar_pooled"] == pytest.approx(row.uar_pooled)
        assert values["uf1_pooled"] == pytest.approx(row.uf1_pooled)
    assert list(dict.fromkeys(tidy["model"])) == ["resnet50", "learnet"]
    assert list(dict.fromkeys(tidy["setting"])) == ["single", "matched single", "dual"]


def test_only_the_tested_view_counts(predictions):
    other = predictions.assign(test_view="onset_apex", y_pred=0)
    both = pd.concat([predictions, other], ignore_index=True)
    pd.testing.assert_frame_equal(results.on_view(both), predictions)
    with pytest.raises(MerError, match="test_view"):
        results.scores(both)


def test_differences_are_those_of_the_scores(predictions):
    tidy = results.scores(predictions).set_index(["model", "setting", "metric"])["value"]
    for row in results.differences(predictions).itertuples():
        baseline = row.comparison.removeprefix("dual minus ")
        dual, base = (tidy[row.model, s, row.metric] for s in ("dual", baseline))
        assert row.value == pytest.approx(dual - base)
        assert row.relative == pytest.approx((dual - base) / base)


def test_half_a_table_gives_half_the_differences(predictions):
    part = predictions[predictions["setting"] != "matched single"]
    assert set(results.differences(part)["comparison"]) == {"dual minus single"}
    only = predictions[predictions["setting"] == "dual"]
    assert results.differences(only).empty


def test_quoted_numbers_are_in_the_tables(predictions):
    tidy, compared = results.scores(predictions), results.differences(predictions)
    quoted = results.quoted(tidy, compared)
    uar = tidy[tidy["metric"] == "uar_pooled"]
    dataset = uar["dataset"].iloc[0]
    assert quoted[f"{dataset}_best"] == uar["value"].max()
    assert quoted["n_differences"] == 2
    control = compared[
        (compared["metric"] == "uar_pooled")
        & (compared["comparison"] == "dual minus matched single")
    ]
    assert quoted["n_above_zero"] == (control["low"] > 0).sum()
    assert quoted["mean_difference"] == pytest.approx(control["value"].mean())


def test_wide_tables_have_a_row_a_score(predictions):
    tidy = results.scores(predictions)
    wide = results.wide_scores(tidy, tidy["dataset"].iloc[0])
    assert len(wide) == 6
    assert wide["model"].tolist() == ["ResNet50"] * 3 + ["LEARNet"] * 3
    assert len(results.wide_differences(results.differences(predictions))) == 12


def test_an_undefined_interval_is_said(predictions):
    one = predictions[predictions["subject"] == predictions["subject"].iloc[0]]
    wide = results.wide_scores(results.scores(one), one["dataset"].iloc[0])
    assert set(wide["UAR, 95 % interval"]) == {"undefined"}
