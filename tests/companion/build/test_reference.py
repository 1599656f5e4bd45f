"""The pages of reference: every room is there, and every public name says what it is."""

from __future__ import annotations

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

import mer_utils
from companion.build import reference

ROOT = Path(__file__).parents[3]
ROOMS = sorted(f"mer_utils.{m.name}" for m in pkgutil.iter_modules(mer_utils.__path__))
LISTED = [
    room
    for page in (ROOT / "book" / "reference").glob("*.md")
    for room in re.findall(r"^\.\. automodule:: (\S+)$", page.read_text("utf-8"), re.MULTILINE)
]


def test_every_room_is_on_a_page_once():
    # These are the command, which describes itself: mer --help.
    assert sorted(room for room in LISTED if room.startswith("mer_utils")) == sorted(
        set(ROOMS) - {"mer_utils.cli", "mer_utils.__main__"}
    )


@pytest.mark.parametrize("room", LISTED)
def test_every_public_name_has_a_docstring(room):
    module = import_module(room)
    public = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
    code = {name: one for name, one in public.items() if inspect.isclass(one) or inspect.isroutine(one)}
    assert [name for name, one in code.items() if not inspect.getdoc(one)] == []


def test_constants_of_a_room_are_shown_with_their_comments(monkeypatch):
    room = import_module("mer_utils.views")
    found: dict = {}
    analyzer = SimpleNamespace(find_attr_docs=lambda: found)
    monkeypatch.setattr(reference.ModuleAnalyzer, "for_module", lambda name: analyzer)
    reference.adopt_constants(None, "module", "mer_utils.views", room)
    assert f"``{room.VIEWS_VERSION}``" in found["", "VIEWS_VERSION"]


def test_code_of_a_function_is_its_source_without_the_docstring() -> None:
    code = reference.code_of("mer_utils.protocol.loso")
    assert '"""' not in code
    assert code.startswith("def loso(") and "flatnonzero(~tested)" in code
    made: dict[str, object] = {}
    exec(f"from __future__ import annotations\n{code}", made)  # it is still a whole function
    assert callable(made["loso"])
