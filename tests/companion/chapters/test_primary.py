"""The primary question: its pairs, its gates, its words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companion.chapters import answers, primary
from mer_utils import experiments, plotting, stats
from mer_utils.experiments import PROFILES
from mer_utils.models import networks
from mer_utils.stats import EVERY

PAPER = PROFILES["paper"]


def predictions(gain=0.0, seeds=5, settings=("matched single", "dual"), recall=0.6):
    """Table 2 of made predictions: six networks, two data sets."""
    rng = np.random.default_rng(4)
    models, parts = list(networks()), []
    for dataset in ("casme2", "samm"):
        recalls = np.full((len(settings), len(models)), recall)
        recalls[1:] += gain
        counts = stats.simulate_counts(recalls, 12, rng=rng, n_seeds=seeds)
        rows = [
            (settings[i // len(models)], models[i % len(models)], seed, *place)
            for i, side in enumerate(counts.counts)
            for seed, table in enumerate(side)
            for place in np.argwhere(table)
            for _ in range(table[tuple(place)])
        ]
        frame = pd.DataFrame(rows, columns=["setting", "model", "seed", "s", "y_true", "y_pred"])
        run = frame.groupby(["setting", "model", "seed", "s", "y_true"]).cumcount()
        parts.append(
            frame.assign(
                dataset=dataset,
                subject="s" + frame["s"].astype(str),
                clip=frame["y_true"].astype(str) + "-" + run.astype(str),
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def rows():
    return predictions(0.2)


@pytest.fixture(scope="module")
def asked(rows):
    return primary.primary(rows)


def test_each_treatment_is_compared_with_its_control_over_all(asked):
    whole = primary.overall(asked)
    assert whole["setting"].tolist() == ["dual"]
    assert whole["cells"].tolist() == [12]
    assert whole["verdict"].tolist() == ["superior"]
    assert primary.complete(asked, PAPER)
    three = ("matched single", "dual", "aligned")
    both = primary.primary(predictions(settings=three, seeds=1))
    assert primary.overall(both)["setting"].tolist() == ["dual", "aligned"]


def test_what_is_not_there_is_said_and_not_averaged(rows):
    gone = (rows["model"] == "learnet") & (rows["dataset"] == "samm") & (rows["setting"] == "dual")
    asked = primary.primary(rows[~gone])
    assert not primary.complete(asked, PAPER)
    said = answers.sentences(asked, [])
    assert "mean of 11 pairs" in said[0]
    assert "Not in this mean: learnet (one setting missing), samm" in said[0]
    assert said[1] == "aligned minus matched single: no network has both."
    nothing = primary.primary(rows[rows["setting"] == "dual"])
    assert answers.sentences(nothing, [])[0] == "dual minus matched single: no network has both."
    assert primary.overall(nothing).empty
    # Baselines are no networks.
    svm = rows[rows["model"] == "learnet"].assign(model="svm_hog")
    with_svm = primary.overall(primary.primary(pd.concat([rows, svm])))
    assert with_svm["cells"].tolist() == [12]


def test_gates_name_what_shuts_them(rows, asked):
    assert primary.barred(asked, PAPER, []) == []
    assert "demo" in primary.barred(asked, PROFILES["demo"], [])[0]
    own = PAPER.model_copy(update={"name": "mine", "models": PROFILES["demo"].models})
    assert "narrowed" in primary.barred(asked, own, [])[0]
    few = primary.primary(rows[(rows["seed"] < 4) | (rows["model"] != "learnet")])
    assert primary.barred(few, PAPER, [])[0].startswith("2 of 12 comparisons have fewer than 5")
    lost = rows["model"].eq("learnet") & rows["dataset"].eq("samm")
    guessed = rows.assign(y_pred=rows["y_pred"].mask(lost, 0))
    scores = experiments.scores(guessed)
    assert primary.at_chance(scores, asked) == ["LEARNet on SAMM"]
    assert primary.at_chance(experiments.scores(rows), asked) == []


def test_the_tables_have_a_row_per_answer(rows, asked):
    shown = answers.shown(asked)
    assert shown["data set"].tolist() == ["CASME II", "SAMM", "all data sets"]
    assert shown["standardised"].notna().tolist() == [True, True, False]
    power = answers.power(asked).set_index("subjects of a data set")
    assert power.index.tolist() == [6, 8, 16, 26, 27]
    # More subjects find less, a mean less than one of its parts, a correction costs.
    assert (power.diff().iloc[1:] < 0).all(axis=None)
    order = ["one network, Holm's first step", "one network", "mean of the networks"]
    columns = power[[*order, "two data sets"]]
    assert (columns.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)
    odds = answers.marginal(rows)
    assert odds["odds ratio"].gt(1).all()


def test_the_forest_has_every_row_in_its_place(asked):
    figure = plotting.forest_figure(asked, primary.MARGIN, EVERY)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[-1] == "all, mean"
    assert names[0].startswith("CASME II, ")
    assert len(names) == 15
    squares = [line for line in figure.axes[0].lines if line.get_marker() == "s"]
    assert len(squares) == 12
    diamonds = [patch.get_xy() for patch in figure.axes[0].patches if len(patch.get_xy()) == 5]
    assert len(diamonds) == 3
    last = next(xy for xy in diamonds if xy[0, 1] == 14)
    whole = primary.overall(asked).iloc[0]
    assert last[:3, 0] == pytest.approx(whole[["low", "difference", "high"]].to_numpy(float))


def test_a_network_at_chance_is_marked_where_its_score_stands(rows):
    lost = rows["model"].eq("learnet")
    scores = experiments.scores(rows.assign(y_pred=rows["y_pred"].mask(lost, 0)))
    assert set(scores.loc[~scores["above_chance"], "model"]) == {"learnet"}
    axes = plotting.table2_figure(scores).axes[0]
    holes = [line for line in axes.lines if line.get_markersize() == 2.5]
    assert sum(len(line.get_xdata()) for line in holes) == 2
