"""Measure speed against limits of this machine, for the chapter on costs."""

from __future__ import annotations

import argparse
import importlib
import json
import os
from pathlib import Path

# One thread for each process that computes, as folds are run; read when NumPy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SECTIONS = {
    "di": "dynamic_images",
    "train": "training",
    "effects": "effects",
    "scaling": "scaling",
    "engine": "engine",
    "whole": "whole",
    "gpu": "gpu",
}


def main(arguments: list[str] | None = None) -> Path:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"some of {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="the smallest form, to try it out")
    parser.add_argument("--out", type=Path, help="result file; default: in build/bench")
    parser.add_argument(
        "--times", type=Path, help='a JSON file of further times: {"make test": seconds}'
    )
    given = parser.parse_args(arguments)
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"unknown section {', '.join(sorted(unknown))}; choose from {list(SECTIONS)}")
    from benchmarks import machine
    from benchmarks.record import Recorder

    recorder = Recorder(machine.describe() | {"quick": given.quick})
    if recorder.machine["load_before"] > 0.5:
        print(f"The machine is busy (load {recorder.machine['load_before']}): numbers will suffer.")
    for name in given.sections or SECTIONS:
        section = importlib.import_module(f"benchmarks.{SECTIONS[name]}")
        section.measure(recorder, quick=given.quick)
        recorder.show(section.SECTION)
    for name, spent in (json.loads(given.times.read_text("utf-8")) if given.times else {}).items():
        recorder.add("whole", name, "seconds", spent, "s")
    path = recorder.write(given.out)
    print(f"Written: {path}")
    return path


if __name__ == "__main__":
    main()
