"""The command ``mer``: thin commands over the rooms."""

from mer_utils.cli.main import app, main

__all__ = ["app", "main"]
