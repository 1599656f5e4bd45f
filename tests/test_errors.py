"""Every error has a registered kind."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest
from helpers import raises

import mer_utils
from mer_utils.errors import Kind, MerError, kinds, register

PACKAGES = [Path(mer_utils.__path__[0]), Path(mer_utils.__path__[0]).parent / "companion"]
#: Where a call takes its kind.
PLACES = {"MerError": 0, "fault": 0, "Problem": 1, "_damaged": 2, "_note": 0}


def said(node: ast.AST) -> set[str]:
    """Return the strings among which an expression chooses."""
    if isinstance(node, ast.IfExp):
        return said(node.body) | said(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_kind_that_is_raised_or_reported_is_registered():
    found = {}
    for path in (file for package in PACKAGES for file in package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in PLACES and len(node.args) > PLACES[name]:
                    found |= dict.fromkeys(said(node.args[PLACES[name]]), path)
    assert {"missing sheet", "repeated row", "no face", "unknown name"} <= set(found)
    assert {kind: path for kind, path in found.items() if kind not in kinds()} == {}


def test_an_unregistered_kind_is_a_slip_of_the_program():
    with pytest.raises(ValueError, match="odd kind"):
        MerError("odd kind", "a", "b", "c")


def test_a_kind_of_ones_own():
    own = register(Kind("my kind", "mine", "rarely", "wait"))
    try:
        assert register(own) is own
        assert MerError("my kind", "a", "b", "c").kind == "my kind"
        with raises("taken name", "my kind"):
            register(own._replace(usually="often"))
    finally:
        del kinds()["my kind"]


def test_an_error_survives_being_sent_to_another_process():
    error = MerError("missing frames", "what", "expected", "remedy", Path("place"))
    again = pickle.loads(pickle.dumps(error))
    assert vars(again) == vars(error)
    assert str(again) == str(error) == "what; expected expected. Remedy: remedy."
