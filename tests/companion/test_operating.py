"""The rules on simulated truths, in small; the record in full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks import operating as simulated
from companion.claims import operating
from companion.claims.rules import RULES
from companion.editions import rules_hash

RECORD = Path(__file__).parents[2] / "benchmarks" / "recorded" / "rules" / "operating.json"


@pytest.fixture(scope="module")
def table():
    return operating.operating_table(operating.read_operating(RECORD))


@pytest.mark.parametrize("name", ["C02", "C13"])
def test_a_rule_finds_a_gain_as_large_as_ten_points(name):
    row = next(iter(simulated.simulate_rules((name,), simulated.TRUTHS[2], 3)))
    foretold = "worse" if name in simulated.LOSSES else "superior"
    assert row[foretold] == 1


def test_rules_of_one_table_are_simulated_together():
    rows = list(simulated.simulate_rules(simulated.TABLE2, simulated.TRUTHS[0], 2))
    assert [row["rule"] for row in rows] == [*simulated.TABLE2]
    for row in [*rows, *simulated.simulate_primary(simulated.TRUTHS[0], 2)]:
        assert sum(row[word] for word in operating.WORDS) == pytest.approx(1)


def test_a_spared_network_has_no_gain():
    truth = simulated.Truth("made", 0.3, 0.3, spared="learnet")
    found = simulated.evidence_of(RULES["C05"], truth, 1, np.random.default_rng(0))
    uar = found[found["metric"] == "uar_pooled"].set_index(["dataset", "model"])["difference"]
    assert abs(uar["samm", "learnet"]) < 0.15 < uar["casme2", "learnet"]
    assert uar["samm", "vgg19"] > 0.15


def test_the_record_is_of_these_rules_and_says_what_it_lacks(table):
    record = operating.read_operating(RECORD)
    assert record["specification"]["rules"] == rules_hash()
    said = operating.of_these_rules(record)
    assert said.startswith(f"It was recorded with these rules ({rules_hash()}).")
    planned = {(rule, truth.name) for names, truth, _ in simulated.plan() for rule in names}
    there = set(zip(table["rule"], table["truth"], strict=True))
    assert there <= planned == set(map(tuple, record["specification"]["planned"]))
    assert ("Planned and not recorded yet" in said) == (there != planned)
    # What the page speaks of is there.
    assert {("primary", truth.name) for truth in simulated.TRUTHS[:2]} <= there
    record["specification"]["rules"] = "0"
    record["rows"] = record["rows"].query("rule != 'primary'")
    assert "anew" in operating.of_these_rules(record)
    assert "primary, no difference" in operating.of_these_rules(record)


def test_no_rule_is_wrong_more_often_than_its_level(table):
    for row in table.itertuples():
        # One of 30 rows at most lies beyond what a true share of 5 % gives in so many.
        most = binom.ppf(0.999, row.simulations, 0.05) / row.simulations
        assert row.wrong <= most, (row.rule, row.truth)


def test_the_primary_interval_covers_at_every_truth():
    rows = operating.read_operating(RECORD)["rows"].query("rule == 'primary'")
    assert rows["coverage"].between(0.93, 0.97).all()
