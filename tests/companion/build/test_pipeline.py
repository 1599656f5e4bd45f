"""The whole road on a tiny book: what is built, what is not built again, what fails."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from filelock import FileLock
from helpers import raises

from companion.build import fingerprint, pipeline


def _page(site: Path, name: str) -> str:
    return (site / f"{name}.html").read_text("utf-8")


def test_every_page_says_what_made_it(book) -> None:
    for name in ("intro", "notebooks/alpha", "notebooks/beta", "notebooks/status"):
        after_title = _page(book.site, name).rsplit("</h1>", 1)[1]
        assert re.match(
            r'\s*<p class="made-with" role="note">Profile <strong>demo</strong> \(6 networks\)\.'
            r" Data: made &lt;clips&gt;\.</p>",
            after_title,
        ), name


def test_numbers_come_from_the_notebook_with_the_injected_values(book) -> None:
    assert "The answer is 42" in re.sub(r"<[^>]+>", "", _page(book.site, "intro"))
    alpha = _page(book.site, "notebooks/alpha")
    assert "demo ../build/data &lt;object object at 0x0&gt;" in alpha
    assert "noise</pre>" not in alpha
    assert '"smoke"' not in alpha  # neither the defaults are shown
    assert '"demo"' not in alpha  # nor what was injected: the line below the title says it


def test_status_page_shows_the_recorded_times(book) -> None:
    status = _page(book.site, "notebooks/status")
    for name in ("alpha", "beta"):
        record = json.loads((book.root / "build" / "executed" / f"{name}.json").read_text())
        assert f"<td>{name}</td>" in status
        assert record["finished"] in status


def test_site_names_no_folder_of_this_machine_and_no_other_host(book) -> None:
    for path in fingerprint.files_in(book.site):
        assert str(book.root).encode() not in path.read_bytes(), path
    outside = re.compile(r'<(?:script|link|img|iframe|source)[^>]+(?:src|href)="(?:https?:)?//')
    for page in book.site.rglob("*.html"):
        assert not outside.search(page.read_text("utf-8")), page


def test_tables_scroll_in_a_named_box(book) -> None:
    assert 'class="wide" role="region" tabindex="0"' in _page(book.site, "notebooks/beta")


def test_tables_are_numbered_and_referred_to(book) -> None:
    # The page has no number of its own, so it has a letter.
    page, intro = _page(book.site, "notebooks/beta"), _page(book.site, "intro")
    assert '<caption><span class="caption-number">Table A.1 </span>Clips &amp; classes.' in page
    assert page.count('id="tab-clips"') == 1
    assert 'aria-label="Table A.1 Clips &amp; classes."' in page
    assert 'href="notebooks/beta.html#tab-clips"><span class="std std-numref">Table A.1' in intro


def test_nothing_changed_runs_and_renders_nothing(book) -> None:
    before = fingerprint.of_tree(book.site)
    book.build()
    assert book.executed() == set()
    assert book.log[-1].startswith("unchanged")
    assert fingerprint.of_tree(book.site) == before


def test_damaged_site_is_rendered_again_byte_for_byte(book) -> None:
    before = fingerprint.of_tree(book.site)
    (book.site / "intro.html").unlink()
    book.build()
    assert book.executed() == set()
    assert book.log[-1].startswith("rendered")
    assert fingerprint.of_tree(book.site) == before


def test_what_changed_runs_alone_and_pages_that_quote_it_follow(book) -> None:
    assert (book.site / "downloads" / "two-values.csv").exists()
    beta = book.notebook("beta")
    assert book.download_cell in beta.read_text()
    changed = beta.read_text().replace("6 * 7", "6 * 8").replace(book.download_cell, "")
    beta.write_text(changed)
    alpha = book.notebook("alpha")
    words = alpha.read_text()
    first = words.index("```{code-cell}")
    alpha.write_text(f"{words[:first]}Words before.\n\n{words[first:]}\nWords after.\n")
    book.build()
    assert book.executed() == {"beta", "status"}  # changed words run nothing
    assert "The answer is 48" in re.sub(r"<[^>]+>", "", _page(book.site, "intro"))
    assert not (book.site / "downloads").exists()
    page = _page(book.site, "notebooks/alpha")
    places = [page.index(w) for w in ("Words before.", "demo ../build/data", "Words after.")]
    assert places == sorted(places)


def test_failing_cells_are_all_named_and_the_last_good_site_stays(book) -> None:
    before = fingerprint.of_tree(book.site)
    alpha, beta = book.notebook("alpha"), book.notebook("beta")
    book.add("gamma", alpha.read_text()[: alpha.read_text().index("import sys")] + "1\n```\n")
    alpha.write_text(alpha.read_text().replace("import sys", 'raise ValueError("no results yet")'))
    first = "from IPython.display import HTML"
    beta.write_text(beta.read_text().replace(first, "raise SystemExit(0)"))
    with raises("failed notebook") as caught:
        book.build()
    # lines 13 and 12 are the fences of the second code cells
    assert "notebooks/alpha.md, code cell 2 (line 13): ValueError: no res" in str(caught.value)
    assert "notebooks/beta.md, code cell 2 (line 12): SystemExit: 0" in str(caught.value)
    assert book.executed() == {"gamma"}  # the others ran to their end
    assert fingerprint.of_tree(book.site) == before
    assert (book.root / "build" / "executing" / "alpha.ipynb").exists()


def test_changed_input_runs_everything(book, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(pipeline, "render", lambda *_: (book.site, False))
    monkeypatch.setattr(pipeline, "stage", lambda *_: None)
    monkeypatch.setattr(
        pipeline.execute.Runner, "run", lambda _, some, __: ran.extend(n.name for n in some) or {}
    )
    book.build(inputs={"lock": "two"})
    assert ran == ["alpha", "beta", "status"]
    assert book.log[0].startswith("3 notebooks, 2 to execute, about")


def test_broken_reference_is_named_and_the_last_good_site_stays(book) -> None:
    before = fingerprint.of_tree(book.site)
    (book.root / "book" / "intro.md").write_text("# Tiny book\n\nSee {ref}`nowhere`.\n")
    with raises("failed render", "book/intro.md", "nowhere"):
        book.build()
    assert fingerprint.of_tree(book.site) == before


def test_swap_that_was_cut_off_is_put_right(book) -> None:
    before = fingerprint.of_tree(book.site)
    book.site.rename(book.site.with_name("html.previous"))
    book.build()
    assert book.log[-1].startswith("unchanged")
    assert fingerprint.of_tree(book.site) == before


def test_removed_notebook_leaves_nothing_behind(book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "render", lambda *_: (book.site, True))
    monkeypatch.setattr(pipeline.execute.Runner, "run", lambda *_: {})
    book.remove("beta")
    book.build()
    assert not list((book.root / "build" / "src" / "notebooks").glob("beta.*"))
    assert not list((book.root / "build" / "executed").glob("beta.*"))


def test_unknown_parameter_is_refused(sources) -> None:
    with raises("unknown name", "'profil'"):
        sources.build(parameters={"profil": "demo"})


def test_second_build_at_the_same_time_is_refused(sources) -> None:
    folder = sources.root / "build"
    folder.mkdir()
    with FileLock(folder / ".lock"), raises("busy", folder):
        sources.build()


def test_folder_without_configuration_is_refused(tmp_path: Path) -> None:
    with raises("bad notebook", tmp_path):
        pipeline.build(repository=tmp_path, build=tmp_path / "build", parameters={}, inputs={})
