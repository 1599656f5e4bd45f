"""A number of a page leads to the predictions that it is made of."""

from __future__ import annotations

import base64
import json
import re

import pytest
from helpers import raises

from companion.chapters import all_results, phase_difference, tables, trace
from mer_utils.cli import experiments as commands


def files_of(workspace):
    """Return what the files of all tables say, read as a browser would run them."""
    html = trace.files(workspace).data
    found = {}
    for name, data in re.findall(r'download="runs-(\w+)\.js" href="data:[^,]+,([^"]+)"', html):
        script = base64.b64decode(data).decode()
        assert script.startswith(f'(window.merRuns??={{}})["{name}"]={{')
        found[name] = json.loads(script.split("=", 2)[2].strip().rstrip(";"))
    return found


@pytest.fixture
def embedded(filled):
    workspace = filled("table4")
    return workspace, tables.read(workspace, "table4"), files_of(workspace)["table4"]


def test_every_cell_has_its_variant_and_every_variant_its_predictions(embedded):
    _, shown, block = embedded
    named = re.findall(r"mer-t-([\w-]+)", " ".join(tables.wide(shown).attrs["traced"]))
    sides = re.findall(r"mer-t-([\w-]+)", " ".join(tables.wide_differences(shown).attrs["traced"]))
    assert set(named) == set(block["variants"]) >= set(sides)
    assert set(sides) == set(re.findall(r"mer-t-([\w-]+)", tables.here(shown).data))
    tidy = all_results.scores({"table4": shown})
    assert set(tidy.apply(all_results.marked, axis=1)) == {f"mer-t-{name}" for name in named}
    assert "profile smoke" in block["origin"]
    rows = shown.predictions.set_index(["run", "subject", "clip"])["y_pred"]
    for variant in block["variants"].values():
        assert "--only" in variant["command"]
        for run in variant["runs"]:
            for (subject, clip, _), digit in zip(
                block["clips"][variant["dataset"]], run["predicted"], strict=True
            ):
                assert digit == "." or rows[run["key"], subject, clip] == int(digit, 36)


def test_made_variants_have_runs_of_their_own(filled):
    workspace = filled("phase_difference")
    known = files_of(workspace)["phase_difference"]["variants"]
    gains = phase_difference.gains(workspace).assign(parameter=0)
    sides = re.findall(r"mer-t-([\w-]+)", phase_difference.here(gains).data)
    assert set(sides) <= set(known)
    assert len(sides) == 2 * len(gains) - len(gains) / 2  # both are held against one control
    assert "phase difference 1, noise 1" in known[sides[-1]]["title"]


def test_runs_are_chosen_by_their_keys(embedded):
    workspace, _, block = embedded
    key = next(iter(block["variants"].values()))["runs"][0]["key"]
    assert commands._of_keys([key], workspace, ["table4"], None) == []  # nothing of it is missing
    with raises("unknown name", "none-such"):
        commands._of_keys(["none-such"], workspace, ["table4"], None)
