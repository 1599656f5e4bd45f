"""The prediction store with as many folds as the paper profile has: asking, verifying, size."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.clock import seconds
from benchmarks.record import Recorder
from mer_utils.runs import DataSpec, ModelSpec, RunSpec, RunStore, prediction_rows, signed

FOLDS, SUBJECTS, CLIPS_EACH = 100_000, 26, 10


def measure(recorder: Recorder, section: str, *, quick: bool = False) -> None:
    """Fill a store with complete runs, one more in files of its own, and ask for every fold."""
    names = [f"sub{n:02}" for n in range(SUBJECTS)]
    first = RunSpec(
        data=DataSpec(dataset="casme2", scheme="casme2-5", fingerprint="0" * 64),
        model=ModelSpec(name="learnet"),
    )
    runs = (2_600 if quick else FOLDS) // SUBJECTS
    specs = [first.model_copy(update={"seed": seed}) for seed in range(runs)]
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(folder)
        loose = _one_run(store, first, names)
        table = signed.rows(store.folder(first).whole.read_bytes())
        for spec in specs[1:]:
            run = store.folder(spec)
            run.path.mkdir()
            said = {"run": spec.key, "folds": json.dumps(dict.fromkeys(names, (CLIPS_EACH, "")))}
            run.whole.write_bytes(signed.sign(table, said))
        add = recorder.about(section, f"a store of {runs * SUBJECTS:,} folds")
        folders = [store.folder(spec) for spec in specs]

        def each(took: float) -> float:
            return 1e6 * took / (runs * SUBJECTS)

        def ask() -> None:
            assert all(run.has(name) for run in folders for name in names)

        add("is a fold there, first asked", each(seconds(ask)), "µs per fold")
        add("is a fold there, asked again", each(seconds(ask)), "µs per fold", at_most=50)
        verify = seconds(lambda: [store.missing(spec, names) for spec in specs])
        add("verify every byte", each(verify), "µs per fold")
        add("the same in a file per fold", 1e6 * loose / SUBJECTS, "µs per fold")
        add("files", sum(1 for _ in Path(folder).rglob("*") if _.is_file()))


def _one_run(store: RunStore, spec: RunSpec, names: list[str]) -> float:
    """Store a run, return the time to verify it in a file per fold, and put it into one."""
    clips = pd.DataFrame({"subject": np.repeat(names, CLIPS_EACH)})
    clips["clip"] = [f"EP{n:03}" for n in range(len(clips))]
    clips["label"] = pd.Categorical(np.arange(len(clips)) % 5)
    p = np.random.default_rng(0).dirichlet(np.ones(5), CLIPS_EACH).astype(np.float32)
    for number, name in enumerate(names):
        tested = np.arange(CLIPS_EACH) + number * CLIPS_EACH
        store.write(spec, name, prediction_rows(spec, clips, "full", tested, p, 10), {})
    took = seconds(lambda: store.missing(spec, names))
    store.consolidate(spec, names)
    return took
