"""Notebooks read and checked before anything runs."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml
from helpers import raises

from companion.build import contents, prepare
from companion.build.executed import Executed, key_of
from companion.build.execute import expected_seconds
from companion.build.normalise import normalise
from companion.chapters import page
from mer_utils import plotting

ROOT = Path(__file__).parents[3]
PARAMETERS = (
    '```{code-cell} ipython3\n:tags: [parameters]\n\nprofile = "smoke"\nseed: int = 0\n```\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    return notebooks


def _write(folder: Path, name: str, code: str, parameters: str = PARAMETERS) -> Path:
    path = folder / f"{name}.md"
    path.write_text(f"# {name}\n\n{parameters}\n```{{code-cell}} ipython3\n{code}\n```\n")
    return path


def test_prepared_notebook_has_kernel_language_and_fixed_ids(folder: Path) -> None:
    _write(folder, "one", "x = 1")
    first, second = (prepare.read_all(folder)[0] for _ in range(2))
    assert first.node == second.node
    assert first.node.metadata.kernelspec.name == "python3"
    assert first.node.metadata.language_info.name == "python"
    nbformat.validate(first.node)
    assert first.parameters == {"profile", "seed"}
    assert first.accepted({"profile": "demo", "store": "s"}) == {"profile": "demo"}


def test_syntax_error_names_notebook_and_cell(folder: Path) -> None:
    _write(folder, "bad", "x = 1\ny = (")
    # title, blank, six lines of the parameters cell, blank: the fence is line 10
    expected = "notebooks/bad.md, code cell 2 (line 10), its line 2: SyntaxError: "
    with raises("bad notebook", expected):
        prepare.read_all(folder)


def test_magics_and_top_level_await_are_valid(folder: Path) -> None:
    _write(folder, "magic", "%matplotlib inline\nawait something()")
    assert len(prepare.read_all(folder)) == 1


def test_licensed_data_leave_out_what_only_twins_know(folder: Path) -> None:
    _write(folder, "plain", "x = 1")
    path = _write(folder, "truth", "x = 1")
    more = '+++ {"tags": ["twins-only"]}\n\nProse about {glue:text}`y`.\n\n'
    more += "```{code-cell} ipython3\ny = x\n```\n"
    path.write_text(f'{path.read_text()}\n{more}\n+++ {{"tags": ["any-data"]}}\n\nThe end.\n')
    plain, truth = prepare.read_all(folder)
    assert prepare.for_licensed_data(plain).node == plain.node
    shorter = prepare.for_licensed_data(truth)
    nbformat.validate(shorter.node)
    assert shorter.node.cells == [*truth.node.cells[:3], truth.node.cells[-1]]
    assert len(truth.node.cells) == 6
    assert key_of(shorter, {}, {}) != key_of(truth, {}, {})


@pytest.mark.parametrize(("cell", "count"), [("", 0), (PARAMETERS + "\n" + PARAMETERS, 2)])
def test_parameters_cell_is_required_once(folder: Path, cell: str, count: int) -> None:
    _write(folder, "plain", "x = 1", cell)
    with raises("bad notebook", f"plain.md has {count} cells"):
        prepare.read_all(folder)


def test_every_problem_is_reported_at_once(folder: Path) -> None:
    _write(folder, "a", "x = (")
    _write(folder, "b", "x = 1", "")
    with raises("bad notebook", "a.md, code cell 2", "b.md has 0 cells"):
        prepare.read_all(folder)


def test_unknown_parameter_is_refused_but_a_partly_known_one_is_not(folder: Path) -> None:
    _write(folder, "a", "x = 1")
    _write(folder, "b", "x = 1", PARAMETERS.replace("seed: int", "workers"))
    assert len(prepare.read_all(folder, ["seed", "workers"])) == 2
    with raises("unknown name", "'sed'", "profile, seed, workers"):
        prepare.read_all(folder, ["sed"])


def test_unreadable_notebooks_are_named(folder: Path) -> None:
    with raises("bad notebook", folder):
        prepare.read_all(folder)
    (folder / "latin.md").write_bytes(b"# \xff\xfe\n")
    with raises("bad notebook", "latin.md"):
        prepare.read_all(folder)


def test_normalising_leaves_nothing_random() -> None:
    def executed(uuid: str, styler: str, address: str) -> nbformat.NotebookNode:
        cell = nbformat.v4.new_code_cell("show()")
        cell.metadata = nbformat.from_dict({"papermill": {"duration": address}, "tags": []})
        cell.outputs = [
            nbformat.v4.new_output("stream", name="stderr", text=f"warning {address}"),
            nbformat.v4.new_output("stream", name="stdout", text=f"<x at {address}>"),
            nbformat.v4.new_output(
                "display_data",
                data={
                    "text/plain": f"<Styler at {address}>",
                    "text/html": f'<style>#T_{styler}_r0 {{}}</style><table id="T_{styler}">'
                    f'</table><div id="{uuid}"></div><script>f("{uuid}")</script>',
                },
            ),
        ]
        node = nbformat.v4.new_notebook(cells=[cell])
        node.metadata["papermill"] = {"output_path": f"/home/{address}"}
        return normalise(node)

    one = executed("0b5f6a04-9d4c-4c59-9a39-1f0c8e0f7a11", "a1b2c", "0x7f11")
    two = executed("6ff1be3f-70e7-4a1a-8d77-9b5d3a1e4c22", "ffff0", "0x7e99")
    assert one == two
    html = one.cells[0].outputs[1]["data"]["text/html"]
    assert html.count("T_c000n0") == 2
    assert html.count("00000000-0000-4000-8000-") == 2


def test_key_follows_everything_a_page_rests_on(folder: Path) -> None:
    source = _write(folder, "a", "x = 1")
    notebook = prepare.read(source)
    state = {"lock": "1", "data": "1"}
    keys = {
        key_of(notebook, {"profile": "smoke"}, state),
        key_of(notebook, {"profile": "demo"}, state),
        key_of(notebook, {"profile": "smoke"}, {**state, "data": "2"}),
    }
    source.write_text(source.read_text().replace(":tags: [parameters]", ":tags: [parameters, x]"))
    keys.add(key_of(prepare.read(source), {"profile": "smoke"}, state))
    source.write_text(source.read_text().replace("x = 1", "x = 2"))
    changed = prepare.read(source)
    keys.add(key_of(changed, {"profile": "smoke"}, state))
    assert len(keys) == 5
    # Prose changes no output, so nothing needs to run again for it.
    source.write_text(source.read_text() + "\nProse.\n")
    prose = key_of(prepare.read(source), {"profile": "smoke"}, state)
    assert prose == key_of(changed, {"profile": "smoke"}, state)
    assert key_of(notebook, {"profile": "smoke"}, dict(reversed(state.items()))) in keys


def test_executed_notebook_without_its_record_is_not_trusted(tmp_path: Path) -> None:
    store = Executed(tmp_path / "executed")
    scratch = tmp_path / "a.ipynb"
    scratch.write_text("{}")
    store.store("a", "key", scratch, 1.234)
    assert store.is_current("a", "key")
    assert not store.is_current("a", "other")
    record = store.record("a")
    assert record is not None
    assert record.seconds == 1.23
    (store.folder / "a.json").write_text("{")
    assert store.record("a") is None
    assert not store.is_current("a", "key")


@pytest.mark.parametrize(
    ("toc", "named"),
    [
        ("root: intro\n", "notebooks/a"),
        ("root: intro\nchapters: [{file: notebooks/a}, {file: gone}]\n", "gone"),
        ("root: intro\nchapters: [{file: notebooks/a}, {file: intro}]\n", "intro"),
        ("root: [\n", "_toc.yml"),
        ("{}\n", "_toc.yml"),
    ],
)
def test_table_of_contents_that_does_not_fit_is_explained(tmp_path, toc, named) -> None:
    (tmp_path / "intro.md").write_text("# Intro\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\n" * ("root: intro" in toc) + toc)
    with raises("bad contents", named):
        contents.check(tmp_path, {"a"})


def test_hand_written_pages_hold_no_cells(tmp_path: Path) -> None:
    (tmp_path / "_toc.yml").write_text("root: intro\n")
    (tmp_path / "intro.md").write_text("# Intro\n\n```{code-cell}\n1\n```\n")
    with raises("bad contents", "book/intro.md"):
        contents.check(tmp_path, set())
    (tmp_path / "_toc.yml").unlink()
    with raises("bad contents", "_toc.yml"):
        contents.pages(tmp_path)


def test_expected_time_is_never_below_the_longest_task() -> None:
    assert expected_seconds([1.0, 1.0, 10.0], workers=4) == 10.0
    assert expected_seconds([2.0, 2.0, 2.0, 2.0], workers=2) == 4.0


@pytest.mark.scenario("J")
def test_a_notebook_saved_on_windows_is_the_same_notebook(tmp_path: Path) -> None:
    source = Path(__file__).parents[3] / "notebooks" / "05_table2_dual_phase.md"
    saved = tmp_path / source.name
    for mark in (b"", b"\xef\xbb\xbf"):
        saved.write_bytes(mark + source.read_bytes().replace(b"\n", b"\r\n"))
        assert prepare.read(saved).node == prepare.read(source).node


def test_a_page_of_the_papers_data_says_what_it_lacks():
    found = {n.name: n for n in prepare.read_all(Path(__file__).parents[3] / "notebooks")}
    assert set(found) >= prepare.OF_THE_PAPER | prepare.OF_PHASES
    page = prepare.for_one_phase(found["play_the_fall_backwards"])
    assert "MER_MISSING_APEX" in page.node.cells[0].source
    for name, notebook in found.items():
        page = prepare.for_other_data(notebook, ["SAMM"])
        if name not in prepare.OF_THE_PAPER:
            code = "".join(c.source for c in page.node.cells if c.cell_type == "code")
            assert page is notebook
            assert "casme2" not in code
            continue
        assert "lacks SAMM" in page.node.cells[0].source
        first, before = (n.node.cells[0].source.splitlines()[0] for n in (page, notebook))
        assert first == before
        assert prepare.problems(page) == []


APART = ("Do it", "Appendix")
#: Words read aloud in ten minutes.
LONGEST = 1_500
MAIN_LINE = 20_000


def test_every_page_is_read_aloud_in_ten_minutes():
    """Prose and captions, without code; guides and appendix are for looking things up."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text("utf-8"))
    parts = {part["caption"]: [page["file"] for page in part["chapters"]] for part in toc["parts"]}
    main = [toc["root"], *(p for name, pages in parts.items() for p in pages if name not in APART)]
    count = {page: _words(page) for page in main}
    assert {page: n for page, n in count.items() if n > LONGEST} == {}
    assert sum(count.values()) <= MAIN_LINE


def _words(page: str) -> int:
    folder = ROOT if page.startswith("notebooks/") else ROOT / "book"
    text = re.sub(r"\A---\n.*?\n---\n", "", (folder / f"{page}.md").read_text("utf-8"), flags=re.S)
    captions = re.findall(r"^ +caption: \|\n +(.*)", text, re.M)
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.S)  # answers are folded
    prose = re.sub(r"^```\{code-(?:cell|of)\}.*?^```", "", text, flags=re.S | re.M)
    return len(" ".join([prose, *captions]).split())


def test_a_figure_that_was_not_drawn_keeps_its_number_and_no_caption() -> None:
    def cell(html: str):
        output = nbformat.v4.new_output("display_data", {"text/html": html})
        figure = {"name": "fig-x", "caption": "Time from onset to apex."}
        metadata = {"mystnb": {"figure": figure}}
        return nbformat.v4.new_code_cell("draw()", outputs=[output], metadata=metadata)

    empty = pd.DataFrame(columns=["dataset", "onset", "apex", "offset", "fps"])
    absent = page.drawn(plotting.durations, empty).data
    assert "has no rows" in absent
    node = nbformat.v4.new_notebook(cells=[cell(absent), cell("<svg></svg>")])
    not_drawn, drawn = (c.metadata["mystnb"]["figure"] for c in normalise(node).cells)
    assert drawn["caption"] == "Time from onset to apex."
    assert not_drawn["name"] == "fig-x"
    assert "onset" not in not_drawn["caption"]
    nbformat.validate(node)
