"""How far results move for each cause by which two machines may differ, provoked on this one.

    python -m benchmarks.causes                  # about five minutes on two idle cores
    python -m benchmarks.causes --other PYTHON   # adds views and twins of its libraries
    python -m benchmarks.causes --quick --out build/causes.json

One made data set, one fold of each network of the demo profile, in a process of its own for each
cause: the views are made and the fold is trained anew there, and both are compared with those of
an undisturbed process. Other seeds, kinds of view, precisions and augmentations are compared
too: what must be told from rounding.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import typer

from benchmarks.machine import describe
from mer_utils import datasets, models, synthetic
from mer_utils.experiments import PROFILES, TABLES
from mer_utils.files import atomic_write
from mer_utils.machine import cores
from mer_utils.metrics import scores
from mer_utils.phases import PHASES
from mer_utils.runs import Context, Data, Job, RunSpec, compute_fold

OUT = Path(__file__).parent / "recorded" / "rules" / "causes.json"
TWIN = {"subjects": 4, "clips_per_subject": 10, "frame_size": (140, 170), "seed": 17}
NUMPY = {"NPY_DISABLE_CPU_FEATURES": "AVX512_ICL AVX512_SPR X86_V4 X86_V3"}
OPENCV = {
    "OPENCV_CPU_DISABLE": "AVX512-ICL,AVX512-SKX,AVX2,AVX,FMA3,FP16,SSE4.2,SSE4.1",
    "OPENCV_IPP": "disabled",
    "JSIMD_FORCENONE": "1",
}
AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
#: Cause, what it is in the environment, and what it changes in the specification.
CAUSES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "another process": ({}, {}),
    "NumPy without vector instructions": (NUMPY, {}),
    "OpenCV and JPEG without vector instructions": (OPENCV, {}),
    "oneDNN with AVX2 alone": ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, {}),
    "MKL's compatible mode": ({"MKL_CBWR": "COMPATIBLE"}, {}),
    "a processor with AVX2 alone": (AVX2, {}),
    "a processor without vector instructions": (
        {**NUMPY, **OPENCV, "ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default"},
        {},
    ),
    "two threads": ({"MER_BENCH_THREADS": "2"}, {}),
    "bfloat16": ({}, {"training": {"precision": "bfloat16"}}),
    "another seed": ({}, {"seed": 1}),
    "views of another kind": ({}, {"views": {"kind": "linear"}}),
    "other augmentation": ({}, {"spatial": "flip"}),
}
VERSIONS = "other versions of NumPy, OpenCV and SciPy"
#: Causes that the specification names: no two machines differ in them with the same key.
NAMED = tuple(cause for cause, (_, changes) in CAUSES.items() if changes)

#: What another interpreter, which needs no torch, draws and views.
ELSEWHERE = """
import json, sys
from pathlib import Path
import cv2, numpy, scipy
from mer_utils import datasets, synthetic, views
folder = Path(sys.argv[1])
root = synthetic.write("casme2", folder / "twin", **json.loads(sys.argv[2]))
made = json.loads((root / "synthetic.json").read_text())["sha256"]
del made["ground_truth.parquet"]
data = datasets.Casme2(root)
source = views.Source(data.clips(), data.fingerprint(), {})
found = views.load(source, views.ViewOptions(image_size=48), cache=folder / "cache")
everyone = numpy.arange(len(source.clips))
numpy.save(folder / "views.npy", numpy.concatenate(
    [found.of(view, everyone)[0] for view in ("full", "onset_apex", "apex_offset")]))
versions = {"numpy": numpy.__version__, "opencv": cv2.__version__, "scipy": scipy.__version__}
about = {"clips": made, "versions": versions, "key": data.fingerprint()}
(folder / "about.json").write_text(json.dumps(about))
"""


def other_versions(python: str, out: Path) -> None:
    """Draw and view with another interpreter's libraries; put the rows into the record."""
    both = []
    with tempfile.TemporaryDirectory() as place:
        for number, interpreter in enumerate((sys.executable, python)):
            folder = Path(place) / str(number)
            folder.mkdir()
            given = [interpreter, "-c", ELSEWHERE, str(folder), json.dumps(TWIN)]
            subprocess.run(given, check=True)
            about = json.loads((folder / "about.json").read_text("utf-8"))
            both.append((about, np.load(folder / "views.npy").astype(int)))
    (here, before), (there, after) = both
    names = " and ".join(
        " ".join(f"{name} {version}" for name, version in about["versions"].items())
        for about in (here, there)
    )
    apart, differ = (
        np.abs(before - after),
        [here["clips"][name] != there["clips"][name] for name in here["clips"]],
    )
    said = {"cause": VERSIONS, "named": False}
    rows = [
        said | {"what": "twin", "share": float(np.mean(differ)), "largest": 0},
        said | {"what": "views", "share": float(np.mean(apart > 0)), "largest": int(apart.max())},
    ]
    record = json.loads(out.read_text("utf-8"))
    record["rows"] = [row for row in record["rows"] if row["cause"] != VERSIONS] + rows
    record["specification"]["causes"][VERSIONS] = [{"versions": names}, {}]
    record["specification"]["same_key"] = here["key"] == there["key"]
    _write(record, out)


def _write(record: dict[str, Any], out: Path) -> None:
    rows = ",\n".join(map(json.dumps, record["rows"]))  # a line each
    text = json.dumps({**record, "rows": []}, indent=1)
    with atomic_write(out) as path:
        path.write_text(text.replace('"rows": []', f'"rows": [\n{rows}\n ]') + "\n", "utf-8")


def specifications(data: Data, quick: bool) -> list[RunSpec]:
    """Return a run of each network of the demo profile, single images."""
    profile = PROFILES["smoke" if quick else "demo"]
    found = {
        spec.model.name: spec
        for spec in TABLES["table2"].grid(profile, [data])
        if models.is_network(spec.model.name) and spec.setting == "single"
    }
    return list(found.values())[: 2 if quick else None]


def compute(root: Path, cache: Path, changes: dict[str, Any], quick: bool, out: Path) -> None:
    """Make the views and train the folds in this process; write what came of it to one file."""
    import torch

    if threads := int(os.environ.get("MER_BENCH_THREADS", 0)):
        torch.set_num_threads(threads)
        mock.patch.object(torch, "set_num_threads").start()
    data = Data(datasets.Casme2(root), cache)
    context = Context((data.dataset,), cache, cache, device="cpu")
    held_out = data.clips["subject"].iloc[0]
    found: dict[str, np.ndarray] = {}
    for spec in specifications(data, quick):
        changed = spec.model_dump() | {
            name: {**getattr(spec, name).model_dump(), **new} if isinstance(new, dict) else new
            for name, new in changes.items()
        }
        spec = RunSpec.model_validate(changed)
        rows, _, _ = compute_fold(Job(spec, held_out), context)
        rows = rows[rows["test_view"] == "full"]
        p = rows.filter(regex="^p_").to_numpy()
        for epoch in (1, spec.training.epochs):
            found[f"{spec.model.name} {'first' if epoch == 1 else 'last'}"] = p[
                rows["epoch"] == epoch
            ]
        found["true"] = rows["y_true"].to_numpy()[rows["epoch"] == spec.training.epochs]
        views = data.views(spec.views)
        found[f"views {spec.views.image_size}"] = np.concatenate(
            [views.of(view, np.arange(len(data.clips)))[0] for view in PHASES]
        )
    # numpy's stub takes the names of arrays for its own options.
    np.savez(out, **found)  # type: ignore[arg-type]


def compared(base: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return how far views, probabilities and scores moved: a row for the views, one a network."""
    rows: list[dict[str, Any]] = []
    views = [name for name in base if name.startswith("views")]
    apart = [np.abs(base[v].astype(int) - other[v].astype(int)) for v in views]
    rows.append(
        {
            "what": "views",
            "share": float(np.mean([np.mean(a > 0) for a in apart])),
            "largest": int(max(a.max() for a in apart)),
        }
    )
    true = base["true"]
    for name in (n.removesuffix(" last") for n in base if n.endswith(" last")):
        first, last = (
            np.abs(base[f"{name} {e}"] - other[f"{name} {e}"]) for e in ("first", "last")
        )
        before, after = (found[f"{name} last"] for found in (base, other))
        classes = before.shape[1]
        one, two = (scores(true, p.argmax(axis=1), classes) for p in (before, after))
        rows.append(
            {
                "what": name,
                "share": float(np.mean(last > 0)),
                "first": float(first.max()),
                "largest": float(last.max()),
                "median": float(np.median(last.max(axis=1))),
                "changed": int((before.argmax(axis=1) != after.argmax(axis=1)).sum()),
                "clips": len(true),
                "uar": abs(one.uar - two.uar),
                "uf1": abs(one.uf1 - two.uf1),
            }
        )
    return rows


def _in_process(cause: str, *, root: Path, folder: Path, quick: bool) -> dict[str, np.ndarray]:
    """Compute under a cause in a process of its own."""
    number = list(CAUSES).index(cause) if cause else len(CAUSES)
    switches, changes = CAUSES.get(cause, ({}, {}))
    out = folder / f"{number}.npz"
    given = json.dumps([str(root), str(folder / f"cache{number}"), changes, quick, str(out)])
    subprocess.run(
        [sys.executable, "-m", "benchmarks.causes", "--one", given],
        env={**os.environ, **switches},
        check=True,
    )
    with np.load(out) as found:
        return dict(found)


def main(quick: bool = False, out: Path = OUT, other: str = "", one: str = "") -> None:
    """Provoke every cause and write one file; `one` is what a process of one cause is given.

    With `other`, an interpreter with other libraries, only theirs is measured and added.
    """
    if other:
        return other_versions(other, out)
    if one:
        root, cache, changes, few, path = json.loads(one)
        return compute(Path(root), Path(cache), changes, few, Path(path))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        size = {**TWIN, "subjects": 3, "clips_per_subject": 5} if quick else TWIN
        # The options are of several types, checked by name where they are used.
        root = synthetic.write("casme2", folder / "twin", **size)  # type: ignore[arg-type]
        with ThreadPoolExecutor(cores()) as pool:
            base, *others = pool.map(
                partial(_in_process, root=root, folder=folder, quick=quick), ("", *CAUSES)
            )
        for cause, moved in zip(CAUSES, others, strict=True):
            found = compared(base, moved)
            rows += [{"cause": cause, "named": cause in NAMED, **row} for row in found]
            print(pd.DataFrame(rows[-len(found) :]).to_string())
    record = {
        "specification": {
            "command": "python -m benchmarks.causes",
            "recorded": time.strftime("%Y-%m-%d", time.gmtime()),
            "twin": size,
            "profile": "smoke" if quick else "demo",
            "causes": {cause: list(what) for cause, what in CAUSES.items()},
            "machine": describe(),
        },
        "rows": rows,
    }
    _write(record, out)


if __name__ == "__main__":
    typer.run(main)
