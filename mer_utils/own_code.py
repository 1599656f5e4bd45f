"""What a user's own functions do, as a digest that enters the keys of what they compute.

Of the code as it is loaded, not of its file: what was edited since, or stands in a notebook's cell,
makes no difference. Comments do not count; what it refers to does.
"""

from __future__ import annotations

import dis
import hashlib
import pickle
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from mer_utils.errors import MerError

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))
_HOME = Path(__file__).parent
_INSTALLED = (
    *(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")),
    Path(site.getusersitepackages()),
)


def own_code(what: str, *things: Any) -> str:
    """Return a digest of functions and classes, and of all that they refer to.

    Of this library's functions and of Python's the names count. Of those of an installed package
    the file counts in which they stand, but not what that imports. Of a thing with an attribute
    `version`, a text, that counts and its code, with the numbers and texts in it; whatever else it
    refers to, the version is to tell.

    Parameters
    ----------
    what : str
        What they are called in messages.
    *things : callable or text

    Returns
    -------
    str
        32 hexadecimal digits, of one release of Python.

    Raises
    ------
    MerError
        ``incomplete registration``, if what a thing refers to cannot be told from another.

    Examples
    --------
    >>> times = [own_code("", lambda x, n=n: n * x) for n in (2, 2, 3)]
    >>> times[0] == times[1], times[0] == times[2]
    (True, False)
    """
    return hashlib.sha256(repr(_Telling(what).of(things)).encode()).hexdigest()[:32]


class _Telling:
    """Tells a thing as nested lists of text; what was told before, by its number."""

    def __init__(self, what: str, *, versioned: bool = False) -> None:
        self._what, self._versioned = what, versioned
        self._told: dict[Any, tuple[int, Any]] = {}  # with the thing, so that no other has its id

    def of(self, thing: Any) -> Any:
        if isinstance(thing, _PLAIN):
            return repr(thing)
        if isinstance(thing, tuple):
            return list(map(self.of, thing))
        if isinstance(thing, set | frozenset):
            return sorted(repr(self._anew().of(one)) for one in thing)
        if (again := self._before(id(thing), thing)) is not None:
            return again
        return [type(thing).__name__, self._parts(thing)]

    def _anew(self, versioned: bool = False) -> _Telling:
        return _Telling(self._what, versioned=versioned or self._versioned)

    def _before(self, key: Any, thing: Any) -> int | None:
        """Return the number of what was told before; give a number to what was not."""
        if key in self._told:
            return self._told[key][0]
        self._told[key] = (len(self._told), thing)
        return None

    def _parts(self, thing: Any) -> Any:
        version = getattr(thing, "version", None)
        if isinstance(version, str) and version and not self._versioned:
            return f"{getattr(thing, '__qualname__', '')} {version}", self._anew(True).of(thing)
        if isinstance(thing, list):
            return list(map(self.of, thing))
        if isinstance(thing, Mapping) and not self._versioned:
            return [(self.of(key), self.of(value)) for key, value in thing.items()]
        if isinstance(thing, CodeType):
            arguments = thing.co_argcount, thing.co_kwonlyargcount, thing.co_flags
            names = thing.co_names, thing.co_varnames, thing.co_freevars
            told = thing.co_code, thing.co_exceptiontable, arguments, names, thing.co_consts
            return self.of(told)
        if isinstance(thing, BuiltinFunctionType):
            return f"{thing.__module__}.{thing.__qualname__}"
        if isinstance(thing, partial):
            return self.of((thing.func, thing.args, thing.keywords))
        if isinstance(thing, MethodType):
            return self.of((thing.__func__, thing.__self__))
        if isinstance(thing, property):
            return self.of((thing.fget, thing.fset))
        if isinstance(thing, FunctionType | type):
            if (file := _installed(thing)) is not None:
                # Not the module, which a decorator takes from what it decorates.
                return f"{file.name} {thing.__qualname__} {_sha256(file)}"
            return list(self._class(thing) if isinstance(thing, type) else self._function(thing))
        # What a decorator of C puts round a function, such as lru_cache and staticmethod.
        if (wrapped := getattr(thing, "__wrapped__", None)) is not None:
            return self.of(wrapped)
        return list(self._instance(thing))

    def _function(self, thing: FunctionType) -> Iterator[Any]:
        yield self.of((thing.__code__, thing.__defaults__, thing.__kwdefaults__))
        for cell in thing.__closure__ or ():
            with suppress(ValueError):  # not filled yet
                yield self.of(cell.cell_contents)
        names, imported, known = set[str](), set[str](), thing.__globals__
        for code in _codes(thing.__code__):
            names |= set(code.co_names)
            steps = dis.get_instructions(code)
            imported |= {str(step.argval) for step in steps if step.opname == "IMPORT_NAME"}
        yield from self._named(known, names)
        for name in sorted(imported):  # when it is called, so perhaps not yet
            yield name, self._imported(name)

    def _named(self, values: Mapping[str, Any], names: set[str]) -> Iterator[Any]:
        """Tell the values that there are of some names; of a module of one's own, its values."""
        for name in sorted(names & values.keys()):
            value = values[name]
            if not isinstance(value, ModuleType):
                yield name, self.of(value)
                continue
            known = _installed(value) or self._before((id(value), *sorted(names)), value)
            if known is None:
                yield name, list(self._named(vars(value), names))

    def _imported(self, name: str) -> str:
        try:
            found = find_spec(name)
        except (ImportError, ValueError, AttributeError):
            found = None
        if found is None and self._versioned:
            return ""
        if found is None:
            raise self._unclear(f"what it imports while it runs, {name or 'a relative import'}")
        file = Path(found.origin) if found.has_location and found.origin else None
        return _sha256(file) if file and not _is_library(file) else ""

    def _class(self, thing: type) -> Iterator[Any]:
        yield thing.__qualname__
        yield [self.of(base) for base in thing.__bases__]
        for name, value in sorted(vars(thing).items()):
            special = name.startswith("__") and not callable(getattr(value, "__func__", value))
            if not special and name != "_abc_impl" and not hasattr(value, "__objclass__"):
                yield name, self.of(value)

    def _instance(self, thing: Any) -> Iterator[Any]:
        kind = type(thing)
        if self._versioned:
            yield self.of(kind)
            held = sorted(getattr(thing, "__dict__", {}).items())
            yield [self.of(value) for _, value in held if callable(value)]
            return
        if _installed(kind) is None:
            yield self.of(kind)
            if hasattr(thing, "__dict__"):
                yield self.of(vars(thing))
                return
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(thing, torch.Tensor):
            thing = thing.detach().cpu().numpy()
        try:
            yield hashlib.sha256(pickle.dumps(thing, protocol=4)).hexdigest()
        except Exception as error:  # objects raise whatever they like when they are pickled
            raise self._unclear(f"a {kind.__module__}.{kind.__qualname__}") from error

    def _unclear(self, thing: str) -> MerError:
        return MerError(
            "incomplete registration",
            f"{self._what} refers to {thing}, and whether that changes cannot be told",
            "functions, classes and values, as a change of them must change the key of results",
            'give it an attribute version, as in function.version = "1", and another one '
            "whenever you change what it does",
        )


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _installed(thing: Any) -> Path | None:
    """Return the file that a function, class or module was loaded from, if it is a library's."""
    if isinstance(thing, FunctionType):
        file = Path(thing.__code__.co_filename)
        return file if _is_library(file) else None
    module = thing if isinstance(thing, ModuleType) else sys.modules.get(thing.__module__)
    if module is None or module.__name__ in ("__main__", "__mp_main__"):
        return None
    # What has no file is built into Python.
    file = Path(getattr(module, "__file__", None) or "")
    return file if _is_library(file) or not file.name else None


def _is_library(file: Path) -> bool:
    return any(folder in file.parents for folder in (_HOME, *_INSTALLED))


@lru_cache(maxsize=256)
def _sha256(file: Path) -> str:
    """Return the SHA-256 of a package's file as it was first seen; of this library's, nothing."""
    if _HOME in file.parents or not file.is_file():
        return ""
    return hashlib.sha256(file.read_bytes()).hexdigest()
