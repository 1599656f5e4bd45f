"""Executed notebooks without what differs from run to run."""

from __future__ import annotations

import re

import nbformat
from nbformat import NotebookNode

from companion.build.prepare import KERNEL, LANGUAGE, fixed_ids, tags

#: The tag of cells whose code is to be read on the page.
SHOWN = "show-input"
#: The class of what `companion.chapters.page.nothing` puts where a figure could not be drawn.
NOTHING = "mer-nothing"
_WIDGET = "application/vnd.jupyter.widget-view+json"
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
_STYLER = re.compile(r'(?<=id="T_)[0-9a-f]{5}(?=[_"])')


def normalise(executed: NotebookNode) -> NotebookNode:
    """Return a notebook that depends on its source and results alone, not on the run.

    Dropped: times, paths and versions that papermill recorded, random cell ids,
    standard error (warnings carry the kernel's process number), widget views. Memory
    addresses, and the random identifiers of pandas Stylers, are replaced by numbers in order of
    appearance. Parameters are hidden, the line below the title says them, and so is the code of
    every cell that is not tagged `SHOWN`: most of it lays out what is to be seen. The caption of
    a figure that could not be drawn says no more than that.
    """
    node = NotebookNode(executed)
    node.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    for number, cell in enumerate(node.cells):
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if {"parameters", "injected-parameters"} & set(tags(cell)):
            cell.metadata["tags"] = [*tags(cell), "remove-cell"]
        elif cell.cell_type == "code" and SHOWN not in tags(cell):
            cell.metadata["tags"] = [*tags(cell), "remove-input"]
        if not tags(cell):
            cell.metadata.pop("tags", None)
        if cell.cell_type == "code":
            cell["outputs"] = [o for o in cell.outputs if not _is_noise(o)]
            for output in cell.outputs:
                _settle(output, number)
            _uncaption(cell)
    fixed_ids(node)
    return node


def _is_noise(output: NotebookNode) -> bool:
    return output.get("name") == "stderr" or _WIDGET in output.get("data", {})


def _uncaption(cell: NotebookNode) -> None:
    """Keep the number of a figure that was not drawn, to which links lead, but not its caption."""
    figure = cell.metadata.get("mystnb", {}).get("figure")
    shown = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
    if figure and f'class="{NOTHING}"' in shown:
        figure["caption"] = "Not drawn."


def _settle(output: NotebookNode, cell: int) -> None:
    """Replace random identifiers inside one output, in place."""
    if output.output_type == "stream":
        output["text"] = _ADDRESS.sub("at 0x0", output.text)
    data = output.get("data", {})
    if "text/plain" in data:
        data["text/plain"] = _ADDRESS.sub("at 0x0", data["text/plain"])
    if "text/html" in data:
        html = data["text/html"]
        for number, name in enumerate(dict.fromkeys(_UUID.findall(html))):
            html = html.replace(name, f"00000000-0000-4000-8000-{cell:06d}{number:06d}")
        for number, name in enumerate(dict.fromkeys(_STYLER.findall(html))):
            html = html.replace(f"T_{name}", f"T_c{cell:03d}n{number}")
        data["text/html"] = html
