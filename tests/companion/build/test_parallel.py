"""Pages written on several cores."""

from __future__ import annotations

import os

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

PAGES = [f"page{n}" for n in range(8)]  # Sphinx starts no process for five or fewer


def written(source, out, extensions) -> tuple[dict[str, bytes], set[int]]:
    """Build the pages; return them, and the processes that wrote them."""
    noted = out.with_suffix(".processes")

    def note(*_: object) -> None:
        with open(noted, "a") as file:
            file.write(f"{os.getpid()}\n")

    with patch_docutils(str(source)), docutils_namespace():
        app = Sphinx(
            source, None, out, out.with_suffix(".trees"), "html",
            confoverrides={"extensions": extensions}, status=None, warningiserror=True,
        )  # fmt: skip
        app.connect("html-page-context", note)
        app.build()
    pages = {name: (out / f"{name}.html").read_bytes() for name in ("index", *PAGES)}
    return pages, set(map(int, noted.read_text().split()))


def test_pages_written_side_by_side_are_the_same_byte_for_byte(tmp_path, monkeypatch):
    monkeypatch.setattr("companion.build.parallel.cores", lambda: 2)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "315532800")
    source = tmp_path / "source"
    source.mkdir()
    toctree = "\n".join(f"   {name}" for name in PAGES)
    (source / "index.rst").write_text(f"Pages\n=====\n\n.. toctree::\n\n{toctree}\n")
    for name in PAGES:
        (source / f"{name}.rst").write_text(f"{name}\n{'=' * len(name)}\n\n:doc:`page0`\n")
    alone, one = written(source, tmp_path / "alone", [])
    both, several = written(source, tmp_path / "both", ["companion.build.parallel"])
    assert one == {os.getpid()}
    assert len(several) > 1
    assert both == alone
