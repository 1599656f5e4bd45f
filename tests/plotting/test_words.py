"""The words of tables and figures, made from typed columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mer_utils.plotting import words

MOVED = ("cut", "apex_shift", "trim", "missing_apex", "degenerate_phase")
IMAGE = ("source", "kind", "scaling", "frames")
PLAIN = {"setting": "dual", "source": "rank_pooling", "kind": "bilen", "scaling": "minmax"}
PLAIN |= {"frames": np.nan, "cut": "apex", "apex_shift": 0, "trim": 0}
PLAIN |= {
    "missing_apex": "skip_view",
    "degenerate_phase": "skip_view",
    "spatial": "none",
    "tested": "full",
}


@pytest.mark.parametrize(
    ("changes", "columns", "expected"),
    [
        ({}, ("setting",), "dual"),
        ({"spatial": "flip+rotation"}, ("setting", "spatial"), "dual, flip+rotation"),
        ({"cut": "random"}, ("setting", "cut"), "dual, random cut"),
        ({}, ("setting", "cut"), "dual"),
        ({"tested": "onset_apex+apex_offset"}, ("setting", "tested"), "dual, average of halves"),
        ({}, IMAGE, "bilen, minmax, all frames"),
        ({"frames": pd.NA}, IMAGE, "bilen, minmax, all frames"),
        ({"kind": "linear", "frames": 8.0}, IMAGE, "linear, minmax, 8 frames"),
        ({"source": "apex_difference"}, IMAGE, "apex difference, minmax"),
        ({}, MOVED, "as annotated"),
        ({"apex_shift": 4}, MOVED, "apex ±4"),
        ({"trim": 2}, MOVED, "trimmed by 2"),
        ({"missing_apex": "midpoint"}, MOVED, "missing apex: midpoint"),
        ({"missing_apex": None}, MOVED, "as annotated"),
        ({"missing_apex": "own"}, MOVED, "as annotated"),
        (
            {"missing_apex": "drop", "degenerate_phase": "drop_clip"},
            MOVED,
            "missing apex: drop, degenerate: drop_clip",
        ),
    ],
)
def test_words_of_a_setting_and_of_a_comparison(changes, columns, expected):
    frame = pd.DataFrame([PLAIN | changes])
    assert words.in_words(frame, columns).tolist() == [expected]
    base = {f"base_{c}": PLAIN[c] for c in columns}
    usual = words.setting_words(PLAIN, columns)
    compared = frame.assign(**base)
    assert words.in_words(compared, columns).tolist() == [f"{expected} minus {usual}"]
    assert words.base_words(compared.iloc[0], columns) == usual


def test_a_side_without_a_column_of_its_own_shares_the_treatments():
    row = PLAIN | {"base_setting": "single", "spatial": "flip"}
    assert words.comparison_words(row, ("setting", "spatial")) == "dual, flip minus single, flip"
