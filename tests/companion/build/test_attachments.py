"""Files inside a notebook's outputs become files beside the pages."""

from __future__ import annotations

import io

import nbformat
import pandas as pd
from helpers import raises

from companion.chapters import page
from companion.build import attachments

FRAME = pd.DataFrame({"value": [0.25, 0.5]})


def notebook(frame: pd.DataFrame, name: str) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell("x")
    html = page.download(frame, name).data
    cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": html})]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("text"), cell])


def test_links_point_to_the_files_from_any_depth(tmp_path):
    for page, link in (("notebooks/a", "../downloads/x.csv"), ("a", "downloads/x.csv")):
        node, found = notebook(FRAME, "x"), {}
        attachments.detach(node, page, found)
        html = node.cells[1].outputs[0]["data"]["text/html"]
        assert f'<a download="x.csv" href="{link}">' in html
        assert "base64" not in html
        attachments.write(found, tmp_path / page)
        read = pd.read_csv(io.BytesIO((tmp_path / page / "x.csv").read_bytes()))
        pd.testing.assert_frame_equal(read, FRAME)


def test_one_name_for_two_files_is_refused():
    found: dict[str, bytes] = {}
    attachments.detach(notebook(FRAME, "x"), "notebooks/a", found)
    attachments.detach(notebook(FRAME, "x"), "notebooks/b", found)  # the same file again
    with raises("taken name", "notebooks/c", "x.csv"):
        attachments.detach(notebook(FRAME + 1, "x"), "notebooks/c", found)


def test_the_site_has_the_files(book):
    page = (book.site / "notebooks" / "beta.html").read_text("utf-8")
    assert 'href="../downloads/two-values.csv"' in page
    assert (book.site / "downloads" / "two-values.csv").read_text() == "value\n0.25\n0.5\n"
    assert pd.read_parquet(book.site / "downloads" / "two-values.parquet").equals(FRAME)
