"""Registries: names found, taken, unknown; things that lack a part."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from helpers import raises

from mer_utils.errors import kinds
from mer_utils.registry import Registry


@pytest.fixture
def zoo():
    return Registry("animal", SimpleNamespace(name="cat", legs=4), parts=("legs",))


def test_what_is_registered_is_found_in_order(zoo):
    duck = zoo.register(SimpleNamespace(name="duck", legs=2))
    assert list(zoo) == ["cat", "duck"]
    assert zoo["duck"] is zoo.get("duck") is duck
    assert zoo.register(duck) is duck
    assert zoo.get("cow") is None
    assert "cow" not in zoo
    assert zoo.unregister("duck") is duck
    assert list(zoo) == ["cat"]


@pytest.mark.parametrize(
    ("kind", "named", "call"),
    [
        ("unknown name", "'dog'", lambda zoo: zoo["dog"]),
        ("unknown name", "'cat' is close", lambda zoo: zoo["cats"]),
        ("taken name", "'cat'", lambda zoo: zoo.register(SimpleNamespace(name="cat", legs=3))),
        ("incomplete registration", "legs", lambda zoo: zoo.register(SimpleNamespace(name="x"))),
        ("incomplete registration", "name", lambda zoo: zoo.register(SimpleNamespace(legs=1))),
    ],
)
def test_bad_names_and_things_are_refused(zoo, kind, named, call):
    with raises(kind, named):
        call(zoo)


def test_every_kind_says_what_it_is_and_what_to_do():
    assert all(all(kind) for kind in kinds().values())
    assert len({(k.topic, k.name) for k in kinds().values()}) == len(kinds())
