"""A number of a page leads to the predictions that it is made of."""

from __future__ import annotations

import json
import re

import pytest
from helpers import raises

from companion.chapters import tables, trace
from mer_utils.cli import experiments as commands


@pytest.fixture
def embedded(filled):
    workspace = filled("table4")
    shown = tables.read(workspace, "table4")
    html = trace.embedded(workspace, shown.table, shown.predictions).data
    return workspace, shown, json.loads(re.search(r">(\{.*\})</script>", html, re.DOTALL)[1])


def test_every_cell_has_its_variant_and_every_variant_its_predictions(embedded):
    _, shown, block = embedded
    named = re.findall(r"mer-t-(\w+)", " ".join(tables.wide(shown).attrs["traced"]))
    sides = re.findall(r"mer-t-(\w+)", " ".join(tables.wide_differences(shown).attrs["traced"]))
    assert set(named) == set(block["variants"]) >= set(sides)
    rows = shown.predictions.set_index(["run", "subject", "clip"])["y_pred"]
    for variant in block["variants"].values():
        assert "--only" in variant["command"]
        for run in variant["runs"]:
            for (subject, clip, _), digit in zip(
                block["clips"][variant["dataset"]], run["predicted"], strict=True
            ):
                assert digit == "." or rows[run["key"], subject, clip] == int(digit, 36)


def test_runs_are_chosen_by_their_keys(embedded):
    workspace, _, block = embedded
    key = next(iter(block["variants"].values()))["runs"][0]["key"]
    assert commands._of_keys([key], workspace, ["table4"], None) == []  # nothing of it is missing
    with raises("unknown name", "none-such"):
        commands._of_keys(["none-such"], workspace, ["table4"], None)
