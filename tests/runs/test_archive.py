"""Results in one archive: the same bytes for the same store, and nothing taken from a bad one."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers import raises

from mer_utils import experiments
from mer_utils.cli.main import main
from mer_utils.runs import DataSpec, ModelSpec, RunSpec, RunStore, export, merge, unpacked
from mer_utils.runs.rows import prediction_rows

CLIPS = pd.DataFrame(
    {
        "subject": ["s1", "s1", "S2", "s3"],
        "clip": ["a", "b", "c", "d"],
        "label": pd.Categorical(["up", "down", "up", "up"], ["down", "up"]),
    }
)
MADE = DataSpec(
    dataset="casme2", scheme="casme2-5", fingerprint="0" * 64, phase_difference=0.5, noise=1.0
)
LICENSED = MADE.model_copy(update={"phase_difference": None, "noise": None, "dataset": "samm"})
SPECS = [
    RunSpec(data=MADE, model=ModelSpec(name=name), seed=seed)
    for name in ("learnet", "svm_hog")
    for seed in (0, 1)
]
FOLDS = ("s1", "S2", "s3")


def write(store, spec, held_out, shift=0.0):
    tested = np.flatnonzero(CLIPS["subject"] == held_out)
    p = np.linspace(0.1 + shift, 0.4, len(tested), dtype=np.float32)
    rows = prediction_rows(spec, CLIPS, "full", tested, np.c_[p, 1 - p], 3)
    maps = np.full((len(tested), 2, 2), p[0]) if spec.model.name == "learnet" else None
    note = {"device": "cpu", "finished": "2026-11-26T12:00:00Z"}
    store.write(spec, held_out, rows, note, maps)


def filled(path, jobs) -> RunStore:
    store = RunStore(path)
    for spec, held_out in jobs:
        write(store, spec, held_out)
    for spec in store.specs():
        store.consolidate(spec, FOLDS)  # those that are complete, as a run does
    return store


ALL = [(spec, held_out) for spec in SPECS for held_out in FOLDS]


@pytest.fixture
def whole(tmp_path) -> RunStore:
    return filled(tmp_path / "whole", ALL)


@pytest.fixture
def archive(whole, tmp_path):
    export(whole, tmp_path / "whole.zip")
    return tmp_path / "whole.zip"


def content(store) -> dict[str, bytes]:
    return {
        file.relative_to(store.path).as_posix(): file.read_bytes()
        for file in store.path.rglob("*")
        if file.is_file() and ".locks" not in file.parts
    }


def test_what_is_imported_is_what_was_exported_byte_for_byte(whole, archive, tmp_path):
    other = RunStore(tmp_path / "other")
    with unpacked(archive) as store:
        assert merge(other, store).added == len(ALL)
        assert merge(other, store).same == len(ALL)
    assert content(other) == content(whole)
    assert other.specs() == sorted(SPECS, key=lambda spec: spec.key)
    pd.testing.assert_frame_equal(other.predictions(other.specs()), whole.predictions(SPECS))


@pytest.mark.parametrize("half", [slice(None, None, 2), slice(6), slice(1, 12, 3)])
def test_two_halves_make_the_whole_byte_for_byte(whole, tmp_path, half):
    """Whether runs are split or the folds of one are, and in whichever order they come."""
    one = filled(tmp_path / "one", ALL[half])
    rest = [job for job in ALL if job not in ALL[half]]
    merge(one, filled(tmp_path / "two", rest))
    assert content(one) == content(whole)
    twice = RunStore(tmp_path / "twice")
    merge(twice, filled(tmp_path / "three", rest), filled(tmp_path / "four", ALL[half]), one)
    assert content(twice) == content(whole)


def test_an_archive_is_the_same_bytes_from_any_store_of_the_same_folds(whole, archive, tmp_path):
    loose = RunStore(tmp_path / "loose")
    for job in reversed(ALL):
        write(loose, *job)
    export(loose, tmp_path / "loose.zip")
    assert (tmp_path / "loose.zip").read_bytes() == archive.read_bytes()


def test_an_archive_can_be_read_without_this_library(archive, tmp_path):
    zipfile.ZipFile(archive).extractall(tmp_path / "read")
    found = duckdb.sql(
        f"SELECT subject, count(*) FROM read_parquet('{tmp_path}/read/*/run.parquet', "
        "union_by_name = true) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert found == [("S2", 4), ("s1", 8), ("s3", 4)]
    sums = dict(line.split("  ")[::-1] for line in
                (tmp_path / "read" / "SHA256SUMS").read_text().splitlines())  # fmt: skip
    for name, digest in sums.items():
        assert hashlib.sha256((tmp_path / "read" / name).read_bytes()).hexdigest() == digest
    crate = json.loads((tmp_path / "read" / "ro-crate-metadata.json").read_text())
    known = {entity["@id"] for entity in crate["@graph"]}
    root = next(entity for entity in crate["@graph"] if entity["@id"] == "./")
    assert {part["@id"] for part in root["hasPart"]} <= known & sums.keys()
    zenodo = json.loads((tmp_path / "read" / ".zenodo.json").read_text())
    assert zenodo["license"] == "cc-by-4.0"
    assert zenodo["upload_type"] == "dataset"


def test_of_licensed_data_there_are_names_and_numbers_only_and_it_says_so(tmp_path):
    spec = SPECS[0].model_copy(update={"data": LICENSED})
    store = filled(tmp_path / "store", [(spec, held_out) for held_out in FOLDS])
    said = export(store, tmp_path / "x.zip")
    assert "no frame, no face" in said.words
    with zipfile.ZipFile(tmp_path / "x.zip") as opened:
        assert said.words in opened.read("README.md").decode()
        table = pq.read_table(io.BytesIO(opened.read(f"{spec.key}/run.parquet")))
        assert {name.split("/")[-1] for name in opened.namelist()} == {
            "README.md", "LICENSE", "SHA256SUMS", "ro-crate-metadata.json", ".zenodo.json",
            "store.json", "spec.json", "run.parquet", "environments.json",
        }  # fmt: skip
    assert "map" not in table.column_names
    with unpacked(tmp_path / "x.zip") as again:
        assert merge(store, again).same == 3


def test_a_store_is_scored_where_the_data_are_not(whole):
    rows = experiments.on_view(whole.predictions(whole.specs()))
    found = experiments.scores(rows)
    accuracy = found.loc[found["metric"] == "accuracy_pooled", "value"]
    assert accuracy.tolist() == [np.mean(rows["y_true"] == rows["y_pred"])] * 2
    assert {*found["clips"]} == {4}


def test_folds_that_differ_are_told_and_left(whole, tmp_path):
    other = filled(tmp_path / "other", ALL[1:])
    write(RunStore(tmp_path / "odd"), *ALL[0], shift=0.01)
    merge(other, RunStore(tmp_path / "odd"))
    before = content(whole)
    done = merge(whole, other)
    assert done.conflicts == [(ALL[0][0].key, "s1")]
    assert (done.added, done.same) == (0, len(ALL) - 1)
    assert content(whole) == before
    with pytest.raises(SystemExit) as ended:
        main(["store", "merge", str(other.path), "--store", str(whole.path)])
    assert ended.value.code == 1
    assert content(whole) == before


def test_a_run_under_another_key_is_refused(archive, tmp_path):
    odd, key = SPECS[0].key[::-1], SPECS[0].key

    def rename(files):
        for name in [name for name in files if name.startswith(key)]:
            files[name.replace(key, odd)] = files.pop(name)

    rewritten(archive, rename)
    with unpacked(archive) as store:
        done = merge(RunStore(tmp_path / "new"), store)
        assert [f"{archive}/{odd}/spec.json" in said for said in done.refused] == [True]
        assert str(store.path) not in done.refused[0]
    assert done.added == 9


@pytest.mark.parametrize("notes", [{"s1": "words"}, {"s1": ["a"]}, {"s1": None}, ["s1"]])
def test_a_note_that_is_no_object_is_damage(whole, archive, tmp_path, notes):
    member = f"{SPECS[0].key}/environments.json"
    bad = json.dumps(notes).encode()
    rewritten(archive, lambda files: files.update({member: bad}))
    with raises("damaged file", f"{archive}/{member}"):
        taken(archive, tmp_path)
    (whole.path / member).write_bytes(bad)
    with raises("damaged file", whole.path / member):
        merge(RunStore(tmp_path / "new"), whole)
    with raises("damaged file", whole.path / member):
        export(whole, tmp_path / "new.zip")


def rewritten(archive, change) -> None:
    """Write an archive anew, with digests that hold, after its files were changed."""
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist() if name != "SHA256SUMS"}
    change(files)
    sums = "".join(f"{hashlib.sha256(d).hexdigest()}  {n}\n" for n, d in files.items())
    with zipfile.ZipFile(archive, "w") as opened:
        for name, data in {**files, "SHA256SUMS": sums.encode()}.items():
            opened.writestr(name, data)


def taken(archive, tmp_path) -> list[str]:
    into = RunStore(tmp_path / "into")
    with unpacked(archive) as store:
        merge(into, store)
    return into.names()


def test_an_archive_that_was_cut_short_or_altered_is_refused(archive, tmp_path):
    data = archive.read_bytes()
    for bad in (b"", data[:1000], data[:-30], data[:500] + b"x" + data[501:], b"no archive"):
        archive.write_bytes(bad)
        with raises("bad archive", archive):
            taken(archive, tmp_path)
    assert not (tmp_path / "into").exists()


@pytest.mark.scenario("E")
@pytest.mark.parametrize("packed", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_damage_of_one_that_was_packed_again_is_damage(archive, tmp_path, packed):
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    with zipfile.ZipFile(archive, "w", packed) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    assert taken(archive, tmp_path)
    data = bytearray(archive.read_bytes())
    data[200:400] = bytes(200)
    archive.write_bytes(data)
    with raises("bad archive", archive):
        taken(archive, tmp_path)


@pytest.mark.scenario("J")
def test_a_folder_in_place_of_an_archive_is_not_to_be_removed(tmp_path):
    with raises("cannot read", tmp_path) as caught, unpacked(tmp_path):
        pass
    assert "remove" not in caught.value.remedy


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "..\\out", "C:out"])
def test_a_path_that_leads_out_is_refused(archive, tmp_path, name):
    rewritten(archive, lambda files: files.update({name: b"x"}))
    with raises("bad archive", archive):
        taken(archive, tmp_path)
    assert not list(tmp_path.rglob("out"))


def test_an_archive_of_something_else_is_refused(archive, tmp_path):
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("notes.txt", "x")
    with raises("bad archive", "SHA256SUMS"):
        taken(archive, tmp_path)
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("zeros", b"0" * 10_000_000, zipfile.ZIP_DEFLATED)
    with raises("bad archive", "zeros"):
        taken(archive, tmp_path)
    with raises("cannot read", tmp_path / "absent.zip"):
        taken(tmp_path / "absent.zip", tmp_path)


def test_a_store_of_a_newer_release_is_refused(archive, tmp_path):
    rewritten(archive, lambda files: files.update({"store.json": b'{"version": 99}'}))
    with raises("other store", archive, "99"):
        taken(archive, tmp_path)


def test_damage_that_digests_do_not_tell_is_told_by_the_file_itself(archive, tmp_path):
    def damage(files):
        name = f"{SPECS[0].key}/run.parquet"
        files[name] = files[name][:200] + b"x" + files[name][201:]

    rewritten(archive, damage)
    with raises("damaged file", archive, SPECS[0].key):
        taken(archive, tmp_path)


@pytest.mark.parametrize("part", ["spec.json", "run.parquet"])
def test_a_run_of_which_a_part_is_missing_is_told(archive, tmp_path, part):
    rewritten(archive, lambda files: files.pop(f"{SPECS[0].key}/{part}"))
    with raises("bad archive", archive, f"{SPECS[0].key}/{part}"):
        taken(archive, tmp_path)


def test_the_commands_say_what_they_did(whole, tmp_path, capsys):
    for arguments in (
        ["export", tmp_path / "a.zip", "--store", whole.path, "--creator", "Doe, Jo"],
        ["import", tmp_path / "a.zip", "--store", tmp_path / "new"],
        ["merge", whole.path, "--store", tmp_path / "new"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(["store", *map(str, arguments)])
        assert not ended.value.code
    shown = capsys.readouterr().out
    assert "4 runs, 12 folds" in shown
    assert "12 folds added, 0" in shown
    assert "0 folds added, 12" in shown
    with pytest.raises(SystemExit) as ended:
        main(["store", "export", str(tmp_path / "b.zip"), "--store", str(tmp_path / "none")])
    assert ended.value.code == 1
    assert not (tmp_path / "b.zip").exists()
