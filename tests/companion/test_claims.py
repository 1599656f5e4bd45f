"""The ledger: the register is checked, the rules are followed, nothing dishonest can be said."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers import raises

from companion import claims as ledger
from companion.chapters import tables
from companion.claims import decisions, pages, register
from companion.claims import rows as evidence_room
from companion.claims.rows import Comparison
from companion.claims.rules import RULES, Rule, control_of
from companion.claims.verdicts import Verdict, incomplete
from mer_utils import runs
from mer_utils.experiments import PAPER
from mer_utils.models import networks
from mer_utils.phases import PHASES
from mer_utils.views import Views

REGISTER = Path(__file__).parents[2] / "book" / "claims.yml"
GAIN, LOSS, NOTHING = (0.06, 0.02, 0.10, 0.001), (-0.06, -0.10, -0.02, 0.001), (0.0, -0.1, 0.1, 1.0)


@pytest.fixture(scope="module")
def claims():
    return {claim.id: claim for claim in ledger.read_claims(REGISTER)}


SIX = tuple(networks())


def rows_of(rule, effect=GAIN, *, synthetic=False, models=SIX, baseline=0.4):
    """Complete evidence for a rule, every difference alike."""
    value, low, high, p = effect
    rows = [
        {
            "table": comparison.table,
            "dataset": dataset,
            "model": model,
            "metric": metric,
            **comparison.treatment,
            **based(comparison),
            "value": value,
            "low": low,
            "high": high,
            "relative": value / baseline,
            "p_bootstrap_holm": p,
        }
        for comparison, dataset, model, metric in product(
            rule.rests_on, PAPER, models, rule.metrics
        )
    ]
    return pd.DataFrame(rows, columns=evidence_room.COLUMNS).assign(
        missing_folds=0, synthetic=synthetic, data="made"
    )


def based(comparison):
    both = {**comparison.treatment, **comparison.baseline}
    return {f"base_{column}": value for column, value in both.items()}


def set_to(rows, effect, **where):
    """Give the rows that match `where` another effect."""
    chosen = np.logical_and.reduce([rows[name] == value for name, value in where.items()])
    rows.loc[chosen, ["value", "low", "high", "p_bootstrap_holm"]] = effect
    return rows


def verdict(claims, name, rows, synthetic=False):
    return ledger.judge(claims[name], rows, synthetic).verdict


FACES = [name for name in RULES if name != "C01"]


def test_every_claim_of_the_register_has_a_rule(claims):
    assert list(claims) == list(RULES)
    for name, claim in claims.items():
        tested = set(RULES[name].tables())
        assert tested <= set(claim.measured_by)


@pytest.mark.parametrize("name", FACES)
@pytest.mark.parametrize("effect", [GAIN, LOSS, NOTHING])
def test_synthetic_data_decide_nothing_about_faces(claims, name, effect):
    rows = rows_of(RULES[name], effect, synthetic=True)
    found = ledger.judge(claims[name], rows, True)
    assert found.verdict == "not testable on synthetic data"


@pytest.mark.parametrize("word", [register.HOLDS, register.FAILS, register.UNDECIDED])
def test_no_other_verdict_about_faces_can_even_be_made(claims, word):
    with raises("bad register", "C03", register.NOT_TESTABLE):
        Verdict(claims["C03"], True, word, "", "", "")
    # Nor by an entry that was built around the register's checks.
    lax = claims["C03"].verdicts.model_construct(real=(word,), synthetic=(word,))
    with raises("bad register", register.NOT_TESTABLE):
        Verdict(claims["C03"].model_copy(update={"verdicts": lax}), True, word, "", "", "")


def test_evidence_that_is_partly_synthetic_cannot_pass_for_real(claims):
    rows = rows_of(RULES["C03"])
    rows.loc[rows["dataset"] == "samm", "synthetic"] = True
    with raises("invalid option", "C03"):
        ledger.judge(claims["C03"], rows, False)
    assert ledger.judge_all([claims["C03"]], rows)[0].verdict == register.NOT_TESTABLE


def test_a_verdict_that_the_entry_does_not_admit_is_refused(claims):
    with raises("bad register", "C10", "holds"):
        Verdict(claims["C10"], False, register.HOLDS, "", "", "")
    with raises("bad register", "C03"):
        Verdict(claims["C03"], False, register.NOT_TESTABLE, "", "", "")


@pytest.mark.parametrize("name", ["C03", "C04", "C05", "C06", "C08"])
def test_a_controlled_gain_everywhere_holds_and_a_loss_does_not(claims, name):
    rule = RULES[name]
    assert verdict(claims, name, rows_of(rule)) == register.HOLDS
    assert verdict(claims, name, rows_of(rule, NOTHING)) == register.UNDECIDED
    one = {"model": "learnet", "dataset": "samm"}
    assert verdict(claims, name, set_to(rows_of(rule), LOSS, **one)) == register.FAILS
    if name != "C08":
        assert verdict(claims, name, set_to(rows_of(rule), NOTHING, **one)) == register.UNDECIDED


def test_an_interval_without_correction_is_not_enough(claims):
    before_holm = (0.06, 0.02, 0.10, 0.2)
    assert verdict(claims, "C03", rows_of(RULES["C03"], before_holm)) == register.UNDECIDED
    # Three scores are three families: 0.02 is not enough for C06 and is for C03.
    enough_for_one = (0.06, 0.02, 0.10, 0.02)
    assert verdict(claims, "C03", rows_of(RULES["C03"], enough_for_one)) == register.HOLDS
    assert verdict(claims, "C06", rows_of(RULES["C06"], enough_for_one)) == register.UNDECIDED


def test_an_undefined_interval_decides_nothing(claims):
    undefined = (0.2, np.nan, np.nan, np.nan)
    for name in FACES:
        found = verdict(claims, name, rows_of(RULES[name], undefined))
        assert found == register.UNDECIDED, name


def test_a_gain_over_single_alone_decides_nothing(claims):
    rows = rows_of(RULES["C03"], NOTHING)
    uncontrolled = rows_of(RULES["C03"]).assign(base_setting="single")
    both = pd.concat([rows, uncontrolled], ignore_index=True)
    found = ledger.judge(claims["C03"], both, False)
    assert found.verdict == register.UNDECIDED
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
        Rule(decisions.gains_everywhere, (comparison,))
    Rule(decisions.gains_everywhere, (comparison, control_of(comparison)))


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


def test_up_to_ten_per_cent_needs_its_control(claims):
    rule, reached = RULES["C07"], (0.06, 0.02, 0.10, 1e-4)
    assert verdict(claims, "C07", rows_of(rule, reached)) == register.HOLDS
    rows = rows_of(rule, reached)
    control = rows["base_setting"] == "matched single"
    rows.loc[control, ["low", "p_bootstrap_holm"]] = (-0.01, 0.2)
    assert verdict(claims, "C07", rows) == register.UNDECIDED
    small = (0.01, 0.005, 0.015, 1e-4)
    assert verdict(claims, "C07", rows_of(rule, small)) == register.FAILS
    assert verdict(claims, "C07", rows_of(rule, NOTHING)) == register.UNDECIDED


def test_the_largest_gain_by_chance_is_that_of_normal_numbers():
    one = pd.DataFrame({"value": [0.1], "relative": [0.2], "low": [-0.1], "high": [0.3]})
    assert decisions.largest_by_chance(one) == pytest.approx(0, abs=0.01)
    # Two: sigma over the root of pi, sigma being a quarter of the width over the baseline 0.5.
    two = pd.concat([one, one])
    assert decisions.largest_by_chance(two) == pytest.approx(0.2 / np.sqrt(np.pi), rel=0.03)
    assert np.isnan(decisions.largest_by_chance(one.assign(low=np.nan)))


def test_complementary_phases_need_all_three_comparisons(claims):
    rule, strong = RULES["C02"], (0.06, 0.02, 0.10, 0.001)
    assert verdict(claims, "C02", rows_of(rule, strong)) == register.HOLDS
    cut = {"base_cut": "random"}
    assert verdict(claims, "C02", set_to(rows_of(rule), NOTHING, **cut)) == register.UNDECIDED
    assert verdict(claims, "C02", set_to(rows_of(rule), LOSS, **cut)) == register.FAILS


def test_augmentation_hurts_only_if_it_hurts_both_networks(claims):
    rule, strong_loss = RULES["C12"], (-0.06, -0.1, -0.02, 1e-4)
    rows = rows_of(rule, NOTHING)
    one = set_to(rows.copy(), strong_loss, model="learnet")
    assert verdict(claims, "C12", one) == register.UNDECIDED
    both = set_to(one, strong_loss, model="vit_base_patch16_224", dataset="samm")
    assert verdict(claims, "C12", both) == register.HOLDS
    safe = set_to(rows, (0.06, 0.02, 0.1, 1e-4), model="learnet")
    assert verdict(claims, "C12", safe) == register.FAILS


def test_dependence_on_the_apex_fails_only_where_a_point_is_excluded(claims):
    rule = RULES["C13"]
    assert verdict(claims, "C13", rows_of(rule, LOSS)) == register.HOLDS
    assert verdict(claims, "C13", rows_of(rule, NOTHING)) == register.UNDECIDED
    assert verdict(claims, "C13", rows_of(rule, (0.0, -0.005, 0.005, 1.0))) == register.FAILS


@pytest.mark.parametrize("name", ["C09", "C10", "C11"])
@pytest.mark.parametrize("effect", [GAIN, LOSS])
def test_what_cannot_be_decided_is_not(claims, name, effect):
    assert verdict(claims, name, rows_of(RULES[name], effect)) == register.UNDECIDED


def test_comparison_that_is_not_there_is_named_with_its_command():
    rule = RULES["C02"]
    rows, absent = rows_of(rule), rule.rests_on[0]
    found = "\n".join(incomplete(rule, rows[~absent.rows(rows)], "demo"))
    assert "Missing from Table 4: dual minus matched single. To fill it: mer run table4" in found


def test_missing_folds_leave_a_claim_undecided_and_name_the_command(claims):
    rows = rows_of(RULES["C03"])
    rows.loc[rows["model"] == "learnet", "missing_folds"] = 3
    found = ledger.judge(claims["C03"], rows, False, profile="paper")
    assert found.verdict == register.UNDECIDED
    assert "6 folds of Table 2. To fill it: mer run table2 --profile paper" in found.measured
    assert "mer run table2 --profile paper" in found.measured


def test_a_claim_about_six_networks_needs_six_and_both_data_sets(claims):
    found = ledger.judge(claims["C03"], rows_of(RULES["C03"], models=("learnet",)), False)
    assert found.verdict == register.UNDECIDED
    assert "ViT-B/16" in found.measured
    rows = rows_of(RULES["C03"])
    found = ledger.judge(claims["C03"], rows[rows["dataset"] == "samm"], False)
    assert found.verdict == register.UNDECIDED
    assert "CASME II" in found.measured


def test_baselines_are_no_networks(claims):
    baseline = set_to(rows_of(RULES["C03"], models=("svm",)), LOSS, model="svm")
    rows = pd.concat([rows_of(RULES["C03"]), baseline], ignore_index=True)
    assert verdict(claims, "C03", rows) == register.HOLDS


def test_a_claim_without_a_rule_is_named(claims):
    with raises("unknown name", "C99"):
        ledger.judge(claims["C03"].model_copy(update={"id": "C99"}), rows_of(RULES["C03"]), False)


def counts(two, differ):
    values = {"clips": 9.0, "clips with two phases": two, "clips whose images differ": differ}
    rows = [
        {"table": "views", "dataset": "casme2", "model": "", "metric": m, "value": v}
        for m, v in values.items()
    ]
    return pd.DataFrame(rows, columns=evidence_room.COLUMNS).assign(
        missing_folds=0, synthetic=True, data="made"
    )


def test_the_method_is_judged_by_its_images_on_any_data(claims):
    assert verdict(claims, "C01", counts(8, 8), True) == register.HOLDS
    assert verdict(claims, "C01", counts(8, 7), True) == register.FAILS
    assert verdict(claims, "C01", counts(0, 0), True) == register.UNDECIDED


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
    verdicts = ledger.judge_all(ledger.read_claims(REGISTER), found, profile="smoke")
    assert verdicts[0].verdict == register.HOLDS
    assert "mer run table2 --profile smoke" in verdicts[2].measured
    assert len(ledger.claims_table(verdicts)) == len(verdicts)


def test_half_a_table_counts_what_is_missing(half_a_table):
    found = ledger.evidence(half_a_table)
    table2 = found[found["table"] == "table2"].drop_duplicates(["dataset", "model"])
    missing = table2.set_index(["dataset", "model"])["missing_folds"]
    assert (missing.xs("learnet", level="model") == 0).all()
    # Four settings of three subjects each.
    assert (missing.drop("learnet", level="model") == 12).all()
    assert found["synthetic"].all()
    learnet = found[found["model"].eq("learnet") & found["table"].eq("table2")]
    expected = tables.read(half_a_table, "table2").differences
    assert learnet["value"].tolist() == expected["value"].tolist()


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
    verdicts = ledger.judge_all(list(claims.values()), rows.reset_index(drop=True))
    quoted = ledger.quoted_claims(verdicts)
    assert quoted["n_claims"] == len(claims) == quoted["n_faces"] + quoted["n_method"]
    said = [quoted[f"n_{w}"] for w in ("hold", "fail", "undecided", "not_testable")]
    assert sum(said) == len(claims)
