"""Notebooks run by papermill in parallel processes, each only where something changed."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nbformat

from companion.build.executed import Executed, Record, key_of
from companion.build.prepare import Notebook
from companion.build.progress import bar
from mer_utils.errors import MerError
from mer_utils.files import BUILD_SETTING

Log = Callable[[str], None]

#: What every kernel sees, so that a page does not depend on who builds it: one thread
#: a kernel (the notebooks themselves run side by side), no progress bars, fixed hashing
#: and dates, and no kernels or start-up files of the user's own.
KERNEL_ENVIRONMENT = {
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")},
    "TQDM_DISABLE": "1",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "315532800",
    "JUPYTER_PREFER_ENV_PATH": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}

#: What the kernels print outside any cell, in the build folder.
MESSAGES = "kernels.log"


@dataclass(frozen=True)
class Task:
    """One notebook to run, in a form that another process can be sent."""

    name: str
    prepared: Path
    scratch: Path
    parameters: dict[str, Any]
    folder: Path
    socket: str


@dataclass(frozen=True)
class Outcome:
    """How one run ended: ``error`` is None, or (cell position or None, name, value)."""

    seconds: float
    error: tuple[int | None, str, str] | None


def _set_up(environment: dict[str, str], messages: Path) -> None:
    """Prepare one worker process; kernels inherit its environment and standard error."""
    os.environ.update(environment)
    with open(messages, "a") as handle:
        os.dup2(handle.fileno(), 2)


def _run(task: Task) -> Outcome:
    """Run one notebook from beginning to end in a fresh kernel."""
    import papermill
    from traitlets.config import Config

    # Unix sockets of this kernel's own: no port is opened that another user could reach.
    kernel = Config(KernelManager={"transport": "ipc", "ip": task.socket})
    start = time.perf_counter()
    error: tuple[int | None, str, str] | None = None
    try:
        node = papermill.execute_notebook(
            task.prepared,
            task.scratch,
            parameters=task.parameters,
            cwd=task.folder,
            kernel_name="python3",
            progress_bar=False,
            start_timeout=120,
            config=kernel,
        )
        for position, cell in enumerate(node.cells):
            # SystemExit(0) ends the run early, which papermill takes for success.
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    error = (position, output.ename, output.evalue)
    except papermill.PapermillExecutionError as caught:
        error = (caught.cell_index, caught.ename, caught.evalue)
    except Exception as caught:  # a kernel that died, a full disk: reported with its page
        error = (None, type(caught).__name__, str(caught))
    return Outcome(time.perf_counter() - start, error)


def _explain(notebook: Notebook, task: Task, error: tuple[int | None, str, str]) -> str:
    """Say in one line which notebook and cell failed, and with what."""
    position, name, value = error
    where = f"{notebook.source.parent.name}/{notebook.source.name}"
    if position is not None:
        if task.parameters and notebook.parameters_cell is not None:
            injected_at = notebook.parameters_cell + 1
            position -= position >= injected_at
        where = notebook.where(position)
    return f"{where}: {name}: {value.strip() or 'no message'}"


def run(
    notebooks: list[Notebook],
    executed: Executed,
    scratch: Path,
    *,
    parameters: Mapping[str, Any],
    state: Mapping[str, str],
    build: Path,
    workers: int | None = None,
    log: Log = print,
) -> dict[str, Record]:
    """Run the notebooks that changed and return every notebook's record.

    Parameters
    ----------
    notebooks : list of Notebook
        What `prepare.read_all` returned, or some of it.
    executed : Executed
        Where results go, and where current ones are found.
    scratch : Path
        Where a run happens; what failed stays here to be looked at.
    parameters : mapping
        Injected where a notebook declares the name.
    state : mapping of str to str
        Fingerprints that go into every key.
    build : Path
        The build folder that the kernels are told.
    workers : int, optional
        Notebooks at a time; by default one for each core.
    log : callable
        Takes one line for each notebook.

    Raises
    ------
    MerError
        Naming every failing notebook, cell number, error name and value; the other
        notebooks have run to their end by then.
    """
    by_name = {notebook.name: notebook for notebook in notebooks}
    keys = {n.name: key_of(n, n.accepted(parameters), state) for n in notebooks}
    waiting = [n for n in notebooks if not executed.is_current(n.name, keys[n.name])]
    if not waiting:
        return _records(notebooks, executed)
    # The longest first, so that no long one is left to run alone at the end; of those that never
    # ran the last, since later pages rest on more results.
    waiting.reverse()
    known = {n.name: record.seconds for n in waiting if (record := executed.record(n.name))}
    waiting.sort(key=lambda n: -known.get(n.name, float("inf")))
    scratch.mkdir(parents=True, exist_ok=True)
    failures: dict[str, str] = {}
    count = max(1, min(workers or os.cpu_count() or 1, len(waiting)))
    with tempfile.TemporaryDirectory(prefix="mer-") as private:
        tasks = [
            _task(n, scratch, n.accepted(parameters), f"{private}/kernel{number}")
            for number, n in enumerate(waiting)
        ]
        environment = {
            **KERNEL_ENVIRONMENT,
            BUILD_SETTING: str(build.absolute()),
            "IPYTHONDIR": f"{private}/ipython",
            "JUPYTER_RUNTIME_DIR": f"{private}/run",
        }
        pool = ProcessPoolExecutor(
            count,
            get_context("spawn"),
            initializer=_set_up,
            initargs=(environment, build / MESSAGES),
        )
        with pool, bar("notebooks", [known.get(task.name) for task in tasks]) as advance:
            futures = {pool.submit(_run, task): number for number, task in enumerate(tasks)}
            try:
                for future in as_completed(futures):
                    task = tasks[futures[future]]
                    name = task.name
                    caught = future.exception()
                    if caught is not None:  # the worker itself was killed
                        failures[name] = _explain(
                            by_name[name], task, (None, type(caught).__name__, str(caught))
                        )
                    elif (outcome := future.result()).error is not None:
                        failures[name] = _explain(by_name[name], task, outcome.error)
                    else:
                        executed.store(name, keys[name], task.scratch, outcome.seconds)
                        log(f"executed {name} in {outcome.seconds:.1f} s")
                    if name in failures:
                        log(f"FAILED   {failures[name]}")
                    advance(futures[future])
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    if failures:
        raise MerError(
            "TODO", "; ".join(failures[name] for name in sorted(failures)),
            "every cell to run",
            f"mend it and build again (as far as they came, the pages are in {scratch};"
            " no page was rendered, the last good site is as it was)",
        )
    shutil.rmtree(scratch, ignore_errors=True)
    return _records(notebooks, executed)


def _task(notebook: Notebook, scratch: Path, parameters: dict[str, Any], socket: str) -> Task:
    """Write the prepared notebook and return the task of running it."""
    prepared = scratch / f"{notebook.name}.prepared.ipynb"
    nbformat.write(notebook.node, prepared)
    return Task(
        notebook.name,
        prepared,
        scratch / f"{notebook.name}.ipynb",
        parameters,
        notebook.source.parent,
        socket,
    )


def _records(notebooks: list[Notebook], executed: Executed) -> dict[str, Record]:
    return {n.name: record for n in notebooks if (record := executed.record(n.name))}
