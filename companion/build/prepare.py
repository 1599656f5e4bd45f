"""Prepared notebooks: Jupytext Markdown read and checked, not yet run."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from mer_utils.errors import MerError
from mer_utils.registry import unknown

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
#: From a cell of the first tag to one of the second, a page shows what twins alone can tell.
TWINS_ONLY, EVERY_DATA = "twins-only", "any-data"
#: Notebooks about CASME II and SAMM by name; the others show whatever data there are.
OF_THE_PAPER = frozenset({"14_claims"})
#: Notebooks that show frames or count them.
OF_FRAMES = frozenset(
    {"01_clips", "02_dynamic_images", "13_errors", "play_the_fall_backwards", "train_a_fold"}
)
#: Notebooks about both phases of clips.
OF_PHASES = frozenset({"13_errors", "play_the_fall_backwards", "train_a_fold"})
_CODE_CELL = re.compile(r"^(`{3,}|~{3,}|:{3,})\s*\{code-cell\}", re.MULTILINE)


@dataclass(frozen=True)
class Notebook:
    """One notebook as its source states it.

    Attributes
    ----------
    name : str
        Stem of the source file; also the page's name.
    source : Path
        The Markdown file.
    node : NotebookNode
        The notebook, with kernel, language and fixed cell ids, and no outputs.
    """

    name: str
    source: Path
    node: NotebookNode

    @property
    def page_source(self) -> str:
        """The source as it is named in messages, such as ``notebooks/summary.md``."""
        return f"{self.source.parent.name}/{self.source.name}"

    @cached_property
    def parameters_cell(self) -> int | None:
        """Position of the cell tagged ``parameters``, or None."""
        return next(
            (i for i, cell in enumerate(self.node.cells) if "parameters" in tags(cell)), None
        )

    @cached_property
    def parameters(self) -> frozenset[str]:
        """Names that the parameters cell assigns."""
        if self.parameters_cell is None:
            return frozenset()
        tree = ast.parse(self.node.cells[self.parameters_cell].source)
        targets: list[ast.expr] = []
        for statement in tree.body:
            if isinstance(statement, ast.Assign):
                targets += statement.targets
            elif isinstance(statement, ast.AnnAssign):
                targets.append(statement.target)
        return frozenset(target.id for target in targets if isinstance(target, ast.Name))

    def accepted(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of `parameters` that this notebook declares."""
        return {name: value for name, value in parameters.items() if name in self.parameters}

    def where(self, cell: int) -> str:
        """Say which cell `cell` (its position, from 0) is, in words a reader can follow."""
        ordinal = sum(c.cell_type == "code" for c in self.node.cells[: cell + 1])
        text = self.source.read_text(encoding="utf-8")
        fences = [match.start() for match in _CODE_CELL.finditer(text)]
        line = ""
        if len(fences) == sum(c.cell_type == "code" for c in self.node.cells):
            line = f" (line {text.count(chr(10), 0, fences[ordinal - 1]) + 1})"
        return f"{self.page_source}, code cell {ordinal}{line}"


def tags(cell: NotebookNode) -> list[str]:
    """Return a cell's tags."""
    return list(cell.metadata.get("tags", []))


def fixed_ids(node: NotebookNode) -> None:
    """Replace the cells' ids, which Jupytext and papermill draw at random, by numbers."""
    for number, cell in enumerate(node.cells):
        cell["id"] = f"c{number:03d}"


def read(source: Path) -> Notebook:
    """Read one Markdown notebook and give it kernel, language and fixed ids.

    Raises
    ------
    MerError
        ``bad notebook``, if the file is no MyST Markdown notebook.
    """
    import jupytext  # 0.3 s, and not needed by the commands that read no notebook

    try:
        # Windows programs put a mark before the header, which would be shown as text then.
        node = jupytext.reads(source.read_text("utf-8-sig"), fmt="md:myst")
    except (yaml.YAMLError, ValueError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise MerError(
            "bad notebook",
            f"{source.parent.name}/{source.name} could not be read ({reason})",
            "a Jupytext MyST Markdown notebook in UTF-8",
            "mend the header or the cell named above",
        ) from error
    node = nbformat.v4.upgrade(node)
    node.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    fixed_ids(node)
    return Notebook(source.stem, source, node)


def for_licensed_data(notebook: Notebook) -> Notebook:
    """Return the notebook without its cells from one tagged `TWINS_ONLY` to one `EVERY_DATA`."""
    cells, kept = [], True
    for cell in notebook.node.cells:
        kept = (kept or EVERY_DATA in tags(cell)) and TWINS_ONLY not in tags(cell)
        cells += [cell] if kept else []
    return replace(notebook, node=NotebookNode({**notebook.node, "cells": cells}))


def for_other_data(notebook: Notebook, lacking: Sequence[str]) -> Notebook:
    """Return the notebook, or one of `OF_THE_PAPER` as a page that says what it lacks."""
    if notebook.name not in OF_THE_PAPER:
        return notebook
    return _instead(
        notebook,
        f"This page judges what the paper claims of two data sets, and lacks "
        f"{' and '.join(lacking)}.\nWhat was found on the data of this book stands in "
        "{doc}`question_and_answer` and {doc}`all_results`.",
    )


def for_results_alone(notebook: Notebook) -> Notebook:
    """Return a notebook that needs no frame, or a page with its title that says what it lacks."""
    if notebook.name not in OF_FRAMES:
        return notebook
    return _instead(
        notebook,
        "This page shows clips, and lacks them: this book was made of recorded results alone, or "
        "of finished images.\nWith the clips at hand, `make book` shows it.",
    )


def for_one_phase(notebook: Notebook) -> Notebook:
    """Return a notebook that does without phases, or a page that says what it lacks."""
    if notebook.name not in OF_PHASES:
        return notebook
    return _instead(
        notebook,
        "This page compares the phases of clips, and lacks them: no clip has an apex inside it.\n"
        "`MER_MISSING_APEX=spotted` estimates one from the frames ({ref}`sec-spotted`).",
    )


def for_empty_tables(notebook: Notebook, empty: Collection[str]) -> Notebook:
    """Return a notebook that reads no table of `empty`, or a page that says what it lacks."""
    code = "".join(cell.source for cell in notebook.node.cells if cell.cell_type == "code")
    if not set(re.findall(r'tables\.read\(workspace, "(\w+)"\)', code)) & set(empty):
        return notebook
    return _instead(
        notebook,
        "This page lacks its runs: nothing that it compares can be computed on the data and with "
        "the models of this book.\nRank pooling and annotation are varied on clips with frames "
        "and an apex, spatial augmentation on networks.",
    )


def _instead(notebook: Notebook, said: str) -> Notebook:
    first, parameters = notebook.node.cells[0], notebook.node.cells[notebook.parameters_cell or 0]
    title = re.match(r"(?:\(.*\)=\n)*# .*", first.source)
    text = f"{title[0] if title else '# ' + notebook.name}\n\n{said}"
    page = nbformat.v4.new_markdown_cell(text)
    node = NotebookNode({**notebook.node, "cells": [page, parameters]})
    fixed_ids(node)
    return replace(notebook, node=node)


def problems(notebook: Notebook) -> list[str]:
    """Return everything that keeps a notebook from being run, one line each.

    Each cell must be valid Python (magics are), and exactly one be tagged ``parameters``.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    found = []
    for position, cell in enumerate(notebook.node.cells):
        if cell.cell_type != "code":
            continue
        try:
            code = TransformerManager().transform_cell(cell.source)
            compile(code, notebook.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError as error:
            found.append(
                f"{notebook.where(position)}, its line {error.lineno}: SyntaxError: {error.msg}"
            )
    count = sum("parameters" in tags(cell) for cell in notebook.node.cells)
    if count != 1:
        found.append(f"{notebook.page_source} has {count} cells tagged 'parameters' instead of one")
    return found


def read_all(folder: Path, parameters: Iterable[str] = ()) -> list[Notebook]:
    """Read every notebook of a folder, in order of name, and check them all.

    Parameters
    ----------
    folder : Path
        Holds ``*.md`` notebooks.
    parameters : iterable of str
        Names that are going to be injected; each must be declared by some notebook.

    Raises
    ------
    MerError
        ``bad notebook``, naming every notebook and cell that cannot be run;
        ``unknown name`` for a parameter that none declares.
    """
    notebooks = [read(source) for source in sorted(folder.glob("*.md"))]
    if not notebooks:
        raise MerError(
            "bad notebook",
            f"{folder} holds no notebooks",
            "*.md files",
            "name the notebooks' folder",
        )
    found = [line for notebook in notebooks for line in problems(notebook)]
    if found:
        raise MerError(
            "bad notebook",
            "; ".join(found),
            "notebooks of valid Python, each with one cell tagged 'parameters'",
            "mend the cells named above; nothing was run",
        )
    declared = sorted(set().union(*(notebook.parameters for notebook in notebooks)))
    for name in parameters:
        if name not in declared:
            raise unknown("parameter", name, dict.fromkeys(declared))
    return notebooks
