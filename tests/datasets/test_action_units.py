"""The action unit grammar: every published spelling, and what it must refuse."""

from __future__ import annotations

import re

import pytest
from helpers import raises
from hypothesis import given
from hypothesis import strategies as st

from mer_utils.datasets.action_units import AU, Coding, parse
from mer_utils.errors import MerError

PUBLISHED = {
    "12": [AU(12)],
    "4+L10": [AU(4), AU(10, "L", term=1)],
    "L14+L15": [AU(14, "L"), AU(15, "L", term=1)],
    "R1+R2": [AU(1, "R"), AU(2, "R", term=1)],
    "4+38": [AU(4), AU(38, term=1)],
    "?": [],
    "4+7": [AU(4), AU(7, term=1)],
    "15A+17": [AU(15, intensity="A"), AU(17, term=1)],
    "(R6 or R12)+R15": [
        AU(6, "R", certainty="alternative"),
        AU(12, "R", certainty="alternative"),
        AU(15, "R", term=1),
    ],
    "ref(7B)+43": [AU(7, intensity="B", certainty="ref"), AU(43, term=1)],
    "10A/B": [AU(10, intensity="A/B")],
    "A/L12": [AU(12, "A/L")],
    "T18+39": [AU(18, "T"), AU(39, term=1)],
    "4D+ref(6)+7C+43E": [
        AU(4, intensity="D"),
        AU(6, certainty="ref", term=1),
        AU(7, intensity="C", term=2),
        AU(43, intensity="E", term=3),
    ],
    "R14+17+soft focus": [AU(14, "R"), AU(17, term=1)],
}


@pytest.mark.parametrize("text", PUBLISHED)
def test_published_strings(text):
    coding = parse(text)
    assert list(coding.units) == PUBLISHED[text]
    assert str(coding) == text


def test_words_and_doubt_are_remarks_not_units():
    assert parse("R14+17+soft focus").remarks == ((2, "soft focus"),)
    assert parse("?").remarks == ((0, "?"),)
    assert parse(" ") == Coding()


@pytest.mark.parametrize(
    "text",
    [
        "+", "4+", "+4", "4++7", "4,7", "4 7", "123", "0", "04", "l10", "7b", "7F", "X12", "12?",
        "AU12", "(R6)", "(R6 or )", "(6+12)", "(6 or 12", "ref 7", "ref()", "ref(6 or 7)", "or",
        "6 or 12", "4.0", "-4", "4+?", "L", "A/12", "10B/F", "1O", "４", "2026-04-07 00:00:00",
    ],
)  # fmt: skip
def test_anything_else_is_reported_with_its_text(text):
    with raises("unread action units", repr(text)):
        parse(text)


UNITS = st.builds(
    AU,
    st.integers(1, 99),
    st.sampled_from(["", "L", "R", "T", "B", "A/L", "A/R"]),
    st.sampled_from(["", *"ABCDE", "A/B", "C/D"]),
)


@st.composite
def codings(draw):
    """Draw a coding and write it out by hand, independently of `Coding.__str__`."""
    units, remarks, texts = [], [], []
    for term in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["certain", "ref", "alternative", "remark"]))
        if kind == "remark":
            remarks.append((term, draw(st.sampled_from(["soft focus", "blink"]))))
            texts.append(remarks[-1][1])
            continue
        drawn = (
            draw(st.lists(UNITS, min_size=2, max_size=3))
            if kind == "alternative"
            else [draw(UNITS)]
        )
        units += [AU(u.unit, u.side, u.intensity, kind, term) for u in drawn]
        joined = " or ".join(f"{u.side}{u.unit}{u.intensity}" for u in drawn)
        texts.append(
            {"certain": joined, "ref": f"ref({joined})", "alternative": f"({joined})"}[kind]
        )
    plus = draw(st.sampled_from(["+", " + ", "+ "]))
    return Coding(tuple(units), tuple(remarks)), plus.join(texts)


@given(codings())
def test_what_is_written_is_read_back(case):
    coding, text = case
    assert parse(text) == coding
    assert parse(str(coding)) == coding


@given(
    st.text(st.characters(codec="utf-8"), max_size=30)
    | st.text("0123456789LRTAB/+() orefs?", max_size=12)
)
def test_any_text_is_read_in_full_or_reported(text):
    try:
        coding = parse(text)
    except MerError:
        return
    squeezed = re.sub(r" *\+ *", "+", text.strip())
    squeezed = re.sub(r" +or +", " or ", squeezed)
    assert str(coding) == squeezed
