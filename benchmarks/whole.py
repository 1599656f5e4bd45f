"""The whole: how long one waits before anything happens, and how long builds and tests take."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from benchmarks.clock import best
from benchmarks.record import Recorder

SECTION = "whole"
MER = "import sys; from mer_utils.cli.main import main; sys.argv = ['mer', '--help']; main()"
STARTS = {
    "python": "pass",
    "import mer_utils": "import mer_utils",
    "import mer_utils.datasets": "import mer_utils.datasets",
    "mer --help": MER,
    "first cell of a notebook": (
        "from companion import chapters; from mer_utils import experiments, plotting"
    ),
    "import torch": "import torch",
}


def measure(recorder: Recorder, *, quick: bool = False, times: Mapping[str, float] = {}) -> None:
    """Time fresh processes, a notebook's kernel; add the `times` given from elsewhere."""
    rounds = 1 if quick else 5
    took = best({name: lambda c=code: _fresh(c) for name, code in STARTS.items()}, rounds)
    took["start of a notebook's kernel"] = best({"kernel": _kernel}, rounds)["kernel"]
    for name, spent in (took | dict(times)).items():
        goal = 0.3 if name == "import mer_utils" else None
        recorder.add(SECTION, name, "seconds", spent, "s", at_most=goal)


def _fresh(code: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=environment
    )


def _kernel() -> None:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    client.stop_channels()
    manager.shutdown_kernel(now=True)
