"""Commands about experiments: ``mer plan``, ``mer run``, ``mer status``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mer_utils.cli.progress import FoldProgress, show_bar
from mer_utils.execution import Outcome, Report, prepare_views, run
from mer_utils.execution.plan import plan_runs
from mer_utils.experiments import TABLES, Workspace, open_workspace
from mer_utils.experiments.grids import get_table

commands = typer.Typer()

Tables = Annotated[list[str] | None, typer.Argument(help="tables; default: all")]
ProfileName = Annotated[str, typer.Option("--profile", help="smoke, demo or paper")]
Store = Annotated[Path | None, typer.Option(help="folder of the predictions")]
DataRoot = Annotated[Path | None, typer.Option(help="folder of the synthetic twins")]
Workers = Annotated[int, typer.Option(help="processes, one thread each")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]


@commands.command()
def plan(
    tables: Tables = None,
    profile: ProfileName = "demo",
    store: Store = None,
    data_root: DataRoot = None,
    workers: Workers = 2,
    device: Device = "auto",
) -> None:
    """Show runs, folds, images and estimated time; start nothing."""
    workspace = open_workspace(
        profile, data_root, store, device=device, workers=workers, progress=True
    )
    shown = Table(title=f"{workspace.profile.title} on {workspace.data_title}")
    for heading in ("table", "runs", "folds", "of these missing", "images to train on"):
        shown.add_column(heading, justify="left" if heading == "table" else "right")
    shown.add_column("estimated time", justify="right")
    for name in _names(tables):
        specs = workspace.specs(name)
        estimate = plan_runs(specs, workspace.missing(specs), workspace.context, workers)
        shown.add_row(name, *estimate.cells())
    Console().print(shown)
    typer.echo(f"Estimated from a few steps of each model, with {workers} worker(s).")


@commands.command(name="run")
def run_tables(
    tables: Tables = None,
    profile: ProfileName = "demo",
    store: Store = None,
    data_root: DataRoot = None,
    workers: Workers = 2,
    device: Device = "auto",
) -> None:
    """Compute what the store lacks. Interrupt it at will; the same command goes on."""
    workspace = open_workspace(
        profile, data_root, store, device=device, workers=workers, progress=True
    )
    if compute(workspace, _names(tables), workers).failed:
        raise typer.Exit(1)


@commands.command()
def status(
    tables: Tables = None,
    profile: ProfileName = "demo",
    store: Store = None,
    data_root: DataRoot = None,
) -> None:
    """Show how many folds of each table are done and how many are missing."""
    workspace = open_workspace(profile, data_root, store, workers=2, progress=True)
    shown = Table(title=f"{workspace.profile.title}, store {workspace.context.store}")
    for heading in ("table", "folds", "done", "missing"):
        shown.add_column(heading, justify="left" if heading == "table" else "right")
    for name in _names(tables):
        specs = workspace.specs(name)
        folds, missing = len(workspace.jobs(specs)), len(workspace.missing(specs))
        shown.add_row(name, str(folds), str(folds - missing), str(missing))
    Console().print(shown)


def compute(workspace: Workspace, tables: list[str], workers: int) -> Report:
    """Compute the missing folds of tables, with progress, and list what failed."""
    report = Report()
    for name in tables:
        specs = workspace.specs(name)
        missing = workspace.missing(specs)
        if not missing:
            continue
        prepare_views(specs, workspace.context, workers=workers, progress=show_bar)
        with FoldProgress(name, missing) as progress:
            part = run(missing, workspace.context, workers=workers, on_outcome=progress.update)
        report.done += part.done
        report.failed += part.failed
    _list_failures(report.failed)
    return report


def _list_failures(failed: list[Outcome]) -> None:
    console = Console(stderr=True, soft_wrap=True)
    for outcome in failed:
        spec = outcome.job.spec
        console.print(
            f"[bold red]failed[/] {spec.data.dataset} {spec.model.name} "
            f"{'+'.join(spec.train_views)} held_out={outcome.job.held_out}: "
            f"{outcome.error or outcome.status}",
            highlight=False,
        )


def _names(tables: list[str] | None) -> list[str]:
    return [get_table(name).name for name in tables] if tables else list(TABLES)
