"""A chapter in a session of its own: run from another folder, with wrong parameters."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import raises

from companion.chapters import session
from mer_utils.files import build_dir

ROOT = Path(__file__).parents[3]
DECLARED = 'profile = "demo"\ndata_root = ""\n'
pytestmark = pytest.mark.scenario("J")


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Prepare a session in another folder in which these cells were run."""
    monkeypatch.delenv("MER_BUILD")
    monkeypatch.chdir(tmp_path)

    def run(*cells: str) -> None:
        shell = SimpleNamespace(user_ns={"In": ["", *cells, "import companion.chapters"]})
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        session.prepare()

    return run


def test_from_another_folder_the_build_folder_is_that_of_the_checkout(run):
    run(DECLARED)
    assert build_dir() == ROOT / "build"
    assert session.book_file("claims.yml") == ROOT / "book" / "claims.yml"


def test_what_the_user_named_wins(run, monkeypatch, tmp_path):
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "mine"))
    run(DECLARED)
    assert build_dir() == tmp_path / "mine"


def test_an_unknown_parameter_is_refused(run):
    run(DECLARED, '# Parameters\nprofile = "smoke"\n')
    with raises("unknown name", "parameter 'profil'", "'profile' is close"):
        run(DECLARED, '# Parameters\nprofil = "smoke"\n')


def test_a_notebook_shows_one_paragraph_and_no_traceback(capsys):
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    shell.run_cell(
        "from mer_utils import experiments\nexperiments.open_workspace('smok')", store_history=False
    )
    shown = capsys.readouterr().out
    assert "Error (unknown name): profile 'smok' is unknown" in shown
    assert "Remedy: choose one of them; 'smoke' is close" in shown
    assert "Traceback" not in shown


def test_every_chapter_prepares_its_session_before_it_opens_anything():
    for notebook in (ROOT / "notebooks").glob("*.md"):
        text = notebook.read_text("utf-8")
        assert "from companion.chapters import" in text, notebook
        assert "../book" not in text, notebook
