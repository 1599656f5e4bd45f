"""Commands about the book: ``mer book``, ``mer doctor``."""

from __future__ import annotations

import hashlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mer_utils.cli.experiments import (
    CORES,
    ClusterOptions,
    Data,
    DataRoot,
    Device,
    ExecutorName,
    ProfileName,
    Rehash,
    Scheduler,
    Store,
    Workers,
    Yes,
    compute,
    outlines,
    print_whole,
    sized,
)
from mer_utils.errors import MerError
from mer_utils.extras import require
from mer_utils.files import BUILD_SETTING, build_dir, checkout

if TYPE_CHECKING:
    from mer_utils.experiments import Profile, Workspace

commands = typer.Typer()


def _require_done(failed: int) -> None:
    if failed:
        raise MerError(
            "folds failed",
            f"{failed} fold(s) failed, see above",
            "every fold of every table",
            "mend the cause and run the same command again; what is done is kept",
        )


@commands.command(name="book")
@sized
def make_book(
    profile: ProfileName = "demo",
    store: Store = None,
    data_root: DataRoot = None,
    data: Data = None,
    workers: Workers = CORES,
    device: Device = "auto",
    executor: ExecutorName = "local",
    scheduler: Scheduler = None,
    cluster_options: ClusterOptions = None,
    yes: Yes = False,
    rehash: Rehash = False,
    source: Annotated[
        str, typer.Option("--from", help="reference, or an archive: show it, compute nothing")
    ] = "",
) -> None:
    """Run what is missing, execute every notebook, build the site, compare with the record."""
    require("docutils", "book")
    from companion import costs
    from companion.build import agreement
    from companion.build.pipeline import build as build_book
    from mer_utils.experiments import TABLES, open_workspace
    from mer_utils.runs import open_executor

    root, build = repository(), build_dir()
    # Notebooks run in a folder of their own and must find the same caches.
    os.environ[BUILD_SETTING] = str(build)
    if source:
        store = agreement.recorded_store(source, profile, build)
        data = data or agreement.data_names(store)
    workspace = open_workspace(
        profile,
        data_root,
        store,
        datasets=data,
        device=device,
        workers=workers,
        progress=True,
        rehash=rehash,
    )
    _require_network(workspace.profile)
    os.environ["MER_DATA"] = ";".join(workspace.data_names)  # for the notebooks
    chosen = open_executor(
        executor,
        workers=workers,
        scheduler=scheduler,
        cluster_options=cluster_options,
        device=device,
    )
    if source:
        agreement.require_whole(workspace, source)
    ask = executor == "local" and not yes
    tables = [] if source else list(TABLES)
    report = compute(workspace, tables, workers, chosen, ask=ask)
    _require_done(len(report.failed))
    agreed = agreement.agreement(workspace, source)
    site = build_book(
        repository=root,
        build=build,
        parameters={
            "profile": named_in(root / "notebooks", workspace.profile),
            "data_root": data_root or build / "data",
            "store": workspace.context.store,
            # The newest record of what things cost; another one makes that page anew.
            "record_file": costs.newest("training") or "",
            "gpu_record_file": costs.newest("gpu rates") or "",
        },
        inputs=inputs(workspace, root),
        workers=workers,
        agreed=agreed,
        # No page names folders of the machine that built it.
        shown_from=Path(source).name,
        **_about(workspace),
    )
    typer.echo(f"The book is ready: {site / 'index.html'}")
    typer.echo(f"{agreed['line']}.")


def _require_network(profile: Profile) -> None:
    """Refuse, before hours of work, a book whose pages would have nothing to show."""
    if not profile.networks:
        raise MerError(
            "invalid option",
            f"profile {profile.label} has no network, whose gain the book is about",
            "one network at least",
            "name one in --models, such as learnet; or let mer run compute baselines alone, and "
            "mer score show them",
        )


def _about(workspace: Workspace) -> dict[str, Any]:
    """Return what pages say, or leave out, because of the profile and of the clips."""
    from companion.chapters.ground_truth import is_known
    from mer_utils.datasets import title
    from mer_utils.experiments import PAPER, TABLES
    from mer_utils.phases import TRAINING_SETS

    made = workspace.data.values()
    return {
        "data_title": workspace.data_title,
        "profile": f"{workspace.profile.label} ({workspace.profile.sizes})",
        "twins": any(is_known(d.dataset) for d in made),
        "frames": not any(d.clips["onset"].isna().all() for d in made),
        "phases": any(d.shown >= {*TRAINING_SETS["dual"].views} for d in made),
        "empty": [name for name in TABLES if not workspace.specs(name)],
        "lacking": [title(name) for name in PAPER if name not in workspace.data],
    }


@commands.command()
def doctor(profile: ProfileName = "demo", store: Store = None, data_root: DataRoot = None) -> None:
    """Show what is installed, which device and data there are, and what each chapter lacks."""
    from companion import doctor as found
    from mer_utils.experiments import open_workspace

    typer.echo(f"Machine: {found.machine()}\nDevice: {found.device()}")
    sections = {"part": found.extras()}
    with outlines() as folder:
        workspace = open_workspace(profile, data_root, store, outlines=folder)
        sections["data set"] = found.data_sets(workspace)
        if (root := checkout()) is not None:
            sections[f"chapter ({profile})"] = found.chapters(workspace, root)
        for name, rows in sections.items():
            table = Table(name, "state", "what to do", box=None, title_justify="left")
            for row in rows:
                table.add_row(*map(escape, row))
            typer.echo()
            print_whole(table)
    if root is None:
        typer.echo("\nChapters: change into a checkout of the book to see what they lack.")


@commands.command()
def serve(port: Annotated[int, typer.Option(help="0 takes any free one")] = 8000) -> None:
    """Show the built site in a browser on this machine."""
    require("docutils", "book")
    from companion.build.serve import serve as serve_site

    serve_site(build_dir() / "html", port)


@commands.command()
def pdf() -> None:
    """Print the whole book, as it was last built, to one PDF."""
    require("docutils", "book")
    from companion.build.pdf import pdf as print_pdf

    written = print_pdf(repository=repository(), build=build_dir())
    typer.echo(f"The PDF is ready: {written}")


def named_in(folder: Path, profile: Profile) -> str:
    """Return how a profile is named in another folder, from where its file lies elsewhere."""
    from mer_utils.experiments import PROFILES

    name, *options = shlex.split(profile.words)
    if name not in PROFILES:
        name = os.path.relpath(Path(name).expanduser().absolute(), folder)
    return shlex.join([name, *options])


def inputs(workspace: Workspace, root: Path) -> dict[str, str]:
    """Return the fingerprints of everything but the sources that pages rest on."""
    from mer_utils.experiments import TABLES

    specs = [spec for table in TABLES for spec in workspace.specs(table)]
    lock = (root / "requirements.lock").read_bytes()
    data = "".join(data.spec.fingerprint for data in workspace.data.values())
    return {
        "lock": hashlib.sha256(lock).hexdigest(),
        "profile": hashlib.sha256(workspace.profile.model_dump_json().encode()).hexdigest(),
        "data": hashlib.sha256(data.encode()).hexdigest(),
        "results": workspace.store.fingerprint(specs),
    }


def repository() -> Path:
    """Return the checkout that one stands in.

    Raises
    ------
    MerError
        ``not a checkout``, if there is none.
    """
    found = checkout()
    if found is None:
        raise MerError(
            "not a checkout",
            f"{Path.cwd()} is not inside a checkout of the book",
            "a folder with _config.yml",
            "change into the repository and run the command there",
        )
    return found
