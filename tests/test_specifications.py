"""The specification curve's command, on a learner that costs nothing."""

import pytest

from benchmarks import specifications
from mer_utils.metrics import scores


def test_each_difference_is_that_of_the_two_runs_it_names(workspace):
    runs = specifications.planned(workspace, ["svm_hog"])
    assert len(runs) == 2 * 3 * len(workspace.data)
    specifications.compute(workspace, runs)
    rows = specifications.predictions(workspace, runs)
    curve, tests = specifications.curves(rows)
    assert len(curve) == 2 * 2 * 3 * len(workspace.data)
    for row in curve:
        uar = []
        for setting in ("matched single", row["setting"]):
            part = rows[rows["setting"].eq(setting) & rows["dataset"].eq(row["dataset"])]
            part = part[part["scaling"].eq(row["scaling"]) & part["tested"].eq(row["tested"])]
            uar.append(part)
        shared = set(uar[0]["clip"]) & set(uar[1]["clip"])
        base, treated = (
            scores(p["y_true"], p["y_pred"], 5).uar
            for p in (part[part["clip"].isin(shared)] for part in uar)
        )
        assert row["difference"] == pytest.approx(treated - base)
    assert {test["specifications"] for test in tests} == {6 * len(workspace.data)}
    assert specifications.budgets(rows) == []
