"""The table of contents against the pages at hand."""

from __future__ import annotations

from pathlib import Path

import yaml
from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml

from mer_utils.errors import MerError


def pages(book: Path) -> list[str]:
    """Return the pages of ``book/_toc.yml``, the first page first."""
    path = book / "_toc.yml"
    try:
        return [name.removesuffix(".md") for name in parse_toc_yaml(path)]
    except (OSError, MalformedError, yaml.YAMLError) as error:
        raise MerError(
            "bad contents",
            f"{path} could not be read ({' '.join(str(error).split())})",
            "a root and chapters, each page once",
            "mend the line",
        ) from error


def check(book: Path, notebooks: set[str]) -> None:
    """Compare the table of contents with the files at hand.

    Parameters
    ----------
    book : Path
        The folder of hand-written pages, with ``_toc.yml``.
    notebooks : set of str
        Names of the notebooks.

    Raises
    ------
    MerError
        ``bad contents``, naming pages that have no file, pages that nothing leads to, and
        hand-written pages with cells, which nobody would run.
    """
    listed = set(pages(book))
    written = {path.relative_to(book).with_suffix("").as_posix(): path for path in book.rglob("*.md")}
    present = {f"notebooks/{name}" for name in notebooks} | set(written)
    found = [f"{page} has no file" for page in sorted(listed - present)]
    found += [f"{page} is in no part of it" for page in sorted(present - listed)]
    found += [
        f"book/{page}.md has a code cell, but only notebooks are run"
        for page, path in sorted(written.items())
        if "{code-cell}" in path.read_text(encoding="utf-8")
    ]
    if found:
        raise MerError(
            "bad contents",
            "book/_toc.yml does not fit the pages: " + "; ".join(found),
            "each page of book/ and notebooks/ in the table of contents once",
            "correct book/_toc.yml, or add, move or remove the page",
        )
