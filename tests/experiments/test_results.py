"""A table's rows: their order, their scores, their comparisons as columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mer_utils import experiments, stats
from mer_utils.experiments import TABLES, Pair, Question, Table
from mer_utils.experiments.results import chosen_epoch
from mer_utils.experiments.tables import ALL, HALVES, PARTS
from mer_utils.models import baselines
from mer_utils.phases import TRAINING_SETS

MODELS = ("learnet", "svm_hog")


def predictions(columns: dict[str, list], seed: int = 0) -> pd.DataFrame:
    """Random predictions of two models for every variant, on the same clips."""
    rng = np.random.default_rng(seed)
    variants = pd.MultiIndex.from_product(columns.values(), names=list(columns)).to_frame(False)
    y_true = rng.integers(0, 3, 24)
    parts = []
    for model in MODELS:
        for variant in variants.to_dict("records"):
            right = rng.random(24) < 0.7
            part = pd.DataFrame({
                "dataset": "casme2", "scheme": "s", "phase_difference": np.nan, "noise": np.nan,
                "model": model, **variant, "seed": 0,
                "subject": np.repeat([f"sub{i}" for i in range(6)], 4),
                "clip": [f"c{i}" for i in range(24)], "y_true": y_true,
                "y_pred": np.where(right, y_true, (y_true + 1) % 3),
            })  # fmt: skip
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def pairs_of(found: pd.DataFrame, columns: tuple[str, ...]) -> set[tuple]:
    rows = found[found["metric"] == "uar_pooled"]
    return {
        tuple(row)
        for row in rows[["question", *columns, *(f"base_{c}" for c in columns)]].to_numpy()
    }


def test_each_question_of_table4_is_asked_of_the_learners_it_concerns():
    settings = [*experiments.COMPARED, *PARTS, *experiments.CONTROLS]
    rows = predictions({"setting": settings, "cut": ["apex", "midpoint", "random"]})
    rows = rows[rows["cut"].eq("apex") | rows["setting"].isin(["dual", "halves", "aligned"])]
    rows = rows[rows["cut"].ne("midpoint") | rows["setting"].ne("halves")]
    found = experiments.differences(rows, TABLES["table4"])
    assert list(found["question"].drop_duplicates()) == [
        question.name for question in TABLES["table4"].questions
    ]
    assert pairs_of(found[found["question"].str.startswith("the phases, training")],
                    ("setting", "cut")) == {
        ("the phases, training equally long", setting, "apex", base, "apex")
        for setting, base in (("halves", "single twice"), ("dual", "matched single"),
                              ("halves", "single"), ("dual", "single"))
    }  # fmt: skip
    plain = found[found["base_setting"].eq("single") & found["setting"].isin(["dual", "halves"])]
    asked = plain.groupby("model")["question"].unique().map(list).to_dict()
    assert asked == {
        "learnet": ["the phases and longer training together"],
        "svm_hog": [
            "the phases, training equally long",
            "a cut at random, training equally long",
            "a cut at the midpoint, training equally long",
        ],
    }
    # Every training set of several new images is asked about against its control.
    alone = found[found["model"].eq("learnet") & found["cut"].eq("apex")]
    controlled = set(zip(alone["setting"], alone["base_setting"], strict=True))
    assert controlled >= {
        (s.name, s.control) for s in TRAINING_SETS.values() if s.control and s.name in settings
    }


def test_a_difference_is_the_comparison_of_its_two_sides():
    rows = predictions({"setting": ["single", "dual"], "spatial": ["none", "flip"]})
    found = experiments.differences(rows, TABLES["table3"])
    flips = found[found["question"].eq("flips against none") & found["setting"].eq("dual")]
    dual = rows[rows["setting"] == "dual"]
    expected = stats.compare(dual, "none", "flip", column="spatial", by=["model"])
    together = flips.merge(expected, on=["model", "metric"])
    assert len(together) == 2 * 3
    np.testing.assert_allclose(together["value"], together["difference"])
    np.testing.assert_allclose(together["p_bootstrap_x"], together["p_bootstrap_y"])


def test_the_family_is_the_table_or_the_question():
    rows = predictions({"setting": ["single", "matched single", "dual"]})
    found = experiments.differences(rows, TABLES["table2"])
    uar = found[found["metric"] == "uar_pooled"]
    for _, part in uar.groupby(["question", uar["model"].eq("learnet")]):
        np.testing.assert_allclose(part["p_bootstrap_holm"], stats.holm(part["p_bootstrap"]))
    one = Table("own", "t", "v", TABLES["table2"].grid, questions=TABLES["table2"].questions)
    uar = experiments.differences(rows, one).query("metric == 'uar_pooled'")
    for _, part in uar.groupby("model"):
        np.testing.assert_allclose(part["p_bootstrap_holm"], stats.holm(part["p_bootstrap"]))


def test_comparisons_stand_in_the_order_of_their_values_whichever_models_have_them():
    rows = predictions({
        "apex_shift": [0, 8, 16], "trim": [0], "missing_apex": ["own"],
        "degenerate_phase": ["skip_view"], "cut": ["apex"],
    })  # fmt: skip
    few = rows[rows["model"].eq("svm_hog") | rows["apex_shift"].ne(8)]
    found = experiments.differences(few, TABLES["table7"])
    assert list(found["apex_shift"].drop_duplicates()) == [8, 16]


def test_missing_values_are_values():
    """All frames (a missing number) against 8, as table 6 asks."""
    rows = predictions({
        "source": ["rank_pooling"], "kind": ["bilen"], "scaling": ["minmax"],
        "frames": [pd.NA, 8],
    }).astype({"frames": "Int64"})  # fmt: skip
    found = experiments.differences(rows, TABLES["table6"])
    assert set(found["question"]) == {"fewer frames"}
    assert set(found["frames"]) == {8}
    assert found["base_frames"].isna().all()
    assert len(found) == 2 * 3


def test_what_is_missing_is_not_compared():
    rows = predictions({"setting": ["dual"]})
    assert experiments.differences(rows, TABLES["table2"]).empty
    mixed = rows[rows["model"] == "learnet"]
    single = predictions({"setting": ["single"]}).query("model == 'svm_hog'")
    assert experiments.differences(pd.concat([mixed, single]), TABLES["table2"]).empty


def test_swapping_the_sides_turns_the_sign_and_keeps_the_p_value():
    rows = predictions({"setting": ["single", "dual"]})
    there = Question("there", (Pair({"setting": "dual"}, {"setting": "single"}),))
    back = Question("back", (Pair({"setting": "single"}, {"setting": "dual"}),))
    grid = TABLES["table2"].grid
    one, other = (
        experiments.differences(rows, Table("own", "t", "v", grid, questions=(question,)))
        for question in (there, back)
    )
    np.testing.assert_allclose(one["value"], -other["value"])
    np.testing.assert_allclose(one["low"], -other["high"])
    np.testing.assert_allclose(one["p_bootstrap"], other["p_bootstrap"])


def test_rows_come_in_the_order_in_which_names_are_listed(rng):
    rows = predictions({"setting": ["zebra", *TRAINING_SETS]})
    mixed = rows.sample(frac=1, random_state=1)
    ordered = experiments.in_order(mixed)
    assert list(ordered["setting"].drop_duplicates()) == [*TRAINING_SETS, "zebra"]
    assert list(ordered["model"].drop_duplicates()) == list(MODELS)
    numbers = experiments.in_order(pd.DataFrame({"frames": pd.array([16, pd.NA, 8])}), ["frames"])
    assert numbers["frames"].fillna(0).tolist() == [0, 8, 16]


def test_scores_have_a_row_per_variant_and_metric():
    rows = predictions({"setting": ["dual", "single"], "spatial": ["none", "flip"]})
    found = experiments.scores(rows, ("setting", "spatial"))
    assert len(found) == 2 * 4 * 3
    assert found["setting"].iloc[0] == "single"
    plain = experiments.scores(rows[rows["spatial"] == "none"])
    merged = found[found["spatial"] == "none"].merge(plain, on=["model", "setting", "metric"])
    np.testing.assert_allclose(merged["value_x"], merged["value_y"])


def test_the_chosen_epoch_is_the_best_of_each_fold():
    rows = pd.DataFrame(
        [("r", s, "c", e, 0, int(wrong)) for s, wrongs in (("a", (1, 0, 0)), ("b", (1, 1, 0)))
         for e, wrong in enumerate(wrongs, start=1)],
        columns=["run", "subject", "clip", "epoch", "y_true", "y_pred"],
    )  # fmt: skip
    assert chosen_epoch(rows)[["subject", "epoch"]].to_numpy().tolist() == [["a", 2], ["b", 3]]
    assert chosen_epoch(rows[:0]).empty


def test_every_table_reads_its_own_columns(workspace, store_all):
    """On a store of made predictions of the smallest network and of a baseline."""
    specs = [s for name in TABLES if not TABLES[name].made for s in workspace.specs(name)
             if s.data.dataset == "samm" and s.model.name in MODELS]  # fmt: skip
    store_all({s.key: s for s in specs}.values())
    for name, table in TABLES.items():
        if table.made or name == "table1":
            continue
        rows = experiments.read(workspace, name)
        assert set(table.columns) <= set(rows)
        runs = ["dataset", "model", *table.columns, "seed", "subject", "clip"]
        assert not rows.duplicated(runs).any(), name
    assert {HALVES, ALL} < set(experiments.read(workspace, "table5")["tested"])
    mistakes = experiments.read(workspace, "table8")
    assert "test-subject epoch" in set(mistakes["evaluation"])
    assert not set(mistakes.query("evaluation == 'test-subject epoch'")["model"]) & set(baselines())


@pytest.mark.parametrize("table", TABLES)
def test_every_question_of_a_table_is_about_its_columns(table):
    for question in TABLES[table].questions:
        for pair in question.pairs:
            assert {*pair.treatment, *pair.baseline} <= set(TABLES[table].columns)


def test_networks_and_baselines_are_families_of_their_own():
    rows = predictions({"setting": ["single", "dual"]})
    constant = rows[rows["model"] == "svm_hog"].assign(model="constant", y_pred=0)
    both = pd.concat([rows, constant], ignore_index=True)
    ask = Question("q", (Pair({"setting": "dual"}, {"setting": "single"}),))
    table = Table("made", "", "", lambda *_: iter(()), questions=(ask,))
    found = experiments.differences(both, table).set_index(["model", "metric"])
    uar = found.xs("uar_pooled", level="metric")
    # One network: the constant predictor takes nothing from it.
    assert uar["family"].to_dict() == {"learnet": 1, "svm_hog": 2, "constant": 2}
    assert uar.loc["learnet", "p_bootstrap_holm"] == uar.loc["learnet", "p_bootstrap"]
