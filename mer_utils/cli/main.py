"""Put the commands together and turn errors into one message and an exit code."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console
from rich.markup import escape

from mer_utils.cli import data, di, experiments
from mer_utils.errors import MerError

app = typer.Typer(
    help="Reproduce phase-aware temporal augmentation for micro-expression recognition.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for commands in (data.commands, di.commands, experiments.commands):
    app.registered_commands.extend(commands.registered_commands)
for extension in entry_points(group="mer.commands"):  # such as mer book, of the companion
    app.registered_commands.extend(extension.load().registered_commands)


def main() -> None:
    """Run ``mer``; exit 0 on success, 1 on an error that the message says how to mend."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        app()
    except MerError as error:
        Console(stderr=True, soft_wrap=True).print(
            f"[bold red]Error ({error.kind}):[/] {escape(error.what)}\n"
            f"[bold]Expected:[/] {escape(error.expected)}\n"
            f"[bold]Remedy:[/] {escape(error.remedy)}",
            highlight=False,
        )
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        Console(stderr=True).print(
            "\nStopped. Nothing is lost: the same command goes on from here."
        )
        raise SystemExit(130) from None
