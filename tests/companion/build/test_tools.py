"""The site over http, the PDF, notebooks in plain Jupyter, and their style."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
from helpers import raises

from companion.build import check, lint, pdf, provenance, serve
from companion.build.executed import Record

ROOT = Path(__file__).parents[3]
PARAMETERS = '```{code-cell} ipython3\n:tags: [parameters]\n\nprofile = "smoke"\n```\n'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _notebook(repository: Path, name: str, code: str) -> Path:
    path = repository / "notebooks" / f"{name}.md"
    path.write_text(f"# {name}\n\n{PARAMETERS}\n```{{code-cell}} ipython3\n{code}\n```\n")
    return path


# --- serve


def test_site_is_served_on_a_free_port(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello")
    with serve.server(tmp_path) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{httpd.server_address[1]}/"
        with urllib.request.urlopen(address) as answer:
            assert answer.read() == b"hello"
        httpd.shutdown()


def test_port_in_use_is_explained(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with raises("invalid option", f"port {port} is in use"):
            serve.server(tmp_path, port)


def test_missing_site_and_impossible_port_are_explained(tmp_path: Path) -> None:
    with raises("not built", tmp_path):
        serve.server(tmp_path)
    (tmp_path / "index.html").write_text("hello")
    with raises("invalid option", "port 70000 does not exist"):
        serve.server(tmp_path, 70000)


def test_serving_ends_with_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index.html").write_text("hello")

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(serve.ThreadingHTTPServer, "serve_forever", interrupt)
    said: list[str] = []
    serve.serve(tmp_path, log=said.append)
    assert said[0].startswith("http://127.0.0.1:")
    assert said[1] == "stopped"


# --- pdf


def test_missing_browser_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    with raises("missing program", "apt-get install chromium"):
        pdf.pdf(repository=tmp_path, build=tmp_path)


def test_pdf_needs_a_built_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda name: "/bin/true")
    with raises("not built", tmp_path):
        pdf.pdf(repository=tmp_path, build=tmp_path)


@pytest.mark.parametrize("writes", [True, False])
def test_pdf_is_stored_only_when_it_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: bool
) -> None:
    program = tmp_path / "chromium"
    line = 'case "$a" in --print-to-pdf=*) printf %%PDF-1.4 > "${a#*=}";; esac'
    program.write_text(f"#!/bin/sh\nfor a; do {line if writes else ':'}; done\necho broken >&2\n")
    program.chmod(0o755)
    monkeypatch.setattr(pdf.shutil, "which", lambda name: str(program))
    build = tmp_path / "build"
    (build / "src").mkdir(parents=True)
    (build / "src" / "_toc.yml").write_text("root: intro\n")
    (build / "src" / "made_with.html").write_text("")
    (build / "printing").mkdir()
    (build / "printing" / "intro.html").write_text("<article></article>")
    (build / "html").mkdir()
    (build / "html" / "index.html").write_text("")
    monkeypatch.setattr(pdf, "jupyter_book", lambda *_: build / "printing")
    if writes:
        made = pdf.pdf(repository=tmp_path, build=build)
        assert made.read_bytes() == b"%PDF-1.4"
    else:
        with raises("failed render", "broken"):
            pdf.pdf(repository=tmp_path, build=build)
        assert not list(build.glob("*.pdf*"))


def test_a_printed_book_begins_with_its_title_and_its_contents() -> None:
    def chapter(name: str, anchor: str) -> str:
        heading = f'<h2><code>{name}</code> said<a class="headerlink" href="#{anchor}">#</a></h2>'
        return f'<span id="document-{name}"></span><section>{heading}<p>text</p></section>'

    pages = ["one", "reference/index", "reference/stats"]
    html = '<meta property="og:site_name" content="A book" /><article class="a">'
    made = pdf.bind(html + "".join(chapter(p, f"x{n}") for n, p in enumerate(pages)), "<p>line</p>")
    cover, _, rest = made.partition("</ol>")
    assert cover.index("A book") < cover.index("<p>line</p>") < cover.index("Contents")
    assert '<li><a href="#x0">one said</a></li><li><a href="#x1">reference/index said' in cover
    assert "stats" not in cover
    assert "stats" in rest


@pytest.mark.browser
def test_pdf_of_the_tiny_book(book) -> None:
    if pdf.browser() is None:
        assert not os.environ.get("CI"), "Chromium must be installed where CI is set"
        pytest.skip("Chromium is not installed")
    made = pdf.pdf(repository=book.root, build=book.root / "build")
    assert made.read_bytes()[:5] == b"%PDF-"
    assert made.stat().st_size > 10_000
    assert str(book.root).encode() not in made.read_bytes()  # no link into this machine


# --- check


def test_notebooks_run_in_a_plain_session_in_their_folder(repository: Path) -> None:
    _notebook(repository, "good", "from pathlib import Path\n\nassert Path('good.md').exists()")
    _notebook(repository, "bad", "x = 1\n1 / 0")
    said: list[str] = []
    with raises("failed notebook", "bad.md, code cell 2 (line 9): ZeroDivisionError"):
        check.check(repository / "notebooks", log=said.append)
    assert said[0].startswith("FAILED")
    assert said[1].startswith("ran      good")


def test_unknown_notebook_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _notebook(repository, "good", "x = 1")
    monkeypatch.chdir(repository)
    assert check.main(["god"]) == 1
    assert "'god' is unknown" in capsys.readouterr().err


# --- lint


def test_lint_is_content_with_good_notebooks(repository: Path, monkeypatch, capsys) -> None:
    _notebook(repository, "good", "x = 1\nx")
    monkeypatch.chdir(repository)
    assert lint.main([]) == 0
    assert "nothing to mend" in capsys.readouterr().out
    assert not list(repository.glob(".lint-*"))


def test_lint_names_notebook_and_cell(repository: Path) -> None:
    _notebook(repository, "unused", "import os")
    _notebook(repository, "ugly", "x  =  {'a':1}")
    said = "\n".join(lint.lint(repository))
    assert "notebooks/unused.ipynb:cell 3:1:8: F401" in said
    assert "notebooks/ugly.ipynb:cell 3" in said
    assert 'x = {"a": 1}' in said


def test_lint_stops_at_what_cannot_run(repository: Path, monkeypatch, capsys) -> None:
    _notebook(repository, "bad", "x = (")
    monkeypatch.chdir(repository)
    assert lint.main([]) == 1
    assert "bad.md, code cell 2 (line 9), its line 1: SyntaxError" in capsys.readouterr().out


def test_fix_formats_code_and_leaves_prose(repository: Path, monkeypatch) -> None:
    path = _notebook(repository, "ugly", "x  =  {'a':1}")
    path.write_text(path.read_text() + "\nProse  with   x  =  2.\n")
    before = path.read_text()
    monkeypatch.chdir(repository)
    assert lint.main(["--fix"]) == 0
    assert path.read_text() == before.replace("x  =  {'a':1}", 'x = {"a": 1}')


# --- provenance


def test_provenance_is_read_back_inside_and_outside_a_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered = provenance.collect(
        tmp_path,
        {"b": Record(2.0, "2026-01-01"), "a": Record(1.0, "2026-01-02")},
        profile="demo",
        data_title="made",
        inputs={"lock": "x"},
    )
    provenance.write(tmp_path / "build", gathered)
    (tmp_path / "_config.yml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.delenv("MER_BUILD", raising=False)
    loaded = provenance.load()
    assert loaded == json.loads(json.dumps(gathered))
    assert provenance.notebooks_table(loaded)["notebook"].tolist() == ["a", "b"]
    summary = provenance.summary_table(loaded)
    assert {"demo", "made"} <= set(summary.astype(str).to_numpy().ravel())
    table = provenance.packages_table(loaded).set_index("package")["version"]
    assert table["numpy"] == sys.modules["numpy"].__version__
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "elsewhere"))
    assert provenance.load()["notebooks"] == {}
