"""`build`: notebooks prepared, executed where they changed, staged and rendered."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import Timeout

import companion
import mer_utils
from companion.build import contents, execute, fingerprint, prepare, provenance
from companion.build.agreement import NOT_COMPARED, marks
from companion.build.banner import banner
from companion.build.executed import Executed
from companion.build.render import Site, render
from companion.build.stage import stage
from mer_utils.errors import MerError
from mer_utils.machine import cores
from mer_utils.runs.locks import held

#: This notebook reads the others' run times and is therefore executed after them.
STATUS = "status"
#: Files beside the pages that a notebook may read.
_DATA_FILES = {".csv", ".json", ".toml", ".yaml", ".yml", ".parquet", ".txt"}


def build(
    *,
    repository: Path,
    build: Path,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, str],
    workers: int | None = None,
    log: Callable[[str], None] = print,
    profile: str = "none",
    data_title: str = "not stated",
    twins: bool = True,
    lacking: Sequence[str] = (),
    frames: bool = True,
    phases: bool = True,
    empty: Sequence[str] = (),
    agreed: Mapping[str, Any] = NOT_COMPARED,
    shown_from: str = "",
) -> Path:
    """Build the book and return the folder of the site, whose first page is ``index.html``.

    Parameters
    ----------
    repository : Path
        Holds ``_config.yml``, ``book`` and ``notebooks``.
    build : Path
        The git-ignored folder that takes everything generated; the site is its ``html``.
    parameters : mapping
        Injected into each notebook that declares the name: ``profile``, ``data_root``,
        ``store``. A path inside the repository is given relative to the notebooks'
        folder, in which they run, so that no page names a folder of this machine.
    inputs : mapping of str to str
        Fingerprints of what pages rest on besides the sources: data, results, lock.
    workers : int, optional
        Notebooks at a time; by default one for each core.
    log : callable
        Takes one line at a time.
    profile, data_title : str
        How large the experiments are, and what the data are, for the line at the top of every page.
    twins : bool
        Whether some of the data are synthetic twins. If not, a page ends where it would show
        what only twins' ground truth tells.
    lacking : sequence of str
        The paper's data sets that are not among the data, by title. If there are any, a page that
        names the paper's data says what it lacks.
    frames : bool
        Whether the clips are at hand, and not their results or finished images alone.
    phases : bool
        Whether some clips have two phases.
    empty : sequence of str
        Tables that have no run on these data with these models.
    agreed : mapping
        How the results agree with recorded ones, see `companion.build.agreement`.
    shown_from : str
        Where recorded results come from, if that is what the pages show.

    Raises
    ------
    MerError
        ``bad notebook``, ``failed notebook``, ``unknown name`` of a parameter, ``bad contents``,
        ``failed render`` or ``busy``. The last good site stays as it was.
    """
    start = time.perf_counter()
    repository, build = repository.absolute(), build.absolute()
    folder = repository / "notebooks"
    parameters = {k: _portable(v, repository, folder) for k, v in parameters.items()}
    workers = workers or cores()
    with _alone(build):
        notebooks = prepare.read_all(folder, parameters)
        if lacking:
            notebooks = [prepare.for_other_data(notebook, lacking) for notebook in notebooks]
        if not frames:
            notebooks = [prepare.for_results_alone(notebook) for notebook in notebooks]
        if not phases:
            notebooks = [prepare.for_one_phase(notebook) for notebook in notebooks]
        notebooks = [prepare.for_empty_tables(notebook, empty) for notebook in notebooks]
        if not twins:
            notebooks = [prepare.for_licensed_data(notebook) for notebook in notebooks]
        contents.check(repository / "book", {notebook.name for notebook in notebooks})
        state = {**inputs, "package": package_fingerprint(), "files": _data_files(repository)}
        executed, scratch = Executed(build / "executed"), build / "executing"
        shutil.rmtree(scratch, ignore_errors=True)
        executed.forget_all_but({notebook.name for notebook in notebooks})
        runner = execute.Runner(executed, scratch, parameters, build, workers, log)
        first = [n for n in notebooks if n.name != STATUS]
        waiting = runner.waiting(first, state)
        log(_announce(len(notebooks), len(waiting), runner.expected(waiting), Site(build)))
        gathered = provenance.collect(
            repository,
            runner.run(first, state),
            profile=profile,
            data_title=data_title,
            inputs=inputs,
            agreed=agreed,
        )
        last = {**state, "provenance": fingerprint.of_file(provenance.write(build, gathered))}
        runner.run([n for n in notebooks if n.name == STATUS], last)

        source = build / "src"
        stage(repository, notebooks, executed, source, banner(profile, data_title), marks(notebooks, agreed, shown_from))
        lock = {"package": state["package"], "lock": state.get("lock", "")}
        site, rendered = render(source, repository / "_config.yml", build, lock)
    verb = "rendered" if rendered else "unchanged"
    log(f"{verb}: {site / 'index.html'} ({time.perf_counter() - start:.0f} s in all)")
    return site


def package_fingerprint() -> str:
    """Return the fingerprint of every source file of the library and the companion."""
    found = []
    for package in (Path(str(p.__path__[0])) for p in (mer_utils, companion)):
        files = [p for p in fingerprint.files_in(package) if p.suffix not in (".pyc", ".so")]
        found.append(fingerprint.of_tree(package, files))
    return fingerprint.of_value(found)


def _data_files(repository: Path) -> str:
    """Return the fingerprint of the data files beside the pages, and of recorded measurements."""
    found = [
        path
        for folder in ("book", "notebooks", "benchmarks/recorded")
        for path in fingerprint.files_in(repository / folder)
        if path.suffix in _DATA_FILES and path.name != "_toc.yml"
    ]
    return fingerprint.of_tree(repository, found)


def _portable(value: Any, repository: Path, folder: Path) -> Any:
    """Return a parameter as a notebook takes it: paths as text, inside the repository relative."""
    if not isinstance(value, Path):
        return value
    if value.absolute().is_relative_to(repository):
        return Path(os.path.relpath(value.absolute(), folder)).as_posix()
    return str(value.absolute())


def _announce(of: int, waiting: int, seconds: float | None, site: Site) -> str:
    """Say what is going to be done, and how long that took the last time."""
    line = f"{of} notebooks, {waiting} to execute"
    if waiting:
        line += f", about {seconds:.0f} s" if seconds else ", for the first time"
    if (rendering := site.known().get("seconds")) is not None:
        line += f"; rendering takes about {rendering} s where a page changed"
    return line


@contextmanager
def _alone(build: Path) -> Iterator[None]:
    """Hold the build folder for this process; a second build in it would mix with ours."""
    try:
        with held(build / ".lock"):
            yield
    except Timeout as error:
        raise MerError(
            "busy",
            f"another build is at work in {build}",
            "one at a time",
            "wait until it is done",
        ) from error
