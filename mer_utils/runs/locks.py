"""Locks between processes, on this machine and on others that share a file system."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLease, SoftFileLock, Timeout

from mer_utils.files import cannot_write

log = logging.getLogger(__name__)

#: Where the file system has no locks, one that shows no sign of life for so long is taken over.
LEASE_SECONDS = 300.0
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK)


@contextmanager
def held(file: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock: the system's, or a lease where the file system has none.

    The system releases its lock when the process dies, however it dies. A lease names host,
    process and start of its holder, who renews it; it is taken over at once from a process of this
    host that is dead, and from any holder that has not renewed it for `LEASE_SECONDS`, as the
    waiting process's own clock counts them: those of two machines may differ.

    Raises
    ------
    filelock.Timeout
        On entering, if another process holds it and `wait` is false.
    MerError
        ``cannot write``, on entering, if no lock can be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquired(file, wait)
    except Timeout:
        raise
    except OSError as error:
        raise cannot_write(file, error) from error
    try:
        yield
    finally:
        lock.release()


def _acquired(file: Path, wait: bool) -> BaseFileLock:
    if not issubclass(FileLock, SoftFileLock):  # as it is where Python has no fcntl
        lock: BaseFileLock = FileLock(file, timeout=0, fallback_to_soft=False)
        try:
            return _taken(lock, wait)
        except OSError as error:
            if isinstance(error, Timeout) or error.errno not in _NO_LOCKS:
                raise
        with suppress(OSError):
            file.unlink()
    lease = SoftFileLease(file.with_suffix(".lease"), timeout=0, lease_duration=LEASE_SECONDS)
    return _taken(lease, wait)


def _taken(lock: BaseFileLock, wait: bool) -> BaseFileLock:
    try:
        lock.acquire()
    except Timeout:
        if not wait:
            raise
        log.warning("Waiting for %s, held by %s.", lock.lock_file, _holder(lock))
        if isinstance(lock, SoftFileLease):
            _await(lock)
        else:
            lock.acquire(timeout=-1)
    if not isinstance(lock, SoftFileLease):  # which names its holder itself
        with suppress(OSError):
            Path(lock.lock_file).write_text(f"pid {os.getpid()} on {socket.gethostname()}")
    return lock


def _await(lease: SoftFileLease) -> None:
    """Wait for a lease, also for one that names no lease's holder, as nobody renews that.

    Who died between making the file and writing into it has left an empty one, which might be a
    lock of another kind, so that the package that makes leases leaves it for ever.
    """
    file = Path(lease.lock_file)
    while True:
        before = _nobodys(lease, file)
        with suppress(Timeout):
            lease.acquire(timeout=LEASE_SECONDS)
            return
        if before and _nobodys(lease, file) == before:
            _remove(file, before)


def _nobodys(lease: SoftFileLease, file: Path) -> tuple[int, int] | None:
    """Return what tells a file without a holder from its successors; None of any other."""
    with suppress(OSError):
        found = file.lstat()
        if lease.owner is None:
            return found.st_ino, found.st_mtime_ns
    return None


def _remove(file: Path, judged: tuple[int, int]) -> None:
    """Remove a file that was judged; another that has taken its place is put back."""
    aside = file.with_name(f"{file.name}.{socket.gethostname()}.{os.getpid()}")
    with suppress(OSError):
        file.rename(aside)
        found = aside.lstat()
        if (found.st_ino, found.st_mtime_ns) != judged:
            os.link(aside, file)
        aside.unlink()


def _holder(lock: BaseFileLock) -> str:
    with suppress(OSError):
        if not isinstance(lock, SoftFileLease):
            return Path(lock.lock_file).read_text() or "another process"
        if (owner := lock.owner) is not None:
            # Not since when: the clocks of two machines may differ.
            return (
                f"pid {owner.pid} on {owner.hostname}; it is taken over when that process has not "
                f"renewed it for {LEASE_SECONDS:.0f} s"
            )
    return "another process"
