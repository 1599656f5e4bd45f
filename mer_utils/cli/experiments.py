"""Commands about experiments: ``mer plan``, ``mer run``, ``mer status``.

What they compute with is imported where it is used: that takes seconds, and ``mer --help`` and
the commands about data need none of it.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mer_utils.cli.progress import FoldProgress, duration, show_bar
from mer_utils.machine import cores, setting

if TYPE_CHECKING:
    from mer_utils.experiments import Workspace
    from mer_utils.runs import Executor, Job, Outcome, Report, RunSpec
    from mer_utils.views import Note

commands = typer.Typer()

Tables = Annotated[list[str] | None, typer.Argument(help="tables; default: all")]
ProfileName = Annotated[str, typer.Option("--profile", help="smoke, demo or paper")]
Store = Annotated[Path | None, typer.Option(help="folder of the predictions")]
DataRoot = Annotated[Path | None, typer.Option(help="folder of the synthetic twins")]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help="casme2, samm, smic, megc2019, clips:FILE or manifest:FILE; A+B joins them; repeat "
        "it for several; default: casme2 and samm",
    ),
]
Rehash = Annotated[
    bool, typer.Option("--rehash", help="read every frame again, to be sure that none has changed")
]
CORES = cores()
Workers = Annotated[int, typer.Option(min=1, help="processes, one thread each")]
Device = Annotated[
    str,
    typer.Option(
        help="auto, cpu or cuda, by which local workers share all GPUs; cuda:1 takes that one only"
    ),
]
MicroBatch = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="images of a batch that go through a network at once, where memory is short; "
        "networks with batch normalisation take whole batches all the same",
    ),
]
ExecutorName = Annotated[
    str, typer.Option("--executor", help="where folds run: local, dask, slurm or pbs")
]
Scheduler = Annotated[str | None, typer.Option(help="with dask: address of a running scheduler")]
ClusterOptions = Annotated[
    Path | None, typer.Option(help="with slurm and pbs: a TOML file of dask-jobqueue's options")
]


@commands.command()
def plan(
    tables: Tables = None,
    profile: ProfileName = "demo",
    store: Store = None,
    data_root: DataRoot = None,
    data: Data = None,
    workers: Workers = CORES,
    device: Device = "auto",
    rehash: Rehash = False,
) -> None:
    """Show runs, folds, images and estimated time; start nothing."""
    names = _names(tables)
    with _outlines() as outlines:
        workspace = _open(profile, data_root, store, data, device, workers, rehash, None, outlines)
        _show_plan(workspace, names, device, workers)
        for remark in _outlined(workspace):
            typer.echo(remark)


def _show_plan(workspace: Workspace, names: list[str], device: str, workers: int) -> None:
    from mer_utils.runs import load_clips
    from mer_utils.runs.plan import Plan, plan_runs

    shown = _table(
        f"{workspace.profile.title} on {workspace.data_title}",
        "runs", "folds", "missing", "images", "operations", "here", "one H200",
    )  # fmt: skip

    def add(name: str, plan: Plan) -> None:
        counts = (f"{n:,}" for n in (plan.runs, plan.folds, plan.missing, plan.images))
        times = duration(plan.seconds), duration(plan.gpu_seconds)
        shown.add_row(escape(name), *counts, f"{plan.operations:.1e}", *times)

    all_specs: dict[str, RunSpec] = {}
    counted_before: set[Job] = set()
    plans = []
    for name in names:
        specs = workspace.specs(name)
        missing = [job for job in workspace.missing(specs) if job not in counted_before]
        counted_before.update(missing)
        clips = {data: load_clips(data, workspace.context) for data in {s.data for s in specs}}
        plans.append(plan_runs(specs, missing, clips, device=device, workers=workers))
        add(name, plans[-1])
        all_specs |= {spec.key: spec for spec in specs}
    if len(names) > 1:
        sums = (sum(part) for part in zip(*(vars(p).values() for p in plans), strict=True))
        folds = len(workspace.jobs(list(all_specs.values())))
        shown.add_section()
        add("total", replace(Plan(*sums), runs=len(all_specs), folds=folds))
    print_whole(shown)
    typer.echo(
        f"Images and operations are those of training. The estimate here, with {workers} "
        "worker(s), is from a few steps of each model; workers on one GPU share it and count as "
        "one. The estimate for one H200 is from counted operations and the rates measured there at "
        "the paper's size. Folds that tables share are missing in the first of them only, and "
        "counted once in the total."
    )


@commands.command(name="run")
def run_tables(
    tables: Tables = None,
    profile: ProfileName = "demo",
    store: Store = None,
    data_root: DataRoot = None,
    data: Data = None,
    workers: Workers = CORES,
    device: Device = "auto",
    executor: ExecutorName = "local",
    scheduler: Scheduler = None,
    cluster_options: ClusterOptions = None,
    micro_batch: MicroBatch = None,
    rehash: Rehash = False,
) -> None:
    """Compute what the store lacks. Interrupt it at will; the same command goes on."""
    from mer_utils.runs import open_executor

    names = _names(tables)
    chosen = open_executor(
        executor,
        workers=workers,
        scheduler=scheduler,
        cluster_options=cluster_options,
        device=device,
    )
    workspace = _open(profile, data_root, store, data, device, workers, rehash, micro_batch)
    typer.echo(f"On {workspace.data_title}; predictions in {workspace.context.store}", err=True)
    if compute(workspace, names, workers, chosen).failed:
        raise typer.Exit(1)


@commands.command()
def status(
    tables: Tables = None,
    profile: ProfileName = "demo",
    store: Store = None,
    data_root: DataRoot = None,
    data: Data = None,
    rehash: Rehash = False,
) -> None:
    """Show how many folds of each table are done, missing, and failed when last tried."""
    from mer_utils.runs.environment import mixed

    names = _names(tables)
    with _outlines() as outlines:
        workspace = _open(profile, data_root, store, data, "auto", CORES, rehash, None, outlines)
        title = f"{workspace.profile.title}, store {workspace.context.store}"
        shown = _table(title, "folds", "done", "missing", "failed")
        remarks = []
        for name in names:
            specs = workspace.specs(name)
            folds, missing = len(workspace.jobs(specs)), workspace.missing(specs)
            failures = workspace.store.failures(specs)
            failed = sum((job.spec.key, job.held_out) in failures for job in missing)
            counts = (folds, folds - len(missing), len(missing), failed)
            shown.add_row(escape(name), *map(str, counts))
            recorded = workspace.store.environments(specs)
            if said := mixed(recorded):
                remarks.append(f"{name}: {said}")
            if (lacking := counts[1] - len(recorded)) > 0:
                remarks.append(f"{name}: {lacking} fold(s) lack the record of what computed them.")
        print_whole(shown)
        for remark in (*remarks, *_outlined(workspace)):
            typer.echo(remark)


@contextmanager
def _outlines() -> Iterator[Path | None]:
    """Yield a folder for the outlines of twins, so that nothing is drawn by who only counts.

    Faces are searched on frames, so where some are cropped the twins must be drawn.
    """
    with tempfile.TemporaryDirectory(prefix="mer-outlines-") as folder:
        yield None if setting("MER_CROP") else Path(folder)


def _outlined(workspace: Workspace) -> Iterator[str]:
    if workspace.not_there:
        yield (
            f"{len(workspace.not_there)} made data set(s) are not in {workspace.data_root}: "
            "mer run draws them first. Until then every fold on them counts as missing."
        )


class _Terminated(KeyboardInterrupt):
    """SIGTERM, by which batch systems end a job."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: workers are ended, and jobs in a queue cancelled."""

    def stop(*_: object) -> None:
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():
        yield  # nobody may set a handler here
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def compute(
    workspace: Workspace, tables: list[str], workers: int, executor: Executor | None = None
) -> Report:
    """Compute the missing folds of tables, see `compute_jobs`."""
    specs = _specs(workspace, tables)
    missing = {name: jobs for name in tables if (jobs := workspace.missing(specs[name]))}
    if os.access(workspace.store.path, os.W_OK):  # else it is somebody's to read
        for name in specs.keys() - missing.keys():  # a run was killed just before it
            workspace.consolidate(specs[name])
    return compute_jobs(workspace, missing, workers, executor)


@_terminable()
def compute_jobs(
    workspace: Workspace,
    jobs: dict[str, list[Job]],
    workers: int,
    executor: Executor | None = None,
) -> Report:
    """Compute folds, with progress, and list what failed.

    Parameters
    ----------
    workspace : Workspace
    jobs : dict of str to list of Job
        By the title of their bar; those that an earlier one had are left out of a later one.
    workers : int
        Processes on this machine: those that compute without `executor`.
    executor : Executor, optional
        Not yet entered: it is started only if there is something to compute.
    """
    from mer_utils.runs import Report, open_executor, prepare_views, require_weights, run

    report = Report()
    if not any(jobs.values()):
        return report
    specs = {job.spec.key: job.spec for each in jobs.values() for job in each}
    for doubt in workspace.doubts(list(specs.values())):
        typer.secho(f"Warning: {doubt}", fg=typer.colors.YELLOW, err=True)
    try:
        require_weights(list(specs.values()))
        _say(
            prepare_views(
                list(specs.values()), workspace.context, workers=workers, progress=show_bar
            )
        )
        tried: set[Job] = set()
        with executor or open_executor(workers=workers) as started:
            for name, each in jobs.items():
                if not (left := [job for job in each if job not in tried]):
                    continue
                tried.update(left)
                with FoldProgress(name, left) as progress:
                    part = run(
                        left, workspace.context, executor=started, on_outcome=progress.update
                    )
                report.done += part.done
                report.present += part.present
                report.failed += part.failed
    except KeyboardInterrupt as stop:
        typer.echo("Stopped. Nothing is lost: the same command goes on from here.", err=True)
        raise typer.Exit(143 if isinstance(stop, _Terminated) else 130) from None
    _list_failures(report.failed)
    return report


def _specs(workspace: Workspace, tables: list[str]) -> dict[str, list[RunSpec]]:
    """Return the runs of tables, once the weights that are part of their keys are here."""
    from mer_utils.runs import fetch_weights

    specs = {name: workspace.specs(name) for name in tables}
    if fetch_weights([spec for each in specs.values() for spec in each]):
        return {name: workspace.specs(name) for name in tables}
    return specs


def _say(notes: list[Note]) -> None:
    """Say once what was changed, chosen or left out when views were made, and in which clips."""
    clips: dict[str, list[str]] = {}
    for clip, said in dict.fromkeys(notes):
        clips.setdefault(said, []).append(clip)
    for said, names in clips.items():
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        remark = f"Warning: {said} ({len(names)} clip(s): {shown})"
        typer.secho(remark, fg=typer.colors.YELLOW, err=True)


def _names(tables: list[str] | None) -> list[str]:
    from mer_utils.experiments import TABLES

    return [TABLES[name].name for name in tables] if tables else list(TABLES)


def _open(
    profile: str,
    data_root: Path | None,
    store: Path | None,
    data: list[str] | None,
    device: str,
    workers: int,
    rehash: bool,
    micro_batch: int | None = None,
    outlines: Path | None = None,
) -> Workspace:
    """Open a workspace with a bar, and say what to know before anything is run on its data."""
    from mer_utils.experiments import open_workspace

    workspace = open_workspace(
        profile,
        data_root,
        store,
        datasets=data,
        device=device,
        workers=workers,
        micro_batch=micro_batch,
        progress=True,
        rehash=rehash,
        outlines=outlines,
    )
    for remark in workspace.remarks:
        typer.secho(f"Warning: {remark}", fg=typer.colors.YELLOW, err=True)
    return workspace


def _table(title: str, *numbers: str) -> Table:
    """Return a table whose rows are tables by name and numbers."""
    shown = Table(title=escape(title))
    shown.add_column("table")
    for heading in numbers:
        shown.add_column(heading, justify="right")
    return shown


def print_whole(table: Table) -> None:
    """Print a table with no number cut off: without lines, or wider than a narrow terminal."""
    console = Console()
    for box in (table.box, None):
        table.box = box
        needed = console.measure(table, options=console.options.update(max_width=1000)).maximum
        if needed <= console.width:
            break
    else:
        table.box, console.width = HEAVY_HEAD, 1000
        console.width = console.measure(table).maximum
    console.print(table)


def _list_failures(failed: list[Outcome]) -> None:
    console = Console(stderr=True, soft_wrap=True)
    for outcome in failed:
        spec = outcome.job.spec
        console.print(
            f"[bold red]failed[/] {spec.data.dataset} {spec.model.name} "
            f"{'+'.join(spec.train_views)} held_out={outcome.job.held_out}: "
            f"{escape(outcome.error or outcome.status)}",
            highlight=False,
        )
