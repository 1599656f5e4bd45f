"""Commands about results that are shared: ``mer store export``, ``import``, ``merge``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mer_utils.cli.experiments import Store
from mer_utils.errors import MerError
from mer_utils.files import build_dir

if TYPE_CHECKING:
    from mer_utils.runs import RunStore

commands = typer.Typer(help="Share results: export a store, import an archive, merge stores.")
_SHOWN = 10


@commands.command()
def export(
    file: Annotated[Path, typer.Argument(help="the archive to write, such as results.zip")],
    store: Store = None,
    licence: Annotated[str, typer.Option(help="SPDX identifier")] = "CC-BY-4.0",
    creator: Annotated[
        list[str] | None, typer.Option(help='as "Family, Given"; repeat it for several')
    ] = None,
) -> None:
    """Write every run of a store into one archive, with README, checksums and metadata."""
    from mer_utils.runs import archive

    deposit = archive.export(_store(store), file, licence=licence, creators=creator or ())
    size = file.stat().st_size / 1e6
    typer.echo(f"{file}: {deposit.runs:,} runs, {deposit.folds:,} folds, {size:.1f} MB.")
    typer.echo(deposit.words.replace("**", ""))


@commands.command(name="import")
def import_archives(
    archives: Annotated[list[Path], typer.Argument(help="archives that mer store export wrote")],
    store: Store = None,
) -> None:
    """Check archives and put their folds beside those of a store."""
    from mer_utils.runs import archive

    with ExitStack() as stack:
        _merge(store, [stack.enter_context(archive.unpacked(path)) for path in archives])


@commands.command()
def merge(
    stores: Annotated[list[Path], typer.Argument(help="folders of other stores")],
    store: Store = None,
) -> None:
    """Put the folds of other stores beside those of one; nothing is overwritten."""
    _merge(store, [_store(path) for path in stores])


def _merge(store: Path | None, others: list[RunStore]) -> None:
    from mer_utils.runs import archive

    into = _store(store, there=False)
    done = archive.merge(into, *others)
    typer.echo(f"{into.path}: {done.added:,} folds added, {done.same:,} were there already.")
    if done.refused:
        _list(f"{len(done.refused)} run(s) were not taken:", done.refused)
    if done.conflicts:
        named = [f"run {run}, held_out={held_out}" for run, held_out in done.conflicts]
        _list(f"{len(named)} fold(s) are there with other predictions, and were left:", named)
    if done.refused or done.conflicts:
        raise typer.Exit(1)


def _store(path: Path | None, there: bool = True) -> RunStore:
    """Return a store; a folder that is none, or not there, is an error if it must be `there`."""
    from mer_utils.runs import RunStore

    store = RunStore((path or build_dir() / "store").expanduser())
    if there and not (store.path / "store.json").exists():
        raise MerError(
            "no results",
            f"{store.path} holds no store",
            "a folder that mer run or mer store import has filled",
            "name it, with --store for one's own",
        )
    return store


def _list(title: str, lines: list[str]) -> None:
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    for line in (title, *(f"  {line}" for line in (*lines[:_SHOWN], *more))):
        typer.secho(line, fg=typer.colors.YELLOW, err=True)
