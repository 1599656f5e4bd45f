"""The store: a fold is there whole or not at all, and damage is never read as a result."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import pytest
from filelock import Timeout
from helpers import raises

from mer_utils.runs import DataSpec, ModelSpec, RunSpec, RunStore, environment, prediction_rows

SPEC = RunSpec(
    data=DataSpec(dataset="casme2", scheme="casme2-5", fingerprint="0" * 64),
    model=ModelSpec(name="learnet"),
)
OTHER = SPEC.model_copy(update={"seed": 1})
CLIPS = pd.DataFrame(
    {
        "dataset": "casme2",
        "subject": ["sub01", "sub01", "sub02"],
        "clip": ["EP01", "EP02", "EP03"],
        "label": pd.Categorical(["others", "disgust", "others"], ["disgust", "others"]),
    }
)
P = np.array([[0.25, 0.75], [0.9, 0.1]], np.float32)


def rows(spec=SPEC, positions=(0, 1), p=P):
    return prediction_rows(spec, CLIPS, "full", np.array(positions), p, 10)


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(tmp_path / "store")


@pytest.fixture
def filled(store) -> RunStore:
    store.write(SPEC, "sub01", rows(), {"device": "cpu"})
    return store


def test_prediction_rows_say_who_what_and_how_sure():
    made = rows()
    assert made["clip"].tolist() == ["EP01", "EP02"]
    assert made["y_true"].tolist() == [1, 0]
    assert made["y_pred"].tolist() == [1, 0]
    assert set(made["run"]) == {SPEC.key}
    assert made[["p_0", "p_1"]].to_numpy(np.float32).tobytes() == P.tobytes()


def test_what_is_written_is_read_back(filled):
    read = filled.predictions([SPEC])
    pd.testing.assert_frame_equal(read.drop(columns="setting"), rows())
    assert {name: read[name].unique().tolist() for name in ("run", "setting", "seed")} == {
        "run": [SPEC.key], "setting": ["single"], "seed": [0],
    }  # fmt: skip
    assert filled.has(SPEC, "sub01")
    assert not filled.has(SPEC, "sub02")
    assert not filled.has(OTHER, "sub01")
    assert filled.missing(SPEC, ["sub01", "sub02"]) == ["sub02"]


def test_the_specification_and_what_computed_it_lie_beside(filled):
    folder = filled.path / SPEC.key
    assert RunSpec.model_validate_json((folder / "spec.json").read_text()) == SPEC
    notes = filled.environments([SPEC, OTHER])
    assert notes[["held_out", "device", "model"]].to_numpy().tolist() == [
        ["sub01", "cpu", "learnet"]
    ]


def test_environment_names_versions_machine_and_commit():
    here = environment()
    assert here["packages"]["numpy"] == np.__version__
    assert here["python"] == ".".join(map(str, sys.version_info[:3]))
    assert json.dumps(here)


def test_predictions_have_one_order_whatever_the_order_of_writing(tmp_path):
    read = []
    for order in ((SPEC, OTHER), (OTHER, SPEC)):
        store = RunStore(tmp_path / f"store{order[0].seed}")
        for spec in order:
            store.write(spec, "sub02", rows(spec, (2,), P[:1]), {})
            store.write(spec, "sub01", rows(spec), {})
        read.append(store.predictions(order))
    pd.testing.assert_frame_equal(*read)
    assert len(read[0]) == 6


def test_the_last_epoch_counts_unless_every_one_is_asked_for(store):
    clips = [prediction_rows(SPEC, CLIPS, "full", np.array([0, 1]), P[::s], e) for e, s in
             ((1, -1), (2, 1))]  # fmt: skip
    store.write(SPEC, "sub01", pd.concat(clips, ignore_index=True), {})
    assert store.predictions([SPEC])["epoch"].tolist() == [2, 2]
    assert store.predictions([SPEC])["y_pred"].tolist() == [1, 0]
    every = store.predictions([SPEC], every_epoch=True)
    assert every["epoch"].tolist() == [1, 2, 1, 2]
    assert every["y_pred"].tolist() == [0, 1, 1, 0]


def test_a_fold_that_tested_nothing_is_stored_and_read(store):
    nothing = rows(positions=(), p=P[:0])
    store.write(SPEC, "sub02", nothing, {})
    store.write(SPEC, "sub01", rows(), {})
    assert store.missing(SPEC, ["sub01", "sub02"]) == []
    pd.testing.assert_frame_equal(store.predictions([SPEC]).drop(columns="setting"), rows())


def test_maps_come_back_with_the_rows_they_belong_to(store):
    maps = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    store.write(SPEC, "sub01", rows(), {}, maps)
    store.write(SPEC, "sub02", rows(positions=(2,), p=P[:1]), {}, maps[1:])
    store.write(OTHER, "sub01", rows(OTHER), {})
    read, found = store.maps([SPEC, OTHER])
    assert read["clip"].tolist() == ["EP01", "EP02", "EP03"]
    assert found.tobytes() == np.concatenate([maps, maps[1:]]).tobytes()
    with raises("no results"):
        store.maps([OTHER])


def test_odd_subject_names_are_kept_apart(store):
    names = ["a/b", "a%2Fb", "a b", "..", "ö"]
    for name in names:
        store.write(SPEC, name, rows(), {})
    assert store.missing(SPEC, names) == []
    assert sorted(store.environments([SPEC])["held_out"]) == sorted(names)
    assert all(f.parent == store.path / SPEC.key for f in store.path.rglob("*.parquet"))


def test_duckdb_and_pandas_read_the_store_without_this_package(filled):
    filled.write(OTHER, "sub01", rows(OTHER), {})
    found = duckdb.sql(
        f"select seed, count(*) n, avg((y_true = y_pred)::int) accuracy "
        f"from read_parquet('{filled.path}/*/*.parquet') group by seed order by seed"
    ).fetchall()
    assert found == [(0, 2, 1.0), (1, 2, 1.0)]
    file = filled.fold_file(SPEC, "sub01")
    pd.testing.assert_frame_equal(
        pd.read_parquet(file, partitioning=None), rows(), check_dtype=False
    )


def test_no_predictions_is_an_error_that_names_the_command(store):
    with raises("no results", "mer run"):
        store.predictions([SPEC])


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "swapped"])
def test_a_damaged_fold_is_set_aside_and_never_read(filled, damage, caplog):
    file = filled.fold_file(SPEC, "sub01")
    data = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "flipped":
        where = data.index(P.tobytes()[:4])
        data[where] ^= 1
        file.write_bytes(data)
    else:  # another run's fold under this run's name
        filled.write(OTHER, "sub01", rows(OTHER), {})
        file.write_bytes(filled.fold_file(OTHER, "sub01").read_bytes())
    with raises("damaged file"):
        filled.predictions([SPEC])
    assert not filled.has(SPEC, "sub01")
    assert "set aside" in caplog.text
    assert len(list(file.parent.glob("*.damaged-1"))) == 1
    filled.write(SPEC, "sub01", rows(), {})
    assert len(filled.predictions([SPEC])) == 2


def test_a_failed_write_leaves_the_old_fold_or_none(store, monkeypatch):
    def fails(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("mer_utils.runs.store.pq.write_table", fails)
        with raises("cannot write", "No space left"):
            store.write(SPEC, "sub01", rows(), {})
    assert not store.has(SPEC, "sub01")
    store.write(SPEC, "sub01", rows(), {})
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fails)
        with raises("cannot write", "No space left"):
            store.write(SPEC, "sub01", rows(p=P[::-1]), {})
    pd.testing.assert_frame_equal(store.predictions([SPEC]).drop(columns="setting"), rows())
    assert not list(store.path.rglob("*.part"))


def test_a_disk_that_takes_no_more_is_reported_and_leaves_nothing(tmp_path):
    """A real refusal of the system: files of this process may not grow beyond 2 kB."""
    code = (
        "import resource, sys; sys.path.append('..')\n"
        "import test_store as t\n"
        "from mer_utils.errors import MerError\n"
        "store = t.RunStore(sys.argv[1]); store.prepare()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))\n"
        "try: store.write(t.SPEC, 'sub01', t.rows(), {})\n"
        "except MerError as error: print(error); sys.exit(1)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store")],
        capture_output=True, text=True, cwd=os.path.dirname(__file__),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "could not be written" in done.stdout
    assert not RunStore(tmp_path / "store").has(SPEC, "sub01")
    assert not list(tmp_path.rglob("*.part"))


def test_a_store_of_another_version_is_refused(filled):
    (filled.path / "store.json").write_text('{"version": 0}')
    with raises("other store", "version 0"):
        RunStore(filled.path)


@pytest.mark.parametrize("content", ["", "[1", "null"])
def test_an_unreadable_marker_is_refused(filled, content):
    (filled.path / "store.json").write_text(content)
    with raises("cannot read", "store.json"):
        RunStore(filled.path)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with raises("other store", "store.json"):
        RunStore(tmp_path)
    with raises("other store", "holiday.jpg"):
        RunStore(tmp_path / "holiday.jpg")


def test_a_run_killed_before_its_first_fold_left_a_usable_store(store):
    with store.lock(SPEC, "sub01"):
        RunStore(store.path)


def test_a_store_that_cannot_be_written_says_so_before_anything_is_computed(tmp_path, monkeypatch):
    def refuses(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mer_utils.files.tempfile.mkstemp", refuses)
    with raises("cannot write", "Permission denied"):
        RunStore(tmp_path / "store").prepare()


def test_only_one_holds_a_fold(store):
    code = (
        "import sys; sys.path.append('..')\n"
        "import test_store as t\n"
        "with t.RunStore(sys.argv[1]).lock(t.SPEC, 'sub01'): print('held', flush=True); input()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(store.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=os.path.dirname(__file__),
    )  # fmt: skip
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Timeout), store.lock(SPEC, "sub01"):
            pass
        with store.lock(SPEC, "sub02"):
            pass
        holder.kill()
        holder.wait()
        with store.lock(SPEC, "sub01", wait=True):  # the system has let go of it
            pass


def test_a_lock_that_cannot_be_made_is_named(store, monkeypatch):
    def refuses(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mer_utils.runs.store.FileLock.acquire", refuses)
    with (
        raises("cannot write", ".locks", "No space left"),
        store.lock(SPEC, "sub01"),
    ):
        pytest.fail("entered")


def test_damage_in_a_read_only_store_is_told_too(filled, monkeypatch, caplog):
    def refuses(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    file = filled.fold_file(SPEC, "sub01")
    file.write_bytes(b"")
    monkeypatch.setattr("pathlib.Path.rename", refuses)
    assert not filled.has(SPEC, "sub01")
    assert "is damaged" in caplog.text
    assert "not read" in caplog.text
    assert file.exists()


def test_failures_are_noted_until_the_fold_is_there(store):
    store.write_failure(SPEC, "sub01", "out of memory")
    assert store.failures([SPEC, OTHER]) == {(SPEC.key, "sub01"): "out of memory"}
    store.write(SPEC, "sub01", rows(), {})
    assert store.failures([SPEC]) == {}


def test_the_fingerprint_follows_the_folds(filled):
    before = filled.fingerprint([SPEC])
    assert before == RunStore(filled.path).fingerprint([SPEC])
    filled.write(SPEC, "sub02", rows(positions=(2,), p=P[:1]), {})
    assert filled.fingerprint([SPEC]) != before
