"""Atomic writing and the one build folder."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

import pytest
from helpers import raises

from mer_utils.files import atomic_write, build_dir, identity


def test_a_file_appears_whole(tmp_path):
    with atomic_write(tmp_path / "new" / "file.txt") as temporary:
        temporary.write_text("all of it")
        assert not (tmp_path / "new" / "file.txt").exists()
    assert (tmp_path / "new" / "file.txt").read_text() == "all of it"
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["file.txt"]


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    file = tmp_path / "file.txt"
    file.write_text("old")

    def fail():
        with atomic_write(file) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        fail()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with (
        raises("cannot write", "No space left on device"),
        atomic_write(tmp_path / "file.txt") as temporary,
    ):
        temporary.write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_the_build_folder_is_named_by_one_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "elsewhere"))
    assert build_dir() == tmp_path / "elsewhere"


def test_the_build_folder_is_found_from_inside_a_checkout(monkeypatch, tmp_path):
    monkeypatch.delenv("MER_BUILD")
    (tmp_path / "_config.yml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert build_dir() == Path(tmp_path / "build")


@pytest.mark.scenario("J")
def test_another_programs_configuration_makes_no_checkout(monkeypatch, tmp_path):
    monkeypatch.delenv("MER_BUILD")
    (tmp_path / "_config.yml").write_text("theme: jekyll")
    folder = tmp_path / "inside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert build_dir() == folder / "build"


@pytest.mark.scenario("J")
@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "make it writable"),
        (errno.EROFS, "make it writable"),
        (errno.ENOTDIR, "stands in its way"),
        (errno.ENAMETOOLONG, "nearer to the root"),
        (errno.EMFILE, "ulimit -n"),
    ],
)
def test_the_advice_fits_why_a_file_could_not_be_written(tmp_path, number, advice):
    with raises("cannot write", "file.txt", advice), atomic_write(tmp_path / "file.txt"):
        raise OSError(number, os.strerror(number))


@pytest.mark.scenario("E")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_file_has_and_keeps_the_rights_that_the_umask_leaves(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        for _ in range(2):
            with atomic_write(tmp_path / "file.txt") as temporary:
                temporary.write_text("x")
            os.umask(0o037)  # another user's, who writes the file again
    finally:
        os.umask(before)
    assert (tmp_path / "file.txt").stat().st_mode & 0o777 == mode


@pytest.mark.scenario("E")
def test_the_longest_name_that_a_file_system_takes_can_be_written(tmp_path):
    with atomic_write(tmp_path / ("ö" * 127)) as temporary:
        temporary.write_text("x")
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.scenario("D")
def test_no_change_keeps_a_files_identity(tmp_path):
    file = tmp_path / "file"
    seen = []
    for text in ("a", "b"):
        file.write_text(text)
        os.utime(file, ns=(10**18, 10**18))
        seen.append(identity(file))
        time.sleep(0.02)
    shutil.copy2(file, tmp_path / "copy")
    os.replace(tmp_path / "copy", file)
    seen.append(identity(file))
    assert len(set(seen)) == 3
    assert identity(file) == seen[-1]
