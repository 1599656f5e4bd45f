"""The record of why results differ between machines, as the guide shows it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.causes import CAUSES, NAMED, OUT, compared
from companion.costs import causes
from mer_utils.experiments.verification import ALPHA


@pytest.fixture(scope="module")
def record():
    return causes.read_causes(OUT)


def test_the_record_has_every_cause_and_the_guide_shows_each_once(record):
    rows = record["rows"]
    assert set(CAUSES) <= set(rows["cause"])
    ours, theirs = (causes.networks_table(record, named) for named in (False, True))
    assert set(theirs["cause"]) == set(NAMED)
    assert [*ours["cause"], *theirs["cause"]] == list(CAUSES)
    assert set(causes.views_table(record)["cause"]) == set(rows["cause"]) - set(NAMED)
    still = rows[rows["cause"] == "another process"]
    assert still["largest"].max() == still["share"].max() == 0


def test_another_seed_moves_networks_further_than_machines_but_for_the_one_named(record):
    found, said = causes.by_network(record), causes.quoted(record)
    others = found[found["model"].map(causes.models.title) != said["furthest"]]
    machines = others[["the same views", "other views"]].max(axis=1)
    assert len(others) == len(found) - 1
    assert (others["another seed"] > machines).all()
    assert all(said.values())


def test_the_guide_says_how_often_verification_was_wrong_once_it_was_measured(tmp_path):
    file = tmp_path / "alarms.json"
    assert "not measured" in causes.alarms(file)
    rows = [
        {
            "kind": "another seed",
            "trials": 20,
            "alarms": 19,
            "verdicts": [["learnet", "different", 20], ["vgg19", "statistically the same", 3]],
        }
    ]
    about = {"folds": 40, "each": 20, "profile": "demo", "recorded": "2026-11-27"}
    file.write_text(json.dumps({"specification": about, "rows": rows}))
    said = causes.alarms(file)
    assert "another seed: 19 of 20" in said
    assert "LEARNet" in said
    assert "VGG19" not in said


def test_the_guide_shows_what_is_allowed_and_why(tmp_path):
    moved = [("learnet", "a", 1), ("learnet", "a", 4), ("learnet", "b", 2), ("learnet", "b", 2)]
    rows = [{"model": m, "cause": c, "largest": 1, "moved": v, "by_seed": 10} for m, c, v in moved]
    (tmp_path / "t.json").write_text(json.dumps({"specification": {}, "rows": rows}))
    found = causes.allowed(tmp_path / "t.json").set_index("model").loc["learnet"]
    assert found[["a", "b"]].tolist() == pytest.approx([0.2, 0.2])
    # Student's t with one degree of freedom is a tangent.
    far = np.tan(np.pi * (0.5 - ALPHA)) * np.log(4) / 2**0.5
    assert causes.loose(pd.DataFrame({"model": ["vgg19", "learnet"], "n": [0.5, 0.4]})) == "VGG19"
    assert np.log(found["allowed, n = 16"] / 0.2) == pytest.approx(far * (1 / 16 + 1 / 2) ** 0.5)


def test_how_far_two_processes_are_apart_is_counted_by_hand():
    p = np.array([[0.6, 0.4], [0.3, 0.7], [0.51, 0.49]])
    base = {"views 8": np.zeros((2, 2), np.uint8), "true": np.array([0, 1, 0])}
    base |= {"net first": p, "net last": p}
    moved = p + np.array([[0.0, 0.0], [-0.1, 0.1], [-0.02, 0.02]])
    views, net = compared(
        base, base | {"views 8": np.array([[0, 3], [0, 0]], np.uint8), "net last": moved}
    )
    assert (views["share"], views["largest"]) == (0.25, 3)
    assert (net["changed"], net["clips"], net["first"]) == (1, 3, 0)
    assert (net["largest"], net["median"]) == pytest.approx((0.1, 0.02))
    assert net["uar"] == pytest.approx(0.25)
