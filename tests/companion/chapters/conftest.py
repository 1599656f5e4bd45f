"""Stores of made predictions, which the tests of tables read."""

from __future__ import annotations

import pytest

from companion.chapters import tables


def dual_is_ahead(spec, view, epoch) -> float:
    """Let dual be right on 4 of 5 clips, and everything else on 3 of 5."""
    return 0.8 if spec.setting == "dual" else 0.6


@pytest.fixture
def filled(workspace, store_all):
    """Fill a store with whole tables and return its workspace."""

    def fill(*names, right=dual_is_ahead):
        store_all({s.key: s for n in names for s in workspace.specs(n)}.values(), right)
        return workspace

    return fill


@pytest.fixture(scope="session")
def shown_so_far():
    """The tables shown so far; see `shown`."""
    return {}


@pytest.fixture
def shown(filled, shown_so_far):
    """Return a table on the store of `filled`, read once for all tests."""

    def show(name):
        if name not in shown_so_far:
            shown_so_far[name] = tables.read(filled(*{name, "table2"}), name)
        return shown_so_far[name]

    return show
