"""The table of contents against the pages at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mer_utils.errors import MerError


def _files(node: Any) -> Iterator[str]:
    """Yield every page that a part of ``_toc.yml`` names."""
    if isinstance(node, list):
        for item in node:
            yield from _files(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("root", "file"):
                yield str(value).removesuffix(".md").removesuffix(".ipynb")
            else:
                yield from _files(value)


def pages(book: Path) -> list[str]:
    """Return the pages of ``book/_toc.yml`` in reading order, the first page first."""
    path = book / "_toc.yml"
    try:
        toc = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MerError("TODO", f"{path} is missing", "a table of contents", "write it") from error
    except yaml.YAMLError as error:
        raise MerError(
            "TODO", f"{path} could not be read ({' '.join(str(error).split())})", "YAML", "mend the line"
        ) from error
    listed = list(_files(toc))
    if not listed:
        raise MerError("TODO", f"{path} names no page", "a root and chapters", "list the pages in it")
    return listed


def check(book: Path, notebooks: set[str]) -> list[str]:
    """Return the pages in reading order after comparing them with the files at hand.

    Parameters
    ----------
    book : Path
        The folder of hand-written pages, with ``_toc.yml``.
    notebooks : set of str
        Names of the notebooks.

    Raises
    ------
    MerError
        Naming pages that have no file, pages named twice, pages that nothing leads to,
        and hand-written pages with cells, which nobody would run.
    """
    listed = pages(book)
    present = {f"notebooks/{name}" for name in notebooks} | {
        path.relative_to(book).with_suffix("").as_posix() for path in book.rglob("*.md")
    }
    found = [f"{page} has no file" for page in listed if page not in present]
    found += [f"{page} is named twice" for page in sorted(set(listed)) if listed.count(page) > 1]
    found += [f"{page} is in no part of it" for page in sorted(present - set(listed))]
    found += [
        f"book/{path.relative_to(book).as_posix()} has a code cell, but only notebooks are run"
        for path in sorted(book.rglob("*.md"))
        if "{code-cell}" in path.read_text(encoding="utf-8")
    ]
    if found:
        raise MerError(
            "TODO", "book/_toc.yml does not fit the pages: " + "; ".join(found),
            "each page of book/ and notebooks/ in the table of contents once",
            "correct book/_toc.yml, or add, move or remove the page",
        )
    return listed
