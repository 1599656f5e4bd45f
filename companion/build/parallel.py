"""A Sphinx extension that writes pages on all cores, which Jupyter Book cannot be told.

They are read on one: side by side, Sphinx's viewcode adds pages of Python's own modules.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from mer_utils.machine import cores


def _take_all_cores(app: Sphinx, *_: object) -> None:
    app.parallel = cores()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("env-check-consistency", _take_all_cores)  # the last thing before writing
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
