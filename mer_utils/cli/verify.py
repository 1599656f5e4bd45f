"""Commands about recorded results: ``mer verify``, ``mer reference``."""

from __future__ import annotations

import json
import re
import secrets
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from mer_utils.cli.data import FORMATS
from mer_utils.cli.experiments import (
    CORES,
    DataRoot,
    Device,
    ProfileName,
    Store,
    Workers,
    _open,
    compute_jobs,
    print_whole,
)
from mer_utils.errors import MerError
from mer_utils.files import atomic_write, build_dir, checkout
from mer_utils.registry import unknown

if TYPE_CHECKING:
    import pandas as pd

    from mer_utils.experiments import Workspace
    from mer_utils.experiments.verification import Verification
    from mer_utils.runs import RunStore

commands = typer.Typer()
_ENTRY = re.compile(r"^- ", re.M)


@commands.command()
def verify(
    size: Annotated[int, typer.Option("--sample", min=1, help="folds, drawn at random")] = 40,
    everything: Annotated[bool, typer.Option("--all", help="compute every recorded fold")] = False,
    profile: ProfileName = "demo",
    reference: Annotated[
        Path | None, typer.Option(help="an archive; default: reference/PROFILE.zip")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="compare what is computed there, and compute nothing")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="of the sample; default: a new one")
    ] = None,
    data_root: DataRoot = None,
    workers: Workers = CORES,
    device: Device = "auto",
    output: Annotated[str, typer.Option("--format", help="table or json")] = "table",
    report: Annotated[
        Path | None, typer.Option(help="the same as a page; default: build/report.html")
    ] = None,
) -> None:
    """Compute a sample of the recorded folds anew, and say whether they are the same here."""
    from mer_utils.experiments import verification
    from mer_utils.plotting.verification_page import verification_page
    from mer_utils.runs import RunStore

    if output not in FORMATS:
        raise unknown("format", output, FORMATS)
    with ExitStack() as stack:
        path = reference or verification.reference_path(profile)
        recorded = stack.enter_context(verification.open_reference(path))
        recorded.require(profile)
        workspace = _open(profile, data_root, store, None, device, workers, False)
        folds = recorded.folds(workspace)
        if store is not None:
            ours, chosen = RunStore(store), verification.computed(RunStore(store), folds)
            how = f"the {len(chosen):,} that {store} holds"
        else:
            seed = secrets.randbelow(10_000) if seed is None else seed
            chosen = folds if everything else verification.sample(folds, size, seed)
            how = "all" if everything else f"a sample of {size}, drawn with --seed {seed}"
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mer-verify-")))
            ours = _computed(workspace, chosen, folder, workers)
        done = verification.verify(recorded, ours, chosen, len(folds), how)
    place = report or build_dir() / "report.html"
    with atomic_write(place) as temporary:
        temporary.write_text(verification_page(done), "utf-8")
    if output == "json":
        typer.echo(json.dumps(done.as_json(), indent=1))
    else:
        _show(done, place)
    if done.counts[verification.DIFFERENT]:
        raise typer.Exit(1)


def _computed(workspace: Workspace, folds: pd.DataFrame, folder: Path, workers: int) -> RunStore:
    from mer_utils.runs import RunStore

    elsewhere = replace(workspace, context=replace(workspace.context, store=folder))
    report = compute_jobs(elsewhere, "verify", list(folds["job"]), workers)
    if report.failed:
        raise MerError(
            "folds failed",
            f"{len(report.failed)} fold(s) failed, see above",
            "every fold of the sample",
            "mend the cause and verify again",
        )
    return RunStore(folder)


def _show(done: Verification, report: Path) -> None:
    about = done.about
    shown = Table(title=escape(done.line), title_justify="left")
    for name in done.by_model:
        shown.add_column(escape(str(name)), justify="left" if name == "model" else "right")
    for row in done.by_model.itertuples(index=False):
        shown.add_row(*(escape(str(cell)) for cell in row))
    print_whole(shown)
    recorded = about.get("machine", "a machine that is not named")
    typer.echo(f"Compared: {done.how}, of {done.recorded:,} folds recorded on {recorded}.")
    for what, (there, here) in done.differs.items():
        typer.echo(f"Differs: {what}: {there} there, {here} here.")
    for remark in done.remarks:
        typer.echo(remark)
    typer.echo(
        f"The worst is {done.verdict!r}. "
        + ("See Why are mine different? in the book. " if done.differs else "")
        + f"As a page: {report}"
    )


@commands.command()
def reference(
    machine: Annotated[str, typer.Option(help="where it was computed, in words")],
    profile: ProfileName = "demo",
    store: Store = None,
    data_root: DataRoot = None,
    workers: Workers = CORES,
) -> None:
    """Record a finished store as the reference that mer verify compares with."""
    from mer_utils.experiments import verification

    root = checkout() or Path.cwd()
    workspace = _open(profile, data_root, store, None, "cpu", workers, False)
    jobs = workspace.missing(verification.other_seed(workspace))
    compute_jobs(workspace, "another seed", jobs, workers)
    path = verification.reference_path(profile)
    deposit = verification.record(workspace, path, machine, entries(root / "CHANGELOG.md"))
    size = path.stat().st_size / 1e6
    typer.echo(f"{path}: {deposit.runs:,} runs, {deposit.folds:,} folds, {size:.1f} MB.")


def entries(changelog: Path) -> int:
    """Count what a changelog says under *Results*."""
    parts = re.split(r"^###? ", changelog.read_text("utf-8"), flags=re.M)
    return sum(len(_ENTRY.findall(part)) for part in parts if part.startswith("Results\n"))
