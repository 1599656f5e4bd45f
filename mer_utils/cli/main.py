"""Put the commands together and turn errors into one message and an exit code."""

from __future__ import annotations

import errno
import logging
import sys
from importlib.metadata import entry_points
from pathlib import Path

import typer
from rich.markup import escape

from mer_utils.cli import clips, data, di, experiments, score, store, verify
from mer_utils.cli.progress import printer
from mer_utils.errors import MerError
from mer_utils.files import cannot_read, cannot_write
from mer_utils.machine import anchor_settings

FIRST_STEPS = """\
What to do first:

  mer doctor                 what is installed here, and what is missing for what
  mer di CLIP                the dynamic images of one clip: a folder of frames, or a video
  mer check casme2 FOLDER    what is wrong with a data set, if anything
  mer score FILE             scores and intervals of predictions of your own
  mer plan --profile smoke   what the experiments would compute, in their smallest form
  mer run --profile smoke    compute that, in a few minutes, on made clips
  make book                  run what is missing and build the book, in its checkout

mer --help lists the commands, mer COMMAND --help their options, and mer --install-completion
teaches them to your shell. Exit codes: 0 if all that was asked for was done, 1 after an error or
a fold that failed, 2 if the command was not understood, 130 after Ctrl-C."""

app = typer.Typer(pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """Reproduce phase-aware temporal augmentation for micro-expression recognition."""
    anchor_settings()  # what is started from here may run in another folder
    if context.invoked_subcommand is None:
        typer.echo(FIRST_STEPS)


for room in (data, di, score, experiments, verify):
    app.registered_commands.extend(room.commands.registered_commands)
app.add_typer(store.commands, name="store")
app.add_typer(clips.commands, name="clips")
for extension in entry_points(group="mer.commands"):  # such as mer book, of the companion
    app.registered_commands.extend(extension.load().registered_commands)


def main(arguments: list[str] | None = None) -> None:
    """Run ``mer``; exit 0 on success, 1 on an error that the message says how to mend.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that lacks a character shows its number
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        app(arguments, prog_name="mer")
    except MerError as error:
        _say(error)
        raise SystemExit(1) from None
    except OSError as error:  # of a file that no room asks about
        _say(_unusable(error))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        printer(stderr=True).print(
            "\nStopped. Nothing is lost: the same command goes on from here."
        )
        raise SystemExit(130) from None


def _unusable(error: OSError) -> MerError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return cannot_write(Path(error.filename or "a file"), error)
    if error.filename is None:  # no file handle, process or memory is left, most often
        if error.errno is None:
            raise error
        return cannot_read(Path("a file or pipe"), error)
    return MerError(
        "cannot read",
        f"{error.filename} cannot be used ({error.strerror})",
        "a file or folder that is there, and that you may use",
        "correct the path, or its permissions",
    )


def _say(error: MerError) -> None:
    printer(stderr=True, soft_wrap=True).print(
        f"[bold red]Error ({error.kind}):[/] {escape(error.what)}\n"
        f"[bold]Expected:[/] {escape(error.expected)}\n"
        f"[bold]Remedy:[/] {escape(error.remedy)}",
        highlight=False,
    )
