"""Files that a notebook carries in its outputs, taken out and put beside the pages."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from nbformat import NotebookNode

from mer_utils.errors import MerError

#: Where the files lie in the site.
FOLDER = "downloads"
_LINK = re.compile(r'<a download="([\w.-]+)" href="data:[\w./+-]+;base64,([A-Za-z0-9+/=]*)">')


def detach(node: NotebookNode, page: str, found: dict[str, bytes]) -> None:
    """Replace the files inside a notebook's links by links to files, in place.

    Parameters
    ----------
    node : NotebookNode
        An executed notebook; links as :func:`companion.chapters.page.download` makes them.
    page : str
        Its page relative to the site's root, such as ``notebooks/all_results``.
    found : dict of str to bytes
        Contents by file name, of this notebook and of those before it; is added to.

    Raises
    ------
    MerError
        ``taken name``, if two links of one name hold different files.
    """
    up = "../" * page.count("/")

    def outside(match: re.Match[str]) -> str:
        name, content = match[1], base64.b64decode(match[2])
        if found.setdefault(name, content) != content:
            raise MerError(
                "taken name",
                f"{page} offers {name} for download, and so does another cell or page,"
                " with other content",
                "one name for one file",
                "give one of the two another name",
            )
        return f'<a download="{name}" href="{up}{FOLDER}/{name}">'

    for cell in node.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = _LINK.sub(outside, data["text/html"])


def write(found: dict[str, bytes], folder: Path) -> None:
    """Write the files into a folder of the staged source."""
    if found:
        folder.mkdir(parents=True, exist_ok=True)
    for name, content in found.items():
        (folder / name).write_bytes(content)
