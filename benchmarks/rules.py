"""Every record that the book's conclusions rest on, computed anew, one after the other.

    python -m benchmarks.rules build/rules     # many hours; goes on where it stopped

Each is also a command of its own, `python -m benchmarks.NAME`, and lies in `recorded/rules`;
that of `tolerance` lies beside the reference, as `mer verify` reads it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import typer

#: Each record's module, in the order in which one rests on another.
RECORDS = (
    "learning",
    "operating",
    "pretraining",
    "twins",
    "specifications",
    "causes",
    "tolerance",
    "alarms",
)
#: Written when all of it is computed: what is there is whole.
AT_ONCE = ("causes", "tolerance", "alarms")


def main(folder: Path) -> None:
    """Compute what a folder lacks of every record; to be set beside those of the book."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in RECORDS:
        out = folder / f"{name}.json"
        if name in AT_ONCE and out.exists():
            continue
        print(f"{name} ...", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", "--out", str(out)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    typer.run(main)
