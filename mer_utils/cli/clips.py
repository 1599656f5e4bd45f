"""Commands about tables of clips: ``mer clips make``, ``mer clips maps``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mer_utils import datasets
from mer_utils.errors import MerError
from mer_utils.files import atomic_write

commands = typer.Typer(help="Write tables of clips, see mer check clips.")

_STYLES = {"warning": "Warning: ", "note": ""}


@commands.command()
def maps() -> None:
    """List the column maps, each with how sure we are of it."""
    for known in datasets.MAPS.values():
        schemes = ", ".join(known.schemes)
        typer.echo(f"{known.name}: {known.title}; label schemes {schemes}\n  {known.sure}")


@commands.command()
def make(
    source: Annotated[
        str,
        typer.Argument(
            help="a column map (see mer clips maps), a TOML file of your own, or how the folders "
            "lie, as in '{subject}/{label}/{clip}'"
        ),
    ],
    root: Annotated[Path, typer.Argument(help="folder of the sheet and the frames")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="the table; default: ROOT/clips.csv")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="where several fit: FILE or FILE:WORKSHEET")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=COLUMN, where the sheet has another title; may be repeated"),
    ] = None,
) -> None:
    """Write a table of clips from an annotation sheet, or from a tree of folders."""
    root = root.expanduser().absolute()
    if not root.is_dir():
        raise MerError(
            "missing root", f"{root} is no folder", "the data set's folder", "correct the path"
        )
    output = root / "clips.csv" if output is None else output.expanduser().absolute()
    if output.exists() or output.suffix != ".csv":
        raise MerError(
            "invalid option",
            f"{output} is there already" if output.exists() else f"{output} is no CSV file",
            "a file that is not there, ending in .csv",
            "name another file with -o; a table may hold corrections of yours",
        )
    if "{" in source:
        table, said = datasets.from_folders(source, root)
    else:
        own = source.endswith(".toml")
        known = datasets.ColumnMap.read(Path(source)) if own else datasets.MAPS[source]
        table, said = datasets.from_sheet(known, root, sheet, column or ())
    if root.is_relative_to(output.parent):  # paths start from the table's own folder
        above = root.relative_to(output.parent)
        table["frames"] = [(above / path).as_posix() for path in table["frames"]]
    with atomic_write(output) as temporary:
        table.to_csv(temporary, index=False)
    for problem in said:
        typer.echo(f"{_STYLES[problem.severity]}{problem.message}; {problem.remedy}.", err=True)
    typer.echo(f"{len(table)} clips of {table['subject'].nunique()} subjects: {output}")
    if not root.is_relative_to(output.parent):
        typer.echo(f"Its paths start from {root}: set MER_CLIPS_ROOT to it.")
