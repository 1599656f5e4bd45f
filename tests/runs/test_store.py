"""The store: a fold is there whole or not at all, and damage is never read as a result."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from filelock import Timeout
from helpers import raises
from hypothesis import given, settings
from hypothesis import strategies as st
from stored import CLIPS, SPEC, P, consolidated, rows

from mer_utils.errors import MerError
from mer_utils.runs import RunSpec, RunStore, prediction_rows

OTHER = SPEC.model_copy(update={"seed": 1})
TESTS = Path(__file__).parents[1]


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
    names = ["a/b", "a%2Fb", "a b", "..", "ö", "很" * 30, "很" * 29 + "多", "s" * 300, "o\u0308"]
    for name in names:
        store.write(SPEC, name, rows(), {})
    assert store.missing(SPEC, names) == []
    assert sorted(store.environments([SPEC])["held_out"]) == sorted(names)
    assert all(f.parent == store.path / SPEC.key for f in store.path.rglob("*.parquet"))
    with store.lock(SPEC, names[-2]):
        store.write_failure(SPEC, names[-2], "why")
    assert store.failures([SPEC]) == {(SPEC.key, names[-2]): "why"}
    store.consolidate(SPEC, names)
    assert all(store.has(SPEC, name) for name in names)
    assert store.missing(SPEC, names) == []


def test_duckdb_and_pandas_read_the_store_without_this_package(filled):
    filled.write(OTHER, "sub01", rows(OTHER), {})
    found = duckdb.sql(
        f"select seed, count(*) n, avg((y_true = y_pred)::int) accuracy "
        f"from read_parquet('{filled.path}/*/*.parquet') group by seed order by seed"
    ).fetchall()
    assert found == [(0, 2, 1.0), (1, 2, 1.0)]
    file = filled.folder(SPEC).file("sub01")
    pd.testing.assert_frame_equal(
        pd.read_parquet(file, partitioning=None), rows(), check_dtype=False
    )


def test_no_predictions_is_an_error_that_names_the_command(store):
    with raises("no results", "mer run"):
        store.predictions([SPEC])


@pytest.mark.scenario("E")
@pytest.mark.parametrize("whole", [False, True], ids=["one fold", "a run"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "checksum", "empty", "swapped", "grown"])
def test_damage_is_missing_and_set_aside_only_by_a_run(store, damage, whole, caplog):
    consolidated(store)
    consolidated(store, OTHER)
    folder = store.folder(SPEC)
    file = folder.whole if whole else folder.file("sub01")
    if not whole:
        file.parent.joinpath("run.parquet").unlink()
        store.write(SPEC, "sub01", rows(), {})
        store.write(OTHER, "sub01", rows(OTHER), {})
    data = bytearray(file.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "empty":
        data = b""
    elif damage == "grown":
        data += b"more"
    elif damage in ("flipped", "checksum"):
        data[data.index(P.tobytes()[:4] if damage == "flipped" else b"mer-sha256:") + 12] ^= 1
    else:  # another run's file under this run's name
        data = (store.path / OTHER.key / file.name).read_bytes()
    file.write_bytes(data)
    before = {f: f.read_bytes() for f in store.path.rglob("*") if f.is_file()}
    subjects = ["sub01", "sub02"] if whole else ["sub01"]
    with raises("damaged file", file):
        store.predictions([SPEC])
    assert store.missing(SPEC, subjects) == subjects
    assert str(file) in caplog.text
    assert {f: f.read_bytes() for f in store.path.rglob("*") if f.is_file()} == before
    store.set_damaged_aside([SPEC, OTHER])
    assert "set aside" in caplog.text
    assert [f.name for f in file.parent.glob("*.damaged-*")] == [f"{file.name}.damaged-1"]
    assert not any(store.has(SPEC, s) for s in subjects)
    assert store.environments([SPEC]).empty
    store.write(SPEC, "sub01", rows(), {})
    pd.testing.assert_frame_equal(store.predictions([SPEC]).drop(columns="setting"), rows())


def test_a_fold_under_another_folds_name_is_damaged(filled):
    file = filled.folder(SPEC).file("sub01")
    file.rename(filled.folder(SPEC).file("sub02"))
    assert filled.missing(SPEC, ["sub01", "sub02"]) == ["sub01", "sub02"]


@pytest.mark.scenario("E", "J")
def test_what_is_damaged_beside_a_complete_run_is_set_aside_as_the_message_says(store):
    copy = store.folder(SPEC).file("sub02")
    shutil.copy(consolidated(store), copy)
    stray = copy.with_name("held_out=sub09.parquet")
    stray.write_bytes(b"")
    with raises("damaged file", "another fold's"):
        store.folder(SPEC)._read(copy)
    with raises("damaged file", stray, "mer run"):
        store.predictions([SPEC])
    store.consolidate(SPEC, ["sub01", "sub02"])  # as mer run does where nothing is missing
    assert len(store.predictions([SPEC])) == len(rows()) + 1
    aside = {f"{file.name}.damaged-1" for file in (copy, stray)}
    assert {file.name for file in stray.parent.glob("*.damaged-*")} == aside


@pytest.mark.scenario("E")
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "owner"), (errno.EMFILE, "ulimit -n"), (errno.ENFILE, "ulimit -n"),
        (errno.ESTALE, "mount"), (errno.EIO, "disk"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("whole", [False, True], ids=["one fold", "a run"])
def test_what_cannot_be_read_is_an_error_and_neither_missing_nor_damaged(
    store, number, words, whole, monkeypatch
):
    if whole:
        consolidated(store)
    else:
        store.write(SPEC, "sub01", rows(), {})
    before = sorted(store.path.rglob("*"))

    def refuses(self):
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr("pathlib.Path.read_bytes", refuses)
    for ask in (
        lambda: store.missing(SPEC, ["sub01"]),
        lambda: store.predictions([SPEC]),
        lambda: store.fingerprint([SPEC]),
        lambda: store.set_damaged_aside([SPEC]),
    ):
        with raises("cannot read", store.path, words):
            ask()
    assert sorted(store.path.rglob("*")) == before
    monkeypatch.undo()
    assert store.missing(SPEC, ["sub01"]) == []


@pytest.mark.scenario("E")
def test_no_file_handle_is_no_damage(filled):
    """Really none: the error says so, and the next command finds the fold."""
    code = (
        "import resource, sys, stored as t\n"
        "from mer_utils.errors import MerError\n"
        "store = t.RunStore(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
        "try: print(store.missing(t.SPEC, ['sub01']))\n"
        "except MerError as error: print(error.kind, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, filled.path],
        capture_output=True, text=True, cwd=TESTS,
    )  # fmt: skip
    assert done.stdout.startswith("cannot read"), done.stderr
    assert "Too many open files" in done.stdout
    assert filled.missing(SPEC, ["sub01"]) == []


def as_another(code: str, *arguments, umask=0o022) -> str:
    """Run code as user 12345 of group 54321, who may read this package and nothing more."""
    lead = (
        "import os, sys, stored as t\n"
        "from mer_utils.errors import MerError, kinds; kinds()\n"
        f"os.umask({umask}); os.setgroups([54321]); os.setegid(54321); os.seteuid(12345)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", lead + code, *map(str, arguments)],
        capture_output=True, text=True, cwd=TESTS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")


@pytest.fixture
def shared():
    """A folder that others can reach, as pytest's own cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder) / "store"


@pytest.mark.scenario("E")
@as_root
@pytest.mark.parametrize("whole", [False, True], ids=["folds", "a run"])
def test_somebody_else_reads_a_store_that_only_its_owner_may_write(shared, whole):
    store = RunStore(shared)
    store.write(SPEC, "sub01", rows(), {"device": "cpu"})
    store.write(SPEC, "sub02", rows(SPEC, (2,), P[:1]), {"device": "cpu"})
    if whole:
        store.consolidate(SPEC, ["sub01", "sub02"])
    said = as_another(
        "s = t.RunStore(sys.argv[1])\n"
        "print(s.missing(t.SPEC, ['sub01', 'sub02', 'sub03']), len(s.predictions([t.SPEC])),\n"
        "      s.has(t.SPEC, 'sub02'), len(s.environments([t.SPEC])), s.failures([t.SPEC]),\n"
        "      s.fingerprint([t.SPEC]))\n"
        "s.consolidate(t.SPEC, ['sub01', 'sub02'])\n"
        "try: s.prepare()\n"
        "except MerError as error: print(error.kind)\n",
        shared,
    )  # fmt: skip
    assert said == f"['sub03'] 3 True 2 {{}} {store.fingerprint([SPEC])}\ncannot write\n"


@pytest.mark.scenario("E")
@as_root
def test_folds_that_somebody_may_not_read_stay_as_they_are(shared):
    store = RunStore(shared)
    store.write(SPEC, "sub01", rows(), {})
    file = store.folder(SPEC).file("sub01")
    code = (
        "s = t.RunStore(sys.argv[1])\n"
        "for ask in (lambda: s.missing(t.SPEC, ['sub01']), lambda: s.predictions([t.SPEC]),\n"
        "            lambda: s.has(t.SPEC, 'sub01')):\n"
        "    try: print(ask())\n"
        "    except MerError as error: print(error.kind)\n"
    )
    file.chmod(0o600)
    assert as_another(code, shared).splitlines() == ["cannot read", "cannot read", "True"]
    file.parent.chmod(0o700)
    assert as_another(code, shared).splitlines() == ["cannot read"] * 3
    shared.chmod(0o700)
    told = as_another(
        "try: t.RunStore(sys.argv[1])\nexcept MerError as error: print(error.kind)", shared
    )
    assert told == "cannot read\n"
    shared.chmod(0o755)
    assert file.exists()
    assert store.missing(SPEC, ["sub01"]) == []


@pytest.mark.scenario("E")
@as_root
def test_a_group_fills_one_store(shared):
    shared.mkdir()
    os.chown(shared, -1, 54321)
    os.chmod(shared, 0o2775)
    code = (
        "s = t.RunStore(sys.argv[1]); s.prepare()\n"
        "rows = t.rows(t.SPEC, (2,), t.P[:1])\n"
        "with s.lock(t.SPEC, 'sub02'): s.write(t.SPEC, 'sub02', rows, {})\n"
        "s.consolidate(t.SPEC, ['sub01', 'sub02'])"
    )
    before = os.umask(0o002)
    try:
        store = RunStore(shared)
        store.prepare()
        with store.lock(SPEC, "sub02"):
            store.write(SPEC, "sub01", rows(), {})
        as_another(code, shared, umask=0o002)
        assert store.missing(SPEC, ["sub01", "sub02"]) == []
        assert store.folder(SPEC).whole.exists()
        assert not store.folder(SPEC).listed("")
        made = [file for file in shared.rglob("*") if file.is_file()]
        assert {(f.stat().st_mode & 0o777, f.stat().st_gid) for f in made} == {(0o664, 54321)}
    finally:
        os.umask(before)


def test_a_failed_write_leaves_the_old_fold_or_none(store, monkeypatch):
    def fails(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.write_bytes", fails)
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
        "import resource, sys, stored as t\n"
        "from mer_utils.errors import MerError\n"
        "store = t.RunStore(sys.argv[1]); store.prepare()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))\n"
        "try: store.write(t.SPEC, 'sub01', t.rows(), {})\n"
        "except MerError as error: print(error); sys.exit(1)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store")],
        capture_output=True, text=True, cwd=TESTS,
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
    with raises("damaged file", "store.json"):
        RunStore(filled.path)


@pytest.mark.scenario("E")
@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_text("")])
def test_the_remedy_for_a_marker_that_is_gone_or_damaged_works(filled, damage):
    rows, marker = filled.predictions([SPEC]), filled.path / "store.json"
    damage(marker)
    with pytest.raises(MerError) as caught:
        RunStore(filled.path)
    content, file = re.search(r"write (\{.+?\}) into (\S+),", caught.value.remedy).groups()
    Path(file).write_text(content)
    pd.testing.assert_frame_equal(RunStore(filled.path).predictions([SPEC]), rows)


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

    monkeypatch.setattr("mer_utils.files.os.open", refuses)
    with raises("cannot write", "Permission denied"):
        RunStore(tmp_path / "store").prepare()


def test_only_one_holds_a_fold(store):
    code = (
        "import sys, stored as t\n"
        "with t.RunStore(sys.argv[1]).lock(t.SPEC, 'sub01'): print('held', flush=True); input()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(store.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TESTS,
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

    monkeypatch.setattr("mer_utils.runs.locks.FileLock.acquire", refuses)
    with (
        raises("cannot write", ".locks", "No space left"),
        store.lock(SPEC, "sub01"),
    ):
        pytest.fail("entered")


@pytest.mark.scenario("E")
@pytest.mark.parametrize("content", ["", "{}", "[]", '{"held_out": 1'])
def test_a_note_that_no_run_wrote_is_named(filled, content):
    note = filled.folder(SPEC).file("sub09", ".error.json")
    note.write_text(content)
    with raises("damaged file", note):
        filled.failures([SPEC])
    note = note.with_name("held_out=sub09.environment.json")
    note.write_text(content)
    with raises("damaged file", note):
        filled.environments([SPEC])


def test_failures_are_noted_until_the_fold_is_there(store):
    store.write_failure(SPEC, "sub01", "out of memory")
    assert store.failures([SPEC, OTHER]) == {(SPEC.key, "sub01"): "out of memory"}
    store.write(SPEC, "sub01", rows(), {})
    assert store.failures([SPEC]) == {}


def test_a_complete_run_becomes_one_file_and_reads_the_same(store):
    maps = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    store.write(SPEC, "sub02", rows(positions=(2,), p=P[:1]), {"device": "b"}, maps[1:])
    subjects = ["sub01", "sub02"]
    store.consolidate(SPEC, subjects)
    assert not store.folder(SPEC).whole.exists()  # a fold is missing
    store.write(SPEC, "sub01", rows(), {"device": "a"}, maps)

    def read():
        fresh = RunStore(store.path)
        frames, found = fresh.maps([SPEC])
        return (
            fresh.predictions([SPEC]), frames, fresh.environments([SPEC]), found.tobytes(),
            fresh.fingerprint([SPEC]), fresh.digests([SPEC]), fresh.missing(SPEC, subjects),
            [fresh.has(SPEC, s) for s in (*subjects, "sub03")],
        )  # fmt: skip

    before = read()
    assert before[-1] == [True, True, False]
    assert store.has(SPEC, "sub01")
    with store.lock(SPEC, "sub01"):
        pass
    store.consolidate(SPEC, subjects)
    store.consolidate(SPEC, subjects)
    after = read()
    for one, other in zip(before[:3], after[:3], strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert after[3:] == before[3:]
    assert store.has(SPEC, "sub01")
    left = sorted(f.name for f in store.path.rglob("*") if f.is_file())
    assert left == sorted(
        ["environments.json", "run.parquet", "spec.json", "store.json", f"{SPEC.key}.lock"]
    )
    assert pd.read_parquet(store.folder(SPEC).whole)["clip"].tolist() == ["EP01", "EP02", "EP03"]


@pytest.mark.scenario("K")
def test_a_fold_left_beside_the_one_file_counts_once(store):
    consolidated(store)
    before = store.predictions([SPEC])
    store.write(SPEC, "sub01", rows(p=P[::-1]), {})  # by a process that had not seen it
    pd.testing.assert_frame_equal(store.predictions([SPEC]), before)
    store.consolidate(SPEC, ["sub01", "sub02"])
    pd.testing.assert_frame_equal(store.predictions([SPEC]), before)
    assert not list(store.path.rglob("held_out=*"))


def test_has_sees_what_another_process_does(store):
    other = RunStore(store.path)
    assert not other.has(SPEC, "sub01")
    whole = consolidated(store)
    assert other.has(SPEC, "sub01")
    whole.unlink()
    assert not other.has(SPEC, "sub01")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "consolidate", "damage", "set aside", "leave beside"]),
        st.sampled_from(["sub01", "sub02", "sub03"]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_whatever_happens_each_fold_is_read_once_or_is_missing(steps):
    """Against a dictionary: what each file holds, and whether it is damaged."""
    names = ["sub01", "sub02", "sub03"]
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(folder)
        run = store.folder(SPEC)
        whole, loose = None, {}  # None, or whether it is good; name -> whether it is good
        for step, name in steps:
            # Left beside by a process that has not seen what others wrote.
            if step == "leave beside" or (step == "write" and not store.has(SPEC, name)):
                store.write(SPEC, name, rows(SPEC), {})
                loose[name] = True
            elif step == "consolidate":
                store.consolidate(SPEC, names)
                if whole or (whole is None and len(loose) == 3 and all(loose.values())):
                    whole, loose = True, {}
            elif step == "damage":
                file = run.whole if whole and name == "sub01" else run.file(name)
                if file.exists():
                    file.write_bytes(file.read_bytes()[:-30] + b"?" * 30)
                    if file == run.whole:
                        whole = False
                    else:
                        loose[name] = False
            elif step == "set aside":
                store.set_damaged_aside([SPEC])
                whole = whole or None
                loose = {n: True for n, good in loose.items() if good}
        there = set(names) if whole else {n for n, good in loose.items() if good}
        fresh = RunStore(folder)
        assert set(names) - set(fresh.missing(SPEC, names)) == there
        store.set_damaged_aside([SPEC])
        assert {name for _, name in fresh.digests([SPEC])} == there
        assert {n for n in names if fresh.has(SPEC, n)} == there
        if there:
            assert len(fresh.predictions([SPEC])) == 2 * len(there)


@pytest.mark.scenario("K")
def test_a_killed_process_loses_and_doubles_nothing(tmp_path):
    """Kill it before every single system call that changes something, in turn."""
    code = (
        "import itertools, os, signal, sys, stored as t\n"
        "def counted(call):\n"
        "    def counts(*a, **k):\n"
        "        global left\n"
        "        if (left := left - 1) < 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return call(*a, **k)\n"
        "    return counts\n"
        "for calls in itertools.count():\n"
        "    if child := os.fork():\n"
        "        if not os.waitpid(child, 0)[1]: break\n"
        "        continue\n"
        "    left = calls\n"
        "    for name in ('open', 'replace', 'unlink', 'fsync', 'rename'):\n"
        "        setattr(os, name, counted(getattr(os, name)))\n"
        "    t.consolidated(t.RunStore(f'{sys.argv[1]}/{calls:03}'))\n"
        "    os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=TESTS, check=True)
    *killed, undisturbed = map(RunStore, sorted(tmp_path.iterdir()))
    expected, states = undisturbed.predictions([SPEC]), set()
    assert expected["clip"].tolist() == ["EP01", "EP02", "EP03"]
    for store in killed:
        there = [s for s in ("sub01", "sub02") if s not in store.missing(SPEC, ["sub01", "sub02"])]
        states.add((*there, store.folder(SPEC).whole.exists()))
        if there:
            kept = expected[expected["subject"].isin(there)]
            pd.testing.assert_frame_equal(store.predictions([SPEC]), kept)
            assert store.environments([SPEC])["held_out"].tolist() == there
        consolidated(store)  # the same command again
        pd.testing.assert_frame_equal(store.predictions([SPEC]), expected)
        assert not list(store.path.glob("*/held_out=*"))
    assert states == {
        (False,), ("sub01", False), ("sub01", "sub02", False), ("sub01", "sub02", True),
    }  # fmt: skip


@pytest.mark.scenario("K")
def test_readers_see_every_fold_once_while_it_is_consolidated_and_killed(tmp_path):
    """Read all the while, as processes write, consolidate and are killed at random."""
    code = (
        "import sys, stored as t\n"
        "store = t.RunStore(sys.argv[1])\n"
        "names = [f'sub{n:02}' for n in range(12)]\n"
        "for seed in range(int(sys.argv[2]), 10**9):\n"
        "    spec = t.SPEC.model_copy(update={'seed': seed})\n"
        "    for name in store.missing(spec, names): store.write(spec, name, t.rows(spec), {})\n"
        "    print(seed, flush=True)\n"
        "    store.consolidate(spec, names)\n"
    )
    store, random = RunStore(tmp_path / "store"), np.random.default_rng(0)
    names, read = {f"sub{n:02}" for n in range(12)}, 0
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", code, store.path, str(read)],
            stdout=subprocess.PIPE, text=True, cwd=TESTS,
        ) as writer:  # fmt: skip
            until = np.inf
            while time.monotonic() < until:
                spec = SPEC.model_copy(update={"seed": int(writer.stdout.readline())})
                for _ in range(2):
                    fresh = RunStore(store.path)
                    assert {name for _, name in fresh.digests([spec])} == names
                    assert len(fresh.predictions([spec])) == 24
                    assert all(fresh.has(spec, name) for name in names)
                    assert len(fresh.environments([spec])) == 12
                    assert fresh.missing(spec, names) == []
                read = spec.seed + 1
                until = min(until, time.monotonic() + random.uniform(0.1, 0.5))
            writer.kill()
    assert read > 4


def test_the_fingerprint_follows_the_folds(filled):
    before = filled.fingerprint([SPEC])
    assert before == RunStore(filled.path).fingerprint([SPEC])
    filled.write(SPEC, "sub02", rows(positions=(2,), p=P[:1]), {})
    assert filled.fingerprint([SPEC]) != before
