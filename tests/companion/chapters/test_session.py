"""A chapter in a session of its own: run from another folder, with wrong parameters."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import raises
from jupyter_client.manager import start_new_kernel

from companion.chapters import session
from mer_utils.datasets import DATASETS
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
        events = SimpleNamespace(register=lambda *_: None)
        cells = ["", *cells, "import companion.chapters"]
        shell = SimpleNamespace(user_ns={"In": cells}, events=events)
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


def test_no_code_names_a_data_set_and_chapters_that_teach_end_with_something_to_try():
    taught = {"play_the_fall_backwards", "ground_truth", "train_a_fold"}
    names = "|".join(set(DATASETS) - {"clips", "manifest"})
    named = re.compile(rf"""["']({names})["']""")
    for notebook in (ROOT / "notebooks").glob("*.md"):
        text = notebook.read_text("utf-8")
        code = re.findall(r"^```\{code-cell\}.*?^```", text, re.MULTILINE | re.DOTALL)
        assert not [cell for cell in code if named.search(cell)], notebook
        if re.match("0[1-9]|1[0-3]", notebook.stem) or notebook.stem in taught:
            *_, last = re.split("^## ", text, flags=re.MULTILINE)
            assert last.startswith("To try"), notebook
            assert 1 <= last.count("<details>") == last.count("</details>") <= 2


def test_an_empty_store_offers_to_compute_the_smallest_form(twins, tmp_path, monkeypatch):
    """In a session of its own, as JupyterLab runs it: words, a next cell, and that cell works."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    manager, client = start_new_kernel()
    try:

        def run(code: str) -> tuple[dict, str]:
            said: list[str] = []
            reply = client.execute_interactive(
                code,
                timeout=300,
                output_hook=lambda m: said.append(m["content"].get("text", "")),
            )
            return reply["content"], "".join(said)

        places = f"data_root = {str(twins)!r}\nstore = {str(tmp_path / 'a store')!r}\n"
        run(f'profile = "smoke"\n{places}')
        reading = (
            "from companion.chapters import tables\nfrom mer_utils import experiments\n"
            "from mer_utils.experiments import TABLES, Table, run_spec\n"
            "if 'tiny' not in TABLES:\n"
            "    def grid(profile, data): yield run_spec(profile, data[0].spec, 'svm_hog')\n"
            "    TABLES.register(Table('tiny', 'One run', 'nothing', grid))\n"
            "workspace = experiments.open_workspace(profile, data_root, store)\n"
            "len(workspace.predictions('tiny'))"
        )
        reply, said = run(reading)
        assert reply["status"] == "error"
        assert "in its smallest form" in said
        (offered,) = [p["text"] for p in reply["payload"] if p["source"] == "set_next_input"]
        reply, said = run(offered)
        assert reply["status"] == "ok", reply
        assert "folds: 100%" in said
        assert run(reading)[0]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_notebook_that_is_saved_unchanged_stays_as_it_is(tmp_path):
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    shutil.copy(ROOT / "jupytext.toml", tmp_path)
    saving = """
import json, sys
from pathlib import Path
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class
from traitlets.config import PyFileConfigLoader

config = PyFileConfigLoader("jupyter_server_config.py", sys.argv[1]).load_config()
manager = build_sync_jupytext_contents_manager_class(LargeFileManager)(config=config)
manager.root_dir = "."
for page in sorted(Path("notebooks").glob("*.md")):
    model = manager.get(str(page), type="notebook")
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    model["content"]["metadata"]["kernelspec"] = kernel
    manager.save({k: model[k] for k in ("type", "format", "content")}, str(page))
"""
    command = [sys.executable, "-c", saving, str(ROOT / ".jupyter")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    for page in sorted((ROOT / "notebooks").glob("*.md")):
        assert (tmp_path / "notebooks" / page.name).read_text("utf-8") == page.read_text("utf-8")


def test_lab_opens_markdown_as_notebooks():
    settings = json.loads((ROOT / ".jupyter/labconfig/default_setting_overrides.json").read_text())
    viewers = settings["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]
    assert set(viewers.values()) == {"Jupytext Notebook"}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert 'JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter"' in makefile
