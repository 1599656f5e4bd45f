"""Commands about data: ``mer synth``, ``mer check``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.markup import escape
from rich.table import Table

from mer_utils import datasets, synthetic
from mer_utils.cli.progress import printer
from mer_utils.datasets import RULES, Problem, grouped, to_json, worst
from mer_utils.errors import MerError
from mer_utils.machine import path_setting, refuse_misspelt_settings, setting
from mer_utils.registry import unknown

commands = typer.Typer()

FORMATS = ("table", "json")
_STYLES = {"error": "red", "warning": "yellow", "note": "dim"}


@commands.command()
def synth(
    dataset: Annotated[str, typer.Argument(help="casme2, samm or smic")],
    out: Annotated[Path, typer.Argument(help="folder to write the twin into")],
    subjects: Annotated[int | None, typer.Option(help="how many; default: full size")] = None,
    clips_per_subject: Annotated[int | None, typer.Option(help="clips of each subject")] = None,
    seed: Annotated[int, typer.Option(help="the same seed gives the same bytes")] = 0,
    phase_difference: Annotated[
        float, typer.Option(min=0, max=1, help="how different fall and rise are; 0: mirrored")
    ] = synthetic.DEFAULT_PHASE_DIFFERENCE,
    fall_information: Annotated[
        float, typer.Option(min=0, max=1, help="how much the fall says of the class; 0: nothing")
    ] = synthetic.DEFAULT_FALL_INFORMATION,
    noise: Annotated[
        float, typer.Option(min=0, max=10, help="head drift, flicker, sensor noise; 0: none")
    ] = 1.0,
    layout: Annotated[str, typer.Option(help="cropped, or raw: head and shoulders")] = "cropped",
    frame_size: Annotated[
        tuple[int, int] | None,
        typer.Option(help="width and height in pixels; default: the data set's"),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes")] = 2,
) -> None:
    """Write a synthetic twin of a data set, in the original's own layout."""
    written = synthetic.write(
        dataset,
        out,
        subjects=subjects,
        clips_per_subject=clips_per_subject,
        seed=seed,
        phase_difference=phase_difference,
        noise=noise,
        frame_size=frame_size,
        layout=layout,
        fall_information=fall_information,
        workers=workers,
        progress=True,
    )
    typer.echo(f"The twin is in {written}. It is made of drawn faces: not evidence about people.")


@commands.command()
def check(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="casme2, samm, smic, clips or manifest")],
    root: Annotated[
        Path | None,
        typer.Argument(help="the data set's folder, or the table's file; or NAME:PLACE in one"),
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(envvar="MER_SCHEME", help="label scheme, e.g. casme2-5")
    ] = None,
    decode: Annotated[
        bool, typer.Option(help="decode every frame, and find the faces of MER_CROP (slow)")
    ] = False,
    corrections: Annotated[
        Path | None, typer.Option(envvar="MER_CORRECTIONS", help="your own corrections, a CSV")
    ] = None,
    missing_apex: Annotated[
        str | None, typer.Option(envvar="MER_MISSING_APEX", help=", ".join(RULES["missing_apex"]))
    ] = None,
    missing_frames: Annotated[
        str | None,
        typer.Option(envvar="MER_MISSING_FRAMES", help=", ".join(RULES["missing_frames"])),
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(help="where several fit: FILE, FILE:WORKSHEET; of a table, WORKSHEET"),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="where several fit: FIELD=COLUMN, its title or letter; may be repeated"),
    ] = None,
    output: Annotated[str, typer.Option("--format", help="table or json")] = "table",
) -> None:
    """List every problem of a data set at once, each with its remedy."""
    refuse_misspelt_settings(
        name for name, kind in datasets.DATASETS.items() if not hasattr(kind, "members")
    )
    if output not in FORMATS:
        raise unknown("format", output, FORMATS)
    options: dict[str, Any] = {
        "scheme": scheme,
        "corrections": corrections,
        "missing_apex": missing_apex,
        "missing_frames": missing_frames,
        "sheet": sheet,
        "columns": tuple(column or ()) or None,
    }
    dataset, root = _where(dataset, root)
    kind = datasets.DATASETS[dataset]
    chosen = datasets.sheet_settings(dataset)
    if issubclass(kind, datasets.Clips):
        chosen["frames"] = path_setting(f"MER_{kind.name.upper()}_ROOT")
    chosen |= {name: value for name, value in options.items() if value is not None}
    for name in sorted(chosen.keys() - {*kind.options()}):
        # The settings are about frames, so they do not concern a table of images; an option would.
        if not _from_setting(context, name):
            option = "--" + name.replace("_", "-")
            raise MerError(
                "unknown name",
                f"{option} does not concern {kind.title}",
                "options of that data set",
                f"leave {option} out",
            )
        del chosen[name]
    if setting("MER_CROP"):
        from mer_utils.experiments.settings import crop_options

        crop = crop_options().get(dataset)
        if crop and not decode:
            typer.echo("Faces to crop to (MER_CROP) are looked for with --decode only.", err=True)
        elif crop:
            chosen |= {"crop": crop, "no_face": setting("MER_NO_FACE") or "error"}
    data = datasets.open(dataset, root, **chosen)
    problems = data.check(decode)
    try:
        counts = data.counts()
    except MerError:  # it is among the problems
        counts = pd.DataFrame()
    if output == "json":
        typer.echo(to_json(problems, clips=json.loads(counts.to_json(orient="records"))))
    else:
        show_problems(problems, f"{dataset} in {root}")
        _show_counts(counts)
    if worst(problems) == "error":
        raise typer.Exit(1)


def _where(dataset: str, root: Path | None) -> tuple[str, Path]:
    """Return a data set's name and its place, given apart or as NAME:PLACE, but not both."""
    name, _, place = dataset.partition(":")
    kind = datasets.DATASETS[name]
    if parts := getattr(kind, "members", ()):
        raise MerError(
            "invalid option",
            f"{kind.title} has no folder of its own",
            "one data set at a time",
            f"check its parts: {', '.join(f'mer check {part} FOLDER' for part in parts)}",
        )
    if (root is None) == (not place):
        raise MerError(
            "invalid option",
            f"it is said {'twice' if place else 'nowhere'} where {kind.title} lies",
            f"mer check {name} PLACE",
            "name its folder, or the table's file, once",
        )
    return name, root or Path(place)


def _from_setting(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "ENVIRONMENT"


def _show_counts(counts: pd.DataFrame) -> None:
    shown = counts.dropna(axis="columns", how="all")
    if len(shown):
        table = Table(title="clips and subjects by label scheme", title_justify="left")
        for column in shown:
            table.add_column(str(column).replace("_", " "))
        for row in shown.itertuples(index=False):
            table.add_row(*("" if pd.isna(cell) else escape(str(cell)) for cell in row))
        printer().print(table)


def show_problems(problems: list[Problem], title: str) -> None:
    """Print one example of each kind of problem, worst first."""
    console = printer()
    if not problems:
        console.print(f"No problem found: {title}.", soft_wrap=True, markup=False)
        return
    table = Table(title=escape(title), title_justify="left")
    for heading in ("severity", "kind", "count", "example", "remedy"):
        table.add_column(heading, overflow="fold")
    groups = grouped(problems)
    for group in groups.itertuples():
        example = f"{group.example}\nexpected: {group.expected}".removesuffix("\nexpected: ")
        cells = (group.severity, group.kind, str(group.count), example, group.remedy)
        table.add_row(*(escape(str(cell)) for cell in cells), style=_STYLES[str(group.severity)])
    console.print(table)
    if len(groups) < len(problems):
        console.print("One example of each kind is shown; --format json lists every finding.")
