"""Ablations: variants and comparisons against scores counted by hand on made stores."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from companion.chapters import ablations, phase_difference, pitfalls, results
from companion.chapters.ablations import ABLATIONS
from mer_utils import stats
from mer_utils.errors import MerError
from mer_utils.experiments import TABLES
from mer_utils.phases import PHASES, TRAINING_SETS
from mer_utils.protocol import folds
from mer_utils.runs import RunStore, load_clips, prediction_rows

K = 5


def store_run(store, spec, clips, shares) -> None:
    """Store made predictions; ``shares[view, epoch]`` is the share of right clips in a fold."""
    parts = list(folds(clips, spec.evaluation))
    truth = clips["label"].cat.codes.to_numpy()
    tested = np.concatenate([fold.test for fold in parts])
    fold_of = np.repeat(np.arange(len(parts)), [len(fold.test) for fold in parts])
    rows = []
    for (view, epoch), share in shares.items():
        shift = np.concatenate(
            [np.arange(len(f.test)) >= round(share * len(f.test)) for f in parts]
        ).astype(int)
        p = np.eye(K)[(truth[tested] + shift) % K].astype(np.float32)
        rows.append(prediction_rows(spec, clips, view, tested, p, epoch))
    made, fold_of = pd.concat(rows, ignore_index=True), np.tile(fold_of, len(rows))
    for number, fold in enumerate(parts):
        shown = {"images_shown": 30 * spec.training.epochs}
        store.write(spec, fold.held_out, made[fold_of == number], shown)


@pytest.fixture(scope="module")
def made_runs():
    """The folders of the runs made so far, which several tests store alike."""
    return {}


@pytest.fixture
def store_all(workspace, made_runs, tmp_path_factory):
    """Store made predictions; ``right(spec, view, epoch)`` is the share of right clips."""

    def store(specs, right) -> None:
        workspace.store.prepare()
        for spec in specs:
            last = spec.training.epochs
            shares = {
                (view, epoch): right(spec, view, epoch)
                for epoch in range(1, last + 1)
                for view in (PHASES if epoch == last else ("full",))
            }
            made = (spec.key, *shares.items())
            if made not in made_runs:
                kept = RunStore(tmp_path_factory.mktemp("made") / "store")
                store_run(kept, spec, load_clips(spec.data, workspace.context), shares)
                made_runs[made] = kept.path / spec.key
            # Linked, not copied: a store replaces its files and never writes into one.
            run = workspace.store.path / spec.key
            shutil.copytree(made_runs[made], run, copy_function=os.link)

    return store


@pytest.fixture
def filled(workspace, store_all):
    """A store in which dual is right on 4 of 5 clips and everything else on 3 of 5."""

    def fill(
        *names, right=lambda spec, view, epoch: 0.8 if len(set(spec.train_views)) == 3 else 0.6
    ):
        specs = {s.key: s for n in names for s in workspace.specs(n)}
        store_all(specs.values(), right)
        return workspace

    return fill


@pytest.fixture(scope="module")
def computed():
    """The ablations computed so far; see `ablation_of`."""
    return {}


@pytest.fixture
def ablation_of(filled, computed):
    """Return a table's ablation on the store of `filled`, computed once for all tests."""

    def ablation(name):
        if name not in computed:
            computed[name] = ablations.read(filled(name, "table2"), name)
        return computed[name]

    return ablation


def accuracies(ablation, model="learnet"):
    tidy = ablation.scores
    chosen = tidy[(tidy["model"] == model) & (tidy["metric"] == "accuracy_pooled")]
    return chosen.groupby("variant", sort=False)["value"].mean().to_dict()


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_scores_and_compares_what_is_stored(ablation_of, name):
    found = ablation_of(name)
    assert set(found.scores["dataset"]) == {"casme2", "samm"}
    assert len(found.differences)
    value = found.scores.set_index(["dataset", "model", "variant", "metric"])["value"]
    for row in found.differences.itertuples():
        first, second = row.comparison.split(" minus ")
        at = [(row.dataset, row.model, variant, row.metric) for variant in (first, second)]
        # Rules leave clips out; a comparison is on the clips that both have.
        if row.n_left_out == 0:
            assert row.value == pytest.approx(value[at[0]] - value[at[1]], abs=1e-9)


@pytest.mark.parametrize("name", ABLATIONS)
def test_a_full_table_lacks_nothing(filled, name):
    workspace = filled(name)
    assert results.missing_runs(workspace, name).empty
    assert "are in the store" in results.missing_note(workspace, name).data


def test_table3_compares_dual_with_a_control_of_the_same_augmentation(ablation_of):
    found = ablation_of("table3")
    compared = set(found.differences["comparison"])
    for spatial in ("none", "flip", "rotation", "flip+rotation"):
        assert f"dual, {spatial} minus matched single, {spatial}" in compared
        assert f"dual, {spatial} minus single, none" in compared
    accuracy = found.differences[found.differences["metric"] == "accuracy_pooled"]
    controlled = accuracy[accuracy["comparison"].str.match("dual.* minus matched")]
    assert controlled["value"].to_numpy() == pytest.approx(0.2)


def test_table4_sets_each_training_set_beside_its_control_and_a_random_cut(ablation_of):
    found = ablation_of("table4")
    learnet = found.differences[found.differences["model"] == "learnet"]
    compared = set(learnet["comparison"])
    assert {
        f"{s.name} minus {s.control}"
        for s in TRAINING_SETS.values()
        if s.control and s.name != "aligned"
    } <= compared
    assert {"halves minus halves, random cut", "dual minus dual, random cut"} <= compared
    assert "matched single minus single" in compared


def test_table5_averages_views_and_trains_nothing(filled):
    right = {"full": 0.2, "onset_apex": 0.6, "apex_offset": 0.6}
    found = ablations.read(filled("table5", right=lambda s, view, e: right[view]), "table5")
    accuracy = accuracies(found)
    assert accuracy["dual, full"] == pytest.approx(0.2)
    assert accuracy["dual, onset_apex"] == pytest.approx(0.6)
    assert accuracy["dual, average of halves"] == pytest.approx(0.6)
    # Two views are right where one is not: the average follows the two.
    assert accuracy["dual, average of all three"] == pytest.approx(0.6)


def test_table7_names_what_was_moved_or_which_rule_was_used(ablation_of):
    found = ablation_of("table7")
    variants = set(found.scores["variant"])
    assert {"as annotated", "apex ±2", "apex ±16", "trimmed by 8"} <= variants
    assert "missing apex: midpoint" in variants
    assert all(c.endswith(" minus as annotated") for c in found.differences["comparison"])


def test_table8_counts_what_each_mistake_adds(filled):
    def right(spec, view, epoch):
        if spec.evaluation != "loso":
            return 1.0
        return {1: 0.8, 2: 0.4}.get(epoch, 0.4)

    found = ablations.read(filled("table8", right=right), "table8")
    accuracy = accuracies(found)
    assert accuracy["dual, loso"] == pytest.approx(0.4)
    assert accuracy["dual, test-subject epoch"] == pytest.approx(0.8)
    assert accuracy["dual, mixed folds"] == accuracy["dual, held-out copies"] == 1
    uses = found.predictions.groupby("variant")["evaluation"].nunique()
    assert (uses == 1).all()


def test_the_chosen_epoch_is_the_first_of_the_best_in_each_fold():
    rows = pd.DataFrame(
        {
            "run": "r", "subject": ["a"] * 6 + ["b"] * 3, "clip": ["x", "y"] * 3 + ["z"] * 3,
            "epoch": [1, 1, 2, 2, 3, 3, 1, 2, 3], "y_true": 0,
            "y_pred": [1, 1, 0, 1, 0, 1, 1, 1, 1],
        }
    )  # fmt: skip
    chosen = pitfalls.chosen_epoch(rows)
    assert chosen[["subject", "epoch"]].to_numpy().tolist() == [["a", 2], ["a", 2], ["b", 1]]
    assert pitfalls.chosen_epoch(rows[:0]).empty


def test_fold_averages_are_the_means_of_the_subjects_own_scores():
    rows = stats.simulate(6, rng=np.random.default_rng(3)).assign(test_view="full")
    found = pitfalls.fold_averages(rows).query("metric == 'accuracy'")
    for row in found.itertuples():
        part = rows[rows["setting"] == row.setting]
        right = part["y_true"].eq(part["y_pred"])
        assert row.pooled == pytest.approx(right.mean())
        by_subject = right.groupby(part["subject"]).mean()
        assert row.subject_mean == pytest.approx(by_subject.mean())
        assert row.adds == pytest.approx(by_subject.mean() - right.mean())


def test_learning_curves_count_images_and_end_at_the_score(filled):
    right = {1: 0.2, 2: 0.6}
    workspace = filled("table4", right=lambda s, v, e: right.get(e, 0.6))
    curve = ablations.learning_curve(workspace, "table4", "learnet", "accuracy_pooled")
    first, last = (curve[curve["epoch"] == e] for e in (1, 2))
    assert first["value"].to_numpy() == pytest.approx(0.2)
    assert last["value"].to_numpy() == pytest.approx(0.6)
    assert first["images_seen"].to_numpy() == pytest.approx(30)
    assert last["images_seen"].to_numpy() == pytest.approx(60)


def test_phase_gains_know_what_each_variant_was_made_with(filled):
    gains = phase_difference.gains(filled("phase_difference"), "accuracy_pooled")
    assert set(gains["model"]) == {"learnet", "svm_hog"}
    assert sorted(set(gains["phase_difference"])) == [0.0, 1.0]
    assert gains["value"].to_numpy() == pytest.approx(0.2)
    assert gains["line"].iloc[0].endswith(", noise 1")


def test_half_a_table_says_what_is_missing_and_the_command(store_all, workspace):
    learnet = [s for s in workspace.specs("table6") if s.model.name == "learnet"]
    store_all(learnet, lambda *_: 0.6)
    missing = results.missing_runs(workspace, "table6")
    assert set(missing["model"]) == {"linear SVM on HOG"}
    assert set(missing["command"]) == {"mer run table6 --profile smoke"}
    assert (missing["folds missing"] == 3).all()
    assert set(ablations.read(workspace, "table6").scores["model"]) == {"learnet"}


def test_a_table_without_any_fold_names_the_command(workspace):
    with pytest.raises(MerError, match="mer run"):
        ablations.read(workspace, "table3")


def test_facts_count_and_name_the_extremes(ablation_of):
    differences = ablation_of("table3").differences
    said = ablations.facts(differences)
    uar = differences[differences["metric"] == "uar_pooled"]
    assert said["n_differences"] == len(uar)
    assert float(said["n_by_chance"]) == pytest.approx(0.05 * len(uar), abs=0.05)
    assert said["largest"] == f"{uar['value'].max():+.3f}"
    assert "LEARNet" in said["largest_name"]
    nothing = ablations.facts(differences[:0])
    assert nothing["n_differences"] == 0
    assert nothing["largest"] == "undefined"


@pytest.mark.parametrize("name", list(ABLATIONS))
def test_every_comparison_answers_one_question(ablation_of, name):
    differences = ablation_of(name).differences
    asked = ablations.by_question(differences, name)
    uar = differences[differences["metric"] == "uar_pooled"]
    assert asked["comparisons"].sum() == len(uar)
    assert asked["above zero"].sum() == (uar["low"] > 0).sum()
    assert asked["below zero"].sum() == (uar["high"] < 0).sum()
    assert (asked["lowest"] <= asked["mean"] + 1e-12).all()
    assert (asked["mean"] <= asked["highest"] + 1e-12).all()
    assert list(asked["question"]) == [
        q for q in ablations.QUESTIONS[name] if q in set(asked.question)
    ]
    assert ablations.by_question(differences[:0], name).empty


def test_the_control_of_a_linear_machine_is_plain_single():
    words = {
        ("learnet", "dual minus single"): "the phases and longer training together",
        ("svm_hog", "dual minus single"): "the phases, training equally long",
        ("learnet", "dual minus matched single"): "the phases, training equally long",
        ("learnet", "matched single minus single"): "longer training alone",
        ("svm_hog", "halves minus halves, random cut"): "a cut at the apex against one at random",
    }
    for (model, comparison), question in words.items():
        row = {"model": model, "comparison": comparison, "metric": "uar_pooled", "value": 0.1}
        rows = pd.DataFrame([row | {"low": -0.1, "high": 0.3, "p_bootstrap_holm": 1.0}])
        assert list(ablations.by_question(rows, "table4")["question"]) == [question]


def test_holm_is_over_every_comparison_of_a_table(ablation_of):
    differences = ablation_of("table4").differences
    for _, part in differences.groupby("metric"):
        np.testing.assert_allclose(
            part["p_bootstrap_holm"], stats.holm(part["p_bootstrap"].to_numpy())
        )


def test_every_table_that_is_no_ablation_is_shown_otherwise():
    assert set(TABLES) - set(ABLATIONS) == {"table2", "phase_difference"}


def test_variants_stand_in_the_order_in_which_they_are_varied(ablation_of):
    order = {
        name: list(dict.fromkeys(ablation_of(name).scores["variant"]))
        for name in ("table3", "table6", "table7")
    }
    assert order["table3"][:5] == [
        "single, none", "single, flip", "single, rotation", "single, flip+rotation",
        "matched single, none",
    ]  # fmt: skip
    assert order["table6"][0] == "bilen, minmax, all frames"
    svm = order["table7"]
    assert [v for v in svm if v.startswith("apex")] == ["apex ±2", "apex ±4", "apex ±8", "apex ±16"]
    assert svm[0] == "as annotated"
    assert svm[-3:] == [
        "missing apex: drop", "missing apex: drop, degenerate: drop_clip", "missing apex: midpoint",
    ]  # fmt: skip
