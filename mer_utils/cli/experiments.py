"""Commands about experiments: ``mer plan``, ``mer run``, ``mer status``.

What they compute with is imported where it is used: that takes seconds, and ``mer --help`` and
the commands about data need none of it.
"""

from __future__ import annotations

import inspect
import os
import shlex
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from rich.box import HEAVY_HEAD
from rich.markup import escape
from rich.table import Table

from mer_utils.cli.progress import FoldProgress, duration, printer, show_bar
from mer_utils.errors import MerError
from mer_utils.machine import cores, setting

if TYPE_CHECKING:
    from mer_utils.experiments import Workspace
    from mer_utils.experiments.budget import Part
    from mer_utils.runs import Executor, Job, Outcome, Report, RunSpec
    from mer_utils.views import Note

commands = typer.Typer()

Tables = Annotated[
    list[str] | None, typer.Argument(help="tables; default: the profile's, which are mostly all")
]
ProfileName = Annotated[
    str, typer.Option("--profile", help="smoke, demo, night, paper, or a TOML file of your own")
]
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
#: Folds that were done within it tell the pace of a run; longer where folds take long.
_LATELY_SECONDS = 600
_DAY = 86_400
#: By recorded rates, how long a run must take before it is measured whether it takes a day here.
_HOURS_TO_ASK = 2
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
Budget = Annotated[
    str | None, typer.Option(help="as in 8h or 90m: what answers most within that time")
]
Only = Annotated[
    list[str] | None, typer.Option(help="a run's key, as pages and the store name it; may repeat")
]
ExecutorName = Annotated[
    str, typer.Option("--executor", help="where folds run: local, dask, slurm or pbs")
]
Scheduler = Annotated[str | None, typer.Option(help="with dask: address of a running scheduler")]
Yes = Annotated[bool, typer.Option("--yes", help="compute for more than a day without asking")]
ClusterOptions = Annotated[
    Path | None, typer.Option(help="with slurm and pbs: a TOML file of dask-jobqueue's options")
]


#: What changes the profile, for one command.
SIZES: dict[str, tuple[Any, Any]] = {
    "models": (str, typer.Option(help="networks and baselines only, as in learnet,svm_hog")),
    "seeds": (int, typer.Option(min=1, help="how many seeds")),
    "image_size": (int, typer.Option(help="side of the views in pixels, of every model")),
    "epochs": (int, typer.Option(help="passes over the training set")),
    "learning_rate": (float, typer.Option(help="the largest, of every network")),
    "balance": (str, typer.Option(help="against uneven classes: class_weights or sampling")),
    "spatial": (
        str,
        typer.Option(help="training images: flip, rotation, flip-red of optical flow, ..."),
    ),
    "weights": (str, typer.Option(help="what networks start from: imagenet or none")),
    "subjects": (int, typer.Option(min=2, help="so many of each data set, for a first look")),
}


def sized(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options `SIZES`, which join its argument ``profile``."""

    @wraps(command)
    def joined(profile: str, **arguments: Any) -> None:
        # A profile with options, or a file with a space in its name, is quoted already.
        words = [profile]
        for name in SIZES:
            if (value := arguments.pop(name, None)) is not None:
                words += [f"--{name.replace('_', '-')}", shlex.quote(str(value))]
        command(profile=" ".join(words), **arguments)

    hints = get_type_hints(command, include_extras=True)
    signature = inspect.signature(command)
    added = {name: Annotated[kind | None, option] for name, (kind, option) in SIZES.items()}
    parameters = [p.replace(annotation=hints[n]) for n, p in signature.parameters.items()]
    at = list(signature.parameters).index("profile") + 1
    parameters[at:at] = [
        inspect.Parameter(n, parameters[at - 1].kind, default=None, annotation=hint)
        for n, hint in added.items()
    ]
    # typer reads the signature from here; mypy does not know the attribute of a function.
    joined.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    joined.__annotations__ = hints | added
    return joined


@commands.command()
@sized
def plan(
    tables: Tables = None,
    profile: ProfileName = "demo",
    store: Store = None,
    data_root: DataRoot = None,
    data: Data = None,
    workers: Workers = CORES,
    device: Device = "auto",
    budget: Budget = None,
    rehash: Rehash = False,
) -> None:
    """Show runs, folds, images and estimated time; start nothing."""
    with outlines() as folder:
        workspace = _open(profile, data_root, store, data, device, workers, rehash, None, folder)
        names = _names(tables, workspace)
        _show_plan(workspace, names, device, workers)
        if budget:
            for part in _within(budget, workspace, names, device, workers):
                typer.echo(part.command)
        for remark in _outlined(workspace):
            typer.echo(remark)


def _within(
    budget: str, workspace: Workspace, names: list[str], device: str, workers: int
) -> list[Part]:
    """Return what fits into a budget, and say how long it takes."""
    from mer_utils.experiments import budget as budgets

    def cost(jobs: Sequence[Job]) -> float:
        return _estimated(jobs, workspace, device, workers)

    parts = budgets.fit(workspace, names, budgets.parse(budget), cost)
    folds, seconds = sum(len(part.jobs) for part in parts), sum(part.seconds for part in parts)
    typer.echo(
        f"Within {budget}: {folds:,} folds, about {duration(seconds)}, in the order in which they "
        "answer the book's questions."
        if parts
        else "Nothing is missing."
    )
    return parts


def _estimated(jobs: Sequence[Job], workspace: Workspace, device: str, workers: int) -> float:
    """Return the seconds that folds take here, from a few steps of each network."""
    from mer_utils.runs.plan import BESIDE_STEPS, fold_costs, side_by_side

    clips = {data: workspace.context.data(data).clips for data in {j.spec.data for j in jobs}}
    alone = sum(cost.seconds for cost in fold_costs(jobs, clips, device).values())
    return BESIDE_STEPS * alone / side_by_side(device, workers)


def _show_plan(workspace: Workspace, names: list[str], device: str, workers: int) -> None:
    from mer_utils.runs.plan import GPU_GAIN, SMALL_GPU_TIMES, Plan, plan_runs

    typer.echo(_titled(workspace))
    shown = _table(
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
        clips = {data: workspace.context.data(data).clips for data in {s.data for s in specs}}
        plans.append(plan_runs(specs, missing, clips, device=device, workers=workers))
        add(name, plans[-1])
        all_specs |= {spec.key: spec for spec in specs}
    sums = (sum(part) for part in zip(*(vars(p).values() for p in plans), strict=True))
    folds = len(workspace.jobs(list(all_specs.values())))
    plan = replace(Plan(*sums), runs=len(all_specs), folds=folds)
    if len(names) > 1:
        shown.add_section()
        add("total", plan)
    print_whole(shown)
    typer.echo(
        f"In all about {duration(plan.gpu_seconds)} on one H200, "
        f"{duration(plan.small_gpu_seconds)} on a GPU of 8 GB if that takes "
        f"{SMALL_GPU_TIMES} times as long (assumed, by memory bandwidth), "
        f"{duration(plan.core_seconds / 8)} on eight cores of the recorded kind.\n"
        f"Images and operations are those of training. The estimate here, with {workers} "
        "worker(s), is from a few steps of each model; workers on one GPU share it and count as "
        "one. The estimate for one H200 is from counted operations and the rates measured there at "
        f"the paper's size; smaller images are taken to be {GPU_GAIN:.1f} times as fast at most, "
        "as measured for ResNet50. Folds that tables share are missing in the first of them only, "
        "and counted once in the total."
    )


@commands.command(name="run")
@sized
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
    budget: Budget = None,
    only: Only = None,
    yes: Yes = False,
    rehash: Rehash = False,
) -> None:
    """Compute what the store lacks. Interrupt it at will; the same command goes on."""
    from mer_utils.experiments import budget as budgets
    from mer_utils.runs import open_executor

    until = time.monotonic() + budgets.parse(budget) if budget else None
    _names(tables)
    chosen = open_executor(
        executor,
        workers=workers,
        scheduler=scheduler,
        cluster_options=cluster_options,
        device=device,
    )
    workspace = _open(profile, data_root, store, data, device, workers, rehash, micro_batch)
    typer.echo(f"{_titled(workspace)}; predictions in {workspace.context.store}", err=True)
    names, jobs = _names(tables, workspace), None
    if budget:
        _specs(workspace, names)  # the weights are part of what is counted
        parts = _within(budget, workspace, names, device, workers)
        jobs = [job for part in parts for job in part.jobs]
    if only:
        jobs = _of_keys(only, workspace, names, jobs)
    ask = executor == "local" and not (yes or budget)
    if compute(workspace, names, workers, chosen, jobs=jobs, until=until, ask=ask).failed:
        raise typer.Exit(1)


def _of_keys(
    keys: list[str], workspace: Workspace, names: list[str], jobs: list[Job] | None
) -> list[Job]:
    """Return the missing folds of runs by their keys, of `jobs` if those are given."""
    specs = [spec for name in names for spec in workspace.specs(name)]
    known = {spec.key for spec in specs}
    for key in keys:
        if key not in known:
            raise MerError(
                "unknown name",
                f"no run of {', '.join(names)} has the key {key!r}",
                "a key as the book's pages and the store's folders have it",
                "name the table, profile and data that the run is of",
            )
    missing = workspace.missing(specs) if jobs is None else jobs
    return [job for job in dict.fromkeys(missing) if job.spec.key in keys]


@commands.command()
@sized
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

    with outlines() as folder:
        workspace = _open(profile, data_root, store, data, "auto", CORES, rehash, None, folder)
        names = _names(tables, workspace)
        typer.echo(f"{_titled(workspace)}; store {workspace.context.store}")
        shown = _table("folds", "done", "missing", "failed")
        remarks = []
        all_specs: dict[str, RunSpec] = {}
        rest: dict[Job, None] = {}
        for name in names:
            specs = workspace.specs(name)
            folds, missing = len(workspace.jobs(specs)), workspace.missing(specs)
            all_specs |= {spec.key: spec for spec in specs}
            rest |= dict.fromkeys(missing)
            failures = workspace.store.failures(specs)
            failed = sum((job.spec.key, job.held_out) in failures for job in missing)
            counts = (folds, folds - len(missing), len(missing), failed)
            shown.add_row(escape(name), *map(str, counts))
            if said := mixed(
                workspace.store.environments(specs), workspace.store.unrecorded(specs)
            ):
                remarks.append(f"{name}: {said}")
        print_whole(shown)
        remarks += _pace(workspace, list(all_specs.values()), list(rest))
        if rest:
            remarks.append(f"This computes what is missing: {workspace.command(*tables or ())}")
        for remark in (*remarks, *_outlined(workspace)):
            typer.echo(remark)


def _pace(workspace: Workspace, specs: list[RunSpec], missing: list[Job]) -> Iterator[str]:
    """Say how long the missing folds take, as those went that a run has done lately."""
    from mer_utils.runs import Job

    now = time.time()  # which a machine whose clock is ahead may have left behind
    done = [
        (
            min(datetime.fromisoformat(note["finished"]).timestamp(), now),
            note["seconds"],
            Job(spec, held_out),
        )
        for spec in specs
        for held_out, note in workspace.store.folder(spec).notes().items()
        if {"finished", "seconds"} <= note.keys()
    ]
    if not done or not missing:
        return
    from mer_utils.runs.plan import planned_seconds  # with torch
    from mer_utils.runs.time_left import TimeLeft

    window = max(_LATELY_SECONDS, 3 * max(seconds for _, seconds, _ in done))
    lately = [fold for fold in done if fold[0] > now - window]
    counted = lately or done
    costs = planned_seconds([*missing, *(job for _, _, job in counted)], workspace.context)
    left = TimeLeft(costs)
    for finished, seconds, job in counted:
        left.add(job, seconds, finished)
    if lately:
        time_left = duration(left.seconds(now) or 0)
        yield f"About {time_left} left, as the last {len(lately)} fold(s) went."
    else:
        work = duration(left.work() or 0)
        yield f"No fold was done lately. The rest takes one worker about {work}."


@contextmanager
def outlines() -> Iterator[Path | None]:
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
    workspace: Workspace,
    tables: list[str],
    workers: int,
    executor: Executor | None = None,
    *,
    jobs: list[Job] | None = None,
    until: float | None = None,
    ask: bool = False,
) -> Report:
    """Compute the missing folds of tables, or of these `jobs` alone; see `compute_jobs`."""
    specs = _specs(workspace, tables)
    missing = {name: lacking for name in tables if (lacking := workspace.missing(specs[name]))}
    if os.access(workspace.store.path, os.W_OK):  # else it is somebody's to read
        short = {job.spec.key for lacking in missing.values() for job in lacking}
        for name in tables:  # a run was killed just before it
            workspace.consolidate([spec for spec in specs[name] if spec.key not in short])
    if jobs is None:  # tables share runs
        jobs = list(dict.fromkeys(job for lacking in missing.values() for job in lacking))
        if not jobs and tables:
            typer.echo(_nothing_to_compute(workspace, specs), err=True)
    title = ", ".join(missing) if len(missing) < 3 else f"{len(missing)} tables"
    if ask and jobs:
        _ask(jobs, workspace, workers)
    return compute_jobs(workspace, title, jobs, workers, executor, until=until)


def _nothing_to_compute(workspace: Workspace, specs: dict[str, list[RunSpec]]) -> str:
    """Say why there is nothing to do: all of it is there, or there is no such run."""
    folds = {job for some in specs.values() for job in workspace.jobs(some)}
    said = f"Nothing to compute: all {len(folds):,} folds are in the store." if folds else ""
    if empty := [name for name, some in specs.items() if not some]:
        said += f" There is no run of {', '.join(empty)} with these models on these data."
    return said.strip()


def asked() -> bool:
    """Say whether somebody can answer a question."""
    return sys.stdin.isatty()


def _ask(jobs: Sequence[Job], workspace: Workspace, workers: int) -> None:
    """Ask before a run of more than a day; where nobody can answer, say how long it takes."""
    from mer_utils.runs.plan import planned_seconds, side_by_side

    device = workspace.context.device
    recorded = sum(planned_seconds(jobs, workspace.context).values())
    if recorded / side_by_side(device, workers) < 3600 * _HOURS_TO_ASK:
        return
    seconds = _estimated(jobs, workspace, device, workers)
    if seconds < _DAY:
        return
    said = f"This takes about {seconds / _DAY:.1f} days here ({len(jobs):,} folds)."
    typer.echo(f"{said} It may be stopped at any time; the same command goes on.", err=True)
    if asked():
        typer.confirm("Go on?", abort=True, err=True)


@_terminable()
def compute_jobs(
    workspace: Workspace,
    title: str,
    jobs: list[Job],
    workers: int,
    executor: Executor | None = None,
    *,
    until: float | None = None,
) -> Report:
    """Compute folds, with progress, and list what failed.

    Parameters
    ----------
    workspace : Workspace
    title : str
        Of their bar.
    jobs : list of Job
    workers : int
        Processes on this machine: those that compute without `executor`.
    executor : Executor, optional
        Not yet entered: it is started only if there is something to compute.
    until : float, optional
        When no further fold begins, by the monotonic clock.
    """
    from mer_utils.runs import Report
    from mer_utils.runs.local import Local

    if not jobs:
        return Report()
    for doubt in workspace.doubts(list({job.spec.key: job.spec for job in jobs}.values())):
        typer.secho(f"Warning: {doubt}", fg=typer.colors.YELLOW, err=True)
    try:
        report = _run(workspace, title, jobs, workers, executor, until)
    except KeyboardInterrupt as stop:
        typer.echo("Stopped. Nothing is lost: the same command goes on from here.", err=True)
        raise typer.Exit(143 if isinstance(stop, _Terminated) else 130) from None
    if report.stopped:
        here = executor is None or isinstance(executor, Local)
        left = "finished" if here else "given up, and are computed anew"
        said = f"The time is up; folds at work were {left}. The same command goes on from here."
        typer.echo(said, err=True)
    _list_failures(report.failed)
    return report


def _run(
    workspace: Workspace,
    title: str,
    jobs: list[Job],
    workers: int,
    executor: Executor | None,
    until: float | None,
) -> Report:
    from mer_utils.runs import Report, open_executor, prepare_views, require_weights, run
    from mer_utils.runs.local import Local
    from mer_utils.runs.plan import planned_seconds
    from mer_utils.runs.time_left import one_of_each_first

    specs = list({job.spec.key: job.spec for job in jobs}.values())
    require_weights(specs)
    _say(prepare_views(specs, workspace.context, workers=workers, progress=show_bar))
    costs = planned_seconds(jobs, workspace.context)
    if until is not None and time.monotonic() > until:
        return Report(stopped=True)
    with executor or open_executor(workers=workers) as started:
        known = started.at_work if isinstance(started, Local) else None
        with FoldProgress(title, costs, known) as progress:
            return run(
                one_of_each_first(jobs),
                workspace.context,
                executor=started,
                on_outcome=progress.update,
                until=until,
            )


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


def _names(tables: list[str] | None, workspace: Workspace | None = None) -> list[str]:
    from mer_utils.experiments import TABLES

    if tables:
        return [TABLES[name].name for name in tables]
    return workspace.tables if workspace else []


def _titled(workspace: Workspace) -> str:
    """Return what is computed, and on what."""
    profile = workspace.profile
    return f"Profile {profile.label} ({profile.sizes}) on {workspace.data_title}"


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


def _table(*numbers: str) -> Table:
    """Return a table whose rows are tables by name and numbers."""
    shown = Table()
    shown.add_column("table")
    for heading in numbers:
        shown.add_column(heading, justify="right")
    return shown


def print_whole(table: Table) -> None:
    """Print a table with no number cut off: without lines, or wider than a narrow terminal."""
    console = printer()
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
    console = printer(stderr=True, soft_wrap=True)
    for outcome in failed:
        spec = outcome.job.spec
        console.print(
            f"[bold red]failed[/] {escape(spec.data.dataset)} {spec.model.name} "
            f"{'+'.join(spec.train_views)} held_out={escape(outcome.job.held_out)}: "
            f"{escape(outcome.error or outcome.status)}",
            highlight=False,
        )
