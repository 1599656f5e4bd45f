"""A Sphinx extension: what the pages of reference take from the code.

``{error-kinds} TOPIC`` lists that topic's kinds of errors,
``{code-of} mer_utils.ROOM.FUNCTION`` shows a function as it is in the library, without its
docstring, and ``.. automodules:: PACKAGE`` describes a package module by module.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
from importlib import import_module
from inspect import isclass, ismodule, isroutine
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, cast

from docutils import nodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from mer_utils.errors import kinds

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def entries(topic: str) -> str:
    """Return a topic's kinds in Markdown, each a fold; kinds explained alike share one.

    Examples
    --------
    >>> print(entries("A face is not found").splitlines()[0])
    <details class="entry"><summary><code>no face</code></summary>
    """
    found = [kind for kind in kinds().values() if kind.topic == topic]
    folds = []
    for (usually, remedy), alike in groupby(found, lambda kind: (kind.usually, kind.remedy)):
        names = ", ".join(f"<code>{kind.name}</code>" for kind in alike)
        head = f'<details class="entry"><summary>{names}</summary>'
        folds += [head, f"{usually}.", f"*What to do:* {remedy}", "</details>"]
    return "\n\n".join(folds)


class ErrorKinds(SphinxDirective):
    """Show one topic of :func:`mer_utils.errors.kinds`."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Parse the list as part of the page, so that its roles work."""
        if self.arguments[0] not in {kind.topic for kind in kinds().values()}:
            raise self.error(f"no kind of error has the topic {self.arguments[0]!r}")
        return self.parse_text_to_nodes(entries(self.arguments[0]))


def code_of(name: str) -> str:
    """Return the source of a function without its docstring.

    Examples
    --------
    >>> print(code_of("mer_utils.phases.midpoint_apex"))
    def midpoint_apex(onset: int, offset: int) -> int:
        return onset + (offset - onset) // 2
    """
    module, _, function = name.rpartition(".")
    lines = inspect.getsource(getattr(import_module(module), function)).splitlines()
    first = cast(ast.FunctionDef, ast.parse("\n".join(lines)).body[0]).body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        del lines[first.lineno - 1 : first.end_lineno]
    return "\n".join(lines)


class CodeOf(SphinxDirective):
    """Show a function of the library, with a link to what is said of it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Name it, so that the reader comes to its page and from there to its file."""
        name = self.arguments[0]
        said = f"In the library this is {{py:obj}}`{name}`:\n\n```python\n{code_of(name)}\n```"
        return self.parse_text_to_nodes(said)


class AutoModules(SphinxDirective):
    """``.. automodules:: PACKAGE`` is autodoc's ``automodule`` for each of its modules."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Describe the modules in order of name."""
        package = self.arguments[0]
        found = pkgutil.iter_modules(import_module(package).__path__, f"{package}.")
        return self.parse_text_to_nodes("\n\n".join(f".. automodule:: {m.name}" for m in found))


def skip(app: Sphinx, what: str, name: str, obj: Any, *_: Any) -> bool | None:
    """Leave out what classes have from pydantic, matplotlib and named tuples."""
    foreign = name in ("model_config", "set") or type(obj).__name__ == "_tuplegetter"
    return True if foreign else None


def adopt_constants(app: Sphinx, what: str, name: str, room: Any, *_: Any) -> None:
    """Let autodoc find the constants that a room takes from modules of its own.

    It shows constants with a ``#:`` comment, and looks for that in the room's own file only.
    Values are shown where they are short.
    """
    if what != "module":
        return
    comments: dict[tuple[str, str], list[str]] = {}
    for module in pkgutil.iter_modules(getattr(room, "__path__", ()), f"{name}."):
        comments.update(ModuleAnalyzer.for_module(module.name).find_attr_docs())
    documented = ModuleAnalyzer.for_module(name).find_attr_docs()
    for public in getattr(room, "__all__", ()):
        constant = getattr(room, public)
        if not (isclass(constant) or isroutine(constant) or ismodule(constant)):
            short = len(repr(constant)) < 100 and " at 0x" not in repr(constant)
            value = ["", f"``{constant!r}``", ""] if short else []
            lines = [*comments.get(("", public), []), *value]
            documented["", public] = lines or [f"See `{name}`."]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.add_directive("automodules", AutoModules)
    app.add_directive("code-of", CodeOf)
    app.add_directive("error-kinds", ErrorKinds)
    app.connect("autodoc-process-docstring", adopt_constants)
    app.connect("autodoc-skip-member", skip)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
