"""The results explorer: every score, filtered by the reader, as a chart and as a table.

The table in the HTML is the only copy of the data; a small script filters it and draws the
chart from it. Without scripts the whole table and the download links remain.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mer_utils.errors import MerError
from mer_utils.plotting.markup import Markup, check_id, escape, script
from mer_utils.plotting.results import SCORES
from mer_utils.plotting.style import SETTING_COLOURS, require_columns
from mer_utils.plotting.words import dataset_title, metric_title, model_title, table_of

FILTERS = ("table", "dataset", "model", "setting", "metric")
LABELS = {"table": "Table", "dataset": "Data set", "model": "Model", "setting": "Setting"}
LABELS |= {"metric": "Metric", "value": "Score", "low": "Low", "high": "High", "seed": "Seed"}
TITLES: dict[str, Callable[[str], str]] = {
    "table": table_of,
    "dataset": dataset_title,
    "model": model_title,
    "metric": metric_title,
}
# Readable on the light and on the dark card alike (contrast of at least 3 to both);
# the first four stand for the settings' own colours.
CHART_COLOURS = ("#7f8794", "#2f86cc", "#dd6a12", "#1f9d78", "#bf6d9e", "#9c7f1f", "#7c78c8")


def results_explorer(
    scores: pd.DataFrame,
    element_id: str = "results-explorer",
    downloads: Mapping[str, str] | None = None,
    counts: Sequence[str] = ("clips", "subjects", "seeds"),
    title: str = "All scores",
    table_titles: Mapping[str, str] | None = None,
) -> Markup:
    """Return a filterable chart and table of scores.

    Parameters
    ----------
    scores : DataFrame
        Tidy scores: ``dataset``, ``model``, ``setting``, ``metric``, ``value``, ``low``,
        ``high``, and optionally ``table``, ``seed`` and the columns of `counts`. An
        interval that is not defined is NaN at both ends. ``marked``, where there is one, is the
        class of the score's cell, by which a page's own script may know it.
    element_id : str
        Id of the outermost element; one page must not use it twice.
    downloads : mapping of str to str, optional
        Relative path of a file by the words of its link, such as
        ``{"CSV": "../data/scores.csv", "Parquet": "../data/scores.parquet"}``.
    counts : sequence of str
        Columns that say how much a score rests on; absent ones are left out.
    title : str
        Heading, also the table's caption.
    table_titles : mapping of str to str, optional
        What each table is about, by the value in ``table``, for the list to choose from.

    Returns
    -------
    Markup
        HTML without any request to the network, the same bytes for the same input.
    """
    check_id(element_id)
    require_columns(scores, (*SCORES, "setting"), "the scores frame")
    value, low, high = scores[["value", "low", "high"]].to_numpy(dtype=float).T
    if not (np.isfinite(value) & (np.isfinite(low) == np.isfinite(high))).all():
        raise MerError(
            "bad predictions",
            "a score or one end of its interval is not a number",
            "finite values in value, and in low and high both or neither",
            "leave out the runs that have no score yet",
        )
    names = [c for c in FILTERS if c in scores.columns]
    names += [c for c in ("seed",) if c in scores.columns]
    kept = [c for c in counts if c in scores.columns]
    ordered = _sorted(scores, names)
    links = "".join(
        f'<a href="{escape(path)}" download>{escape(words)}</a> '
        for words, path in (downloads or {}).items()
    )
    colours = escape(json.dumps(_colours(ordered)))
    return Markup(
        f'<div class="mer-figure mer-results-explorer" id="{element_id}" role="group" '
        f'aria-labelledby="{element_id}-title" data-colours="{colours}">\n'
        f"<style>{script('interactive.css')}{_right(element_id, len(names), len(kept))}</style>\n"
        f'<p id="{element_id}-title"><strong>{escape(title)}</strong></p>\n'
        '<div data-part="body" hidden>\n<div class="mer-row mer-filters">'
        f"{_selects(ordered, names, element_id, table_titles or {})}"
        '</div>\n<p class="mer-note" data-part="count" role="status"></p>\n'
        '<ul class="mer-key" data-part="key"></ul>\n'
        '<div class="mer-charts" data-part="charts"></div>\n'
        '<p class="mer-read" data-part="read" aria-live="polite"></p>\n</div>\n'
        + (f"<p>Download: {links.strip()}</p>\n" if links else "")
        + f"{_table(ordered, names, kept, title)}\n"
        f"<script>{script('results_explorer.js')}</script>\n</div>"
    )


def _sorted(scores: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the rows column by column, the values of each in the order in which they come."""
    codes = {name: pd.factorize(scores[name].map(str))[0] for name in names}
    places = pd.DataFrame(codes).sort_values(list(names), kind="stable").index
    return scores.reset_index(drop=True).loc[places]


def _colours(scores: pd.DataFrame) -> list[str]:
    """Return one colour per setting, in the order in which settings first appear."""
    settings = list(dict.fromkeys(map(str, scores["setting"])))
    fixed = dict(zip(SETTING_COLOURS, CHART_COLOURS, strict=False))
    free = iter(CHART_COLOURS[len(SETTING_COLOURS) :] * len(settings))
    return [fixed[s] if s in fixed else next(free) for s in settings]


def _selects(
    scores: pd.DataFrame, names: Sequence[str], element_id: str, table_titles: Mapping[str, str]
) -> str:
    """Return one drop-down per filter; tables and metrics do not mix, so they have no "all"."""
    parts = []
    for name in names:
        found = list(dict.fromkeys(map(str, scores[name])))
        options = "" if name in ("table", "metric") else '<option value="">all</option>'
        chosen = "uar_pooled" if name == "metric" else ""
        for value in found:
            mark = " selected" if value == chosen else ""
            # The cell's words are the value, so that cells need to carry nothing else.
            words = shown = _words(name, value)
            if name == "table" and value in table_titles:
                shown = f"{words}: {table_titles[value]}"
            options += f'<option value="{escape(words)}"{mark}>{escape(shown)}</option>'
        parts.append(
            f'<div><label for="{element_id}-{name}">{LABELS[name]}</label>'
            f'<select id="{element_id}-{name}" data-filter="{name}">{options}</select></div>'
        )
    return "".join(parts)


def _words(column: str, value: str) -> str:
    return TITLES[column](value) if column in TITLES else value


def _right(element_id: str, before: int, counts: int) -> str:
    """Return the rule that sets the columns of numbers to the right."""
    places = range(before + 1, before + 3 + counts + 1)
    cells = ", ".join(f"#{element_id}#{element_id} td:nth-child({place})" for place in places)
    return f"{cells} {{ text-align: right; font-variant-numeric: tabular-nums; }}"


def _table(scores: pd.DataFrame, names: Sequence[str], counts: Sequence[str], title: str) -> str:
    """Return all rows as an HTML table; headings name the columns, cells hold exact values."""
    columns = [*names, "value", "low", "high", *counts]
    kinds = {c: "number" for c in ("value", "low", "high")} | dict.fromkeys(counts, "count")
    heads = "".join(
        f'<th scope="col" data-column="{escape(c)}" data-kind="{kinds.get(c, "word")}">'
        f'<button type="button">{escape(LABELS.get(c, c.capitalize()))}</button></th>'
        for c in columns
    )
    rows = []
    marks = scores["marked"] if "marked" in scores else [""] * len(scores)
    for record, mark in zip(scores[columns].to_dict("records"), marks, strict=True):
        cells = [_cell(record[column], column, kinds.get(column, "word")) for column in columns]
        if mark:
            place = columns.index("value")
            cells[place] = cells[place].replace("<td", f'<td class="{escape(mark)}"', 1)
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        '<p class="mer-note">Low and high are the ends of the interval; a dash stands where it '
        "is not defined. A heading sorts by its column.</p>"
        f'<div class="mer-scroll" role="region" tabindex="0" aria-label="{escape(title)}, table">'
        f"<table><caption>{escape(title)}</caption>"
        f'<thead><tr>{heads}</tr></thead><tbody data-part="rows">{chr(10).join(rows)}</tbody>'
        "</table></div>"
    )


def _cell(value: Any, column: str, kind: str) -> str:
    """Return one cell, as short as it can be: a page may hold ten thousand of them."""
    if kind == "word":
        return f"<td>{escape(_words(column, str(value)))}</td>"
    if pd.isna(value):
        return f'<td data-value="">{"–" if kind == "number" else ""}</td>'
    if kind == "count":
        return f"<td>{value:g}</td>"
    return f'<td data-value="{float(value)!r}">{value:.3f}</td>'
