"""One look for every table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from mer_utils import models
from mer_utils.experiments.datasets import dataset_title
from mer_utils.plotting.style import table_of

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
#: How the names in a column are written for a reader.
_CELLS = {
    "data set": dataset_title,
    "dataset": dataset_title,
    "model": models.title,
    "table": table_of,
    "phase": lambda name: _PHASES.get(name, name),
}


def heading(column: str) -> str:
    """Return a column's name as a heading.

    Examples
    --------
    >>> heading("taken_for"), heading("dataset"), heading("95 % interval")
    ('taken for', 'data set', '95 % interval')
    """
    return HEADINGS.get(column, column.replace("_", " "))


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
        Its columns' names become the headings; see `heading`.
    caption : str
        What the table shows, in a sentence.
    formats : mapping of str to str, optional
        A format such as ``"{:+.2f}"`` by column.
    decimals : int
        Of all other fractional numbers.
    name : str
        By which the book's text refers to the table, as in ``{numref}`tab-scores```; the book
        puts a number before the caption.

    Returns
    -------
    Styler
        Names of data sets, models and phases are written as titles. The same HTML for the same
        frame: its ids come from caption and content.

    Examples
    --------
    >>> html = show(pd.DataFrame({"clips": [3]}), "How many clips.").to_html()
    >>> "How many clips." in html
    True
    """
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
    styler = styler.format_index(lambda column: heading(str(column)), axis="columns")
    return styler.hide(axis="index").format(
        {**kinds, **(formats or {})}, precision=decimals, na_rep="–", escape="html"
    )
