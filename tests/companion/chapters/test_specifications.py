"""The chapter on the specification curve, on a made record."""

import json
from itertools import product

import numpy as np
import pytest

from companion.chapters import specifications
from mer_utils import plotting
from tests.helpers import raises

CHOICES = {"rate": [0.5, 1], "scaling": ["minmax", "symmetric"]}
EFFECT = {"dual": -0.1, "aligned": 0.02}


def record(tmp_path, rate_matters=0.0, **changes):
    """Write a record whose differences are known: of the treatment, and of the rate times it."""
    curve = [
        {"dataset": d, "model": "learnet", "setting": s, "rate": rate, "scaling": scaling}
        | {"difference": EFFECT[s] + rate_matters * rate, "low": -0.5, "high": 0.5}
        for d, s, rate, scaling in product(("casme2", "samm"), EFFECT, *CHOICES.values())
    ]
    tests = [
        {"model": "learnet", "treatment": s, "specifications": 8, "subjects": 16}
        | {"median": EFFECT[s], "positive": float(EFFECT[s] > 0)}
        | {"p_median": 0.01, "p_positive": 0.01}
        for s in EFFECT
    ]
    budgets = [
        {"dataset": d, "model": "learnet", "setting": s, "chosen_on": way, "trials": n}
        | {"uar": 0.5 + EFFECT.get(s, 0) + 0.01 * n * (way == "the same")}
        for d, s, way, n in product(
            ("casme2", "samm"), ("matched single", *EFFECT), ("the same", "the others"), (1, 2, 3)
        )
    ]
    about = {"choices": CHOICES, "baseline": "matched single", "tests": tests, "budgets": budgets}
    found = {"specification": about | changes, "rows": curve}
    file = tmp_path / "record.json"
    file.write_text(json.dumps(found))
    return file


def test_the_choice_that_moves_the_difference_is_named_with_what_it_moves(tmp_path):
    found = specifications.read(record(tmp_path, rate_matters=0.3))
    table = specifications.by_choice(found).set_index("choice")
    assert table.loc["learning rate × 1", "dual"] == pytest.approx(-0.1 + 0.3)
    assert table.loc["learning rate × 1", "moves"] == pytest.approx(0.15)
    assert table.loc["scaling: minmax", "moves"] == pytest.approx(0)
    assert "the learning rate, by up to 0.150" in specifications.said(found)


def test_what_is_said_changes_with_the_record(tmp_path):
    one = specifications.said(specifications.read(record(tmp_path)))
    assert "dual: above zero in 0 of 8" in one
    assert "aligned: above zero in 8 of 8" in one


def test_gains_at_equal_budgets_are_of_trials_chosen_on_the_other_data(tmp_path):
    found = specifications.read(record(tmp_path))
    gains = specifications.equal_budget(found)
    assert gains.groupby("setting")["value"].mean().to_dict() == pytest.approx(EFFECT)
    assert specifications.optimism(found) == pytest.approx(0.03)
    assert "would add 0.030" in specifications.said_of_budgets(found)


def test_one_data_set_has_no_other_to_choose_on(tmp_path):
    budgets = [
        {"dataset": "casme2", "model": "learnet", "setting": s, "chosen_on": "the same"}
        | {"trials": 1, "uar": 0.5}
        for s in ("matched single", *EFFECT)
    ]
    found = specifications.read(record(tmp_path, budgets=budgets))
    assert specifications.optimism(found) is None
    assert specifications.equal_budget(found)["value"].eq(0).all()


def test_the_figure_has_a_mark_per_specification_and_choice(tmp_path):
    found = specifications.read(record(tmp_path))
    choices = specifications.choices(found)
    figure = plotting.curve_figure(found.curve, choices)
    above, below = figure.axes
    drawn = np.concatenate([line.get_ydata() for line in above.lines[:2]])
    assert sorted(drawn) == pytest.approx(sorted(found.curve["difference"]))
    assert len(below.get_yticks()) == sum(map(len, choices.values()))
    marks = sum(len(c.get_segments()) for c in below.collections)
    assert marks == len(found.curve) * len(choices)


@pytest.mark.parametrize("text", ["", "{}", '{"specification": {}}'])
def test_a_file_that_is_no_record_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with raises("bad register", "x.json"):
        specifications.read(tmp_path / "x.json")
