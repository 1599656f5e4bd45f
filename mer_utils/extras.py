"""Optional parts of the library: import what an extra brings, or say how to install it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mer_utils.errors import MerError


def require(module: str, extra: str) -> ModuleType:
    """Import a module that only an extra installs.

    Parameters
    ----------
    module : str
        As in an import statement, ``"dask.distributed"`` too.
    extra : str
        ``"images"``, ``"stats"``, ``"train"``, ``"faces"``, ``"cluster"`` or ``"book"``.

    Raises
    ------
    MerError
        ``missing extra``, if its package is not installed, or cannot be loaded.

    Examples
    --------
    >>> require("lightning_of_zeus.bolts", "train")
    Traceback (most recent call last):
    mer_utils.errors.MerError: package lightning_of_zeus is not installed; expected the extra
    'train'. Remedy: pip install "mer-utils[train]".
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        if package == "mer_utils":
            raise
        raise MerError(
            "missing extra",
            f"package {package} is not installed",
            f"the extra {extra!r}",
            f'pip install "mer-utils[{extra}]"',
        ) from error
    except (ImportError, OSError) as error:  # of a library of the system, or its memory
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise MerError(
            "missing extra",
            f"package {module.partition('.')[0]} is installed and cannot be loaded ({said[:200]})",
            f"the extra {extra!r}, what it needs of the system, and memory",
            "install the library that the message names, or raise the limit (ulimit -v); remove a "
            f'package that is broken, then: pip install "mer-utils[{extra}]"',
        ) from error


@cache
def _opencv() -> ModuleType:
    found = require("cv2", "images")
    # Workers are processes with one thread each; OpenCV's own threads would only compete.
    found.setNumThreads(1)
    return found


class _OpenCV(ModuleType):
    def __getattr__(self, name: str) -> Any:
        return getattr(_opencv(), name)


if TYPE_CHECKING:
    import cv2 as cv2
else:
    #: OpenCV, imported when something of it is asked for: the loader of data sets needs none.
    cv2 = _OpenCV("cv2")
