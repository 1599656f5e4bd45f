"""Tables as files: a link on the page that saves a frame as CSV or Parquet.

A notebook carries the files inside its outputs, so they are cached with it, can never be
older than the page, and work in a plain Jupyter session too. The build takes them out and
puts them beside the pages, see :mod:`companion.build.attachments`.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence
from html import escape

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from IPython.display import HTML

from mer_utils.errors import MerError


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return a frame as CSV: UTF-8, every digit of a number, no index."""
    return frame.to_csv(index=False, lineterminator="\n").encode()


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Return a frame as Parquet, the same bytes for the same frame."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    buffer = io.BytesIO()
    # The metadata that pandas adds name its version and add nothing to plain columns.
    pq.write_table(table.replace_schema_metadata(None), buffer)
    return buffer.getvalue()


FORMATS: dict[str, tuple[str, str, Callable[[pd.DataFrame], bytes]]] = {
    "csv": ("CSV", "text/csv", csv_bytes),
    "parquet": ("Parquet", "application/vnd.apache.parquet", parquet_bytes),
}


def download(
    frame: pd.DataFrame, name: str, formats: Sequence[str] = ("csv",), what: str = "These numbers"
) -> HTML:
    """Return links that save a frame to the reader's disk.

    Parameters
    ----------
    frame : DataFrame
        Its index is left out.
    name : str
        Of the file, without its ending: lower-case letters, digits and hyphens. The book
        must use it for one frame only.
    formats : sequence of {"csv", "parquet"}
    what : str
        The first words of the line.

    Returns
    -------
    IPython.display.HTML
        One line; the same for the same frame.

    Raises
    ------
    MerError
        If the name or a format cannot be used.

    Examples
    --------
    >>> html = download(pd.DataFrame({"clips": [3]}), "how-many").data
    >>> 'download="how-many.csv"' in html
    True
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise MerError(
            "TODO",
            f"{name!r} cannot name a file to download",
            "lower-case letters and digits, with single hyphens between them",
            "choose another name",
        )
    if unknown := [f for f in formats if f not in FORMATS]:
        raise MerError(
            "TODO",
            f"a frame cannot be saved as {', '.join(unknown)}",
            f"one of {', '.join(FORMATS)}",
            "choose one of them",
        )
    links = " or ".join(_link(frame, name, each) for each in formats)
    return HTML(
        f'<p class="mer-downloads">{escape(what)} ({len(frame):,} rows) as a file: {links}.</p>'
    )


def _link(frame: pd.DataFrame, name: str, wanted: str) -> str:
    words, mime, encode = FORMATS[wanted]
    content = encode(frame)
    data = base64.b64encode(content).decode()
    size = f"{len(content) / 1000:,.0f} kB" if len(content) >= 1000 else f"{len(content)} bytes"
    return (
        f'<a download="{name}.{wanted}" href="data:{mime};base64,{data}">'
        f"{name}.{wanted}</a> ({words}, {size})"
    )
