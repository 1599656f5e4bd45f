"""The row at the paper's size: of the specification that it is said of, scored another way."""

import pandas as pd
import pytest

from companion.chapters import full_size, session, tables
from mer_utils.experiments import TABLES, open_workspace
from mer_utils.experiments.profiles import find
from mer_utils.runs import unpacked
from tests.helpers import raises

FILE = session.book_file(full_size.RECORD)


@pytest.fixture(scope="module")
def row():
    return full_size.read(FILE)


def test_the_runs_are_of_the_paper_profile(tmp_path):
    """But for the clips, which are not drawn here: their fingerprint is taken as recorded."""
    with unpacked(FILE) as store:
        recorded = store.specs()
    (data,) = {spec.data for spec in recorded}
    paper = find(full_size.COMMAND.split("--profile ")[1].split(" --data")[0])
    smoke = open_workspace("smoke", store=tmp_path, datasets=[data.dataset])
    specs = list(TABLES["table2"].grid(paper, list(smoke.data.values())))
    (other,) = {spec.data for spec in specs}
    assert data == other.model_copy(update={"fingerprint": data.fingerprint})
    assert {s.model_copy(update={"data": data}).key for s in specs} == {s.key for s in recorded}


def test_scores_are_those_of_a_crosstable(row):
    shown, folds = row
    scores = shown.scores[shown.scores["metric"] == tables.UAR].set_index("setting")["value"]
    assert list(scores.index) == ["single", "matched single", "dual", "aligned"]
    for setting, rows in shown.predictions.groupby("setting"):
        counts = pd.crosstab(rows["y_true"], rows["y_pred"]).reindex(columns=range(5)).to_numpy()
        assert scores[setting] == pytest.approx((counts.diagonal() / counts.sum(1)).mean())
        assert len(rows) == len(rows[["subject", "clip"]].drop_duplicates()) == 246
    assert len(folds) == 4 * 26


def test_the_cost_is_from_the_first_fold_s_start_to_the_last_one_s_end():
    folds = pd.DataFrame(
        {
            "finished": ["2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"],
            "seconds": [60.0, 30.0],
            "images_shown": [1000, 200],
            "device": "Made 9000",
        }
    )
    said = full_size.said_of_cost(folds)
    assert "2 folds took 2.0 minutes on one Made 9000" in said
    assert "1,200 training images: 10 a second" in said


def test_a_file_that_is_not_there_is_named(tmp_path):
    with raises("bad register", "none.zip"):
        full_size.read(tmp_path / "none.zip")
