"""Writing files so that a killed process or a full disk leaves nothing to be trusted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mer_utils.errors import MerError

BUILD_SETTING = "MER_BUILD"


def build_dir() -> Path:
    """Return the one folder under which everything a run produces lives.

    ``MER_BUILD`` names it; the default is ``build`` at the root of the checkout one stands
    in (so that a notebook finds it from its own folder), else in the current folder.
    """
    if named := os.environ.get(BUILD_SETTING):
        return Path(named).absolute()
    return (checkout() or Path.cwd()) / "build"


def checkout() -> Path | None:
    """Return the nearest folder, from here upwards, that holds the book's ``_config.yml``."""
    here = Path.cwd()
    return next((f for f in (here, *here.parents) if (f / "_config.yml").is_file()), None)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it and rename it to `path`.

    A reader therefore sees the whole file or none. On any exception the temporary
    file is removed and `path` is left as it was.

    Raises
    ------
    MerError
        If the disk is full or the folder cannot be written.
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
        raise MerError(
            "cannot write",
            f"{path} could not be written ({error.strerror or error})",
            "a writable folder with free space",
            "free some space or name another folder, then run the same command again",
        ) from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()
