"""Tables: counts against pandas, scores against the rooms they come from, the register."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from companion import chapters
from mer_utils import experiments, metrics, models, stats
from mer_utils.errors import MerError

REGISTER = Path(__file__).parents[3] / "book" / "assumptions.yml"


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
    tidy = chapters.scores(predictions)
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
    pd.testing.assert_frame_equal(chapters.on_view(both), predictions)
    with pytest.raises(MerError, match="test_view"):
        chapters.scores(both)


def test_differences_are_those_of_the_scores(predictions):
    tidy = chapters.scores(predictions).set_index(["model", "setting", "metric"])["value"]
    for row in chapters.differences(predictions).itertuples():
        baseline = row.comparison.removeprefix("dual minus ")
        dual, base = (tidy[row.model, s, row.metric] for s in ("dual", baseline))
        assert row.value == pytest.approx(dual - base)
        assert row.relative == pytest.approx((dual - base) / base)


def test_half_a_table_gives_half_the_differences(predictions):
    part = predictions[predictions["setting"] != "matched single"]
    assert set(chapters.differences(part)["comparison"]) == {"dual minus single"}
    only = predictions[predictions["setting"] == "dual"]
    assert chapters.differences(only).empty


def test_quoted_numbers_are_in_the_tables(predictions):
    tidy, compared = chapters.scores(predictions), chapters.differences(predictions)
    quoted = chapters.quoted(tidy, compared)
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
    tidy = chapters.scores(predictions)
    wide = chapters.wide_scores(tidy, tidy["dataset"].iloc[0])
    assert len(wide) == 6
    assert wide["model"].tolist() == ["ResNet50"] * 3 + ["LEARNet"] * 3
    assert len(chapters.wide_differences(chapters.differences(predictions))) == 12


def test_an_undefined_interval_is_said(predictions):
    one = predictions[predictions["subject"] == predictions["subject"].iloc[0]]
    wide = chapters.wide_scores(chapters.scores(one), one["dataset"].iloc[0])
    assert set(wide["UAR, 95 % interval"]) == {"undefined"}


def test_clip_summary_counts_what_pandas_counts(workspace):
    clips = pd.concat([workspace.clips(name) for name in experiments.DATASETS])
    summary = chapters.clip_summary(clips).set_index("data set")
    for name, part in clips.groupby("dataset"):
        row = summary.loc[name]
        assert row["clips"] == len(part)
        assert row["subjects"] == part["subject"].nunique()
        assert row["no apex"] == part["apex"].isna().sum()
        assert row["frames, mean"] == pytest.approx((part["offset"] - part["onset"]).mean() + 1)


def test_a_clip_without_a_phase_is_counted():
    clips = pd.DataFrame(
        {
            "dataset": "casme2",
            "subject": ["a", "a", "b", "b"],
            "onset": pd.array([1, 1, 1, 1], "Int64"),
            "apex": pd.array([5, 1, 9, None], "Int64"),
            "offset": pd.array([9, 9, 9, 9], "Int64"),
        }
    )
    row = chapters.clip_summary(clips).iloc[0]
    assert (row["no apex"], row["no rise"], row["no fall"]) == (1, 2, 2)


def test_action_units_are_counted_once_a_clip():
    clips = pd.DataFrame(
        {"emotion": ["happiness", "happiness", "fear"], "action_units": ["6+12", "L12+R12", "1+2"]}
    )
    counts = chapters.action_unit_counts(clips).set_index(["emotion", "action_unit"])["count"]
    assert counts.to_dict() == {
        ("happiness", "12"): 2,
        ("happiness", "6"): 1,
        ("fear", "1"): 1,
        ("fear", "2"): 1,
    }


def test_model_tables_count_the_real_networks():
    full = chapters.full_models(5).set_index("model")
    here = chapters.profile_models(experiments.get_profile("smoke"), 5, lambda name: 1.5)
    assert full.loc["LEARNet", "parameters"] == 1_866_053
    assert full.index.tolist() == here["model"].tolist()
    assert len(full) == len(models.networks())
    assert (here["parameters"].to_numpy() < full["parameters"].to_numpy()).all()


def test_an_assumption_is_a_link_target_and_is_escaped():
    entry = dict.fromkeys(["topic", "question", "reason", "mark", "setting", "sensitivity"], "x")
    entry |= {"id": "A07", "value": "a < b"}
    html = chapters.assumptions_list(pd.DataFrame([entry])).data
    assert 'id="a07"' in html
    assert "a &lt; b" in html


def test_show_escapes_and_repeats_itself():
    frame = pd.DataFrame({"what": ["<b>"], "n": [12345], "x": [0.12345]})
    html = chapters.show(frame, "A caption.").to_html()
    assert "&lt;b&gt;" in html
    assert "12,345" in html
    assert "0.123" in html
    assert html == chapters.show(frame, "A caption.").to_html()


def test_show_writes_names_for_readers():
    frame = pd.DataFrame(
        {
            "dataset": ["casme2"],
            "model": ["vgg19"],
            "phase": ["onset_apex"],
            "taken_for": ["surprise"],
            "sd_if_alike": [0.5],
        }
    )
    html = chapters.show(
        frame, "Clips & classes.", {"sd_if_alike": "{:.1f}"}, name="tab-x"
    ).to_html()
    for words in ("data set", "taken for", "SD if all alike", "CASME II", "VGG19", "onset to apex"):
        assert f">{words}<" in html
    assert ">0.5<" in html
    assert "<caption>Clips &amp; classes.</caption>" in html
    assert 'data-name="tab-x"' in html


def test_every_setting_of_the_register_is_a_field_of_the_run(workspace):
    table = chapters.assumptions_table(REGISTER, workspace.specs("table2"))
    assert table["id"].is_unique
    assert set(table["mark"]) <= {"read", "second-hand", "inferred", "unknown"}
    assert table["value"].str.len().min() > 0
    epochs = table.loc[table["setting"] == "training.epochs", "value"].item()
    assert epochs == str(workspace.profile.training.epochs)


def test_a_setting_that_does_not_exist_is_named(workspace, tmp_path):
    entry = {"id": "A99", "topic": "T", "question": "?", "setting": "training.luck", "value": None}
    entry |= {"reason": "r", "mark": "unknown", "sensitivity": "none yet"}
    (tmp_path / "register.yml").write_text(yaml.safe_dump([entry]))
    with pytest.raises(MerError, match=r"A99 names the setting 'training\.luck'"):
        chapters.assumptions_table(tmp_path / "register.yml", workspace.specs("table2"))
