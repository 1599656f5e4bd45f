"""Notebooks run by papermill in parallel processes, each only where something changed."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from tqdm import tqdm

from companion.build.executed import Executed, Record, key_of
from companion.build.prepare import Notebook
from mer_utils.errors import MerError
from mer_utils.files import BUILD_SETTING
from mer_utils.machine import processes

#: What every kernel sees, so that a page does not depend on who builds it: one thread
#: per kernel (the notebooks themselves run side by side), no progress bars, fixed hashing
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
_BAR = "{desc} {bar} {postfix} {elapsed}, left: {remaining}"


def run_one(
    notebook: Notebook, target: Path, parameters: Mapping[str, Any], socket: str
) -> tuple[float, str | None]:
    """Run a notebook in a fresh kernel; return its seconds, and None or what failed.

    Parameters
    ----------
    notebook : Notebook
        Runs in the folder of its source.
    target : Path
        The executed notebook, also of a run that failed.
    parameters : mapping
        Injected; with none, the defaults are used.
    socket : str
        Path of this kernel's own Unix sockets: no port is opened that another user could reach.
    """
    import papermill
    from traitlets.config import Config

    start = time.perf_counter()
    error: tuple[int | None, str, str] | None = None
    try:
        node = papermill.execute_notebook(
            notebook.node,
            target,
            parameters=dict(parameters),
            cwd=notebook.source.parent,
            kernel_name="python3",
            progress_bar=False,
            start_timeout=120,
            iopub_timeout=120,  # for a cell's output after its end: 4 s are too few under load
            config=Config(KernelManager={"transport": "ipc", "ip": socket}),
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
    seconds = time.perf_counter() - start
    return seconds, None if error is None else _explain(notebook, bool(parameters), *error)


def _explain(
    notebook: Notebook, injected: bool, position: int | None, name: str, value: str
) -> str:
    """Say in one line which notebook and cell failed, and with what."""
    where = notebook.page_source
    if position is not None:
        if injected and notebook.parameters_cell is not None:
            position -= position > notebook.parameters_cell
        where = notebook.where(position)
    return f"{where}: {name}: {value.strip() or 'no message'}"


def _set_up(environment: dict[str, str], messages: Path) -> None:
    """Prepare one worker process; kernels inherit its environment and standard error."""
    os.environ.update(environment)
    with open(messages, "a") as handle:
        os.dup2(handle.fileno(), 2)


def expected_seconds(known: Sequence[float | None], workers: int) -> float | None:
    """Return how long the tasks take together, or None where nothing is known.

    A task that has never run counts as the mean of those that have.

    Examples
    --------
    >>> expected_seconds([4.0, 2.0, None], workers=2)
    4.5
    >>> expected_seconds([None], workers=2) is None
    True
    """
    seen = [seconds for seconds in known if seconds is not None]
    if not seen:
        return None
    filled = [fmean(seen) if seconds is None else seconds for seconds in known]
    return max(sum(filled) / workers, max(filled))


@dataclass(frozen=True)
class Runner:
    """Runs notebooks where something changed.

    Parameters
    ----------
    executed : Executed
        Where results go, and where current ones are found.
    scratch : Path
        Where a run happens; what failed stays here to be looked at.
    parameters : mapping
        Injected where a notebook declares the name.
    build : Path
        The build folder that the kernels are told.
    workers : int
        Notebooks at a time.
    log : callable
        Takes one line per notebook.
    """

    executed: Executed
    scratch: Path
    parameters: Mapping[str, Any]
    build: Path
    workers: int
    log: Callable[[str], None] = print

    def waiting(self, notebooks: list[Notebook], state: Mapping[str, str]) -> dict[str, str]:
        """Return the keys of those that must be run, by name.

        Parameters
        ----------
        notebooks : list of Notebook
        state : mapping of str to str
            Fingerprints that go into every key.
        """
        keys = {n.name: key_of(n, n.accepted(self.parameters), state) for n in notebooks}
        return {name: key for name, key in keys.items() if not self.executed.is_current(name, key)}

    def expected(self, names: Iterable[str]) -> float | None:
        """Return the seconds that these will take, None where none ever ran."""
        records = [self.executed.record(name) for name in names]
        return expected_seconds([r.seconds if r else None for r in records], self.workers)

    def run(self, notebooks: list[Notebook], state: Mapping[str, str]) -> dict[str, Record]:
        """Run the notebooks that changed and return every notebook's record.

        Raises
        ------
        MerError
            ``failed notebook``, naming every failing notebook, cell and error; the others have
            run to their end by then.
        """
        keys = self.waiting(notebooks, state)
        if keys:
            self.scratch.mkdir(parents=True, exist_ok=True)
            if failures := self._run([n for n in notebooks if n.name in keys], keys):
                raise MerError(
                    "failed notebook",
                    "; ".join(sorted(failures)),
                    "every cell to run",
                    f"mend it and build again (as far as they came, the pages are in"
                    f" {self.scratch}; no page was rendered, the last good site is as it was)",
                )
            shutil.rmtree(self.scratch, ignore_errors=True)
        return {n.name: found for n in notebooks if (found := self.executed.record(n.name))}

    def _run(self, waiting: list[Notebook], keys: Mapping[str, str]) -> list[str]:
        """Run notebooks in their own processes, store what succeeds, return what failed."""
        records = {n.name: self.executed.record(n.name) for n in waiting}
        known = {name: record.seconds for name, record in records.items() if record}
        # The longest first, so that no long one is left to run alone at the end; of those that
        # never ran, in their own order: the first of them looks at every frame.
        waiting = sorted(waiting, key=lambda n: -known.get(n.name, float("inf")))
        mean = fmean(known.values()) if known else 1.0
        total = sum(known.get(n.name, mean) for n in waiting)
        failures: list[str] = []
        # The bar moves by time, not by number; None: on a terminal only.
        with (
            tempfile.TemporaryDirectory(prefix="mer-") as private,
            self._pool(private, len(waiting)) as pool,
            tqdm(total=total, desc="notebooks", disable=None, bar_format=_BAR) as bar,
        ):
            futures = {}
            for number, n in enumerate(waiting):
                target, socket = self.scratch / f"{n.name}.ipynb", f"{private}/kernel{number}"
                future = pool.submit(run_one, n, target, n.accepted(self.parameters), socket)
                futures[future] = n
            try:
                for count, future in enumerate(as_completed(futures), 1):
                    n = futures[future]
                    failure = self._take(n, keys[n.name], future)
                    failures += [failure] if failure else []
                    bar.set_postfix_str(f"{count}/{len(waiting)}", refresh=False)
                    bar.update(known.get(n.name, mean))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return failures

    def _take(self, n: Notebook, key: str, future: Future[tuple[float, str | None]]) -> str | None:
        """Store what a process made of a notebook, and return what failed."""
        try:
            seconds, failure = future.result()
        except Exception as error:  # the worker itself was killed
            seconds, failure = 0.0, f"{n.page_source}: {type(error).__name__}: {error}"
        if failure is None:
            self.executed.store(n.name, key, self.scratch / f"{n.name}.ipynb", seconds)
        line = f"FAILED   {failure}" if failure else f"executed {n.name} in {seconds:.1f} s"
        with tqdm.external_write_mode():
            self.log(line)
        return failure

    def _pool(self, private: str, tasks: int) -> ProcessPoolExecutor:
        environment = {
            **KERNEL_ENVIRONMENT,
            BUILD_SETTING: str(self.build.absolute()),
            "IPYTHONDIR": f"{private}/ipython",
            "JUPYTER_RUNTIME_DIR": f"{private}/run",
        }
        workers = max(1, min(self.workers, tasks))
        return processes(workers, _set_up, environment, self.build / MESSAGES)
