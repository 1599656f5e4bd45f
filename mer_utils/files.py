"""Where files go, and writing them so that a killed process or a full disk leaves nothing false."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mer_utils.errors import MerError
from mer_utils.machine import path_setting

BUILD_SETTING = "MER_BUILD"

_FULL = ("a folder with free space", "free some space, or name another folder")
_NOT_ALLOWED = ("a folder that you may write to", "make it writable, or name another folder")
_HANDLES = ("files that may be opened", "raise the limit (ulimit -n), or use fewer workers")
_IN_THE_WAY = ("a folder", "move the file that stands in its way, or name another folder")
#: What was expected, and what to do, by why a file could not be written.
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: _NOT_ALLOWED,
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: ("the name of a file", "remove the folder of that name, or name another file"),
    errno.ENAMETOOLONG: ("a shorter path", "name another folder, nearer to the root of the disk"),
    errno.EFBIG: ("files of this size", "raise the limit (ulimit -f), or name another disk"),
    errno.EMFILE: _HANDLES,
    errno.ENFILE: _HANDLES,
    errno.ENOMEM: ("memory that is free", "use fewer workers, or a machine with more memory"),
    errno.EAGAIN: (
        "processes that may be started",
        "raise the limit (ulimit -u), or use fewer workers",
    ),
    errno.ESTALE: ("a network folder that answers", "wait, or mount it anew"),
    errno.EIO: ("a disk without errors", "look at the disk, or name a folder on another one"),
}


def build_dir() -> Path:
    """Return the one folder under which everything a run produces lives.

    ``MER_BUILD`` names it; the default is ``build`` at the root of the checkout one stands
    in (so that a notebook finds it from its own folder), else in the current folder.
    """
    return path_setting(BUILD_SETTING) or (checkout() or Path.cwd()) / "build"


def checkout() -> Path | None:
    """Return the nearest folder, from here upwards, that holds the book's ``_config.yml``.

    Other programs have a file of that name; the book has a folder ``notebooks`` beside it.
    """
    here = Path.cwd()
    return next(
        (
            folder
            for folder in (here, *here.parents)
            if (folder / "_config.yml").is_file() and (folder / "notebooks").is_dir()
        ),
        None,
    )


def cannot_write(path: Path, error: OSError) -> MerError:
    """Return the error for a file or folder that could not be written, with what to do about it."""
    expected, remedy = _REMEDIES.get(
        error.errno or 0,
        ("a writable folder", "name another folder, or mend what the message says"),
    )
    return MerError(
        "cannot write",
        f"{path} could not be written ({error.strerror or error})",
        expected,
        f"{remedy}; then run the same command again",
    )


def cannot_read(path: Path, error: OSError) -> MerError:
    """Return the error for a file that the system does not let be read: that is no damage."""
    expected, remedy = _REMEDIES.get(error.errno or 0, ("a file that can be read", "look at it"))
    if error.errno in (errno.ENOENT, errno.EISDIR):
        expected, remedy = "the name of a file that is there", "correct the name"
    if error.errno in (errno.EACCES, errno.EPERM):
        expected = "a file and folders that you may read"
        remedy = "ask its owner: in a folder that a group shares, chmod -R g+rX, and umask 002"
    return MerError(
        "cannot read",
        f"{path} could not be read ({error.strerror or error})",
        expected,
        f"{remedy}; then run the same command again",
        path,
    )


def identity(path: Path | str) -> str:
    """Return what tells a file from itself after a change, short of its contents.

    Size and time of change can be kept (``cp -p``, ``touch -r``, an archive unpacked over
    another); the inode's own time, which no program sets, cannot.
    """
    found = os.stat(path)
    return f"{found.st_ino}|{found.st_size}|{found.st_mtime_ns}|{found.st_ctime_ns}"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it and rename it to `path`.

    A reader therefore sees the whole file or none. On any exception the temporary
    file is removed and `path` is left as it was. A new file has the rights that the umask
    leaves, or those that the folder gives to what is made in it; one written again keeps its own.

    Raises
    ------
    MerError
        ``cannot write``, for instance if the disk is full.
    """
    # Not tempfile's, which only their owner may read.
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        with open(temporary, "r+b") as written:  # Windows flushes only what may be written
            os.fsync(written.fileno())
        with suppress(OSError):  # a colleague's umask shuts nobody out of a shared file
            temporary.chmod(stat.S_IMODE(os.stat(path).st_mode))
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
