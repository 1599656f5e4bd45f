"""The whole: how long one waits before anything happens."""

from __future__ import annotations

from benchmarks.clock import best, python
from benchmarks.record import Recorder

SECTION = "whole"
STARTS = {
    "python": "pass",
    "import mer_utils": "import mer_utils",
    "import mer_utils.datasets": "import mer_utils.datasets",
    "mer --help": (
        "import sys; from mer_utils.cli.main import main; sys.argv = ['mer', '--help']; main()"
    ),
    "first cell of a notebook": (
        "from companion.chapters import page, tables; from mer_utils import experiments, plotting"
    ),
    "import torch": "import torch",
}


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Time fresh processes and a notebook's kernel."""
    rounds = 1 if quick else 5
    took = best({name: lambda c=code: _fresh(c) for name, code in STARTS.items()}, rounds)
    took |= best({"start of a notebook's kernel": _kernel}, rounds)
    for name, spent in took.items():
        goal = 0.3 if name == "import mer_utils" else None
        recorder.add(SECTION, name, "seconds", spent, "s", at_most=goal)


def _fresh(code: str) -> None:
    if python("-c", code).wait():
        raise RuntimeError(f"failed: {code}")


def _kernel() -> None:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    client.stop_channels()
    manager.shutdown_kernel(now=True)
