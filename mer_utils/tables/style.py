"""One look for every table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from mer_utils.experiments.datasets import dataset_title


def show(
    frame: pd.DataFrame, caption: str, formats: Mapping[str, str] | None = None, decimals: int = 3
) -> Styler:
    """Return a frame as a table for the page: a caption, no index, plain numbers.

    Parameters
    ----------
    frame : DataFrame
        Its columns' names are the headings.
    caption : str
        What the table shows, in a sentence.
    formats : mapping of str to str, optional
        A format such as ``"{:+.2f}"`` by column.
    decimals : int
        Of all other fractional numbers.

    Returns
    -------
    Styler
        Names in a column ``data set`` are written as titles. The same HTML for the same frame:
        its ids come from caption and content.

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
        caption=caption,
        precision=decimals,
        cell_ids=False,
    )
    numeric = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    whole = [name for name in numeric if pd.api.types.is_integer_dtype(frame[name])]
    kinds: dict[Any, Any] = dict.fromkeys(whole, "{:,}")
    if "data set" in frame:
        kinds["data set"] = dataset_title
    # The class is that of plain frames, which the theme knows how to draw.
    styler = styler.set_table_attributes('class="dataframe"')
    styler = styler.set_properties(subset=pd.Index(numeric), **{"text-align": "right"})
    return styler.hide(axis="index").format(
        {**kinds, **(formats or {})}, precision=decimals, na_rep="–", escape="html"
    )
