"""Fuzzing files of predictions and profiles: whatever they hold is read whole, or refused."""

from __future__ import annotations

import csv
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_data import toml

from mer_utils.datasets import to_json, worst
from mer_utils.errors import MerError
from mer_utils.experiments import Scorecard, profiles, read_predictions

SETTINGS = settings(max_examples=60, deadline=None)
ODD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
CLASS = st.sampled_from(["0", "1", "1.0", "00", "glad", "Glad", "sad", "9" * 9, "9" * 400])
SHARE = st.sampled_from(["0", "0.5", "1", "-1", "nan", "inf", "1e400", "0,5", "%"])
#: Columns of predictions, and what their cells may hold beside anything.
CELLS = {
    "subject": st.sampled_from(["s1", "s2", "S1", "01"]),
    "clip": st.sampled_from(["a", "b", "c"]),
    "y_true": CLASS,
    "y_pred": CLASS,
    **{name: SHARE for name in ("p_0", "p_1", "p_glad", "score_sad", "p_0.0", "p_9999999999")},
    "seed": st.sampled_from(["0", "1", "x", ""]),
    "fold": st.sampled_from(["s1", "2"]),
    "system": st.sampled_from(["mine", "other"]),
    "dataset": st.sampled_from(["x", "y"]),
}


@st.composite
def files_of_predictions(draw):
    usual = st.lists(st.sampled_from(sorted(CELLS)), max_size=5).map(
        lambda more: list(dict.fromkeys(["clip", "y_true", *more]))
    )
    columns = draw(usual | st.lists(st.sampled_from(sorted(CELLS)) | ODD, max_size=6))
    cells = [CELLS.get(name, ODD) | ODD if draw(st.booleans()) else CELLS.get(name, ODD)
             for name in columns]  # fmt: skip
    rows = draw(st.lists(st.tuples(*cells).map(list), max_size=7))
    if rows:
        rows[-1] = rows[-1][: draw(st.just(len(columns)) | st.integers(0, len(columns)))]
    return [columns, *rows]


@pytest.mark.scenario("G")
@SETTINGS
@given(files_of_predictions(), st.booleans())
@example([["p_0", "p_1", "y_true", "clip"], ["0", "1", "1", "a"]], False)
def test_any_predictions(rows, ensemble):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        try:
            found, problems = read_predictions([path], ensemble=ensemble)
        except MerError:
            return
    to_json(problems).encode("utf-8")
    if worst(problems) == "error":
        return
    own = found[~found["system"].str.endswith("seeds averaged")]
    assert len(own) == sum(any(cell.strip() for cell in row) for row in rows[1:])
    assert not found.duplicated(["dataset", "system", "seed", "subject", "clip"]).any()
    card = Scorecard(found)
    scores = card.scores
    assert scores["estimate"].dropna().between(0, 1).all()
    assert sum(m.to_numpy().sum() for (d, _), m in card.confusions.items()
               if d in set(found["dataset"])) == len(found)  # fmt: skip
    to_json(card.problems)


@SETTINGS
@given(st.binary(max_size=300))
@example(b"\xfe\xff")
def test_any_bytes_as_predictions(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.csv"
        path.write_bytes(content)
        with suppress(MerError):  # any other exception fails the test
            assert worst(read_predictions([path])[1]) == "error"


NUMBERS = st.integers(-1, 3) | st.floats() | st.just(10**30)
VALUES = st.recursive(
    NUMBERS | st.booleans() | ODD | st.sampled_from(["learnet", "svm_hog", "table2", "flip"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD, inner, max_size=2),
    max_leaves=4,
)
FIELDS = [*profiles.Profile.model_fields, "epochs", "names"]
PLAN = ["width", "image_size", "pretrained", "learning_rate", "precision", "size"]
TRAINING = [*profiles.TrainingOptions.model_fields, "momentum"]


@pytest.mark.scenario("F")
@SETTINGS
@given(
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=2),
    st.dictionaries(st.sampled_from(PLAN), VALUES, max_size=1),
    st.dictionaries(st.sampled_from(TRAINING), VALUES, max_size=1),
)
def test_any_profile(fields, plan, training):
    """What is taken is what the file says, and can be named by a command."""
    fields = {
        "title": "mine", "purpose": "a test", "seeds": [0],
        "training": {"epochs": 2, "batch_size": 16} | training,
        "models": {"learnet": {"image_size": 32} | plan},
    } | fields  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.toml"
        path.write_text("".join(f"{name} = {toml(value)}\n" for name, value in fields.items()))
        try:
            profile = profiles.find(str(path))
        except MerError:
            return
        assert profiles.find(profile.words) == profile
    dumped = profile.model_dump(mode="json")
    for name in fields.keys() - {"models", "training"}:
        assert dumped[name] == fields[name]
    assert profile.sizes


@SETTINGS
@given(st.binary(max_size=100) | ODD.map(str.encode))
def test_any_bytes_as_a_profile(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.toml"
        path.write_bytes(content)
        with suppress(MerError):
            profiles.find(str(path))
