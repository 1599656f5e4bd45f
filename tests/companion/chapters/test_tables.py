"""Tables as pages show them, on stores and frames of made predictions."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers import raises

from companion.chapters import phase_difference, pitfalls, tables
from companion.chapters.page import with_interval
from mer_utils import stats
from mer_utils.experiments import TABLES
from mer_utils.plotting.words import in_words

ABLATIONS = [f"table{n}" for n in range(3, 9)]


@pytest.fixture
def main():
    """Table 2 of made predictions: two networks in three settings, 8 subjects."""
    parts = []
    for number, model in enumerate(("resnet50", "learnet")):
        for setting, recall in (("single", 0.4), ("matched single", 0.5), ("dual", 0.6)):
            rows = stats.simulate(8, rng=np.random.default_rng(number), recall=recall)
            rows = rows[rows["setting"] == rows["setting"].iloc[0]]
            parts.append(rows.assign(model=model, setting=setting, test_view="full"))
    return of_table2(pd.concat(parts, ignore_index=True))


def of_table2(rows):
    return tables.Shown(TABLES["table2"], rows)


def compared(shown):
    return in_words(shown.differences, shown.columns)


def accuracies(shown, model="learnet"):
    tidy = shown.scores.assign(words=in_words(shown.scores, shown.columns))
    chosen = tidy[(tidy["model"] == model) & (tidy["metric"] == "accuracy_pooled")]
    return chosen.groupby("words", sort=False)["value"].mean().to_dict()


def test_quoted_numbers_are_in_the_table(main):
    quoted = tables.quoted(main)
    uar = main.scores[main.scores["metric"] == "uar_pooled"]
    dataset = uar["dataset"].iloc[0]
    assert quoted[f"{dataset}_best"] == uar["value"].max()
    assert quoted["n_differences"] == 2
    control = tables.controlled(main.differences)
    assert set(control["base_setting"]) == {"matched single"}
    assert quoted["n_above_zero"] == (control["low"] > 0).sum()
    assert quoted["mean_difference"] == pytest.approx(control["value"].mean())


def test_longer_training_is_the_mean_over_pairs_that_have_both(main):
    uar = main.scores[main.scores["metric"] == "uar_pooled"].set_index(["model", "setting"])[
        "value"
    ]
    more = [uar[m, "matched single"] - uar[m, "single"] for m in ("resnet50", "learnet")]
    said = tables.said_of_longer(main.scores)
    assert f"{np.mean(more):+.3f}" in said
    assert "2 pairs" in said
    without = main.scores[main.scores["setting"] != "single"]
    assert not any(sign in tables.said_of_longer(without) for sign in "+-")


def test_the_ends_of_a_curve_are_said_in_the_order_of_its_lines():
    curve = pd.DataFrame(
        [("vgg19", 3, 0.5), ("vgg19", 9, 0.7), ("learnet", 3, 0.4), ("learnet", 6, 0.6)],
        columns=["model", "epoch", "value"],
    ).assign(dataset="samm", setting="single", low=0.1, high=0.9)
    said = tables.said_of_curve(curve)
    assert said.index("VGG19 0.70") < said.index("LEARNet 0.60")
    assert "0.50" not in said
    networks = ["vgg19", "learnet", "resnet50", "mobilenetv2_100", "efficientnet_b0"]
    many = pd.DataFrame({"model": networks, "value": [0.5, 0.3, 0.2, 0.6, 0.4]})
    said = tables.said_of_curve(many.assign(epoch=1, **curve.iloc[0, 3:].to_dict()))
    assert said.index("from ResNet50 0.20") < said.index("to MobileNetV2 0.60")
    assert "LEARNet" not in said


def test_wide_tables_have_a_row_per_score_and_per_difference(main):
    wide = tables.wide(main)
    assert wide["model"].tolist() == ["ResNet50"] * 3 + ["LEARNet"] * 3
    assert wide["setting"].tolist() == ["single", "matched single", "dual"] * 2
    differences = tables.wide_differences(main)
    assert differences["model"].tolist() == ["ResNet50"] * 2 + ["LEARNet"] * 2
    assert set(differences["comparison"]) == {"dual minus matched single", "dual minus single"}
    rows = main.predictions
    assert tables.by_question(of_table2(rows[rows["setting"] == "dual"])).empty


def test_an_undefined_interval_is_said(main):
    rows = main.predictions
    one = of_table2(rows[rows["subject"] == rows["subject"].iloc[0]])
    wide = tables.wide(one)
    assert set(wide["UAR, 95 % interval"]) == {"undefined"}


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_scores_what_is_stored_and_each_comparison_answers_one_question(shown, name):
    found = shown(name)
    assert set(found.scores["dataset"]) == {"casme2", "samm"}
    key = ["dataset", "model", "metric"]
    scores = found.scores.assign(words=in_words(found.scores, found.columns))
    value = scores.set_index([*key, "words"])["value"]
    for row, words in zip(found.differences.itertuples(), compared(found), strict=True):
        first, second = words.split(" minus ")
        # Rules leave clips out; a comparison is on the clips that both have.
        if row.n_left_out == 0:
            at = [(row.dataset, row.model, row.metric, variant) for variant in (first, second)]
            assert row.value == pytest.approx(value[at[0]] - value[at[1]], abs=1e-9)

    asked = tables.by_question(found)
    uar = found.differences[found.differences["metric"] == "uar_pooled"]
    assert asked["comparisons"].sum() == len(uar)
    assert asked["above zero"].sum() == (uar["low"] > 0).sum()
    assert asked["below zero"].sum() == (uar["high"] < 0).sum()
    assert (asked["lowest"] <= asked["mean"] + 1e-12).all()
    assert (asked["mean"] <= asked["highest"] + 1e-12).all()


def test_the_sentence_follows_the_predictions(shown):
    found = shown("table3")
    rows = found.differences[found.differences["metric"] == "uar_pooled"]
    said = tables.said(found.differences, found.columns)
    assert f"the {len(rows)} differences" in said
    assert f"{rows['value'].mean():+.3f}" in said
    assert with_interval(rows.loc[rows["value"].abs().idxmax()]) in said
    turned = {"value": -rows["value"], "low": -rows["high"], "high": -rows["low"]}
    one = rows.assign(p_bootstrap_holm=1.0)
    one.loc[one.index[0], "p_bootstrap_holm"] = 0.01
    assert tables.said(rows.assign(**turned), found.columns) != said
    assert "none is left" in tables.said(rows.assign(p_bootstrap_holm=1.0), found.columns)
    assert "one is left: " in tables.said(one, found.columns)
    assert "no two sides" in tables.said(rows[:0])


def test_variants_stand_in_the_order_in_which_they_are_varied(shown):
    order = {
        name: list(dict.fromkeys(in_words(shown(name).scores, shown(name).columns)))
        for name in ("table3", "table6", "table7")
    }
    assert order["table3"][:5] == [
        "single, none", "single, flip", "single, rotation", "single, flip+rotation",
        "matched single, none",
    ]  # fmt: skip
    assert order["table6"][:2] == ["bilen, minmax, all frames", "bilen, symmetric, all frames"]
    assert order["table7"][:6] == [
        "as annotated", "apex ±2", "apex ±4", "apex ±8", "apex ±16", "trimmed by 2",
    ]  # fmt: skip
    assert all(words.startswith("missing apex") for words in order["table7"][-3:])


def test_table5_averages_views_and_trains_nothing(filled):
    right = {"full": 0.2, "onset_apex": 0.6, "apex_offset": 0.6}
    accuracy = accuracies(
        tables.read(filled("table5", right=lambda s, view, e: right[view]), "table5")
    )
    assert accuracy["dual, full"] == pytest.approx(0.2)
    assert accuracy["dual, onset_apex"] == pytest.approx(0.6)
    # Two views are right where one is not: the average follows the two.
    assert accuracy["dual, average of halves"] == pytest.approx(0.6)
    assert accuracy["dual, average of all three"] == pytest.approx(0.6)


def test_table8_counts_what_each_mistake_adds(filled):
    def right(spec, view, epoch):
        if spec.evaluation != "loso":
            return 1.0
        return {1: 0.8, 2: 0.4}.get(epoch, 0.4)

    accuracy = accuracies(tables.read(filled("table8", right=right), "table8"))
    assert accuracy["dual, loso"] == pytest.approx(0.4)
    assert accuracy["dual, test-subject epoch"] == pytest.approx(0.8)
    assert accuracy["dual, mixed folds"] == accuracy["dual, held-out copies"] == 1


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
    curve = tables.learning_curve(workspace, "table4", ["learnet"], metric="accuracy_pooled")
    for epoch, (value, images) in {1: (0.2, 30), 2: (0.6, 60)}.items():
        part = curve[curve["epoch"] == epoch]
        assert part["value"].to_numpy() == pytest.approx(value)
        assert part["images_seen"].to_numpy() == pytest.approx(images)


def test_phase_gains_know_what_each_variant_was_made_with(filled):
    gains = phase_difference.gains(filled("phase_difference"), "accuracy_pooled")
    assert set(gains["model"]) == {"learnet", "svm_hog"}
    assert sorted(set(gains["phase_difference"])) == [0.0, 1.0]
    dual = gains["setting"].eq("dual")
    assert gains.loc[dual, "value"].to_numpy() == pytest.approx(0.2)
    assert gains.loc[~dual, "value"].to_numpy() == pytest.approx(0)  # aligned is made as single is
    assert (gains["value"] == gains["treatment"] - gains["control"]).all()
    assert gains["cell"].iloc[0] == "aligned, difference 0, noise 1, information 0"


def test_a_full_table_lacks_nothing(filled):
    workspace = filled("table7")
    assert tables.missing_runs(workspace, "table7").empty
    said = tables.missing_note(workspace, "table7").data
    assert f"<em>{TABLES['table7'].title}</em> are in the store" in said


@pytest.mark.scenario("K")
def test_folds_of_several_devices_are_told_above_the_table(filled, monkeypatch, capsys):
    workspace = filled("table7")
    tables.missing_note(workspace, "table7")
    assert capsys.readouterr().out == ""
    job = workspace.jobs(workspace.specs("table7"))[0]
    note = workspace.store.folder(job.spec).file(job.held_out, ".environment.json")
    said = json.loads(note.read_text()) | {"device": "NVIDIA H100"}
    note.unlink()  # which other tests' stores are linked to
    note.write_text(json.dumps(said))
    shown = []
    monkeypatch.setattr(tables, "display", lambda html: shown.append(html.data))
    tables.missing_note(workspace, "table7")
    assert len(shown) == 1
    assert "NVIDIA H100 (1 fold)" in shown[0]


def test_half_a_table_says_what_is_missing_and_the_command(store_all, workspace):
    store_all([s for s in workspace.specs("table6") if s.model.name == "learnet"])
    missing = tables.missing_runs(workspace, "table6")
    assert set(missing["model"]) == {"linear SVM on HOG"}
    assert set(missing["command"]) == {workspace.command("table6")}
    assert (missing["folds missing"] == 3).all()
    assert "dual, apex difference, minmax" in set(missing["variant"])
    assert set(tables.read(workspace, "table6").scores["model"]) == {"learnet"}


def test_a_table_without_any_fold_names_the_command(workspace):
    with raises("no results", "mer run"):
        tables.read(workspace, "table3")
