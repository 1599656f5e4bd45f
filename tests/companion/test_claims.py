"""The ledger: the register is checked, the rules are followed, nothing dishonest can be said."""

from __future__ import annotations

import importlib
import re
import shutil
import tomllib
from importlib.metadata import EntryPoint
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers import raises
from scipy import stats as scipy_stats

from companion import claims as ledger
from companion.chapters import tables
from companion.claims import decisions, editions, pages, register
from companion.claims import rows as evidence_room
from companion.claims.evidence import compared
from companion.claims.rows import Comparison
from companion.claims.rules import RULES, Rule, control_of
from companion.claims.verdicts import Verdict, incomplete
from companion.editions import read_editions, rules_hash
from mer_utils import runs
from mer_utils.experiments import PAPER, PROFILES
from mer_utils.models import networks
from mer_utils.phases import PHASES
from mer_utils.stats import EVERY
from mer_utils.views import Views

REGISTER = Path(__file__).parents[2] / "book" / "claims.yml"
#: Difference and standard error: shown to be above zero, below, near it, and neither.
GAIN, LOSS, NIL, NOTHING = (0.06, 0.01), (-0.06, 0.01), (0.0, 0.01), (0.0, 0.05)
PAPER_PROFILE, DEMO = PROFILES["paper"], PROFILES["demo"]


@pytest.fixture(scope="module")
def claims():
    return {claim.id: claim for claim in ledger.read_claims(REGISTER)}


SIX = tuple(networks())


def rows_of(rule, effect=GAIN, *, synthetic=False, models=SIX, baseline=0.4):
    """Complete evidence for a rule, every difference alike, the means among them."""
    rows = [
        {
            "table": comparison.table,
            "dataset": dataset,
            "model": model,
            "metric": metric,
            **comparison.treatment,
            **based(comparison),
            "baseline_score": baseline,
            "df": 25.0,
            "cells": 1,
            "seeds": 5,
            "left_out": 0,
            "above_chance": True,
            "steps_apart": 0.0,
        }
        for comparison, dataset, model, metric in product(
            rule.rests_on, (*PAPER, EVERY), (*models, EVERY), rule.metrics
        )
    ]
    found = pd.DataFrame(rows, columns=evidence_room.COLUMNS)
    return set_to(found.assign(missing_folds=0, synthetic=synthetic, data="made"), effect)


def based(comparison):
    both = {**comparison.treatment, **comparison.baseline}
    return {f"base_{column}": value for column, value in both.items()}


def set_to(rows, effect, **where):
    """Give the rows that match `where` another effect."""
    chosen = np.logical_and.reduce(
        [np.ones(len(rows), bool), *(rows[n] == v for n, v in where.items())]
    )
    value, se = effect
    reach = scipy_stats.t.ppf(0.975, 25) * se
    numbers = {
        "difference": value,
        "se": se,
        "low": value - reach,
        "high": value + reach,
        "p": 2 * scipy_stats.t.sf(abs(value) / se, 25),
    }
    scale = rows.loc[chosen, "baseline_score"].astype(float)
    for name, number in numbers.items():
        rows.loc[chosen, name] = number
    for name, number in (("", value), ("_low", value - reach), ("_high", value + reach)):
        rows.loc[chosen, f"relative{name}"] = number / scale
    return rows


def judged(claims, name, rows, synthetic=False, profile=PAPER_PROFILE):
    return ledger.judge(claims[name], rows, synthetic, profile=profile)


def verdict(claims, name, rows, synthetic=False, profile=PAPER_PROFILE):
    return judged(claims, name, rows, synthetic, profile).verdict


FACES = [name for name in RULES if name != "C01"]


def test_every_claim_of_the_register_has_a_rule(claims):
    assert list(claims) == list(RULES)
    for name, claim in claims.items():
        tested = set(RULES[name].tables())
        assert tested <= set(claim.measured_by)


@pytest.mark.parametrize("name", FACES)
@pytest.mark.parametrize("effect", [GAIN, LOSS, NIL, NOTHING])
def test_synthetic_data_decide_nothing_about_faces(claims, name, effect):
    rows = rows_of(RULES[name], effect, synthetic=True)
    found = judged(claims, name, rows, True)
    assert found.verdict == "not testable on synthetic data"


@pytest.mark.parametrize("word", ["superior", "equivalent", "worse", "undecided", "holds"])
def test_no_other_verdict_about_faces_can_even_be_made(claims, word):
    with raises("bad register", "C03", register.NOT_TESTABLE):
        Verdict(claims["C03"], True, word, "", "", "")
    # Nor by an entry that was built around the register's checks.
    lax = claims["C03"].verdicts.model_construct(real=(word,), synthetic=(word,))
    with raises("bad register", register.NOT_TESTABLE):
        claim = type(claims["C03"]).model_construct(**dict(claims["C03"]) | {"verdicts": lax})
        Verdict(claim, True, word, "", "", "")


def test_evidence_that_is_partly_synthetic_cannot_pass_for_real(claims):
    rows = rows_of(RULES["C03"])
    rows.loc[rows["dataset"] == "samm", "synthetic"] = True
    with raises("invalid option", "C03"):
        judged(claims, "C03", rows)
    assert (
        ledger.judge_all([claims["C03"]], rows, profile=PAPER_PROFILE)[0].verdict
        == register.NOT_TESTABLE
    )


def test_a_verdict_that_the_entry_does_not_admit_is_refused(claims):
    with raises("bad register", "C10", "superior"):
        Verdict(claims["C10"], False, "superior", "", "", "")
    with raises("bad register", "C03"):
        Verdict(claims["C03"], False, register.NOT_TESTABLE, "", "", "")


@pytest.mark.parametrize("name", ["C02", "C03", "C04", "C05", "C06", "C08", "C13"])
def test_all_or_none(claims, name):
    rule = RULES[name]
    foretold = claims[name].foretells
    assert verdict(claims, name, rows_of(rule, GAIN)) == "superior"
    assert verdict(claims, name, rows_of(rule, LOSS)) == "worse"
    # A true null can be reported, and is not the same as not knowing.
    assert verdict(claims, name, rows_of(rule, NIL)) == "equivalent"
    assert verdict(claims, name, rows_of(rule, NOTHING)) == "undecided"
    assert foretold == ("worse" if name == "C13" else "superior")


@pytest.mark.parametrize("name", ["C03", "C04", "C05", "C06"])
def test_every_network_on_every_data_set_needs_each_and_no_correction(claims, name):
    rule, one = RULES[name], {"model": "learnet", "dataset": "samm"}
    assert verdict(claims, name, set_to(rows_of(rule), LOSS, **one)) == "worse"
    assert verdict(claims, name, set_to(rows_of(rule), NOTHING, **one)) == "undecided"
    # p = 0.03 twelve times over: none would be left after a correction, each stands by itself.
    weak = (0.0345, 0.015)
    assert verdict(claims, name, rows_of(rule, weak)) == "superior"
    # To say that some one loses, the twelve are corrected.
    lost = set_to(rows_of(rule, NOTHING), (-0.0345, 0.015), **one)
    assert verdict(claims, name, lost) == "undecided"
    # The means decide nothing here.
    means = set_to(set_to(rows_of(rule), LOSS, model=EVERY), LOSS, dataset=EVERY)
    assert verdict(claims, name, means) == "superior"


def test_an_undefined_interval_decides_nothing(claims):
    for name in FACES:
        rows = rows_of(RULES[name], (0.2, np.nan))
        assert verdict(claims, name, rows) == "undecided", name


GATED = [name for name in FACES if name not in ("C09", "C10", "C11")]


@pytest.mark.parametrize("name", GATED)
@pytest.mark.parametrize("effect", [GAIN, LOSS, NIL])
@pytest.mark.parametrize(
    ("gate", "where", "named"),
    [
        ("profile", {}, "demo"),
        ("seeds", {"seeds": 4}, "seeds"),
        ("chance", {"above_chance": False}, "LEARNet"),
    ],
)
def test_a_shut_gate_leaves_a_claim_undecided(claims, name, effect, gate, where, named):
    rows = rows_of(RULES[name], effect)
    one = rows["model"].eq("learnet") & rows["dataset"].eq("samm")
    for column, value in where.items():
        rows[column] = rows[column].mask(one, value)
    found = judged(claims, name, rows, profile=DEMO if gate == "profile" else PAPER_PROFILE)
    assert found.verdict == "undecided"
    assert named in found.why
    assert "Gate shut: " in found.measured


def test_a_network_that_learns_with_one_setting_passes_the_gate(claims):
    rows = rows_of(RULES["C02"])
    first = rows["base_cut"].eq("random")
    rows["above_chance"] = rows["above_chance"].mask(first, False)
    assert verdict(claims, "C02", rows) == "superior"


def test_arms_of_other_steps_are_said_and_kept(claims):
    rows = rows_of(RULES["C05"])
    rows.loc[rows["model"] == "learnet", "steps_apart"] = 7.0
    found = judged(claims, "C05", rows)
    assert found.verdict == "superior"
    assert "different numbers of optimiser steps in 14 folds, of 2 of 12 comp" in found.measured


def test_steps_that_differ_by_design_are_no_remark(claims):
    rows = rows_of(RULES["C07"]).assign(steps_apart=7.0)
    single = rows["base_setting"].eq("single")
    assert 0 < single.sum() < len(single)
    said = judged(claims, "C07", rows).measured
    n = int((~single & rows["dataset"].isin(PAPER) & rows["model"].isin(SIX)
             & rows["metric"].eq(rows["metric"].iloc[0])).sum())  # fmt: skip
    assert f"of {n} of {n} comparisons" in said


def test_a_gain_over_single_alone_decides_nothing(claims):
    rows = rows_of(RULES["C03"], NOTHING)
    uncontrolled = rows_of(RULES["C03"]).assign(base_setting="single")
    both = pd.concat([rows, uncontrolled], ignore_index=True)
    found = judged(claims, "C03", both)
    assert found.verdict == "undecided"
    assert "without the control, so it decides nothing" in found.measured


@pytest.mark.parametrize(
    "comparison",
    [
        Comparison("table2", {"setting": "dual"}, {"setting": "single"}),
        Comparison(
            "table3",
            {"setting": "dual", "spatial": "flip"},
            {"setting": "single", "spatial": "none"},
        ),
    ],
)
def test_a_rule_without_the_control_cannot_be_made(comparison):
    with raises("bad register", comparison.words, "matched single"):
        Rule(decisions.all_of, (comparison,))
    Rule(decisions.all_of, (comparison, control_of(comparison)))


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """Where the store of `half_a_table` is kept once it is computed."""
    return tmp_path_factory.mktemp("computed") / "store"


@pytest.fixture
def half_a_table(workspace, computed):
    """The workspace with table 2 computed for LEARNet alone."""
    store = workspace.context.store
    if not computed.exists():
        specs = [s for s in workspace.specs("table2") if s.model.name == "learnet"]
        for job in workspace.jobs(specs):
            outcome = runs.run_fold(job, workspace.context)
            assert outcome.status == "done", outcome.error
        shutil.copytree(store, computed)
    else:
        shutil.copytree(computed, store)
    return workspace


def test_mcnemar_is_no_part_of_the_evidence(half_a_table):
    assert not any("mcnemar" in column for column in evidence_room.COLUMNS)
    found = ledger.evidence(half_a_table)
    assert tuple(found.columns) == evidence_room.COLUMNS


def test_up_to_ten_per_cent_is_decided_by_intervals_and_needs_its_control(claims):
    rule = RULES["C07"]
    reached = (0.10, 0.01)
    assert verdict(claims, "C07", rows_of(rule, reached)) == "superior"
    rows = rows_of(rule, reached)
    control = {"base_setting": "matched single"}
    assert verdict(claims, "C07", set_to(rows.copy(), NOTHING, **control)) == "undecided"
    # 15 %, of which 10 is no more excluded than 20: a point that reaches it decides nothing.
    assert verdict(claims, "C07", rows_of(rule, (0.06, 0.02))) == "undecided"
    assert verdict(claims, "C07", rows_of(rule, (0.01, 0.005))) == "worse"
    assert verdict(claims, "C07", rows_of(rule, NOTHING)) == "undecided"
    # One of many is enough, where it is beyond what the largest of so many reaches by chance.
    one = set_to(rows_of(rule, NOTHING), reached, model="learnet", dataset="samm", spatial="flip")
    assert verdict(claims, "C07", one) == "superior"


def test_a_baseline_of_zero_has_no_relative_gain_and_decides_nothing(claims):
    rows = rows_of(RULES["C07"], (0.01, 0.005))
    none = rows["model"].eq("learnet") & rows["base_setting"].eq("single")
    rows.loc[none, ["relative", "relative_low", "relative_high"]] = np.nan
    found = judged(claims, "C07", rows)
    assert found.verdict == "undecided"
    assert "undefined" in found.why


def test_complementary_phases_need_all_three_means(claims):
    rule, cut = RULES["C02"], {"base_cut": "random"}
    mean = {"dataset": EVERY, "model": EVERY}
    assert verdict(claims, "C02", set_to(rows_of(rule), NOTHING, **cut, **mean)) == "undecided"
    assert verdict(claims, "C02", set_to(rows_of(rule), LOSS, **cut, **mean)) == "worse"
    assert verdict(claims, "C02", set_to(rows_of(rule), LOSS, **cut, model="learnet")) == "superior"


def test_augmentation_hurts_only_if_it_hurts_both_networks(claims):
    rule = RULES["C12"]
    rows = rows_of(rule, NOTHING)
    one = set_to(rows.copy(), LOSS, model="learnet")
    assert verdict(claims, "C12", one) == "undecided"
    both = set_to(one, LOSS, model="vit_base_patch16_224", dataset="samm")
    assert verdict(claims, "C12", both) == "worse"
    assert verdict(claims, "C12", set_to(rows, GAIN, model="learnet")) == "superior"
    assert verdict(claims, "C12", rows_of(rule, NIL)) == "equivalent"


@pytest.mark.parametrize("name", ["C09", "C10", "C11"])
@pytest.mark.parametrize("effect", [GAIN, LOSS, NIL])
def test_what_cannot_be_decided_is_not(claims, name, effect):
    assert verdict(claims, name, rows_of(RULES[name], effect)) == "undecided"


def test_reported_gains_stand_beside_means_with_intervals(claims):
    found = judged(claims, "C10", rows_of(RULES["C10"], (0.02, 0.01), baseline=0.5)).measured
    assert "+2.0 points (-0.1 to +4.1), or +4.0 per cent of the mean score" in found
    assert "the source says +4.5 %" in found


def test_comparison_that_no_run_of_the_profile_makes_is_named_without_a_command():
    rule = RULES["C02"]
    rows, absent = rows_of(rule), rule.rests_on[0]
    (found,) = incomplete(rule, rows[~absent.rows(rows)], "demo")
    assert "dual minus matched single (Table 4)" in found
    assert "mer run" not in found


def test_every_comparison_of_a_table_is_evidence_whatever_words_another_table_has(
    workspace, store_all
):
    store_all(workspace.specs("table4"))
    found = ledger.evidence(workspace)
    named = [c for c in RULES["C02"].rests_on if c.table == "table4"]
    assert "dual minus matched single" in {c.words for c in named}
    assert "dual minus matched single" in {c.words for c in RULES["C03"].rests_on}
    assert all(c.rows(found).any() for c in named)


def test_missing_folds_leave_a_claim_undecided_and_name_the_command(claims):
    rows = rows_of(RULES["C03"])
    rows.loc[rows["model"] == "learnet", "missing_folds"] = 3
    found = judged(claims, "C03", rows)
    assert found.verdict == "undecided"
    assert "6 folds of Table 2. To fill it: mer run table2 --profile paper" in found.measured
    assert "mer run table2 --profile paper" in found.measured


def test_a_claim_about_six_networks_needs_six_and_both_data_sets(claims):
    found = judged(claims, "C03", rows_of(RULES["C03"], models=("learnet",)))
    assert found.verdict == "undecided"
    assert "ViT-B/16" in found.measured
    rows = rows_of(RULES["C03"])
    found = judged(claims, "C03", rows[rows["dataset"] == "samm"])
    assert found.verdict == "undecided"
    assert "CASME II" in found.measured


def test_baselines_are_no_networks(claims):
    baseline = set_to(rows_of(RULES["C03"], models=("svm",)), LOSS, model="svm")
    rows = pd.concat([rows_of(RULES["C03"]), baseline], ignore_index=True)
    assert verdict(claims, "C03", rows) == "superior"


def test_a_claim_without_a_rule_is_named(claims):
    with raises("unknown name", "C99"):
        claim = claims["C03"].model_copy(update={"id": "C99"})
        ledger.judge(claim, rows_of(RULES["C03"]), False, profile=PAPER_PROFILE)


def counts(two, differ):
    values = {"clips": 9.0, "clips with two phases": two, "clips whose images differ": differ}
    rows = [
        {"table": "views", "dataset": "casme2", "model": "", "metric": m, "difference": v}
        for m, v in values.items()
    ]
    return pd.DataFrame(rows, columns=evidence_room.COLUMNS).assign(
        missing_folds=0, synthetic=True, data="made"
    )


def test_the_method_is_judged_by_its_images_on_any_data(claims):
    assert verdict(claims, "C01", counts(8, 8), True) == register.HOLDS
    assert verdict(claims, "C01", counts(8, 7), True) == register.FAILS
    assert verdict(claims, "C01", counts(0, 0), True) == "undecided"


def test_phases_are_counted_clip_by_clip():
    clips = pd.DataFrame(
        {
            "onset": pd.array([1] * 5, "Int64"),
            "apex": pd.array([5, 5, 1, None, 5], "Int64"),
            "offset": pd.array([9] * 5, "Int64"),
        }
    )
    pixels = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(3, 5, 2, 2, 1)
    images = dict(zip(PHASES, pixels, strict=True))
    images["apex_offset"][1] = images["onset_apex"][1]  # its two halves are the same
    half = np.array([True, True, False, False, True])
    present = {"full": np.ones(5, bool), "onset_apex": half, "apex_offset": half}
    found = evidence_room.count_phases(clips, Views(images, present, np.zeros(5, int)))
    assert found == {
        "clips": 5,
        "clips with two phases": 3,
        "clips whose images differ": 2,
    }


def test_an_empty_store_is_evidence_of_nothing_but_the_images(workspace):
    found = ledger.evidence(workspace)
    assert set(found["table"]) == {"views"}
    verdicts = ledger.judge_all(ledger.read_claims(REGISTER), found, profile=PROFILES["smoke"])
    assert verdicts[0].verdict == register.HOLDS
    assert "mer run table2 --profile smoke" in verdicts[2].measured
    assert len(ledger.claims_table(verdicts)) == len(verdicts)


def test_half_a_table_counts_what_is_missing(half_a_table):
    found = ledger.evidence(half_a_table)
    table2 = found[found["table"] == "table2"].drop_duplicates(["dataset", "model"])
    table2 = table2[(table2["dataset"] != EVERY) & (table2["model"] != EVERY)]
    missing = table2.set_index(["dataset", "model"])["missing_folds"]
    assert (missing.xs("learnet", level="model") == 0).all()
    # Four settings of three subjects each.
    assert (missing.drop("learnet", level="model") == 12).all()
    assert found["synthetic"].all()
    learnet = found[found["model"].eq("learnet") & found["table"].eq("table2")]
    learnet = learnet[learnet["dataset"] != EVERY]
    expected = tables.read(half_a_table, "table2").differences
    on = ["dataset", "model", "metric", "setting", "base_setting"]
    both = learnet.merge(expected[[*on, "value"]], on=on, how="left")
    # Of each data set, the three scores of two comparisons with a control.
    assert len(both) == 2 * 3 * 2
    assert both["difference"].to_numpy() == pytest.approx(both["value"].to_numpy())
    assert learnet["above_chance"].isin([True, False]).all()
    assert learnet["seeds"].eq(1).all()
    # Dual takes as many steps as its control only if every clip has its phases.
    assert learnet["steps_apart"].notna().all()


def test_a_comparison_leaves_out_what_its_table_varies_beside_it():
    """Table 7 also trims clips and changes rules, with the apex where it was annotated."""
    comparison = Comparison("table7", {"apex_shift": 2}, {"apex_shift": 0})
    rng, parts = np.random.default_rng(0), []
    for shift, trim, rule in [(0, 0, "drop"), (2, 0, "drop"), (0, 4, "drop"), (0, 0, "midpoint")]:
        for subject in range(4):
            parts.append(pd.DataFrame({
                "dataset": "casme2", "model": "learnet", "seed": 0, "run": f"{shift}{trim}{rule}",
                "apex_shift": shift, "trim": trim, "missing_apex": rule, "degenerate_phase": "skip",
                "cut": "apex",
                "subject": f"sub{subject}", "clip": range(6), "y_true": [0, 1, 2] * 2,
                "y_pred": rng.integers(0, 3, 6),
            }))  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    alone = rows[rows["trim"].eq(0) & rows["missing_apex"].eq("drop")].reset_index(drop=True)
    found, expected = (compared(each, comparison) for each in (rows, alone))
    assert len(found)
    assert found["difference"].notna().all()
    pd.testing.assert_frame_equal(found, expected)


def entry(**changes):
    first = yaml.safe_load(REGISTER.read_text())[2]
    return {**first, **changes}


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ([entry(mark="heard")], ["C03: mark"]),
        ([entry(id="3")], ["3: id"]),
        ([entry(), entry()], ["C03", "twice"]),
        ([entry(mark="second-hand")], ["C03: the entry", "second-hand"]),
        ([entry(verdicts={"real": ["holds"], "synthetic": ["holds"]})], ["C03"]),
        ([entry(surplus=1)], ["C03: surplus"]),
        ([{k: v for k, v in entry().items() if k != "id"}], ["entry 1: id"]),
        (["words"], ["entry 1"]),
        ([], ["no list"]),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, entries, named):
    file = tmp_path / "claims.yml"
    file.write_text(yaml.safe_dump(entries))
    with raises("bad register", *named):
        ledger.read_claims(file)


def test_an_entry_cannot_promise_verdicts_about_faces(tmp_path):
    file = tmp_path / "claims.yml"
    file.write_text(yaml.safe_dump([entry(verdicts={"real": ["holds"], "synthetic": ["holds"]})]))
    with raises("bad register", "C03", "about faces"):
        ledger.read_claims(file)


def test_a_missing_or_broken_register_is_named(tmp_path):
    with raises("bad register", "claims.yml"):
        ledger.read_claims(tmp_path / "claims.yml")
    (tmp_path / "claims.yml").write_text("- id: [")
    with raises("bad register", "claims.yml"):
        ledger.read_claims(tmp_path / "claims.yml")


def test_the_list_quotes_escapes_and_links(claims):
    claim = claims["C03"].model_copy(update={"claim": "a < b"})
    found = Verdict(claim, True, register.NOT_TESTABLE, "one\ntwo", "made", "why")
    html = pages.claims_list([found]).data
    assert 'id="c03"' in html
    assert "<q>a &lt; b</q>" in html
    assert html.count("<li>") == 2
    assert "Verdict: not testable on synthetic data" in html


def test_quoted_numbers_count_the_verdicts(claims):
    rows = pd.concat([rows_of(RULES["C03"], NOTHING), rows_of(RULES["C07"], NOTHING)])
    rows = rows.reset_index(drop=True)
    verdicts = ledger.judge_all(list(claims.values()), rows, profile=PAPER_PROFILE)
    quoted = ledger.quoted_claims(verdicts)
    assert quoted["n_claims"] == len(claims) == quoted["n_faces"] + quoted["n_method"]
    assert sum(map(int, re.findall(r"\d+", str(quoted["in_all"])))) == len(claims)
    assert not re.search(r"\b0 ", str(quoted["in_all"]))


def test_the_newest_edition_is_of_the_rules_as_they_are(tmp_path):
    register = REGISTER.with_name("editions.yml")
    found = read_editions(register)
    assert found[-1]["rules"] == rules_hash()
    assert found[0]["verdicts"]
    # A changed rule without a new edition is no edition.
    changed = tmp_path / "editions.yml"
    changed.write_text(register.read_text().replace(rules_hash(), "0" * 16))
    with raises("bad register", "editions.yml", rules_hash()):
        read_editions(changed)
    changed.write_text("- edition: 2")
    with raises("bad register", "editions.yml"):
        read_editions(changed)


def test_the_rules_are_recorded_with_every_run(half_a_table, monkeypatch):
    point = EntryPoint("rules", "companion.editions:rules_hash", "mer.provenance")
    environment = importlib.import_module("mer_utils.runs.environment")
    monkeypatch.setattr(environment, "entry_points", lambda group: [point])
    recorded = environment.environment.__wrapped__()
    assert recorded["rules"] == rules_hash()
    declared = tomllib.loads((REGISTER.parents[1] / "pyproject.toml").read_text())
    assert declared["project"]["entry-points"]["mer.provenance"] == {"rules": point.value}


def test_runs_of_other_rules_are_counted(half_a_table, monkeypatch):
    noted = pd.DataFrame({"run": list("abcd"), "rules": [rules_hash()] * 2 + ["other", None]})
    monkeypatch.setattr(type(half_a_table.store), "environments", lambda *_: noted)
    said = editions.computed_under(half_a_table)
    assert said.startswith("2 of 4 folds were computed with these rules in place; 2 with others")
    monkeypatch.setattr(type(half_a_table.store), "environments", lambda *_: noted[["run"]])
    assert editions.computed_under(half_a_table).startswith("0 of 4 folds")
    monkeypatch.setattr(type(half_a_table.store), "environments", lambda *_: noted[:0])
    assert editions.computed_under(half_a_table) == "No fold is computed yet."
