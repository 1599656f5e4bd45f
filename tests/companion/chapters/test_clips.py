"""Clips counted against pandas, networks against their own numbers."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from made_data import write_clip_table

from companion.chapters import clips, networks
from mer_utils import datasets, experiments, models


def test_clip_summary_counts_what_pandas_counts(workspace):
    table = pd.concat([workspace.clips(name) for name in experiments.PAPER])
    summary = clips.summary(table).set_index("data set")
    for name, part in table.groupby("dataset"):
        row = summary.loc[name]
        assert row["clips"] == len(part)
        assert row["subjects"] == part["subject"].nunique()
        assert row["no apex"] == part["apex"].isna().sum()
        assert row["frames, mean"] == pytest.approx((part["offset"] - part["onset"]).mean() + 1)


def test_a_clip_of_each_class_is_shown_of_any_table(tmp_path):
    table = write_clip_table(tmp_path / "my clips", subjects=2, clips=2)
    apexless = table.with_name("apexless.csv")
    pd.read_csv(table).assign(apex="").to_csv(apexless, index=False)
    names = [f"clips:{path}" for path in (table, apexless)]
    rows = clips.shown_clips(experiments.open_workspace("smoke", datasets=names))
    assert len(rows) == 4
    for rule, many in (("skip_view", 0), ("spotted", 4)):
        found = datasets.Clips(apexless, missing_apex=rule).clips()
        assert len(clips.two_phased(found)) == many
        assert ("no apex is known" in clips.viewer(found.assign(fps=math.nan))) == (many == 0)
    assert clips.against_published(pd.read_csv(table).assign(dataset="clips")).empty


def test_a_clip_without_a_phase_is_counted():
    table = pd.DataFrame(
        {
            "dataset": "casme2",
            "subject": ["a", "a", "b", "b", "b"],
            "onset": pd.array([1] * 5, "Int64"),
            "apex": pd.array([5, 1, 9, None, None], "Int64"),
            "offset": pd.array([9] * 5, "Int64"),
            "apex_source": [*["annotated"] * 3, "missing", "spotted:regions:1"],
        }
    )
    row = clips.summary(table).iloc[0]
    # Where the apex is yet to be spotted on the frames, both phases will be there.
    assert (row["no apex"], row["no rise"], row["no fall"]) == (2, 2, 2)


def test_action_units_are_counted_once_a_clip():
    table = pd.DataFrame(
        {"emotion": ["happiness", "happiness", "fear"], "action_units": ["6+12", "L12+R12", "1+2"]}
    )
    counts = clips.action_unit_counts(table).set_index(["emotion", "action_unit"])["count"]
    assert counts.to_dict() == {
        ("happiness", "12"): 2,
        ("happiness", "6"): 1,
        ("fear", "1"): 1,
        ("fear", "2"): 1,
    }


def test_model_tables_count_the_real_networks():
    full = networks.as_published(5).set_index("model")
    here = networks.as_trained(experiments.PROFILES["smoke"], 5, lambda name: 1.5)
    assert full.loc["LEARNet", "parameters"] == 1_866_053
    assert full.index.tolist() == here["model"].tolist()
    assert len(full) == len(models.networks())
    assert (here["parameters"].to_numpy() < full["parameters"].to_numpy()).all()
