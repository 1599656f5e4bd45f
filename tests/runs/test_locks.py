"""Locks: the system's, and leases where the file system has none; none outlives its holder."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from filelock import Timeout
from helpers import raises

from mer_utils.runs import locks
from mer_utils.runs.locks import held

HOLDER = """
import errno, fcntl, os, socket, sys
from pathlib import Path
def none(*_): raise OSError(int(sys.argv[4]), os.strerror(int(sys.argv[4])))
if sys.argv[4] != "0": fcntl.flock = none
host = sys.argv[2] or socket.gethostname()
socket.gethostname = lambda: host
from mer_utils.runs import locks
locks.LEASE_SECONDS = float(sys.argv[3])
with locks.held(Path(sys.argv[1]), wait=sys.argv[5] == "True"):
    print("held", flush=True)
    input()
"""


@contextmanager
def holder(file, host="", lease=300.0, flock=0, wait=False):
    """Hold a lock in another process, as if on `host`, or begin to wait for it."""
    command = [sys.executable, "-c", HOLDER, str(file), host, str(lease), str(flock), str(wait)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert wait or process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture(params=[errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK], ids=errno.errorcode.get)
def no_flock(request, monkeypatch):
    """A file system without locks."""

    def none(*_):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", none)
    return request.param


@pytest.mark.scenario("K")
def test_a_lease_excludes_others_and_is_given_back(no_flock, tmp_path):
    file = tmp_path / "locks" / "a.lock"
    with held(file), pytest.raises(Timeout), held(file):
        pass
    with held(file):
        pass
    assert not list(file.parent.iterdir())


@pytest.mark.scenario("K")
def test_a_lease_of_a_dead_process_here_is_taken_over_at_once(no_flock, tmp_path):
    file = tmp_path / "a.lock"
    with holder(file, flock=no_flock) as process:
        with pytest.raises(Timeout), held(file):
            pass
        process.kill()
        process.wait()
        started = time.monotonic()
        with held(file, wait=True):
            assert time.monotonic() - started < 60  # and not the 300 s of the lease


@pytest.mark.scenario("K")
@pytest.mark.parametrize("no_flock", [errno.ENOLCK], indirect=True)  # the lease is the same
def test_a_lease_of_a_dead_node_is_waited_for_with_a_word_and_then_taken_over(
    no_flock, tmp_path, monkeypatch, caplog
):
    file = tmp_path / "a.lock"
    monkeypatch.setattr(locks, "LEASE_SECONDS", 4.0)
    with holder(file, "node7", 4.0, no_flock) as process:
        time.sleep(5)
        with pytest.raises(Timeout), held(file):  # it lives, and renews it
            pass
        process.kill()
        process.wait()
        with pytest.raises(Timeout), held(file):  # who knows?
            pass
        with held(file, wait=True):
            pass
    assert f"pid {process.pid} on node7" in caplog.text
    assert str(file.with_suffix(".lease")) in caplog.text
    assert "not renewed it for 4 s" in caplog.text


@pytest.mark.scenario("K")
@pytest.mark.parametrize("hours", [-10, 0, 10], ids="clock {:+d} h".format)
@pytest.mark.parametrize("no_flock", [errno.ENOLCK], indirect=True)
@pytest.mark.parametrize("left", ["", "123\nnode7\n"], ids=["empty", "of another kind"])
def test_a_lease_without_a_holder_is_taken_over_whatever_its_time_says(
    no_flock, tmp_path, monkeypatch, hours, left
):
    monkeypatch.setattr(locks, "LEASE_SECONDS", 1.0)
    file = tmp_path / "a.lock"
    lease = file.with_suffix(".lease")
    lease.write_text(left)
    os.utime(lease, (time.time() + 3600 * hours,) * 2)
    with pytest.raises(Timeout), held(file):  # who knows?
        pass
    with held(file, wait=True):
        assert lease.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.scenario("K")
@pytest.mark.parametrize("hours", [-10, 10], ids="clock {:+d} h".format)
@pytest.mark.parametrize("no_flock", [errno.ENOLCK], indirect=True)
def test_a_live_lease_is_never_taken_whatever_its_time_says(no_flock, tmp_path, hours):
    """Its file has the time of another machine, or one that a copy or a repair has set."""
    file = tmp_path / "a.lock"
    with holder(file, "node7", 2.0, no_flock) as process:
        lease, until = file.with_suffix(".lease"), time.monotonic() + 5
        with holder(file, "node8", 2.0, no_flock, wait=True) as waiting:
            while time.monotonic() < until:
                os.utime(lease, (time.time() + 3600 * hours,) * 2)
                time.sleep(0.5)
                assert str(process.pid) in lease.read_text()
            process.kill()
            assert waiting.stdout.readline() == "held\n"


def test_who_waits_for_the_systems_lock_is_told_who_holds_it(tmp_path, caplog):
    file = tmp_path / "a.lock"
    with holder(file, "node7") as process:
        with pytest.raises(Timeout), held(file):
            pass
        subprocess.Popen(["sh", "-c", f"sleep 1; kill -9 {process.pid}"])
        with held(file, wait=True):
            pass
    assert f"Waiting for {file}, held by pid {process.pid} on node7" in caplog.text


@pytest.mark.scenario("E")
def test_a_lock_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with raises("cannot write", "a.lock", "stands in its way"), held(tmp_path / "file" / "a.lock"):
        pytest.fail("entered")
