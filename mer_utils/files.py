"""Where files go, and writing them so that a killed process or a full disk leaves nothing false."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mer_utils.errors import MerError
from mer_utils.machine import path_setting

BUILD_SETTING = "MER_BUILD"

_FULL = ("a folder with free space", "free some space, or name another folder")
_NOT_ALLOWED = ("a folder that you may write to", "make it writable, or name another folder")
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
    errno.EMFILE: ("files that may be opened", "raise the limit (ulimit -n), or use fewer workers"),
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


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it and rename it to `path`.

    A reader therefore sees the whole file or none. On any exception the temporary
    file is removed and `path` is left as it was.

    Raises
    ------
    MerError
        ``cannot write``, for instance if the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()
