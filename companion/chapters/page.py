"""What tables look like on a page, and the links that save them.

A notebook carries the files that it offers inside its outputs, so they are cached with it, are
never older than the page, and work in a plain Jupyter session too. The build takes them out and
puts them beside the pages, see `companion.build.attachments`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from IPython.display import HTML
from pandas.io.formats.style import Styler

from companion.chapters.session import faces
from mer_utils import __version__, models
from mer_utils.errors import MerError
from mer_utils.plotting.words import dataset_title, table_of
from mer_utils.registry import unknown

if TYPE_CHECKING:
    from mer_utils.experiments import Workspace

#: Column names whose heading is more than the name without its underscores.
HEADINGS = {
    "dataset": "data set",
    "f1": "F1",
    "n_classes": "classes",
    "n_own_highest": "own class highest",
    "sd": "SD",
    "sd_if_alike": "SD if all alike",
    "uar": "UAR",
    "uar_pooled": "UAR, pooled",
    "uar_subject_mean": "UAR, subject mean",
    "uf1": "UF1",
    "uf1_pooled": "UF1, pooled",
    "uf1_subject_mean": "UF1, subject mean",
}
_PHASES = {"onset_apex": "onset to apex", "apex_offset": "apex to offset"}
FORMATS = {"csv": ("CSV", "text/csv"), "parquet": ("Parquet", "application/vnd.apache.parquet")}


def heading(column: str) -> str:
    """Return a column's name as a heading.

    Examples
    --------
    >>> heading("taken_for"), heading("dataset"), heading("95 % interval")
    ('taken for', 'data set', '95 % interval')
    """
    return HEADINGS.get(column, column.replace("_", " "))


#: How the names in a column are written for a reader.
_CELLS = {
    "data set": dataset_title,
    "dataset": dataset_title,
    "model": models.title,
    "table": table_of,
    "phase": lambda name: _PHASES.get(name, name),
}


def interval(row: Mapping[str, Any] | pd.Series) -> str:
    """Return an interval in words, two decimals; undefined where there is none."""
    # Fewer than two subjects that differ leave nothing to resample.
    return "undefined" if pd.isna(row["low"]) else f"{row['low']:.2f} to {row['high']:.2f}"


def p_value(p: float) -> str:
    """Return a p value as it is printed.

    Examples
    --------
    >>> p_value(0.0123), p_value(0.00001), p_value(float("nan"))
    ('0.012', 'below 0.001', 'undefined')
    """
    if pd.isna(p):
        return "undefined"
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def traced_frame(frame: pd.DataFrame, variants: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Mark a frame's rows with the variants that their numbers are of, see `trace`."""
    frame.attrs["traced"] = [" ".join(f"mer-t-{name}" for name in names) for names in variants]
    return frame


def signed(value: float, form: str = "{:+.2f}") -> str:
    """Return a difference as it is printed: what rounds to zero has no sign.

    Examples
    --------
    >>> signed(0.123), signed(-0.001), signed(-0.001, "{:+.3f}")
    ('+0.12', '0.00', '-0.001')
    """
    text = form.format(value)
    return text.lstrip("+-") if not text.strip("+-0.%") else text


def with_interval(row: Mapping[str, Any] | pd.Series, value: str = "value") -> str:
    """Return a difference and its interval, as in ``+0.12 (-0.03 to +0.27)``."""
    ends = (
        "interval undefined"
        if pd.isna(row["low"])
        else f"{signed(row['low'])} to {signed(row['high'])}"
    )
    return f"{signed(row[value])} ({ends})"


def number(count: int) -> str:
    """Return a count as a sentence has it.

    Examples
    --------
    >>> number(0), number(1), number(2)
    ('none', 'one', '2')
    """
    return {0: "none", 1: "one"}.get(count, str(count))


def show(
    frame: pd.DataFrame,
    caption: str,
    formats: Mapping[str, str] | None = None,
    decimals: int = 3,
    name: str = "",
) -> Styler:
    """Return a frame as a table for the page: a caption, no index, plain numbers.

    Parameters
    ----------
    frame : DataFrame
        Its columns' names become the headings; names of data sets, models and phases are
        written as titles.
    caption : str
    formats : mapping of str to str, optional
        A format such as ``"{:+.2f}"`` by column.
    decimals : int
        Of all other fractional numbers.
    name : str
        By which the book's text refers to the table, as in ``{numref}`tab-scores```.

    Examples
    --------
    >>> html = show(pd.DataFrame({"clips": [3]}), "How many clips.").to_html()
    >>> "How many clips." in html
    True
    """
    caption += "" if len(frame) else " There are none."
    # The ids come from caption and content: the same HTML for the same frame.
    content = f"{caption}{frame.to_csv(index=False)}".encode()
    styler = Styler(
        frame.reset_index(drop=True),
        uuid=hashlib.sha256(content).hexdigest()[:8],
        caption=escape(caption, quote=False),
        precision=decimals,
        cell_ids=False,
    )
    numeric = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    whole = [name for name in numeric if pd.api.types.is_integer_dtype(frame[name])]
    kinds: dict[Any, Any] = dict.fromkeys(whole, "{:,}")
    kinds |= {column: _CELLS[column] for column in frame if column in _CELLS}
    kinds |= {c: partial(signed, form=f) if "+" in f else f for c, f in (formats or {}).items()}
    # The class is that of plain frames, which the theme knows how to draw.
    label = f' data-name="{escape(name)}"' if name else ""
    styler = styler.set_table_attributes(f'class="dataframe"{label}')
    styler = styler.set_properties(subset=pd.Index(numeric), **{"text-align": "right"})
    # An interval or a name of two words is read as one.
    unbroken = [c for c in frame if c in ("data set", "dataset") or str(c).endswith("interval")]
    styler = styler.set_properties(subset=pd.Index(unbroken), **{"white-space": "nowrap"})
    # On a phone the table scrolls anyway: names take a line or two there, not four.
    named = [c for c in frame if c in ("model", "variant", "setting", "comparison", "question")]
    styler = styler.set_properties(subset=pd.Index(named), **{"min-width": "7.5rem"})
    if traced := frame.attrs.get("traced"):
        # What is printed as it was set was not measured.
        scores = [c for c in numeric if c not in whole and (formats or {}).get(c) != "{:g}"]
        marks = pd.DataFrame({c: traced for c in scores}, index=range(len(frame)))
        styler = styler.set_td_classes(marks)
    styler = styler.format_index(lambda column: heading(str(column)), axis="columns")
    return styler.hide(axis="index").format(kinds, precision=decimals, na_rep="–", escape="html")


def nothing(why: str) -> HTML:
    """Return what stands in the place of a figure that cannot be drawn, here and on the site.

    The site leaves out its caption, which tells of a picture (`companion.build.normalise`).

    Examples
    --------
    >>> nothing("no clip has an apex").data
    '<p class="mer-nothing">Nothing to draw: no clip has an apex.</p>'
    """
    return HTML(f'<p class="mer-nothing">Nothing to draw: {escape(why, quote=False)}.</p>')


def drawn(draw: Callable[..., Any], *arguments: Any) -> Any:
    """Return a figure, or in words why there is nothing to draw."""
    try:
        return draw(*arguments)
    except MerError as error:
        if error.kind != "nothing to draw":
            raise
        return nothing(error.what)


def here(said: str, variants: Iterable[str] = ()) -> HTML:
    """Return what a figure or a table shows, in one computed sentence, for the page.

    Parameters
    ----------
    said : str
    variants : iterable of str
        Whose predictions it rests on, see `companion.chapters.trace`.

    Examples
    --------
    >>> here("all 12 are negative.").data
    '<p class="mer-here"><strong>Here:</strong> all 12 are negative.</p>'
    """
    names = " ".join(f"mer-t-{name}" for name in dict.fromkeys(variants))
    runs = f' <span class="{names}" hidden>Its runs</span>' if names else ""
    return HTML(f'<p class="mer-here"><strong>Here:</strong> {escape(said, quote=False)}{runs}</p>')


def download(
    frame: pd.DataFrame, name: str, formats: Sequence[str] = ("csv",), what: str = "These numbers"
) -> HTML:
    """Return a line of links that save a frame, without its index, to the reader's disk.

    Parameters
    ----------
    frame : DataFrame
    name : str
        Of the file, without its ending. The book must use it for one frame only.
    formats : sequence of {"csv", "parquet"}
    what : str
        The first words of the line.

    Raises
    ------
    MerError
        "invalid option" if the name, "unknown name" if a format cannot be used.

    Examples
    --------
    >>> html = download(pd.DataFrame({"clips": [3]}), "how-many").data
    >>> 'download="how-many.csv"' in html
    True
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise MerError(
            "invalid option",
            f"{name!r} cannot name a file to download",
            "lower-case letters and digits, with single hyphens between them",
            "choose another name",
        )
    for each in formats:
        if each not in FORMATS:
            raise unknown("format", each, FORMATS)
    frame = _named(frame)
    links = " or ".join(_link(frame, name, each) for each in formats)
    rows = f"{len(frame):,} row{'s' * (len(frame) != 1)}"
    return HTML(f'<p class="mer-downloads">{escape(what)} ({rows}) as a file: {links}.</p>')


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Add whose faces numbers are of, and how large the experiment was: no file goes without."""
    workspace = faces()
    if workspace is None:
        return frame
    data = workspace.data
    whole = workspace.data_title
    one = {name: workspace.title_of(name) for name in data}
    source = frame["dataset"].map(one).fillna(whole) if "dataset" in frame else whole
    return frame.assign(source=source, profile=workspace.profile.name)


def origin(workspace: Workspace) -> str:
    """Return what stands in every file: which data, with their fingerprints, which profile."""
    prints = (f"{name} {data.spec.fingerprint[:16]}" for name, data in workspace.data.items())
    return (
        f"{workspace.data_title}; profile {workspace.profile.name}; "
        f"fingerprints of the data: {', '.join(prints)}; mer_utils {__version__}"
    )


def _link(frame: pd.DataFrame, name: str, wanted: str) -> str:
    words, mime = FORMATS[wanted]
    workspace = faces()
    content = _encoded(frame, wanted, f"{name}: {origin(workspace)}" if workspace else "")
    data = base64.b64encode(content).decode()
    size = f"{len(content) / 1000:,.0f} kB" if len(content) >= 1000 else f"{len(content)} bytes"
    return (
        f'<a download="{name}.{wanted}" href="data:{mime};base64,{data}">'
        f"{name}.{wanted}</a> ({words}, {size})"
    )


def _encoded(frame: pd.DataFrame, wanted: str, said: str) -> bytes:
    """Return a frame with every digit of its numbers, the same bytes for the same frame.

    What is said of it stands in the first line, behind a #, or in Parquet's metadata.
    """
    if wanted == "csv":
        line = f"# {said}\n" * bool(said)
        return (line + frame.to_csv(index=False, lineterminator="\n")).encode()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    buffer = io.BytesIO()
    # The metadata that pandas adds name its version and add nothing to plain columns.
    pq.write_table(table.replace_schema_metadata({"origin": said} if said else None), buffer)
    return buffer.getvalue()
