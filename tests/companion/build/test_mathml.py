"""Equations as MathML."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from helpers import raises

from companion.build.mathml import mathml

NAME = "{http://www.w3.org/1998/Math/MathML}"


def test_lines_are_aligned_whether_or_not_it_is_said() -> None:
    said = mathml(r"\begin{split}a &= b \\ &= c\end{split}", display=True)
    assert said == mathml(r"a &= b \\ &= c", display=True)
    table = ElementTree.fromstring(said).find(f".//{NAME}mtable")
    assert [len(row) for row in table] == [2, 2]
    assert ["".join(row.itertext()) for row in table] == ["a=b", "=c"]


@pytest.mark.parametrize("name", ["aligned", "gather", "nonsense"])
def test_an_unknown_environment_is_refused_not_shown_as_it_stands(name) -> None:
    with raises("failed render", "split"):
        mathml(rf"\begin{{{name}}}a &= b \\ &= c\end{{{name}}}")
